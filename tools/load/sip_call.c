#include "tools/load/sip_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/base/error.h"
#include "config/base/ids.h"
#include "tools/load/describe.h"
#include "tools/load/plain.h"

#define MESSAGE_MAX   16384
#define T1_US         (500 * CFG_US_PER_MS)
#define T2_US         (4 * CFG_US_PER_S)
#define GIVE_UP_US    (32 * CFG_US_PER_S)
#define RECEIVE_BYTES (4 * 1024 * 1024)

struct _LoadSip
{
  Load *load;
  MediaAddress remote;
  char remote_text[MEDIA_ADDRESS_TEXT_SIZE], local_text[MEDIA_ADDRESS_TEXT_SIZE],
      local_ip[MEDIA_ADDRESS_TEXT_SIZE];
  int fd;
  guint64 fd_id;
  GHashTable *calls; /* of SipCall by Call-ID, borrowed */
};

typedef struct
{
  LoadSip *sip;
  LoadParticipant *participant;
  LoadPlain *plain;
  MediaSrtpKeys keys;
  char *call_id, *local_tag, *remote_to, *contact, *branch, *sdp;
  char *request; /* the one that waits for its answer */
  guint cseq;
  gboolean leaving;
  MediaPumpTimer timer;
  gint64 wait_us;
  CfgMonotonic first_sent;
} SipCall;

/* ---- messages ---- */

/* (transfer full): the value of the first header @name (or its compact form); NULL without. */
static char *
header (const char *message, const char *name, const char *compact)
{
  const char *end = strstr (message, "\r\n\r\n");
  const char *line = strstr (message, "\r\n");

  for (; line != NULL && line != end; line = strstr (line + 2, "\r\n"))
    {
      const char *at = line + 2;
      const gsize length = strcspn (at, ": \r\n");

      if ((length == strlen (name) && g_ascii_strncasecmp (at, name, length) == 0)
          || (compact != NULL && length == 1 && g_ascii_strncasecmp (at, compact, 1) == 0))
        {
          const char *value = at + length + strspn (at + length, " :");

          return g_strndup (value, strcspn (value, "\r\n"));
        }
    }
  return NULL;
}

static void
transmit (LoadSip *sip, const char *text)
{
  if (sendto (sip->fd, text, strlen (text), 0, &sip->remote.sa, media_address_length (&sip->remote)) < 0
      && errno != EAGAIN)
    g_printerr ("switchroom-load: cannot send to %s: %s\n", sip->remote_text, g_strerror (errno));
}

static char *
make_request (SipCall *call, const char *method, const char *body)
{
  const LoadSip *sip = call->sip;
  const Load *load = sip->load;
  g_autofree char *target = call->contact != NULL
                                ? g_strdup (call->contact)
                                : g_strdup_printf ("sip:%s%u@%s", load->options->room_prefix,
                                                   call->participant->room, sip->remote_text);
  const char *cseq_method = method;

  return g_strdup_printf ("%s %s SIP/2.0\r\n"
                          "Via: SIP/2.0/UDP %s;branch=%s;rport\r\n"
                          "Max-Forwards: 70\r\n"
                          "From: <sip:load%u@%s>;tag=%s\r\n"
                          "To: %s\r\n"
                          "Call-ID: %s\r\n"
                          "CSeq: %u %s\r\n"
                          "Contact: <sip:load%u@%s>\r\n"
                          "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE\r\n"
                          "User-Agent: switchroom-load\r\n"
                          "%sContent-Length: %" G_GSIZE_FORMAT "\r\n\r\n%s",
                          method, target, sip->local_text, call->branch, call->participant->index,
                          sip->local_text, call->local_tag, call->remote_to, call->call_id, call->cseq,
                          cseq_method, call->participant->index, sip->local_text,
                          body[0] != '\0' ? "Content-Type: application/sdp\r\n" : "", strlen (body), body);
}

static void
new_branch (SipCall *call)
{
  g_free (call->branch);
  call->branch = cfg_id_new ("z9hG4bK");
}

static void
send_request (SipCall *call, const char *method, const char *body)
{
  new_branch (call);
  call->cseq++;
  g_free (call->request);
  call->request = make_request (call, method, body);
  call->wait_us = T1_US;
  call->first_sent = media_pump_now (call->sip->load->pump);
  transmit (call->sip, call->request);
  media_pump_start_timer (call->sip->load->pump, &call->timer,
                          cfg_monotonic_add_us (call->first_sent, T1_US));
}

