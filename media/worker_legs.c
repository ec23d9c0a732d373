/* A leg on its worker: ties the streams (media/leg.h) to the transport (media/transport.h) and both to the
 * main thread's events. */
#include "media/worker_private.h"

#define STATS_INTERVAL_US CFG_US_PER_S

/* All legs tell with the same second of the clock, each in its turn of the housekeeping: the main thread is
 * woken a few times a second, however many they are, and not fifty times. */
static CfgMonotonic
next_stats_at (CfgMonotonic now)
{
  return (CfgMonotonic){ (now.us / STATS_INTERVAL_US + 1) * STATS_INTERVAL_US };
}

static void
send_text_event (MediaWorkerLeg *leg, MediaEventKind kind, const char *text)
{
  MediaEvent *event = media_event_new (kind, leg->id);

  event->text = g_strdup (text);
  media_worker_send (leg->worker, event, CFG_MAILBOX_MUST_DELIVER);
}

static void
on_expect_send (gpointer user, MediaTrail *trail)
{
  const MediaWorkerLeg *leg = user;

  media_trail_add (trail, leg, sizeof *leg);
  media_transport_expect_send (leg->transport, trail);
}

static void
on_send_rtp (gpointer user, guint8 *packet, gsize length, CfgMonotonic now)
{
  MediaWorkerLeg *leg = user;

  if (media_transport_send_rtp (leg->transport, packet, length))
    media_counter_add (&leg->worker->counters.packets_out, 1);
}

static void
on_send_rtcp (gpointer user, guint8 *packet, gsize length, CfgMonotonic now)
{
  MediaWorkerLeg *leg = user;

  media_transport_send_rtcp (leg->transport, packet, length);
}

static void
on_media_started (gpointer user, const char *codec)
{
  MediaWorkerLeg *leg = user;
  MediaEvent *event = media_event_new (MEDIA_EVENT_STARTED, leg->id);
  MediaLegStats stats = { 0 };

  media_transport_get_stats (leg->transport, &stats);
  event->text = g_strdup (codec);
  event->cipher = g_strdup (stats.cipher);
  event->remote = g_strdup (stats.remote);
  media_worker_send (leg->worker, event, CFG_MAILBOX_MUST_DELIVER);
}

static void
on_dtmf (gpointer user, char digit, guint duration_ms)
{
  MediaWorkerLeg *leg = user;
  MediaEvent *event = media_event_new (MEDIA_EVENT_DTMF, leg->id);

  event->digit = digit;
  event->duration_ms = duration_ms;
  media_worker_send (leg->worker, event, CFG_MAILBOX_MUST_DELIVER);
}

static void
on_timeout (gpointer user, gboolean initial)
{
  MediaWorkerLeg *leg = user;
  MediaEvent *event = media_event_new (MEDIA_EVENT_TIMEOUT, leg->id);

  event->initial = initial;
  media_worker_send (leg->worker, event, CFG_MAILBOX_MUST_DELIVER);
}

static void
on_forget_ssrc (gpointer user, guint32 ssrc)
{
  media_transport_forget_ssrc (((MediaWorkerLeg *)user)->transport, ssrc);
}

static void
on_play_ended (gpointer user, MediaPlayId play, MediaPlayEnd end, const char *error)
{
  media_worker_tell_play_ended (((MediaWorkerLeg *)user)->worker, play, end, error);
}

static CfgMonotonic
on_arrival (gpointer user, CfgMonotonic now)
{
  return media_transport_arrival (((const MediaWorkerLeg *)user)->transport, now);
}

static const MediaLegOps leg_ops = {
  .expect_send = on_expect_send,
  .arrival = on_arrival,
  .send_rtp = on_send_rtp,
  .send_rtcp = on_send_rtcp,
  .media_started = on_media_started,
  .dtmf = on_dtmf,
  .timeout = on_timeout,
  .forget_ssrc = on_forget_ssrc,
  .play_ended = on_play_ended,
};

static void
on_expect (gpointer user, MediaTrail *trail)
{
  const MediaWorkerLeg *leg = user;

  media_trail_add (trail, leg, sizeof *leg);
  media_leg_expect (leg->leg, trail);
}

static void
on_rtp (gpointer user, const MediaRtpView *packet, CfgMonotonic now)
{
  MediaWorkerLeg *leg = user;

  media_counter_add (&leg->worker->counters.packets_in, 1);
  media_leg_receive_rtp (leg->leg, packet, now);
}

static void
on_rtcp (gpointer user, const guint8 *data, gsize size, CfgMonotonic now)
{
  MediaWorkerLeg *leg = user;

  media_leg_receive_rtcp (leg->leg, data, size, now, media_worker_wall (leg->worker, now));
}

