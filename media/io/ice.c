/* A MediaIce lives as long as its agent: libnice keeps the agent alive while anything of it may still call
 * back, and the agent frees the MediaIce in its finalizer. What its owner sees ends with media_ice_close: the
 * ops become a table of nothing. */
#include "media/io/ice.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <nice/agent.h>

#include "config/base/error.h"
#include "media/io/arrival.h"
#include "media/io/ice_candidate.h"
#include "media/io/pump_context.h"

#define COMPONENT      1
#define STUN_PACING_MS 5
/* libnice's timer of STUN_PACING_MS runs on for so long after the last check, 5 s by default. Before there is
 * a pair that is how long a late candidate may take; then it would be for nothing. */
#define IDLE_BEFORE_MS           5000
#define IDLE_AFTER_MS            50
#define DEFAULT_STUN_PORT        3478
#define TOS_EXPEDITED_FORWARDING 0xb8
/* RFC 7983: a first byte of 0..3 is STUN. */
#define STUN_MAX_FIRST_BYTE 3
/* A packet for libnice costs an iteration of its context, 100 times what a media packet costs. Honest peers
 * send a few per second; what a flood sends beyond the budget is read away. */
#define HANDOVER_WINDOW_US (100 * CFG_US_PER_MS)
#define HANDOVER_BUDGET    32

struct _MediaIce
{
  /* what sending needs: a cache line, with the first two of the numbers */
  int fd;              /* of the selected pair, claimed; -1: libnice carries the packets */
  MediaAddress remote; /* of the selected pair */
  gboolean has_pair;
  MediaIceState state;
  gboolean closed;
  guint stream_id;
  MediaIceStats stats;
  MediaPump *pump;
  MediaPumpContext *context;
  NiceAgent *agent;
  const MediaIceOps *ops;
  gpointer user;
  guint64 fd_id;
  /* Of a packet that is received. What follows none needs: the pump fetches the beginning. */
  MediaTrail trail;

  MediaAddress external;
  char *ufrag;
  char *password;
  GPtrArray *local_candidates; /* of char* */
  guint n_remote_candidates;
  gboolean gathering;
  CfgMonotonic handover_since;
  guint n_handovers[2]; /* strangers', the selected peer's */
};

static const MediaIceOps no_ops = { 0 };

static void
set_state (MediaIce *ice, MediaIceState state)
{
  if (ice->state == state)
    return;
  ice->state = state;
  if (ice->ops->state != NULL)
    ice->ops->state (ice, state, ice->user);
}

static void
deliver (MediaIce *ice, guint8 *data, gsize length, CfgMonotonic now)
{
  ice->stats.packets_received++;
  ice->stats.bytes_received += length;
  if (ice->ops->receive != NULL)
    ice->ops->receive (ice, data, length, now, ice->user);
}

/* Reads one packet away. */
static void
discard (MediaIce *ice)
{
  guint8 byte;

  (void)!recv (ice->fd, &byte, sizeof byte, MSG_DONTWAIT);
}

static void
hand_over_to_libnice (MediaIce *ice, const MediaAddress *from, CfgMonotonic now)
{
  guint *n = &ice->n_handovers[media_address_equal (from, &ice->remote) ? 1 : 0];

  if (cfg_monotonic_diff_us (now, ice->handover_since) > HANDOVER_WINDOW_US)
    {
      ice->handover_since = now;
      memset (ice->n_handovers, 0, sizeof ice->n_handovers);
    }
  if (*n == HANDOVER_BUDGET)
    {
      ice->stats.dropped++;
      discard (ice);
      return;
    }
  (*n)++;
  media_pump_context_readable (ice->context, ice->fd);
}

/* The selected socket has a packet: STUN and what comes from another address than the selected one are
 * libnice's (it knows which addresses it validated), all else is read here. */
