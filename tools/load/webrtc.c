#include "tools/load/webrtc.h"

#include <jansson.h>
#include <string.h>

#include "media/io/arrival.h"
#include "tools/load/describe.h"
#include "tools/load/peer.h"
#include "tools/load/websocket.h"

#define TOKEN_SECONDS 86400
#define JOIN_ID       1
#define LEAVE_ID      2

typedef struct
{
  LoadParticipant *participant;
  LoadSocket *socket;
  LoadPeer *peer;
  gboolean open, gathered, joined, leaving;
} Session;

static void
append_base64url (GString *out, const guint8 *data, gsize length)
{
  g_autofree char *text = g_base64_encode (data, length);

  for (const char *c = text; *c != '\0' && *c != '='; c++)
    g_string_append_c (out, (char)(*c == '+' ? '-' : *c == '/' ? '_' : *c));
}

/* A JWT for the room (HS256, LiveKit's claims). */
static char *
make_token (const LoadOptions *options, const char *identity, const char *room)
{
  const char *secret = options->api_secret != NULL ? options->api_secret : "";
  const gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  json_t *claims = json_pack ("{s:s, s:s, s:I, s:{s:b, s:s}}", "iss", options->api_key, "sub", identity,
                              "exp", (json_int_t)now + TOKEN_SECONDS, "video", "roomJoin", 1, "room", room);
  char *text = json_dumps (claims, JSON_COMPACT);
  static const char head[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
  GString *token = g_string_new (NULL);
  GHmac *hmac = g_hmac_new (G_CHECKSUM_SHA256, (const guchar *)secret, strlen (secret));
  guint8 digest[32];
  gsize length = sizeof digest;

  append_base64url (token, (const guint8 *)head, strlen (head));
  g_string_append_c (token, '.');
  append_base64url (token, (const guint8 *)text, strlen (text));
  g_hmac_update (hmac, (const guchar *)token->str, (gssize)token->len);
  g_hmac_get_digest (hmac, digest, &length);
  g_hmac_unref (hmac);
  g_string_append_c (token, '.');
  append_base64url (token, digest, length);
  json_decref (claims);
  free (text);
  return g_string_free (token, FALSE);
}

static void
call_method (Session *session, int id, const char *method, json_t *params)
{
  json_t *request
      = json_pack ("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", id, "method", method, "params", params);
  char *text = json_dumps (request, JSON_COMPACT);

  load_socket_send (session->socket, text);
  free (text);
  json_decref (request);
}

static char *
make_offer (Session *session)
{
  const LoadOptions *options = session->participant->load->options;
  g_autofree char *described = load_peer_describe (session->peer);
  g_auto (GStrv) parts = g_strsplit (described, "|", -1); /* ufrag, password, fingerprint, candidates */
  GString *attributes = g_string_new (NULL);
  LoadOffer offer = { .ip = "0.0.0.0",
                      .port = 9,
                      .profile = "UDP/TLS/RTP/SAVPF",
                      .codecs = options->webrtc_codecs,
                      .n_codecs = options->n_webrtc_codecs,
                      .playback_rate_hz = options->playback_rate_hz,
                      .version = 1 };
  char *sdp;

  g_string_printf (attributes,
                   "a=mid:0\r\na=rtcp-mux\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:%s\r\n"
                   "a=setup:actpass\r\na=ssrc:%u cname:load\r\n",
                   parts[0], parts[1], parts[2], session->participant->flow.ssrc);
  for (guint i = 3; parts[i] != NULL && parts[i][0] != '\0'; i++)
    g_string_append_printf (attributes, "a=%s\r\n", parts[i]);
  offer.attributes = attributes->str;
  sdp = load_describe (&offer);
  g_string_free (attributes, TRUE);
  return sdp;
}

static void
join_when_ready (Session *session)
{
  const LoadParticipant *participant = session->participant;
  const LoadOptions *options = participant->load->options;
  g_autofree char *room = NULL;
  g_autofree char *sdp = NULL;

  if (!session->open || !session->gathered || session->joined)
    return;
  session->joined = TRUE;
  room = g_strdup_printf ("%s%u", options->room_prefix, participant->room);
  sdp = make_offer (session);
  call_method (session, JOIN_ID, "session.join", json_pack ("{s:s, s:s}", "room", room, "sdp", sdp));
}

/* The answer's transport as load_peer_set_remote reads it. */
static gboolean
take_answer (Session *session, const char *sdp)
{
  const LoadOptions *options = session->participant->load->options;
  LoadFlow *flow = &session->participant->flow;
  g_autofree char *ufrag = load_describe_attribute (sdp, "ice-ufrag", 0);
  g_autofree char *password = load_describe_attribute (sdp, "ice-pwd", 0);
  g_autofree char *fingerprint = load_describe_attribute (sdp, "fingerprint", 0);
  GString *line = g_string_new (NULL);
  g_autofree char *text = NULL;
  char *candidate;

  if (ufrag == NULL || password == NULL || fingerprint == NULL)
    {
      g_string_free (line, TRUE);
      return FALSE;
    }
  g_string_printf (line, "%s|%s|%s", ufrag, password, fingerprint);
  for (guint i = 0; (candidate = load_describe_attribute (sdp, "candidate", i)) != NULL; i++)
    {
      g_string_append_printf (line, "|candidate:%s", candidate);
      g_free (candidate);
    }
  for (guint i = 0; i < options->n_webrtc_codecs; i++)
    load_flow_add_format (flow, load_describe_payload_type (options->webrtc_codecs[i]),
                          options->webrtc_codecs[i]);
  flow->payload_type = load_describe_payload_type (flow->frames->codec);
  text = g_string_free (line, FALSE);
  return load_peer_set_remote (session->peer, text, NULL);
}

static void
on_answer (Session *session, const json_t *message)
{
  const json_t *error = json_object_get (message, "error");
  const char *sdp = json_string_value (json_object_get (json_object_get (message, "result"), "sdp"));

  if (error != NULL)
    load_participant_fail (session->participant, "session.join: %s",
                           json_string_value (json_object_get (error, "message")));
  else if (sdp == NULL || !take_answer (session, sdp))
    load_participant_fail (session->participant, "session.join: the answer's SDP is not understood");
}

static void
on_text (const char *text, gpointer user)
{
  Session *session = user;
  json_t *message = json_loads (text, 0, NULL);
  const json_int_t id = json_integer_value (json_object_get (message, "id"));
  const char *method = json_string_value (json_object_get (message, "method"));

  if (method == NULL && id == JOIN_ID)
    on_answer (session, message);
  else if (method == NULL && id == LEAVE_ID)
    session->participant->state = LOAD_GONE;
  else if (g_strcmp0 (method, "session.candidate") == 0)
    {
      const char *candidate
          = json_string_value (json_object_get (json_object_get (message, "params"), "candidate"));

      if (candidate != NULL && candidate[0] != '\0')
        (void)media_ice_add_remote_candidate (load_peer_ice (session->peer), candidate);
    }
  else if (g_strcmp0 (method, "session.closed") == 0)
    load_participant_fail (
        session->participant, "session.closed: %s",
        json_string_value (json_object_get (json_object_get (message, "params"), "reason")));
  json_decref (message);
}

static void
on_open (gpointer user)
{
  Session *session = user;

  session->open = TRUE;
  join_when_ready (session);
}

static void
on_closed (const char *why, gpointer user)
{
  Session *session = user;

  if (session->leaving)
    session->participant->state = LOAD_GONE;
  load_participant_fail (session->participant, "WebSocket: %s", why);
}

static const LoadSocketOps socket_ops = { .open = on_open, .text = on_text, .closed = on_closed };

static void
on_described (LoadPeer *peer, gpointer user)
{
  Session *session = user;

  session->peer = peer; /* gathering may end inside of load_peer_new */
  session->gathered = TRUE;
  join_when_ready (session);
}

static void
on_peer_state (LoadPeer *peer, LoadPeerState state, gpointer user)
{
  Session *session = user;

  if (state == LOAD_PEER_CONNECTED)
    load_participant_set_up (session->participant);
  else if (state == LOAD_PEER_FAILED && !session->leaving)
    load_participant_fail (session->participant, "%s", load_peer_failure (peer));
}

static void
on_packet (LoadPeer *peer, guint8 *packet, gsize length, CfgMonotonic now, gpointer user)
{
  Session *session = user;

  load_participant_receive (
      session->participant, packet, length,
      media_arrival_ask (media_ice_fd (load_peer_ice (peer)), cfg_monotonic_now (), (CfgMonotonic){ 0 }));
}

static const LoadPeerOps peer_ops
    = { .described = on_described, .state = on_peer_state, .rtp = on_packet, .rtcp = on_packet };

static void
join (LoadParticipant *participant)
{
  static const char *const loopback[] = { "127.0.0.1", NULL };
  Session *session = participant->driving;
  const Load *load = participant->load;
  const LoadPeerConfig config = { .pump = load->pump,
                                  .dtls_context = load->dtls_context,
                                  .certificate = load->certificate,
                                  .offerer = TRUE,
                                  .dtls_active = TRUE,
                                  .ice = { .bind_addresses = loopback } };
  g_autofree char *identity = g_strdup_printf ("load%u", participant->index);
  g_autofree char *room = g_strdup_printf ("%s%u", load->options->room_prefix, participant->room);
  g_autofree char *token = make_token (load->options, identity, room);
  g_autofree char *query = g_strdup_printf ("access_token=%s", token);
  GError *error = NULL;

  session->socket
      = load_socket_new (load->pump, load->options->api, query, NULL, &socket_ops, session, &error);
  if (session->socket != NULL)
    session->peer = load_peer_new (&config, &peer_ops, session, &error);
  if (error != NULL)
    load_participant_fail (participant, "%s", error->message);
  g_clear_error (&error);
}

static void
send_media (LoadParticipant *participant, guint8 *packet, gsize length)
{
  Session *session = participant->driving;

  (void)load_peer_send (session->peer, packet, length);
}

static void
leave (LoadParticipant *participant)
{
  Session *session = participant->driving;

  if (session->leaving)
    return;
  session->leaving = TRUE;
  if (session->open)
    call_method (session, LEAVE_ID, "session.leave", json_object ());
  else
    participant->state = LOAD_GONE;
}

static void
free_session (LoadParticipant *participant)
{
  Session *session = participant->driving;

  session->leaving = TRUE;
  g_clear_pointer (&session->socket, load_socket_free);
  g_clear_pointer (&session->peer, load_peer_free);
  g_free (session);
}

static const LoadDriver driver = { .join = join, .send = send_media, .leave = leave, .free = free_session };

void
load_webrtc_take (LoadParticipant *participant)
{
  Session *session = g_new0 (Session, 1);

  session->participant = participant;
  participant->driver = &driver;
  participant->driving = session;
}