static void
on_stranger (gpointer user)
{
  MediaWorkerLeg *leg = user;

  media_counter_add (&leg->worker->counters.strangers, 1);
}

static void
on_gathered (gpointer user, const MediaRtcLocal *local)
{
  MediaWorkerLeg *leg = user;
  MediaEvent *event = media_event_new (MEDIA_EVENT_GATHERED, leg->id);

  event->ufrag = g_strdup (local->ufrag);
  event->pwd = g_strdup (local->pwd);
  event->candidates = g_strdupv ((char **)local->candidates);
  event->complete = local->complete;
  media_worker_send (leg->worker, event, CFG_MAILBOX_MUST_DELIVER);
}

static void
on_candidate (gpointer user, const char *candidate)
{
  send_text_event (user, MEDIA_EVENT_CANDIDATE, candidate);
}

static void
on_connected (gpointer user, const MediaRtcPath *path)
{
  MediaWorkerLeg *leg = user;
  MediaEvent *event = media_event_new (MEDIA_EVENT_CONNECTED, leg->id);

  event->cipher = g_strdup (path->cipher);
  event->remote = g_strdup (path->remote);
  event->pair = g_strdup (path->pair);
  event->dtls = g_strdup (path->dtls);
  media_worker_send (leg->worker, event, CFG_MAILBOX_MUST_DELIVER);
}

static void
on_disconnected (gpointer user)
{
  send_text_event (user, MEDIA_EVENT_DISCONNECTED, NULL);
}

static void
on_failed (gpointer user, const char *reason)
{
  send_text_event (user, MEDIA_EVENT_FAILED, reason);
}

static const MediaTransportOps transport_ops = {
  .expect = on_expect,
  .rtp = on_rtp,
  .rtcp = on_rtcp,
  .stranger = on_stranger,
  .gathered = on_gathered,
  .candidate = on_candidate,
  .connected = on_connected,
  .disconnected = on_disconnected,
  .failed = on_failed,
};

static void
join_worker (MediaWorkerLeg *leg, MediaWorker *worker)
{
  leg->worker = worker;
  leg->position = worker->leg_list->len;
  g_ptr_array_add (worker->leg_list, leg);
  g_hash_table_insert (worker->legs, &leg->id, leg);
  atomic_store_explicit (&worker->counters.n_legs, worker->leg_list->len, memory_order_relaxed);
  media_room_add (worker->lobby, leg->leg, media_pump_now (worker->pump));
}

static void
leave_worker (MediaWorkerLeg *leg)
{
  MediaWorker *worker = leg->worker;
  MediaWorkerLeg *last = g_ptr_array_index (worker->leg_list, worker->leg_list->len - 1);

  media_room_remove (media_room_of (leg->leg), leg->leg, media_pump_now (worker->pump));
  last->position = leg->position;
  g_ptr_array_remove_index_fast (worker->leg_list, leg->position);
  g_hash_table_remove (worker->legs, &leg->id);
  atomic_store_explicit (&worker->counters.n_legs, worker->leg_list->len, memory_order_relaxed);
}

/* One that is gone; who only goes to another worker is followed by those whom it is to hear. */
static void
forget_listener (MediaWorker *worker, MediaLegId listener)
{
  for (guint i = 0; i < worker->leg_list->len; i++)
    media_leg_forget_listener (((MediaWorkerLeg *)g_ptr_array_index (worker->leg_list, i))->leg, listener);
}

static MediaWorkerLeg *
new_leg (MediaWorker *worker, MediaLegId id, gboolean rtc)
{
  const MediaEngineConfig *engine = worker->config.engine;
  const CfgMonotonic now = media_pump_now (worker->pump);
  MediaWorkerLeg *leg = g_new0 (MediaWorkerLeg, 1);
  const MediaLegConfig config = { .id = id,
                                  .always_send = !rtc,
                                  .authenticated = rtc,
                                  .timeout_us = engine->timeout_us,
                                  .timeout_initial_us = engine->timeout_initial_us };

  leg->id = id;
  leg->leg = media_leg_new (&config, &leg_ops, leg, now);
  leg->gate = media_stats_gate_new ();
  leg->stats_at = next_stats_at (now);
  join_worker (leg, worker);
  return leg;
}

static void
attach_transport (MediaWorkerLeg *leg)
{
  if (media_transport_attach (leg->transport, leg->worker->pump))
    return;
  leg->dead = TRUE;
  on_failed (leg, "the kernel refuses to watch the leg's sockets");
}