static void
on_readable (guint32 events, CfgMonotonic now, gpointer user)
{
  MediaIce *ice = user;
  guint8 packet[MEDIA_PACKET_SIZE];
  MediaAddress from = { 0 };
  socklen_t from_length = sizeof from;
  gssize length;

  (void)events;
  if (!media_trail_follow (&ice->trail) && ice->ops->expect != NULL)
    ice->ops->expect (ice->user, &ice->trail);
  length = recvfrom (ice->fd, packet, 1, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT, &from.sa, &from_length);
  if (length < 0)
    return;
  if (length > 0 && packet[0] <= STUN_MAX_FIRST_BYTE)
    {
      ice->stats.stun_packets++;
      hand_over_to_libnice (ice, &from, now);
      return;
    }
  if (length == 0 || length > MEDIA_PACKET_MAX_LENGTH)
    {
      ice->stats.oversized += length == 0 ? 0 : 1;
      discard (ice);
      return;
    }
  if (!media_address_equal (&from, &ice->remote))
    {
      hand_over_to_libnice (ice, &from, now);
      return;
    }
  length = recv (ice->fd, packet, MEDIA_PACKET_MAX_LENGTH, MSG_DONTWAIT);
  if (length > 0)
    deliver (ice, packet, (gsize)length, now);
}

/* What libnice read: packets of relayed pairs, and those behind a STUN packet, which it reads one by one from
 * the selected socket. Its buffer is its own. */
static void
on_nice_packet (NiceAgent *agent, guint stream_id, guint component_id, guint length, char *data,
                gpointer user)
{
  MediaIce *ice = user;
  guint8 packet[MEDIA_PACKET_SIZE];

  (void)agent;
  (void)stream_id;
  (void)component_id;
  if (length == 0 || (guint8)data[0] <= STUN_MAX_FIRST_BYTE)
    return;
  if (length > MEDIA_PACKET_MAX_LENGTH)
    {
      ice->stats.oversized++;
      return;
    }
  memcpy (packet, data, length);
  deliver (ice, packet, length, media_pump_now (ice->pump));
}

static void
release_fd (MediaIce *ice)
{
  if (ice->fd < 0)
    return;
  media_pump_remove_fd (ice->pump, ice->fd_id);
  media_pump_context_unclaim (ice->context, ice->fd);
  ice->fd = -1;
  ice->fd_id = 0;
}

/* Without a place in the pump libnice goes on reading it. */
static void
claim_fd (MediaIce *ice, int fd)
{
  ice->fd_id = media_pump_add_fd (ice->pump, fd, EPOLLIN, on_readable, ice);
  if (ice->fd_id == 0)
    return;
  ice->fd = fd;
  media_arrival_watch (fd);
  media_pump_context_claim (ice->context, fd);
}

static void
drop_pair (MediaIce *ice)
{
  release_fd (ice);
  ice->has_pair = FALSE;
  ice->remote = (MediaAddress){ 0 };
}

static void
adopt_selected_pair (MediaIce *ice)
{
  NiceCandidate *local = NULL;
  NiceCandidate *remote = NULL;
  g_autoptr (GSocket) socket = NULL;
  MediaAddress address = { 0 };
  int fd;

  if (ice->closed || !nice_agent_get_selected_pair (ice->agent, ice->stream_id, COMPONENT, &local, &remote))
    return;
  nice_address_copy_to_sockaddr (&remote->addr, &address.sa);
  socket = nice_agent_get_selected_socket (ice->agent, ice->stream_id, COMPONENT);
  fd = socket != NULL && local->transport == NICE_CANDIDATE_TRANSPORT_UDP
               && local->type != NICE_CANDIDATE_TYPE_RELAYED
           ? g_socket_get_fd (socket)
           : -1;
  ice->has_pair = TRUE;
  ice->remote = address;
  if (fd != ice->fd)
    {
      release_fd (ice);
      if (fd >= 0)
        claim_fd (ice, fd);
    }
}

