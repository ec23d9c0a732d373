/* The transport of a WebRTC leg: ICE finds a path, DTLS makes keys, SRTP carries media (RFC 8834, RFC 5764).
 *
 *   NEW ──ICE connected──▶ handshake, a step per loop turn ──▶ CONNECTED ◀──consent──▶ disconnected
 *     └── no path / refused ──▶ failed */
#include "media/transport_private.h"

#include <string.h>

#include "media/core/demux.h"

/* Flights of a handshake that may wait for their turn; more are dropped, and DTLS repeats them. */
#define HANDSHAKE_QUEUE 8

typedef struct
{
  gsize length;
  guint8 data[MEDIA_PACKET_MAX_LENGTH];
} Flight;

typedef struct
{
  MediaTransport base;
  MediaIce *ice;                         /* nullable: could not be made */
  MediaDtls *dtls;                       /* nullable */
  MediaSrtp *srtp;                       /* nullable until the handshake is done */
  MediaSrtpKeys local_keys, remote_keys; /* for media_transport_export */
  gboolean settled;                      /* the peer has encrypted something for us */
  gboolean failed;                       /* told, once */
  gboolean connected;                    /* told, and neither disconnected nor failed since */
  gboolean gathered_told, gathering_done;

  Flight *flights; /* nullable: HANDSHAKE_QUEUE of them, until the handshake is done */
  guint first_flight, n_flights;
  MediaPumpJob job;
  MediaPumpTimer timer;
} RtcTransport;

static void
fail (RtcTransport *transport, const char *reason)
{
  if (transport->failed)
    return;
  transport->failed = TRUE;
  transport->connected = FALSE;
  transport->base.ops->failed (transport->base.user, reason);
}

static void
tell_connected (RtcTransport *transport)
{
  const MediaAddress remote = media_ice_remote_address (transport->ice);
  char text[MEDIA_ADDRESS_TEXT_SIZE], pair[MEDIA_ICE_PAIR_TEXT_SIZE], cipher[MEDIA_DTLS_CIPHER_TEXT_SIZE];

  if (transport->connected || transport->failed || transport->srtp == NULL
      || media_ice_state (transport->ice) != MEDIA_ICE_CONNECTED)
    return;
  transport->connected = TRUE;
  transport->base.ops->connected (
      transport->base.user,
      &(MediaRtcPath){ .cipher = media_srtp_profile_name (transport->local_keys.profile),
                       .remote = media_address_format (&remote, text),
                       .pair = media_ice_pair_text (transport->ice, pair),
                       .dtls = media_dtls_cipher (transport->dtls, cipher) });
}

static void
tell_disconnected (RtcTransport *transport)
{
  if (!transport->connected)
    return;
  transport->connected = FALSE;
  transport->base.ops->disconnected (transport->base.user);
}

static void
take_keys (RtcTransport *transport)
{
  g_autoptr (GError) error = NULL;

  if (transport->srtp != NULL)
    return;
  if (!media_dtls_export_keys (transport->dtls, &transport->local_keys, &transport->remote_keys))
    {
      fail (transport, "no SRTP keys from DTLS");
      return;
    }
  transport->srtp = media_srtp_new (&transport->local_keys, &transport->remote_keys, &error);
  if (transport->srtp == NULL)
    {
      fail (transport, error->message);
      return;
    }
  g_clear_pointer (&transport->flights, g_free);
  transport->n_flights = 0;
  tell_connected (transport);
}

/* After everything that the DTLS engine did. */
static void
follow_dtls (RtcTransport *transport, CfgMonotonic now)
{
  const CfgMonotonic deadline = media_dtls_deadline (transport->dtls, now);

  if (deadline.us == G_MAXINT64)
    media_pump_stop_timer (transport->base.pump, &transport->timer);
  else
    media_pump_start_timer (transport->base.pump, &transport->timer, deadline);
  switch (media_dtls_state (transport->dtls))
    {
    case MEDIA_DTLS_CONNECTED:
      take_keys (transport);
      break;
    case MEDIA_DTLS_FAILED:
      fail (transport, media_dtls_failure (transport->dtls));
      break;
    case MEDIA_DTLS_CLOSED:
      tell_disconnected (transport);
      break;
    case MEDIA_DTLS_NEW:
    case MEDIA_DTLS_HANDSHAKING:
    default:
      break;
    }
}

