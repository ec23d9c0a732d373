/* The inside of a worker, for media/worker*.c only. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "media/core/lateness.h"
#include "media/core/phases.h"
#include "media/io/dtls.h"
#include "media/io/pump.h"
#include "media/leg.h"
#include "media/room_media.h"
#include "media/transport.h"
#include "media/worker.h"

typedef struct
{
  MediaLegId id;
  MediaWorker *worker;
  MediaLeg *leg;
  MediaTransport *transport;
  gboolean dead;  /* the transport could not be attached */
  guint position; /* in worker->leg_list */
  CfgMonotonic stats_at;
  MediaStatsGate *gate;
} MediaWorkerLeg;

struct _MediaCommand
{
  MediaLegId leg; /* 0: for the worker itself */
  /* @leg is NULL for a command of the worker. Not called when the leg is gone, but for @even_if_gone. */
  void (*apply) (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command);
  gboolean even_if_gone;
  gboolean never_waits; /* it is about the waiting itself */

  MediaRoomId room;
  MediaUdp *udp;
  MediaWorkerLeg *arriving;
  MediaWorker *to;
  char *text, *text2, *fingerprint;
  char **candidates;
  gboolean flag, flag2;
  double gain_db;
  guint opus_complexity;
  MediaLegId listener;
  MediaPlan *plan;
  MediaPlay *play;
  MediaPlayId play_id;
  MediaRecorder *recorder;
  MediaRecordId record_id;
  MediaLegId record_leg;
  void (*done) (gpointer user, const MediaLegState *state);
  gpointer user;
};

/* Rooms tick at one of so many instants of the 20 ms, so that a packet to be forwarded waits for a part of
 * the mixing only, and packets of many rooms do not leave in one burst. */
#define MEDIA_WORKER_PHASES   MEDIA_PHASES
#define MEDIA_WORKER_PHASE_US (MEDIA_PUMP_TICK_US / MEDIA_WORKER_PHASES)

/* Written by the worker alone, read by the main thread. */
typedef struct
{
  atomic_uint n_legs, n_rooms, opus_complexity;
  atomic_uint load_ppm;
  atomic_uint tick_late_us, tick_late_p99_us, tick_late_mean_us;
  atomic_llong ticked_at_us; /* monotonic, when the last tick began */
  atomic_ullong ticks_skipped;
  atomic_ullong packets_in, packets_out, strangers;
} MediaWorkerCounters;

struct _MediaWorker
{
  MediaWorkerConfig config;
  pthread_t thread;
  CfgMailbox *mailbox;
  MediaPump *pump;
  MediaDtlsContext *dtls;
  gint64 wall_offset_us; /* wall - monotonic, taken once: SRs need a clock that does not jump */

  GHashTable *legs;                       /* id → MediaWorkerLeg */
  GPtrArray *leg_list;                    /* the same */
  GHashTable *rooms;                      /* id → MediaRoom */
  GHashTable *told;                       /* id → MediaNewest: who speaks there */
  GPtrArray *phases[MEDIA_WORKER_PHASES]; /* the same and the lobby, by when in the 20 ms they tick */
  GHashTable *expected;                   /* id → GPtrArray of MediaCommand that wait for the leg */
  guint awake[MEDIA_WORKER_PHASES];       /* rooms of the phase that were not at rest when they last ticked */
  MediaRoom *lobby;                       /* where legs without a room are kept from silence */
  guint64 ticks; /* number of the newest, of MEDIA_WORKER_PHASE_US each; not all have something to do */
  guint64 next_tick;
  CfgMonotonic load_at;
  gint64 load_cpu_us;
  MediaLateness lateness;
  int opus_complexity; /* as in MediaEncoderConfig: what it is now */
  GQueue held;         /* of MediaEvent that are no hurry: the main thread is woken once for many */

  MediaEncodeMeter meter;

  MediaWorkerCounters counters;
};

static inline CfgWall
media_worker_wall (const MediaWorker *worker, CfgMonotonic now)
{
  return (CfgWall){ now.us + worker->wall_offset_us };
}

/* One writer: no locked instruction is needed. */
static inline void
media_counter_add (atomic_ullong *counter, unsigned long long n)
{
  atomic_store_explicit (counter, atomic_load_explicit (counter, memory_order_relaxed) + n,
                         memory_order_relaxed);
}

/* worker.c */
/** media_worker_add_room: @room ticks from now on, in the phase with the fewest legs. */
void media_worker_add_room (MediaWorker *worker, MediaRoom *room);
void media_worker_remove_room (MediaWorker *worker, MediaRoom *room);
/** media_worker_send: @event (transfer full): in order; one that may be dropped waits for the next tick of
 * the first phase, or for one that may not. */
void media_worker_send (MediaWorker *worker, MediaEvent *event, CfgMailboxPriority priority);
MediaEvent *media_event_new (MediaEventKind kind, MediaLegId leg);

/** media_worker_tell_speakers: the main thread hears of the last of them, however far behind it is. */
void media_worker_tell_speakers (MediaWorker *worker, MediaRoomId room, const MediaSpeaker *speakers,
                                 gsize n);
/** media_worker_told_new: for MediaWorker.told. */
GHashTable *media_worker_told_new (void) G_GNUC_WARN_UNUSED_RESULT;
void media_worker_tell_play_ended (MediaWorker *worker, MediaPlayId play, MediaPlayEnd end,
                                   const char *error);

MediaStatsGate *media_stats_gate_new (void);
void media_stats_gate_unref (MediaStatsGate *gate);
/** media_stats_gate_pass: Returns: (nullable) (transfer full): a reference that destroying the event opens
 * and drops; NULL while another one is under way. */
MediaStatsGate *media_stats_gate_pass (MediaStatsGate *gate);

/* worker_legs.c */
MediaWorkerLeg *media_worker_leg_new_rtp (MediaWorker *worker, MediaLegId id, MediaUdp *udp);
MediaWorkerLeg *media_worker_leg_new_rtc (MediaWorker *worker, MediaLegId id, const MediaCommand *command);
/** media_worker_leg_close: leaves its room and the worker, says BYE, frees; @tell: with a last event. */
void media_worker_leg_close (MediaWorkerLeg *leg, gboolean tell);
/** media_worker_leg_free_detached: one that is in no worker's hands any more. */
void media_worker_leg_free_detached (MediaWorkerLeg *leg);
void media_worker_leg_detach (MediaWorkerLeg *leg);
void media_worker_leg_arrive (MediaWorker *worker, MediaWorkerLeg *leg);
void media_worker_leg_enter (MediaWorkerLeg *leg, MediaRoomId room);
void media_worker_leg_housekeep (MediaWorkerLeg *leg, CfgMonotonic now);
MediaLegState *media_worker_leg_export (MediaWorkerLeg *leg);

/* worker_commands.c */
/** media_worker_set_opus_complexity: @complexity 0-10, of the rooms that there are and that will be. */
void media_worker_set_opus_complexity (MediaWorker *worker, guint complexity);
void media_command_free (MediaCommand *command);
void media_command_run (MediaWorker *worker, MediaCommand *command);
void media_worker_leg_arrived (MediaWorker *worker, MediaLegId leg);
MediaCommand *media_command_leg_arrive (MediaWorkerLeg *leg);