/* The state may come before the pair or after it. */
static void
take_up_pair (MediaIce *ice, NiceComponentState nice_state)
{
  adopt_selected_pair (ice);
  if (ice->has_pair
      && (nice_state == NICE_COMPONENT_STATE_CONNECTED || nice_state == NICE_COMPONENT_STATE_READY))
    {
      g_object_set (ice->agent, "idle-timeout", IDLE_AFTER_MS, NULL);
      set_state (ice, MEDIA_ICE_CONNECTED);
    }
}

static void
on_selected_pair (NiceAgent *agent, guint stream_id, guint component_id, NiceCandidate *local,
                  NiceCandidate *remote, gpointer user)
{
  (void)local;
  (void)remote;
  take_up_pair (user, nice_agent_get_component_state (agent, stream_id, component_id));
}

static void
on_component_state (NiceAgent *agent, guint stream_id, guint component_id, guint nice_state, gpointer user)
{
  MediaIce *ice = user;

  (void)agent;
  (void)stream_id;
  (void)component_id;
  if (ice->closed)
    return;
  if (nice_state == NICE_COMPONENT_STATE_CONNECTED || nice_state == NICE_COMPONENT_STATE_READY)
    take_up_pair (ice, (NiceComponentState)nice_state);
  else if (nice_state == NICE_COMPONENT_STATE_FAILED)
    {
      /* RFC 7675 5.1: without consent nothing may be sent. */
      drop_pair (ice);
      set_state (ice, MEDIA_ICE_FAILED);
    }
  else if (nice_state == NICE_COMPONENT_STATE_CONNECTING && !ice->has_pair)
    set_state (ice, MEDIA_ICE_CONNECTING);
}

static void
on_local_candidate (NiceAgent *agent, NiceCandidate *candidate, gpointer user)
{
  MediaIce *ice = user;
  g_autofree char *text = NULL;
  char *rewritten;

  if (ice->closed || candidate->transport != NICE_CANDIDATE_TRANSPORT_UDP
      || candidate->type == NICE_CANDIDATE_TYPE_PEER_REFLEXIVE)
    return;
  text = nice_agent_generate_local_candidate_sdp (agent, candidate);
  if (text == NULL)
    return;
  rewritten = media_ice_candidate_rewrite (text, &ice->external);
  g_ptr_array_add (ice->local_candidates, rewritten);
  if (ice->ops->candidate != NULL)
    ice->ops->candidate (ice, rewritten, ice->user);
}

static void
on_gathering_done (NiceAgent *agent, guint stream_id, gpointer user)
{
  MediaIce *ice = user;

  (void)agent;
  (void)stream_id;
  if (ice->ops->candidate != NULL)
    ice->ops->candidate (ice, NULL, ice->user);
}

/* The agent's finalizer: nothing can call back any more. */
static void
free_ice (gpointer data)
{
  MediaIce *ice = data;

  media_pump_context_release (ice->context);
  g_ptr_array_unref (ice->local_candidates);
  g_free (ice->ufrag);
  g_free (ice->password);
  g_aligned_free (ice);
}

static gboolean
read_local_credentials (MediaIce *ice)
{
  g_clear_pointer (&ice->ufrag, g_free);
  g_clear_pointer (&ice->password, g_free);
  return nice_agent_get_local_credentials (ice->agent, ice->stream_id, &ice->ufrag, &ice->password);
}