static void
stop_waiting (SipCall *call)
{
  media_pump_stop_timer (call->sip->load->pump, &call->timer);
  g_clear_pointer (&call->request, g_free);
}

static void
on_timer (CfgMonotonic now, gpointer user)
{
  SipCall *call = user;

  if (call->request == NULL)
    return;
  if (cfg_monotonic_diff_us (now, call->first_sent) > GIVE_UP_US)
    {
      stop_waiting (call);
      load_participant_fail (call->participant, "no answer from %s", call->sip->remote_text);
      return;
    }
  transmit (call->sip, call->request);
  call->wait_us = MIN (2 * call->wait_us, T2_US);
  media_pump_start_timer (call->sip->load->pump, &call->timer, cfg_monotonic_add_us (now, call->wait_us));
}

/* ---- the call ---- */

static gboolean
read_keys (SipCall *call, const char *sdp)
{
  MediaSrtpKeys remote;
  g_autofree char *crypto = load_describe_attribute (sdp, "crypto", 0);
  const char *inline_key = crypto != NULL ? strstr (crypto, "inline:") : NULL;
  g_autofree char *key = NULL;

  if (call->keys.profile == MEDIA_SRTP_NONE)
    return TRUE;
  if (inline_key == NULL)
    return FALSE;
  inline_key += strlen ("inline:");
  key = g_strndup (inline_key, strcspn (inline_key, "| \r\n"));
  return media_srtp_keys_from_base64 (&remote, call->keys.profile, key)
         && load_plain_set_keys (call->plain, &call->keys, &remote, NULL);
}

/* The gateway's SDP: where to send, and what. */
static gboolean
read_sdp (SipCall *call, const char *sdp)
{
  const LoadOptions *options = call->sip->load->options;
  LoadFlow *flow = &call->participant->flow;
  LoadAnswer answer;

  if (!load_describe_read (sdp, &answer) || !load_plain_set_remote (call->plain, answer.ip, answer.port))
    return FALSE;
  for (guint i = 0; i < options->n_sip_codecs; i++)
    load_flow_add_format (flow, load_describe_payload_type (options->sip_codecs[i]), options->sip_codecs[i]);
  flow->payload_type = load_describe_payload_type (flow->frames->codec);
  return TRUE;
}

static void
keep_dialog (SipCall *call, const char *message)
{
  g_autofree char *contact = header (message, "Contact", "m");
  char *to = header (message, "To", "t");

  if (to != NULL)
    {
      g_free (call->remote_to);
      call->remote_to = to;
    }
  if (contact != NULL)
    {
      const char *from = strchr (contact, '<');

      from = from != NULL ? from + 1 : contact;
      g_free (call->contact);
      call->contact = g_strndup (from, strcspn (from, ">"));
    }
}

static void
acknowledge (SipCall *call, gboolean is_success)
{
  g_autofree char *ack = NULL;

  if (is_success)
    new_branch (call);
  ack = make_request (call, "ACK", "");
  transmit (call->sip, ack);
}

static void
on_invite_answer (SipCall *call, int status, const char *message)
{
  const char *body = strstr (message, "\r\n\r\n");

  if (status < 200)
    {
      media_pump_stop_timer (call->sip->load->pump, &call->timer);
      return;
    }
  stop_waiting (call);
  if (status < 300)
    keep_dialog (call, message);
  acknowledge (call, status < 300);
  if (status >= 300)
    load_participant_fail (call->participant, "answered with %d", status);
  else if (call->leaving)
    send_request (call, "BYE", "");
  else if (body == NULL || !read_sdp (call, body + 2) || !read_keys (call, body + 2))
    load_participant_fail (call->participant, "the answer's SDP is not understood");
  else
    load_participant_set_up (call->participant);
}

static void
on_response (SipCall *call, const char *message)
{
  const int status = (int)strtol (message + strlen ("SIP/2.0 "), NULL, 10);
  g_autofree char *cseq = header (message, "CSeq", NULL);

  if (cseq == NULL)
    return;
  if (strstr (cseq, "INVITE") != NULL)
    {
      if (call->participant->state == LOAD_UP && status >= 200 && status < 300)
        acknowledge (call, TRUE); /* repeated: ours was lost */
      else if (call->participant->state == LOAD_JOINING || call->leaving)
        on_invite_answer (call, status, message);
    }
  else if (strstr (cseq, "BYE") != NULL && status >= 200)
    {
      stop_waiting (call);
      call->participant->state = LOAD_GONE;
    }
}

