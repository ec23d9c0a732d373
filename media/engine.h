/* The media plane as the main thread sees it: N workers, rooms and legs on them, named by ids.
 *
 * Every function is called on the main thread and returns at once; what a worker has to tell comes back on
 * the main thread through MediaEngineOps (a mailbox with a GSource on the default main context). Ids are made
 * here and never used again, so that a late message finds nothing instead of a successor; functions given an
 * id that is gone do nothing.
 *
 *   SIP leg:    media_engine_leg_new_rtp -> address and ports at once -> configure -> attach to a room
 *   WebRTC leg: media_engine_leg_new_rtc (placed on the room's worker) -> ops.leg_gathered -> configure
 *
 * A room and its attached legs live on one worker. A SIP leg can be attached to a room of another worker: it
 * is handed over whole (detach, mailbox, attach). A WebRTC leg stays on the worker where it was made.
 *
 * A leg has sections (m-lines), each with at most one source (what the peer sends) and one sink (what we
 * send). A sink takes either everything audible (MEDIA_SINK_MIX; forwarded untouched when one source alone
 * qualifies) or one given track. Track ids name sources: they are chosen by the caller per section. */
#pragma once

#include <glib.h>

#include "media/codec/codec.h"
#include "media/io/srtp.h"
#include "media/core/tone.h"

typedef struct _MediaEngine MediaEngine;
typedef guint64 MediaRoomId;   /* 0: none */
typedef guint64 MediaLegId;    /* 0: none */
typedef guint64 MediaTrackId;  /* 0: none */
typedef guint64 MediaPlayId;   /* 0: none */
typedef guint64 MediaRecordId; /* 0: none */

#define MEDIA_MAX_SECTIONS 32
#define MEDIA_MAX_CODECS   8
/* Listeners that have a gain of their own for one leg. */
#define MEDIA_MAX_GAINS 1024

typedef struct
{
  guint n_workers; /* 0: one per core */
  guint16 rtp_port_start, rtp_port_end;
  guint16 rtc_port_start, rtc_port_end;
  const char *const *rtc_bind;      /* NULL-terminated addresses for ICE; empty: all, loopback included */
  const char *rtc_external_address; /* (nullable) */
  const char *stun_server;          /* (nullable): "host:port" */
  int opus_complexity;              /* as in MediaEncoderConfig */
  guint mix_speakers;
  gint64 timeout_us; /* no RTP and no RTCP for so long on a leg that should receive: ops.leg_timeout */
  gint64 timeout_initial_us; /* the same before the first packet; 0 turns either off */
} MediaEngineConfig;

typedef struct
{
  MediaCodecId codec;
  guint8 send_pt, recv_pt;
  guint channels;
  guint max_playback_rate_hz; /* opus, what the peer asked for in fmtp; 0: no wish */
  guint max_average_bitrate;  /* opus; 0: no wish */
  gboolean use_inband_fec, use_dtx;
} MediaPlanCodec;

typedef enum
{
  MEDIA_SINK_NONE,
  MEDIA_SINK_MIX,
  MEDIA_SINK_TRACK,
} MediaSinkKind;

typedef struct
{
  /* what sending a packet needs stands first */
  char mid[32];
  guint8 ext_level_id, ext_mid_id; /* RFC 8285, 0: none */
  guint8 cn_pt;                    /* 0: none */
  guint8 dtmf_send_pt;             /* 0: none */
  guint ptime_ms;
  MediaSinkKind sink;
  gboolean is_audio;      /* FALSE: a refused or foreign section: nothing flows */
  gboolean send, receive; /* agreed direction, our view */
  guint n_codecs;
  MediaPlanCodec codecs[MEDIA_MAX_CODECS]; /* the one to send with first; all may be received */
  guint8 dtmf_recv_pts[4];
  guint dtmf_recv_rates_hz[4]; /* clock rate of each; 0: that of the codec which the peer sends */
  guint n_dtmf_recv_pts;
  gboolean normalizes;       /* what the peer says is brought to a usual level; it is never forwarded then */
  gboolean detect_tones;     /* look for keys in the audio that the peer sends: ops.leg_dtmf */
  guint32 ssrc;              /* ours, announced in SDP; chosen by the caller, never 0 when send; another one
                                than before begins a new stream */
  guint32 remote_ssrc;       /* 0: learned */
  MediaTrackId source_track; /* names what the peer sends here; 0 when receive is FALSE */
  MediaTrackId sink_track;   /* for MEDIA_SINK_TRACK */
} MediaPlanSection;