static void
configure_agent (MediaIce *ice, const MediaIceConfig *config, const MediaAddress *addresses, guint n)
{
  g_object_set (ice->agent, "upnp", FALSE, "ice-tcp", FALSE, "stun-pacing-timer", STUN_PACING_MS,
                "idle-timeout", IDLE_BEFORE_MS, "controlling-mode", config->controlling, NULL);
  if (config->stun_server != NULL)
    g_object_set (ice->agent, "stun-server", config->stun_server, "stun-server-port",
                  config->stun_port != 0 ? config->stun_port : DEFAULT_STUN_PORT, NULL);
  for (guint i = 0; i < n; i++)
    {
      NiceAddress address;

      nice_address_init (&address);
      nice_address_set_from_sockaddr (&address, &addresses[i].sa);
      nice_agent_add_local_address (ice->agent, &address);
    }
  g_signal_connect (ice->agent, "new-candidate-full", G_CALLBACK (on_local_candidate), ice);
  g_signal_connect (ice->agent, "candidate-gathering-done", G_CALLBACK (on_gathering_done), ice);
  g_signal_connect (ice->agent, "component-state-changed", G_CALLBACK (on_component_state), ice);
  g_signal_connect (ice->agent, "new-selected-pair-full", G_CALLBACK (on_selected_pair), ice);
}

static gboolean
check_config (const MediaIceConfig *config, MediaAddress *external, MediaAddress *addresses, guint *n,
              GError **error)
{
  MediaAddress stun;

  memset (external, 0, sizeof *external);
  if (config->external_address != NULL && !media_address_parse (external, config->external_address, 0))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "not an external IP address: %s",
                   config->external_address);
      return FALSE;
    }
  if (config->stun_server != NULL && !media_address_parse (&stun, config->stun_server, 0))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "not the IP address of a STUN server: %s",
                   config->stun_server);
      return FALSE;
    }
  *n = media_ice_local_addresses (config->bind_addresses, addresses, error);
  return *n > 0;
}

MediaIce *
media_ice_new (MediaPump *pump, const MediaIceConfig *config, const MediaIceOps *ops, gpointer user,
               GError **error)
{
  MediaAddress addresses[MEDIA_ICE_MAX_LOCAL_ADDRESSES];
  MediaAddress external;
  MediaPumpContext *context;
  MediaIce *ice;
  guint n;

  if (!check_config (config, &external, addresses, &n, error))
    return NULL;
  context = media_pump_context_take (pump, error);
  if (context == NULL)
    return NULL;
  ice = MEDIA_NEW_LINES (MediaIce);
  ice->pump = pump;
  ice->context = context;
  ice->ops = ops;
  ice->user = user;
  ice->external = external;
  ice->fd = -1;
  ice->local_candidates = g_ptr_array_new_with_free_func (g_free);
  ice->agent = nice_agent_new_full (media_pump_context_main (context), NICE_COMPATIBILITY_RFC5245,
                                    NICE_AGENT_OPTION_ICE_TRICKLE | NICE_AGENT_OPTION_REGULAR_NOMINATION
                                        | NICE_AGENT_OPTION_CONSENT_FRESHNESS);
  g_object_set_data_full (G_OBJECT (ice->agent), "media-ice", ice, free_ice);
  configure_agent (ice, config, addresses, n);
  ice->stream_id = nice_agent_add_stream (ice->agent, COMPONENT);
  g_assert (ice->stream_id != 0);
  if (config->ports.start != 0 || config->ports.end != 0)
    nice_agent_set_port_range (ice->agent, ice->stream_id, COMPONENT, config->ports.start, config->ports.end);
  nice_agent_set_stream_tos (ice->agent, ice->stream_id, TOS_EXPEDITED_FORWARDING);
  nice_agent_attach_recv (ice->agent, ice->stream_id, COMPONENT, media_pump_context_main (context),
                          on_nice_packet, ice);
  if (!read_local_credentials (ice))
    g_assert_not_reached ();
  media_pump_context_touch (context);
  return ice;
}

static void
on_agent_closed (GObject *agent, GAsyncResult *result, gpointer user)
{
  (void)result;
  (void)user;
  g_object_unref (agent);
}

void
media_ice_close (MediaIce *ice)
{
  GMainContext *main = media_pump_context_main (ice->context);
  MediaPumpContext *context = ice->context;

  g_assert (!ice->closed);
  ice->closed = TRUE;
  ice->ops = &no_ops;
  ice->user = NULL;
  drop_pair (ice);
  /* It completes on the thread's default context, and that must be one that somebody iterates. */
  g_main_context_push_thread_default (main);
  nice_agent_close_async (ice->agent, on_agent_closed, NULL);
  g_main_context_pop_thread_default (main);
  media_pump_context_touch (context);
}