static void
on_dtls_send (const guint8 *data, gsize length, gpointer user)
{
  RtcTransport *transport = user;

  media_ice_send (transport->ice, data, length);
}

static void
on_timer (CfgMonotonic now, gpointer user)
{
  RtcTransport *transport = user;

  media_dtls_timeout (transport->dtls, now);
  follow_dtls (transport, now);
}

static void
on_job (CfgMonotonic now, gpointer user)
{
  RtcTransport *transport = user;
  Flight *flight;

  if (transport->n_flights == 0)
    return;
  flight = &transport->flights[transport->first_flight];
  transport->first_flight = (transport->first_flight + 1) % HANDSHAKE_QUEUE;
  transport->n_flights--;
  media_dtls_input (transport->dtls, flight->data, flight->length, now);
  follow_dtls (transport, now);
  if (transport->n_flights > 0)
    media_pump_queue_job (transport->base.pump, &transport->job);
}

static void
receive_dtls (RtcTransport *transport, const guint8 *data, gsize length, CfgMonotonic now)
{
  Flight *flight;

  if (transport->dtls == NULL || transport->failed)
    return;
  if (transport->srtp != NULL)
    {
      media_dtls_input (transport->dtls, data, length, now);
      follow_dtls (transport, now);
      return;
    }
  if (transport->n_flights == HANDSHAKE_QUEUE || length > sizeof flight->data)
    {
      media_transport_drop (&transport->base);
      return;
    }
  flight = &transport->flights[(transport->first_flight + transport->n_flights) % HANDSHAKE_QUEUE];
  flight->length = length;
  memcpy (flight->data, data, length);
  transport->n_flights++;
  media_pump_queue_job (transport->base.pump, &transport->job);
}

/* Something of the peer's was authentic: it has all of the handshake. */
static void
settle (RtcTransport *transport)
{
  transport->settled = TRUE;
  media_dtls_settle (transport->dtls);
}

static void
receive_srtp (RtcTransport *transport, guint8 *data, gsize length, CfgMonotonic now)
{
  const gssize size = transport->srtp == NULL ? -1 : media_srtp_unprotect_rtp (transport->srtp, data, length);
  MediaRtpView packet;

  /* What does not authenticate is counted by the SRTP session. */
  if (size < 0)
    {
      if (transport->srtp == NULL)
        media_transport_drop (&transport->base);
      return;
    }
  if (G_UNLIKELY (!transport->settled))
    settle (transport);
  if (media_rtp_parse (&packet, data, (gsize)size) != 0)
    media_transport_drop (&transport->base);
  else
    transport->base.ops->rtp (transport->base.user, &packet, now);
}

static void
receive_srtcp (RtcTransport *transport, guint8 *data, gsize length, CfgMonotonic now)
{
  const gssize size
      = transport->srtp == NULL ? -1 : media_srtp_unprotect_rtcp (transport->srtp, data, length);

  if (size >= 0)
    {
      if (G_UNLIKELY (!transport->settled))
        settle (transport);
      transport->base.ops->rtcp (transport->base.user, data, (gsize)size, now);
    }
  else if (transport->srtp == NULL)
    media_transport_drop (&transport->base);
}

static void
on_ice_receive (MediaIce *ice, guint8 *data, gsize length, CfgMonotonic now, gpointer user)
{
  RtcTransport *transport = user;

  switch (media_demux_classify (data, length))
    {
    case MEDIA_PACKET_DTLS:
      receive_dtls (transport, data, length, now);
      break;
    case MEDIA_PACKET_RTP:
      receive_srtp (transport, data, length, now);
      break;
    case MEDIA_PACKET_RTCP:
      receive_srtcp (transport, data, length, now);
      break;
    case MEDIA_PACKET_UNKNOWN:
    case MEDIA_PACKET_STUN:
    case MEDIA_PACKET_ZRTP:
    case MEDIA_PACKET_TURN:
    default:
      media_transport_drop (&transport->base);
      break;
    }
}

static void
on_ice_state (MediaIce *ice, MediaIceState state, gpointer user)
{
  RtcTransport *transport = user;
  const CfgMonotonic now = cfg_monotonic_now ();

  if (state == MEDIA_ICE_CONNECTED && transport->dtls != NULL && !transport->failed)
    {
      media_dtls_start (transport->dtls, now);
      follow_dtls (transport, now);
      tell_connected (transport);
    }
  else if (state == MEDIA_ICE_FAILED && transport->srtp != NULL)
    tell_disconnected (transport);
  else if (state == MEDIA_ICE_FAILED)
    fail (transport, "ICE found no path to the peer");
}