static void
answer_request (SipCall *call, const char *message)
{
  const gboolean describes
      = g_str_has_prefix (message, "INVITE ")
        || (g_str_has_prefix (message, "UPDATE ") && strstr (message, "\r\n\r\nv=0") != NULL);
  const char *body = describes ? call->sdp : "";
  GString *out = g_string_new ("SIP/2.0 200 OK\r\n");
  const char *line = strstr (message, "\r\n");
  const char *end = strstr (message, "\r\n\r\n");

  /* Via, From, To, Call-ID, CSeq and Record-Route go back as they came. */
  for (; line != NULL && line != end; line = strstr (line + 2, "\r\n"))
    {
      static const char *const kept[]
          = { "Via:", "v:", "From:", "f:", "To:", "t:", "Call-ID:", "i:", "CSeq:" };

      for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
        if (g_ascii_strncasecmp (line + 2, kept[i], strlen (kept[i])) == 0)
          g_string_append_printf (out, "%.*s\r\n", (int)strcspn (line + 2, "\r\n"), line + 2);
    }
  g_string_append_printf (out, "Contact: <sip:load%u@%s>\r\n%sContent-Length: %" G_GSIZE_FORMAT "\r\n\r\n%s",
                          call->participant->index, call->sip->local_text,
                          describes ? "Content-Type: application/sdp\r\n" : "", strlen (body), body);
  transmit (call->sip, out->str);
  g_string_free (out, TRUE);
}

static void
on_request (SipCall *call, const char *message)
{
  const char *body = strstr (message, "\r\n\r\n");

  if (g_str_has_prefix (message, "ACK "))
    return;
  answer_request (call, message);
  if (g_str_has_prefix (message, "BYE "))
    {
      g_autofree char *reason = header (message, "Reason", NULL);

      if (call->leaving)
        call->participant->state = LOAD_GONE;
      load_participant_fail (call->participant, "hung up by the gateway: %s",
                             reason != NULL ? reason : "no reason");
    }
  else if (body != NULL && strstr (body, "m=audio") != NULL)
    (void)read_sdp (call, body + 2);
}

static void
on_readable (guint32 events, CfgMonotonic now, gpointer user)
{
  LoadSip *sip = user;
  char message[MESSAGE_MAX];

  (void)events;
  (void)now;
  for (guint i = 0; i < 16; i++)
    {
      const gssize length = recv (sip->fd, message, sizeof message - 1, 0);
      g_autofree char *call_id = NULL;
      SipCall *call;

      if (length <= 0)
        return;
      message[length] = '\0';
      call_id = header (message, "Call-ID", "i");
      call = call_id != NULL ? g_hash_table_lookup (sip->calls, call_id) : NULL;
      if (call == NULL)
        continue;
      if (g_str_has_prefix (message, "SIP/2.0 "))
        on_response (call, message);
      else
        on_request (call, message);
    }
}

/* ---- the driver ---- */

static void
join (LoadParticipant *participant)
{
  SipCall *call = participant->driving;
  LoadSip *sip = call->sip;
  const LoadOptions *options = sip->load->options;
  g_autofree char *crypto = NULL;
  LoadOffer offer = { .ip = sip->local_ip,
                      .profile = options->sdes != MEDIA_SRTP_NONE ? "RTP/SAVP" : "RTP/AVP",
                      .codecs = options->sip_codecs,
                      .n_codecs = options->n_sip_codecs,
                      .playback_rate_hz = options->playback_rate_hz,
                      .version = 1 };
  GError *error = NULL;

  call->plain = load_plain_new (participant, sip->local_ip, &error);
  if (call->plain == NULL)
    {
      load_participant_fail (participant, "%s", error->message);
      g_clear_error (&error);
      return;
    }
  if (options->sdes != MEDIA_SRTP_NONE)
    {
      g_autofree char *key = NULL;

      media_srtp_keys_generate (&call->keys, options->sdes);
      key = media_srtp_keys_to_base64 (&call->keys);
      crypto = g_strdup_printf ("a=crypto:1 %s inline:%s\r\n", media_srtp_profile_name (options->sdes), key);
    }
  offer.port = load_plain_port (call->plain);
  offer.attributes = crypto;
  call->sdp = load_describe (&offer);
  send_request (call, "INVITE", call->sdp);
}