const char *
media_ice_ufrag (const MediaIce *ice)
{
  return ice->ufrag;
}

const char *
media_ice_password (const MediaIce *ice)
{
  return ice->password;
}

/* A number that libnice closed and got again would otherwise be taken for the one that the kernel was told.
 */
static void
announce_sockets (MediaIce *ice)
{
  GPtrArray *sockets = nice_agent_get_sockets (ice->agent, ice->stream_id, COMPONENT);

  for (guint i = 0; sockets != NULL && i < sockets->len; i++)
    media_pump_context_opened (ice->context, g_socket_get_fd (g_ptr_array_index (sockets, i)));
  if (sockets != NULL)
    g_ptr_array_unref (sockets);
}

gboolean
media_ice_gather (MediaIce *ice, GError **error)
{
  gboolean gathered;

  g_assert (!ice->closed);
  if (ice->gathering)
    return TRUE;
  ice->gathering = TRUE;
  /* A callback may close it. */
  g_object_ref (ice->agent);
  gathered = nice_agent_gather_candidates (ice->agent, ice->stream_id);
  if (gathered)
    announce_sockets (ice);
  else
    {
      ice->gathering = FALSE;
      g_set_error (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED, "no free port for WebRTC");
    }
  media_pump_context_touch (ice->context);
  g_object_unref (ice->agent);
  return gathered;
}

/* RFC 8839 5.4: ice-char, 4 to 256 of them, a password 22 at least. */
static gboolean
is_ice_token (const char *text, gsize min)
{
  const gsize length = strnlen (text, 257);

  if (length < min || length > 256)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (text[i]) && text[i] != '+' && text[i] != '/')
      return FALSE;
  return TRUE;
}

gboolean
media_ice_set_remote (MediaIce *ice, const char *ufrag, const char *password, GError **error)
{
  g_assert (!ice->closed);
  if (!is_ice_token (ufrag, 4) || !is_ice_token (password, 22))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "malformed ICE credentials");
      return FALSE;
    }
  (void)nice_agent_set_remote_credentials (ice->agent, ice->stream_id, ufrag, password);
  media_pump_context_touch (ice->context);
  return TRUE;
}

static gboolean
give_candidate (MediaIce *ice, const char *text)
{
  g_autofree char *line = g_str_has_prefix (text, "a=") ? g_strdup (text) : g_strconcat ("a=", text, NULL);
  NiceCandidate *candidate = nice_agent_parse_remote_candidate_sdp (ice->agent, ice->stream_id, line);
  GSList list = { candidate, NULL };
  int n;

  if (candidate == NULL)
    return FALSE;
  n = nice_agent_set_remote_candidates (ice->agent, ice->stream_id, COMPONENT, &list);
  nice_candidate_free (candidate);
  media_pump_context_touch (ice->context);
  return n >= 0;
}

MediaIceCandidateResult
media_ice_add_remote_candidate (MediaIce *ice, const char *candidate)
{
  MediaIceCandidateResult result;

  g_assert (!ice->closed);
  if (*candidate == '\0')
    {
      media_ice_remote_candidates_done (ice);
      return MEDIA_ICE_CANDIDATE_IGNORED;
    }
  result = media_ice_candidate_check (candidate);
  if (result == MEDIA_ICE_CANDIDATE_ADDED && ice->n_remote_candidates >= MEDIA_ICE_MAX_REMOTE_CANDIDATES)
    result = MEDIA_ICE_CANDIDATE_IGNORED;
  if (result == MEDIA_ICE_CANDIDATE_ADDED)
    {
      ice->n_remote_candidates++;
      result = give_candidate (ice, candidate) ? result : MEDIA_ICE_CANDIDATE_MALFORMED;
    }
  if (result == MEDIA_ICE_CANDIDATE_IGNORED)
    ice->stats.candidates_ignored++;
  else if (result == MEDIA_ICE_CANDIDATE_MALFORMED)
    ice->stats.candidates_malformed++;
  return result;
}