static void
on_ice_candidate (MediaIce *ice, const char *candidate, gpointer user)
{
  RtcTransport *transport = user;

  if (candidate == NULL)
    transport->gathering_done = TRUE;
  if (transport->gathered_told)
    transport->base.ops->candidate (transport->base.user, candidate);
}

static void
on_ice_expect (gpointer user, MediaTrail *trail)
{
  const RtcTransport *transport = user;

  media_trail_add (trail, transport, G_STRUCT_OFFSET (RtcTransport, local_keys));
  if (transport->srtp != NULL)
    media_srtp_expect_receive (transport->srtp, trail);
  if (transport->base.ops->expect != NULL)
    transport->base.ops->expect (transport->base.user, trail);
}

static const MediaIceOps ice_ops = {
  .expect = on_ice_expect,
  .candidate = on_ice_candidate,
  .state = on_ice_state,
  .receive = on_ice_receive,
};

static void
tell_gathered (RtcTransport *transport)
{
  g_auto (GStrv) candidates = media_ice_local_candidates (transport->ice);
  const MediaRtcLocal local = { .ufrag = media_ice_ufrag (transport->ice),
                                .pwd = media_ice_password (transport->ice),
                                .candidates = (const char *const *)candidates,
                                .complete = transport->gathering_done };

  transport->gathered_told = TRUE;
  transport->base.ops->gathered (transport->base.user, &local);
}

static gboolean
set_up_dtls (RtcTransport *transport, MediaDtlsContext *context, const MediaRtcTransportConfig *config,
             GError **error)
{
  MediaFingerprint fingerprint;

  if (config->remote_fingerprint == NULL)
    {
      g_set_error_literal (error, g_quark_from_static_string ("media-transport"), 0,
                           "the peer gave no DTLS fingerprint");
      return FALSE;
    }
  if (!media_fingerprint_parse (config->remote_fingerprint, &fingerprint, error))
    return FALSE;
  transport->dtls = media_dtls_new (context, config->dtls_active ? MEDIA_DTLS_ACTIVE : MEDIA_DTLS_PASSIVE,
                                    &fingerprint, on_dtls_send, transport, error);
  return transport->dtls != NULL;
}

static gboolean
set_up_ice (RtcTransport *transport, const MediaRtcTransportConfig *config, GError **error)
{
  transport->ice = media_ice_new (transport->base.pump, &config->ice, &ice_ops, transport, error);
  if (transport->ice == NULL || !media_ice_gather (transport->ice, error))
    return FALSE;
  if (config->remote_ufrag != NULL
      && !media_ice_set_remote (transport->ice, config->remote_ufrag, config->remote_pwd, error))
    return FALSE;
  for (guint i = 0; config->remote_candidates != NULL && config->remote_candidates[i] != NULL; i++)
    media_ice_add_remote_candidate (transport->ice, config->remote_candidates[i]);
  return TRUE;
}

static void
rtc_free (MediaTransport *base)
{
  RtcTransport *transport = (RtcTransport *)base;

  media_pump_stop_timer (base->pump, &transport->timer);
  media_pump_cancel_job (base->pump, &transport->job);
  if (transport->dtls != NULL)
    {
      media_dtls_close (transport->dtls);
      media_dtls_free (transport->dtls);
    }
  g_clear_pointer (&transport->ice, media_ice_close);
  g_clear_pointer (&transport->srtp, media_srtp_free);
  media_srtp_keys_clear (&transport->local_keys);
  media_srtp_keys_clear (&transport->remote_keys);
  g_free (transport->flights);
  g_aligned_free (transport);
}

static void
rtc_expect_send (const MediaTransport *base, MediaTrail *trail)
{
  const RtcTransport *transport = (const RtcTransport *)base;

  media_trail_add (trail, base, MEDIA_CACHE_LINE);
  media_ice_expect_send (transport->ice, trail);
  if (transport->srtp != NULL)
    media_srtp_expect_send (transport->srtp, trail);
}

static gboolean
rtc_send_rtp (MediaTransport *base, guint8 *packet, gsize length)
{
  RtcTransport *transport = (RtcTransport *)base;
  gssize size;

  if (transport->srtp == NULL)
    return FALSE;
  size = media_srtp_protect_rtp (transport->srtp, packet, length, MEDIA_PACKET_SIZE);
  return size > 0 && media_ice_send (transport->ice, packet, (gsize)size) == 0;
}