/* What was agreed in SDP, the whole of it (with SRTP keys in it a secret); each configure replaces the plan
 * before. A section whose codecs are unchanged goes on without a gap: same SSRC, sequence and timestamps run
 * on. */
typedef struct
{
  MediaPlanSection sections[MEDIA_MAX_SECTIONS];
  guint n_sections;
  /* plain RTP legs: numeric addresses */
  char remote_address[64];
  guint16 remote_rtp_port, remote_rtcp_port;
  gboolean rtcp_mux;
  /* SDES-SRTP: keys of what we send and of what the peer sends; profile NONE: plain RTP. A new local key
   * wants a new ssrc in each section that sends. */
  MediaSrtpKeys srtp_local, srtp_remote;
  char cname[64];
} MediaPlan;

typedef struct
{
  const char *local_address; /* numeric: where to bind; also decides the family */
} MediaRtpLegConfig;

typedef struct
{
  guint16 rtp_port, rtcp_port;
} MediaRtpLocal;

typedef struct
{
  gboolean controlling; /* ICE; FALSE when the peer offered and is full ICE */
  gboolean dtls_active; /* DTLS client */
  const char *remote_ufrag, *remote_pwd;
  const char *remote_fingerprint;       /* "sha-256 AB:CD:..." */
  const char *const *remote_candidates; /* NULL-terminated "candidate:..." */
} MediaRtcLegConfig;

/* Valid during the ops call. */
typedef struct
{
  const char *ufrag, *pwd;
  const char *const *candidates; /* those known so far, "candidate:..." */
  gboolean complete;             /* no more will come by ops.leg_candidate */
} MediaRtcLocal;

/* How a WebRTC leg is connected. Valid during the ops call. */
typedef struct
{
  const char *cipher; /* SRTP's, "AEAD_AES_128_GCM" */
  const char *remote; /* selected "address:port" */
  const char
      *pair; /* of ICE candidates, ours and the peer's: "host 192.0.2.1:20000, prflx 198.51.100.7:4000" */
  const char *dtls; /* "DTLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256" */
} MediaRtcPath;

typedef struct
{
  guint64 packets, bytes;
  guint64 lost;        /* by sequence number; in: seen by us, out: from the peer's receiver reports */
  guint64 discarded;   /* in: too late, duplicate or malformed; 0 for out */
  double loss_percent; /* over the life of the stream */
  double jitter_ms;    /* RFC 3550 6.4.1 */
  double mos;          /* 1.0-4.5; 0 when nothing flowed */
} MediaStreamStats;

typedef struct
{
  MediaStreamStats in, out; /* all sections together */
  double rtt_ms;            /* from RTCP; < 0 when not known */
  double playout_delay_ms;  /* jitter buffer; 0 when only forwarded */
  guint64 concealed;        /* frames made up for lost ones */
  guint64 auth_failures;    /* SRTP packets that did not authenticate */
  guint64 strangers;        /* packets from other sources than the latched one, or no RTP at all: dropped */
  gboolean forwarding;      /* the first sink forwards, rather than mixes */
  char codec_in[16], codec_out[16]; /* "" before the first packet */
  char remote[64];                  /* latched or selected "address:port" */
  char cipher[40];                  /* "none", "AEAD_AES_128_GCM" ... */
} MediaLegStats;

typedef struct
{
  MediaTrackId track;
  double level; /* 0.0 silent - 1.0 loudest */
} MediaSpeaker;

/* Why something is not played any more. */
typedef enum
{
  MEDIA_PLAY_FINISHED, /* played to its end */
  MEDIA_PLAY_STOPPED,  /* media_engine_play_stop */
  MEDIA_PLAY_GONE,     /* the leg or room it was played to is gone */
  MEDIA_PLAY_FAILED,   /* the file cannot be played, or too much is played there already */
} MediaPlayEnd;

typedef enum
{
  MEDIA_RECORD_WAV, /* 16 bit */
  MEDIA_RECORD_OGG, /* Opus */
} MediaRecordFormat;

typedef struct
{
  const char *directory; /* made when it is not there */
  const char *file;      /* below it, by names that are neither "." nor ".."; its directories are made */
  MediaRecordFormat format;
  guint rate_hz;  /* 8000, 16000 or 48000 */
  guint channels; /* 1: all together; 2: see @leg */
  /* One channel: only what @leg says, 0: what all say. Two: @leg on the left (0: phones), the others on the
   * right. What is played to the room is on both; a recording of one leg alone has nothing of it. */
  MediaLegId leg;
  gint64 max_duration_us; /* 0: no limit */
} MediaRecordConfig;

