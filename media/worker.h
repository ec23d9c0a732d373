/* One media thread: a pump, the rooms that live here and their legs. The main thread speaks to it through
 * commands and hears from it through events, both owned messages in mailboxes; counters alone are read
 * directly.
 *
 *   main ──media_worker_post──▶ mailbox ──▶ command.apply on the worker
 *   main ◀──mailbox── event ◀── legs and rooms
 *
 * A plain leg moves whole from worker A to B:
 *
 *   main ──expect──▶ B          commands for the leg wait at B from here on
 *   main ──move────▶ A ──the leg, detached──▶ B    attached; the waiting commands run in their order */
#pragma once

#include <glib.h>

#include "config/base/clock.h"
#include "config/base/mailbox.h"
#include "media/engine.h"
#include "media/io/certificate.h"
#include "media/io/udp.h"
#include "media/leg_state.h"
#include "media/newest.h"
#include "media/play.h"
#include "media/recorder.h"

typedef struct _MediaWorker MediaWorker;

typedef enum
{
  MEDIA_EVENT_GATHERED,
  MEDIA_EVENT_CANDIDATE,
  MEDIA_EVENT_CONNECTED,
  MEDIA_EVENT_DISCONNECTED,
  MEDIA_EVENT_FAILED,
  MEDIA_EVENT_STARTED,
  MEDIA_EVENT_DTMF,
  MEDIA_EVENT_TIMEOUT,
  MEDIA_EVENT_STATS,
  MEDIA_EVENT_CLOSED,
  MEDIA_EVENT_EXPORTED,
  MEDIA_EVENT_SPEAKERS,
  MEDIA_EVENT_PLAY_ENDED,
} MediaEventKind;

typedef struct
{
  gsize n;
  MediaSpeaker speakers[];
} MediaSpeakerList;

/* Shared by a leg and its statistics under way: while one waits for the main thread no second is sent. */
typedef struct _MediaStatsGate MediaStatsGate;

/* What a worker tells the main thread; owned by the message that carries it, only the members of its kind are
 * set. */
typedef struct
{
  MediaEventKind kind;
  MediaLegId leg;
  MediaRoomId room;
  char *ufrag, *pwd;     /* GATHERED */
  char **candidates;     /* GATHERED */
  gboolean complete;     /* GATHERED */
  char *text;            /* CANDIDATE (nullable), FAILED: reason, STARTED: codec */
  char *cipher, *remote; /* CONNECTED, STARTED */
  char *pair, *dtls;     /* CONNECTED */
  char digit;            /* DTMF */
  guint duration_ms;
  gboolean initial;     /* TIMEOUT */
  MediaLegStats *stats; /* STATS, CLOSED */
  MediaLegState *state; /* EXPORTED; NULL: the leg is gone */
  void (*done) (gpointer user, const MediaLegState *state);
  gpointer user;
  MediaNewest *speakers; /* SPEAKERS: of MediaSpeakerList: who speaks by the time the message is read */
  MediaStatsGate *gate;  /* STATS */
  MediaPlayId play;      /* PLAY_ENDED; text: error (nullable) */
  MediaPlayEnd end;
} MediaEvent;

typedef void (*MediaEventFunc) (gpointer engine, const MediaEvent *event);

typedef struct
{
  guint index;
  const MediaEngineConfig *engine; /* outlives the worker */
  const char *stun_ip;             /* (nullable): literal */
  guint16 stun_port;
  const MediaCertificate *certificate; /* outlives the worker */
  CfgMailbox *to_main;                 /* dispatched with the engine as owner */
  MediaEventFunc event;                /* called on the main thread */
} MediaWorkerConfig;

/* A command: applied on the worker and freed there. */
typedef struct _MediaCommand MediaCommand;

/** media_worker_new: Main thread, as all functions here. Returns: (transfer full): running; NULL with @error.
 */