void
media_ice_remote_candidates_done (MediaIce *ice)
{
  g_assert (!ice->closed);
  (void)nice_agent_peer_candidate_gathering_done (ice->agent, ice->stream_id);
  media_pump_context_touch (ice->context);
}

gboolean
media_ice_restart (MediaIce *ice, GError **error)
{
  g_assert (!ice->closed);
  if (!nice_agent_restart_stream (ice->agent, ice->stream_id) || !read_local_credentials (ice))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INTERNAL, "ICE cannot restart");
      return FALSE;
    }
  g_object_set (ice->agent, "idle-timeout", IDLE_BEFORE_MS, NULL);
  ice->n_remote_candidates = 0;
  ice->stats.restarts++;
  media_pump_context_touch (ice->context);
  return TRUE;
}

void
media_ice_expect_send (const MediaIce *ice, MediaTrail *trail)
{
  media_trail_add (trail, ice, MEDIA_CACHE_LINE);
}

int
media_ice_send (MediaIce *ice, const guint8 *data, gsize length)
{
  gssize sent;
  int error = 0;

  if (!ice->has_pair)
    return -ENOTCONN;
  if (ice->fd >= 0)
    {
      sent = sendto (ice->fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL, &ice->remote.sa,
                     media_address_length (&ice->remote));
      error = sent < 0 ? -errno : 0;
    }
  else
    error = nice_agent_send (ice->agent, ice->stream_id, COMPONENT, (guint)length, (const char *)data) < 0
                ? -EIO
                : 0;
  if (error != 0)
    {
      ice->stats.send_errors++;
      return error;
    }
  ice->stats.packets_sent++;
  ice->stats.bytes_sent += length;
  return 0;
}

MediaIceState
media_ice_state (const MediaIce *ice)
{
  return ice->state;
}

int
media_ice_fd (const MediaIce *ice)
{
  return ice->fd;
}

CfgMonotonic
media_ice_arrival (const MediaIce *ice, CfgMonotonic now)
{
  return ice->fd < 0 ? now : media_arrival (ice->fd, now, media_pump_quiet_at (ice->pump));
}

char **
media_ice_local_candidates (const MediaIce *ice)
{
  char **copy = g_new0 (char *, ice->local_candidates->len + 1);

  for (guint i = 0; i < ice->local_candidates->len; i++)
    copy[i] = g_strdup (g_ptr_array_index (ice->local_candidates, i));
  return copy;
}

const char *
media_ice_pair_text (const MediaIce *ice, char text[MEDIA_ICE_PAIR_TEXT_SIZE])
{
  NiceCandidate *ends[2] = { NULL, NULL };
  char addresses[2][MEDIA_ADDRESS_TEXT_SIZE];

  text[0] = '\0';
  if (ice->closed
      || !nice_agent_get_selected_pair (ice->agent, ice->stream_id, COMPONENT, &ends[0], &ends[1]))
    return text;
  for (guint i = 0; i < 2; i++)
    {
      MediaAddress address = { 0 };

      nice_address_copy_to_sockaddr (&ends[i]->addr, &address.sa);
      media_address_format (&address, addresses[i]);
    }
  g_snprintf (text, MEDIA_ICE_PAIR_TEXT_SIZE, "%s %s, %s %s", nice_candidate_type_to_string (ends[0]->type),
              addresses[0], nice_candidate_type_to_string (ends[1]->type), addresses[1]);
  return text;
}

MediaAddress
media_ice_remote_address (const MediaIce *ice)
{
  return ice->remote;
}

void
media_ice_get_stats (const MediaIce *ice, MediaIceStats *stats)
{
  *stats = ice->stats;
}