/* Why something is not recorded any more. */
typedef enum
{
  MEDIA_RECORD_STOPPED,      /* media_engine_record_stop */
  MEDIA_RECORD_MAX_DURATION, /* it is as long as it may be */
  MEDIA_RECORD_GONE,         /* the room is gone */
  MEDIA_RECORD_DISK_FULL,    /* no space, quota or limit of a file's size; what was written before is there */
  MEDIA_RECORD_FAILED,       /* the file cannot be made or written; or its disk does not answer: what there is
                              * of it is finished when it does */
} MediaRecordEnd;

typedef struct
{
  MediaRecordEnd end;
  const char *error; /* one sentence without a path of this machine, with DISK_FULL and FAILED; else NULL */
  const char *file;  /* below the directory; NULL: none was made */
  double duration_s; /* of the file */
  guint64 size;      /* bytes; 0: not known */
  double lost_s;     /* left out because the disk was too slow: silence in the file */
} MediaRecordResult;

typedef struct
{
  void (*leg_gathered) (gpointer owner, MediaLegId leg,
                        const MediaRtcLocal *local);                             /* also after a restart */
  void (*leg_candidate) (gpointer owner, MediaLegId leg, const char *candidate); /* NULL: no more */
  void (*leg_connected) (gpointer owner, MediaLegId leg, const MediaRtcPath *path);
  void (*leg_disconnected) (gpointer owner, MediaLegId leg); /* consent lost; connected may follow */
  void (*leg_failed) (gpointer owner, MediaLegId leg,
                      const char *reason); /* DTLS refused, ICE never worked */
  /* First packet accepted from the peer. @cipher "none" for plain RTP. */
  void (*leg_media_started) (gpointer owner, MediaLegId leg, const char *codec, const char *cipher,
                             const char *remote);
  void (*leg_dtmf) (gpointer owner, MediaLegId leg, char digit, guint duration_ms); /* once per key press */
  void (*leg_timeout) (gpointer owner, MediaLegId leg, gboolean initial);
  void (*leg_stats) (gpointer owner, MediaLegId leg, const MediaLegStats *stats); /* about once a second */
  /* The last word of a leg after media_engine_leg_free. */
  void (*leg_closed) (gpointer owner, MediaLegId leg, const MediaLegStats *stats);
  /* Who speaks, loudest first: on change, at most 10 times a second, and once a second while it lasts. */
  void (*room_speakers) (gpointer owner, MediaRoomId room, const MediaSpeaker *speakers, gsize n);
  /* (nullable): the last word of a play. @error: one sentence with MEDIA_PLAY_FAILED, else NULL. */
  void (*play_ended) (gpointer owner, MediaPlayId play, MediaPlayEnd end, const char *error);
  /* (nullable): @file, below the directory, is there and is being written. */
  void (*record_started) (gpointer owner, MediaRecordId record, const char *file);
  /* (nullable): the last word of a recording: its file is finished. @result is valid during the call. */
  void (*record_ended) (gpointer owner, MediaRecordId record, const MediaRecordResult *result);
} MediaEngineOps;

/** media_engine_new: starts the workers. @config copied, @ops not. (nullable): NULL with @error. */
MediaEngine *media_engine_new (const MediaEngineConfig *config, const MediaEngineOps *ops, gpointer owner,
                               GError **error);
/** media_engine_free: closes every leg, joins the workers and finishes the files of recordings (each bounded:
 * 5 s in all). No ops are called any more. */
void media_engine_free (MediaEngine *engine);
/** media_engine_fingerprint: "sha-256 AB:CD:..." of the process's DTLS certificate. */
const char *media_engine_fingerprint (const MediaEngine *engine);
guint media_engine_n_workers (const MediaEngine *engine);

MediaRoomId media_engine_room_new (MediaEngine *engine); /* on the least loaded worker */
/** media_engine_room_free: legs still attached are detached (they stay alive). */
void media_engine_room_free (MediaEngine *engine, MediaRoomId room);
/** media_engine_room_tell_speakers: FALSE: nobody wants to know who speaks there; what is under way may still
 * be told. TRUE, as in a new room: ops.room_speakers tells, after a FALSE with those who speak now. */
void media_engine_room_tell_speakers (MediaEngine *engine, MediaRoomId room, gboolean tell);