MediaWorker *media_worker_new (const MediaWorkerConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** media_worker_quit: asks it to close everything and end. */
void media_worker_quit (MediaWorker *worker);
/** media_worker_join: Returns: FALSE when it has not ended by @deadline (then it must not be freed). */
gboolean media_worker_join (MediaWorker *worker, const struct timespec *deadline) G_GNUC_WARN_UNUSED_RESULT;
/** media_worker_free: joined, and so must be all others, which may have sent it a leg. */
void media_worker_free (MediaWorker *worker);
void media_worker_get_stats (MediaWorker *worker, MediaWorkerStats *stats);

/** media_worker_post: @command (transfer full). */
void media_worker_post (MediaWorker *worker, MediaCommand *command);

MediaCommand *media_command_room_new (MediaRoomId room);
MediaCommand *media_command_room_free (MediaRoomId room);
/** media_command_set_opus_complexity: @complexity 0-10: of all Opus encoders of the worker. */
MediaCommand *media_command_set_opus_complexity (guint complexity);
MediaCommand *media_command_room_tell_speakers (MediaRoomId room, gboolean tell);
/** media_command_tidy: memory that the thread keeps for itself goes back, unless the worker has a leg. */
MediaCommand *media_command_tidy (void);
/** media_command_leg_new_rtp: @udp (transfer full). */
MediaCommand *media_command_leg_new_rtp (MediaLegId leg, MediaUdp *udp);
/** media_command_leg_new_rtc: @config copied. */
MediaCommand *media_command_leg_new_rtc (MediaLegId leg, const MediaRtcLegConfig *config);
MediaCommand *media_command_leg_add_candidate (MediaLegId leg, const char *candidate);
MediaCommand *media_command_leg_restart_ice (MediaLegId leg, const char *ufrag, const char *pwd);
MediaCommand *media_command_leg_configure (MediaLegId leg, const MediaPlan *plan);
MediaCommand *media_command_leg_attach (MediaLegId leg, MediaRoomId room);
MediaCommand *media_command_leg_set_muted (MediaLegId leg, gboolean muted);
MediaCommand *media_command_leg_set_gain (MediaLegId leg, MediaLegId listener, double gain_db);
MediaCommand *media_command_leg_unset_gain (MediaLegId leg, MediaLegId listener);
MediaCommand *media_command_leg_set_deaf (MediaLegId leg, gboolean is_deaf);
/** media_command_leg_play: @play (transfer full); tells of its end also when the leg is gone. */
MediaCommand *media_command_leg_play (MediaLegId leg, MediaPlay *play);
MediaCommand *media_command_leg_stop_play (MediaLegId leg, MediaPlayId play);
MediaCommand *media_command_room_play (MediaRoomId room, MediaPlay *play);
MediaCommand *media_command_room_stop_play (MediaRoomId room, MediaPlayId play);
/** media_command_room_record: @recorder (transfer full); it ends at once when the room is gone. */
MediaCommand *media_command_room_record (MediaRoomId room, MediaRecorder *recorder);
MediaCommand *media_command_room_stop_record (MediaRoomId room, MediaRecordId record);
/** media_command_room_record_leg: media_room_record_leg. */
MediaCommand *media_command_room_record_leg (MediaRoomId room, MediaRecordId record, MediaLegId leg);
MediaCommand *media_command_leg_send_dtmf (MediaLegId leg, const char *digits);
MediaCommand *media_command_leg_stop_dtmf (MediaLegId leg);
MediaCommand *media_command_leg_free (MediaLegId leg);
MediaCommand *media_command_leg_export (MediaLegId leg,
                                        void (*done) (gpointer user, const MediaLegState *state),
                                        gpointer user);
MediaCommand *media_command_leg_expect (MediaLegId leg);
MediaCommand *media_command_leg_move (MediaLegId leg, MediaWorker *to);

/** media_stats_gate_open: the main thread has taken the statistics. */
void media_stats_gate_open (MediaStatsGate *gate);