static void
send_media (LoadParticipant *participant, guint8 *packet, gsize length)
{
  SipCall *call = participant->driving;

  load_plain_send (call->plain, packet, length);
}

static void
leave (LoadParticipant *participant)
{
  SipCall *call = participant->driving;

  if (call->leaving)
    return;
  call->leaving = TRUE;
  if (participant->state == LOAD_UP)
    send_request (call, "BYE", "");
}

static void
free_call (LoadParticipant *participant)
{
  SipCall *call = participant->driving;

  g_hash_table_remove (call->sip->calls, call->call_id);
  media_pump_stop_timer (call->sip->load->pump, &call->timer);
  load_plain_free (call->plain);
  media_srtp_keys_clear (&call->keys);
  g_free (call->call_id);
  g_free (call->local_tag);
  g_free (call->remote_to);
  g_free (call->contact);
  g_free (call->branch);
  g_free (call->sdp);
  g_free (call->request);
  g_free (call);
}

static const LoadDriver driver = { .join = join, .send = send_media, .leave = leave, .free = free_call };

void
load_sip_take (LoadSip *sip, LoadParticipant *participant)
{
  SipCall *call = g_new0 (SipCall, 1);

  call->sip = sip;
  call->participant = participant;
  call->call_id = cfg_id_new ("load");
  call->local_tag = cfg_id_new ("");
  call->remote_to = g_strdup_printf ("<sip:%s%u@%s>", sip->load->options->room_prefix, participant->room,
                                     sip->remote_text);
  call->timer = (MediaPumpTimer){ .func = on_timer, .user = call };
  g_hash_table_insert (sip->calls, call->call_id, call);
  participant->driver = &driver;
  participant->driving = call;
}

static gboolean
open_socket (LoadSip *sip, GError **error)
{
  const int bytes = RECEIVE_BYTES;
  struct sockaddr_storage name = { 0 };
  socklen_t length = sizeof name;
  MediaAddress local;

  /* Connected for a moment, it knows which of our addresses the gateway sees. */
  sip->fd = socket (sip->remote.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (sip->fd < 0 || connect (sip->fd, &sip->remote.sa, media_address_length (&sip->remote)) != 0
      || getsockname (sip->fd, (struct sockaddr *)&name, &length) != 0
      || !media_address_from_sockaddr (&local, (struct sockaddr *)&name, length))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "no socket for SIP to %s: %s", sip->remote_text,
                   g_strerror (errno));
      return FALSE;
    }
  (void)setsockopt (sip->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  media_address_format (&local, sip->local_text);
  media_address_format_ip (&local, sip->local_ip);
  sip->fd_id = media_pump_add_fd (sip->load->pump, sip->fd, EPOLLIN, on_readable, sip);
  return TRUE;
}

LoadSip *
load_sip_new (Load *load, GError **error)
{
  LoadSip *sip = g_new0 (LoadSip, 1);
  const char *text = load->options->sip;
  const char *colon = strrchr (text, ':');
  g_autofree char *ip = g_strndup (text, colon != NULL ? (gsize)(colon - text) : strlen (text));

  sip->load = load;
  sip->fd = -1;
  sip->calls = g_hash_table_new (g_str_hash, g_str_equal);
  if (!media_address_parse (&sip->remote, ip,
                            (guint16)(colon != NULL ? strtoul (colon + 1, NULL, 10) : 5060)))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                   "--gateway: must be a numeric address and a port, not \"%s\"", text);
      load_sip_free (sip);
      return NULL;
    }
  media_address_format (&sip->remote, sip->remote_text);
  if (!open_socket (sip, error))
    {
      load_sip_free (sip);
      return NULL;
    }
  return sip;
}

void
load_sip_free (LoadSip *sip)
{
  if (sip == NULL)
    return;
  media_pump_remove_fd (sip->load->pump, sip->fd_id);
  if (sip->fd >= 0)
    (void)close (sip->fd);
  g_hash_table_unref (sip->calls);
  g_free (sip);
}