/** media_engine_tidy: after a load: workers without a leg give back the memory that their threads keep. */
void media_engine_tidy (MediaEngine *engine);

/** media_engine_leg_new_rtp: binds an RTP/RTCP port pair. 0 with @error: RESOURCE_EXHAUSTED names the range.
 */
MediaLegId media_engine_leg_new_rtp (MediaEngine *engine, const MediaRtpLegConfig *config,
                                     MediaRtpLocal *local, GError **error);
/** media_engine_leg_new_rtc: on @room's worker; ops.leg_gathered follows, then the answer can be written. */
MediaLegId media_engine_leg_new_rtc (MediaEngine *engine, MediaRoomId room, const MediaRtcLegConfig *config);
void media_engine_leg_add_candidate (MediaEngine *engine, MediaLegId leg, const char *candidate);
/** media_engine_leg_restart_ice: new credentials of the peer; ops.leg_gathered follows with ours. */
void media_engine_leg_restart_ice (MediaEngine *engine, MediaLegId leg, const char *remote_ufrag,
                                   const char *remote_pwd);
/** media_engine_leg_configure: @plan copied. A SIP leg sends from its first configure with send on. */
void media_engine_leg_configure (MediaEngine *engine, MediaLegId leg, const MediaPlan *plan);
/** media_engine_leg_attach: @room 0 detaches. For a WebRTC leg the room must be on its worker (asserted). */
void media_engine_leg_attach (MediaEngine *engine, MediaLegId leg, MediaRoomId room);
/** media_engine_leg_worker: where @leg lives; -1: there is no such leg. */
int media_engine_leg_worker (const MediaEngine *engine, MediaLegId leg);
/** media_engine_leg_can_attach: FALSE for a WebRTC leg and a @room on another worker than its own. */
gboolean media_engine_leg_can_attach (MediaEngine *engine, MediaLegId leg, MediaRoomId room);
/** media_engine_leg_set_muted: TRUE: nobody hears this leg's sources. */
void media_engine_leg_set_muted (MediaEngine *engine, MediaLegId leg, gboolean muted);
/** media_engine_leg_set_gain: how loud @leg is for @listener (0: for everybody without a gain of their own;
 * MEDIA_MAX_GAINS have one, more are ignored). */
void media_engine_leg_set_gain (MediaEngine *engine, MediaLegId leg, MediaLegId listener, double gain_db);
/** media_engine_leg_unset_gain: @leg is as loud for @listener as for everybody. */
void media_engine_leg_unset_gain (MediaEngine *engine, MediaLegId leg, MediaLegId listener);
/** media_engine_leg_set_deaf: TRUE: it hears no other leg; gains are as they were when it hears again. */
void media_engine_leg_set_deaf (MediaEngine *engine, MediaLegId leg, gboolean is_deaf);
/** media_engine_leg_free: ops.leg_closed is its last word. */
void media_engine_leg_free (MediaEngine *engine, MediaLegId leg);

/* What to play: the first of these that is set. */
typedef struct
{
  const char *file;      /* path */
  const char *directory; /* (nullable): @file is refused when it is not below it, after all links */
  GBytes *bytes;         /* a whole audio file in memory */
  MediaToneKind tone;    /* a tone, when neither is set */
  MediaToneRegion region;
} MediaPlaySource;

typedef struct
{
  gboolean loop; /* a file begins anew at its end; tones with a cadence go on anyway */
  double gain_db;
} MediaPlayOptions;

/**
 * media_engine_play:
 * @leg: to whom, mixed with what it hears, in a room or in none; 0: to everybody in @room
 * @room: used when @leg is 0
 * @options: (nullable)
 *
 * Files are read by helper threads: what is wrong with one is told by ops.play_ended, which always comes and
 * never before this returns. A play to a leg follows it from room to room.
 *
 * Returns: 0 when there is no such leg or room.
 */
MediaPlayId media_engine_play (MediaEngine *engine, MediaLegId leg, MediaRoomId room,
                               const MediaPlaySource *source, const MediaPlayOptions *options);
/** media_engine_play_stop: ops.play_ended follows, with STOPPED unless it ended meanwhile. */
void media_engine_play_stop (MediaEngine *engine, MediaPlayId play);