MediaWorkerLeg *
media_worker_leg_new_rtp (MediaWorker *worker, MediaLegId id, MediaUdp *udp)
{
  MediaWorkerLeg *leg = new_leg (worker, id, FALSE);

  leg->transport = media_transport_new_rtp (udp, &transport_ops, leg);
  attach_transport (leg);
  return leg;
}

MediaWorkerLeg *
media_worker_leg_new_rtc (MediaWorker *worker, MediaLegId id, const MediaCommand *command)
{
  const MediaEngineConfig *engine = worker->config.engine;
  MediaWorkerLeg *leg = new_leg (worker, id, TRUE);
  const MediaRtcTransportConfig config = {
    .ice = { .controlling = command->flag,
             .ports = { .start = engine->rtc_port_start, .end = engine->rtc_port_end },
             .bind_addresses = engine->rtc_bind,
             .external_address = engine->rtc_external_address,
             .stun_server = worker->config.stun_ip,
             .stun_port = worker->config.stun_port },
    .dtls_active = command->flag2,
    .remote_ufrag = command->text,
    .remote_pwd = command->text2,
    .remote_fingerprint = command->fingerprint,
    .remote_candidates = (const char *const *)command->candidates,
  };

  leg->transport = media_transport_new_rtc (worker->pump, worker->dtls, &config, &transport_ops, leg);
  return leg;
}

static void
collect_stats (MediaWorkerLeg *leg, MediaLegStats *stats)
{
  *stats = (MediaLegStats){ 0 };
  media_leg_get_stats (leg->leg, stats);
  media_transport_get_stats (leg->transport, stats);
}

void
media_worker_leg_free_detached (MediaWorkerLeg *leg)
{
  media_transport_free (leg->transport);
  media_leg_free (leg->leg);
  media_stats_gate_unref (leg->gate);
  g_free (leg);
}

void
media_worker_leg_close (MediaWorkerLeg *leg, gboolean tell)
{
  MediaWorker *worker = leg->worker;
  const CfgMonotonic now = media_pump_now (worker->pump);

  if (tell)
    media_leg_end_plays (leg->leg);
  leave_worker (leg);
  forget_listener (worker, leg->id);
  media_leg_say_bye (leg->leg, now, media_worker_wall (worker, now));
  if (tell)
    {
      MediaEvent *event = media_event_new (MEDIA_EVENT_CLOSED, leg->id);

      event->stats = g_new (MediaLegStats, 1);
      collect_stats (leg, event->stats);
      media_worker_send (worker, event, CFG_MAILBOX_MUST_DELIVER);
    }
  media_worker_leg_free_detached (leg);
}

void
media_worker_leg_detach (MediaWorkerLeg *leg)
{
  g_assert (!media_transport_is_rtc (leg->transport));
  leave_worker (leg);
  media_transport_detach (leg->transport);
  leg->worker = NULL;
}

void
media_worker_leg_arrive (MediaWorker *worker, MediaWorkerLeg *leg)
{
  join_worker (leg, worker);
  if (!leg->dead)
    attach_transport (leg);
}

void
media_worker_leg_enter (MediaWorkerLeg *leg, MediaRoomId id)
{
  MediaRoom *room = id == 0 ? NULL : g_hash_table_lookup (leg->worker->rooms, &id);
  const CfgMonotonic now = media_pump_now (leg->worker->pump);

  if (room == NULL)
    room = leg->worker->lobby;
  if (media_room_of (leg->leg) == room)
    return;
  media_room_remove (media_room_of (leg->leg), leg->leg, now);
  media_room_add (room, leg->leg, now);
}

void
media_worker_leg_housekeep (MediaWorkerLeg *leg, CfgMonotonic now)
{
  MediaStatsGate *gate;
  MediaEvent *event;

  media_leg_housekeep (leg->leg, now, media_worker_wall (leg->worker, now));
  if (cfg_monotonic_diff_us (now, leg->stats_at) < 0)
    return;
  leg->stats_at = next_stats_at (now);
  gate = media_stats_gate_pass (leg->gate);
  if (gate == NULL)
    return;
  event = media_event_new (MEDIA_EVENT_STATS, leg->id);
  event->gate = gate;
  event->stats = g_new (MediaLegStats, 1);
  collect_stats (leg, event->stats);
  media_worker_send (leg->worker, event, CFG_MAILBOX_MAY_DROP);
}

MediaLegState *
media_worker_leg_export (MediaWorkerLeg *leg)
{
  MediaLegState *state = media_leg_state_new ();

  media_leg_export (leg->leg, state, media_pump_now (leg->worker->pump));
  media_transport_export (leg->transport, state);
  return state;
}