static gboolean
rtc_send_rtcp (MediaTransport *base, guint8 *packet, gsize length)
{
  RtcTransport *transport = (RtcTransport *)base;
  gssize size;

  if (transport->srtp == NULL)
    return FALSE;
  size = media_srtp_protect_rtcp (transport->srtp, packet, length, MEDIA_PACKET_SIZE);
  return size > 0 && media_ice_send (transport->ice, packet, (gsize)size) == 0;
}

static void
rtc_get_stats (const MediaTransport *base, MediaLegStats *stats)
{
  const RtcTransport *transport = (const RtcTransport *)base;
  char text[MEDIA_ADDRESS_TEXT_SIZE];
  MediaSrtpStats srtp = { 0 };
  MediaAddress remote = { 0 };

  if (transport->ice != NULL)
    remote = media_ice_remote_address (transport->ice);
  if (transport->srtp != NULL)
    media_srtp_get_stats (transport->srtp, &srtp);
  stats->auth_failures = srtp.auth_failures;
  g_strlcpy (stats->remote, media_address_format (&remote, text), sizeof stats->remote);
  g_strlcpy (stats->cipher, media_srtp_profile_name (transport->local_keys.profile), sizeof stats->cipher);
}

static void
rtc_export (const MediaTransport *base, MediaLegState *state)
{
  const RtcTransport *transport = (const RtcTransport *)base;

  if (transport->srtp == NULL)
    return;
  state->local_keys = transport->local_keys;
  state->remote_keys = transport->remote_keys;
  media_srtp_export_state (transport->srtp, &state->srtp);
}

static void
rtc_add_candidate (MediaTransport *base, const char *candidate)
{
  RtcTransport *transport = (RtcTransport *)base;

  if (transport->ice == NULL)
    return;
  if (candidate == NULL || candidate[0] == '\0')
    media_ice_remote_candidates_done (transport->ice);
  else
    media_ice_add_remote_candidate (transport->ice, candidate);
}

static void
rtc_restart_ice (MediaTransport *base, const char *remote_ufrag, const char *remote_pwd)
{
  RtcTransport *transport = (RtcTransport *)base;
  g_autoptr (GError) error = NULL;

  if (transport->ice == NULL)
    return;
  if (!media_ice_restart (transport->ice, &error)
      || !media_ice_set_remote (transport->ice, remote_ufrag, remote_pwd, &error))
    {
      fail (transport, error->message);
      return;
    }
  tell_gathered (transport);
}

static void
rtc_forget_ssrc (MediaTransport *base, guint32 ssrc)
{
  RtcTransport *transport = (RtcTransport *)base;

  if (transport->srtp != NULL)
    media_srtp_forget_ssrc (transport->srtp, ssrc, TRUE);
}

static CfgMonotonic
rtc_arrival (const MediaTransport *base, CfgMonotonic now)
{
  return media_ice_arrival (((const RtcTransport *)base)->ice, now);
}

static const MediaTransportClass rtc_class = {
  .free = rtc_free,
  .arrival = rtc_arrival,
  .expect_send = rtc_expect_send,
  .send_rtp = rtc_send_rtp,
  .send_rtcp = rtc_send_rtcp,
  .get_stats = rtc_get_stats,
  .export = rtc_export,
  .add_candidate = rtc_add_candidate,
  .restart_ice = rtc_restart_ice,
  .forget_ssrc = rtc_forget_ssrc,
};

MediaTransport *
media_transport_new_rtc (MediaPump *pump, MediaDtlsContext *dtls, const MediaRtcTransportConfig *config,
                         const MediaTransportOps *ops, gpointer user)
{
  RtcTransport *transport = MEDIA_NEW_LINES (RtcTransport);
  g_autoptr (GError) error = NULL;

  transport->base.class = &rtc_class;
  transport->base.ops = ops;
  transport->base.user = user;
  transport->base.pump = pump;
  transport->job.func = on_job;
  transport->job.user = transport;
  transport->timer.func = on_timer;
  transport->timer.user = transport;
  transport->flights = g_new (Flight, HANDSHAKE_QUEUE);
  if (set_up_dtls (transport, dtls, config, &error) && set_up_ice (transport, config, &error))
    tell_gathered (transport);
  else
    fail (transport, error->message);
  return &transport->base;
}