/**
 * media_engine_record:
 * @config: copied
 *
 * Records a room into a file, beside what goes on in it: nothing is mixed or encoded for anybody that was
 * forwarded before. Time is that of the clock: silence where nobody speaks. Files are written by a helper
 * thread: whether it can be is told by ops.record_started or ops.record_ended, never before this returns.
 *
 * A disk that does not answer ends what waits for it, after 10 s (before it began, or once it is stopped) or
 * 30 s, and the other files of the thread that it holds up; what other threads write goes on.
 *
 * Returns: 0 when there is no such room, or no thread for it: none can be started, or a disk holds all up.
 */
MediaRecordId media_engine_record (MediaEngine *engine, MediaRoomId room, const MediaRecordConfig *config);
/** media_engine_record_leg: a recording of one leg alone goes on with @leg, which took its place in the room.
 */
void media_engine_record_leg (MediaEngine *engine, MediaRecordId record, MediaLegId leg);
/** media_engine_record_stop: ops.record_ended follows. */
void media_engine_record_stop (MediaEngine *engine, MediaRecordId record);

/* How digits go out: as RFC 4733 events where the plan has a payload type for them, else as tones in the
 * audio; both without a break of the stream's numbers. */
#define MEDIA_DTMF_TONE_MS 100
#define MEDIA_DTMF_GAP_MS  100

/**
 * media_engine_leg_send_dtmf:
 * @digits: 0–9 * # A–D, pauses: 'w' 0.5 s, 'W' 1 s, ',' 2 s; they follow those that are still being sent
 *
 * The leg holds MEDIA_DTMF_QUEUE_MAX (media/core/dtmf.h) characters; what would not fit is not sent: a caller
 * who does not wait counts the time (media_dtmf_duration_ms). Returns: FALSE for a foreign character or no
 * leg.
 */
gboolean media_engine_leg_send_dtmf (MediaEngine *engine, MediaLegId leg, const char *digits);
/** media_engine_leg_stop_dtmf: digits that wait are not sent. */
void media_engine_leg_stop_dtmf (MediaEngine *engine, MediaLegId leg);

/* What a leg's media would need to go on in another process: plain values (see media/leg_state.h). The state
 * comes back through @done on the main thread; @state is valid during the call, NULL when the leg is gone. */
typedef struct _MediaLegState MediaLegState;
void media_engine_leg_export (MediaEngine *engine, MediaLegId leg,
                              void (*done) (gpointer user, const MediaLegState *state), gpointer user);

typedef struct
{
  guint n_legs, n_rooms;
  double load;         /* share of one core used in the last second, 0-1 */
  gint64 cpu_us;       /* of a core, used so far */
  double tick_late_ms; /* worst lateness of a tick in the last second */
  /* Of the last 5 to 10 s: only 1 % of the ticks began later. Goes on rising while the worker does not turn.
   */
  double tick_late_p99_ms;
  double overdue_ms;        /* for so long it has not turned when it should have; 0: it turns */
  double tick_late_mean_ms; /* over about the last second */
  guint64 ticks_skipped;    /* so far: left out, because the worker was too late for them */
  guint commands_waiting;   /* in its mailbox */
  guint opus_complexity;    /* 0-10, of its encoders now */
  gint64 opus_cpu_us;       /* of cpu_us: what they took so far, by samples */
  gint64 opus_audio_us;     /* of how much audio */
  guint64 packets_in, packets_out, strangers;
} MediaWorkerStats;

/** media_engine_events: @waiting: (out): what workers have told and the main thread has not heard yet;
 * @dropped: (out): statistics that it would have heard too late. */
void media_engine_events (const MediaEngine *engine, guint *waiting, guint64 *dropped);
/** media_engine_worker_placed: how many legs and rooms are placed on worker @index, those included that it
 * has not heard of yet. */
guint media_engine_worker_placed (const MediaEngine *engine, guint index);
/** media_engine_avoid_worker: nothing new is placed on worker @index while others are not to be avoided. */
void media_engine_avoid_worker (MediaEngine *engine, guint index, gboolean avoid);
/** media_engine_set_opus_complexity: all Opus encoders of worker @index, those that it has and those it will
 * have, work with @complexity (0-10) from their next frame on. */
void media_engine_set_opus_complexity (MediaEngine *engine, guint index, guint complexity);
/** media_engine_next_worker: where a room that is made now will live. */
guint media_engine_next_worker (const MediaEngine *engine);
/** media_engine_room_worker: where @room lives; -1: there is no such room. */
int media_engine_room_worker (const MediaEngine *engine, MediaRoomId room);
/** media_engine_worker_stats: reads the counters of worker @index. */
void media_engine_worker_stats (MediaEngine *engine, guint index, MediaWorkerStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaEngine, media_engine_free)
