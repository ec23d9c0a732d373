/* The inside of legs and rooms, for media/leg*.c and media/room*.c only. */
#pragma once

#include <glib.h>

#include "media/codec/codec.h"
#include "media/core/dtmf.h"
#include "media/core/levels.h"
#include "media/core/mixer.h"
#include "media/core/normalizer.h"
#include "media/leg.h"
#include "media/feed.h"
#include "media/play.h"
#include "media/room_media.h"

typedef struct _MediaSource MediaSource;
typedef struct _MediaSink MediaSink;
typedef struct _MediaSection MediaSection;
typedef struct _MediaToneKeys MediaToneKeys;

/* What a payload type of a section means. Below MEDIA_PT_NOISE: a MediaCodecId. */
enum
{
  MEDIA_PT_NOISE = MEDIA_CODEC_N,
  MEDIA_PT_DTMF,
  MEDIA_PT_UNKNOWN,
};

/* One who begins or ends to be heard in the mix does so without a step. */
typedef enum
{
  MEDIA_FADE_NONE,
  MEDIA_FADE_IN,
  MEDIA_FADE_OUT,
} MediaFade;

/* How often the level of what a source sends is wanted. */
typedef enum
{
  MEDIA_MEASURE_ALWAYS, /* who speaks is asked for, it is mixed, or its level goes with it */
  MEDIA_MEASURE_SELDOM, /* for the comfort noise of a phone that hears it, once it falls silent */
  MEDIA_MEASURE_NEVER,
} MediaMeasure;

#define MEDIA_LEVEL_AGE_OLD 100 /* packets: the next one is measured */

/* Opus packets of speech have 15 octets at its lowest bit rate, those of digital silence 3 to 8 (in hybrid
 * mode more); less than 20 ms have a part of that. After a run of such ones, when whatever came before has
 * been played (no jitter buffer keeps it so long), a source that nobody hears is not decoded, and is again
 * with the first longer one. */
#define MEDIA_SOURCE_TINY_OCTETS 8
#define MEDIA_SOURCE_TINY_RUN    10
#define MEDIA_SOURCE_TINY_US     CFG_US_PER_S

struct _MediaSource
{
  MediaLeg *leg;
  MediaSection *section;
  MediaTrackId track;
  guint64 serial;   /* names it in rewriters; never used again */
  gboolean enabled; /* the plan says that the peer sends */
  guint8 kind_of_pt[128];
  gboolean have_codec;
  MediaCodecId codec; /* of the newest packet; before it, the plan's first */
  MediaReceiverStats received;
  guint64 packets, bytes, discarded;
  MediaDtmfReceiver dtmf;
  MediaToneKeys *tone_keys; /* nullable; plan.detect_tones */

  MediaSpeech speech;
  gboolean levels_arrive;       /* speech is known from packets as they come, not only from decoding */
  MediaDecoder *level_decoder;  /* nullable; 8 kHz */
  guint level_age;              /* packets since it was measured */
  guint n_tiny;                 /* packets in a row that are too short for speech … */
  CfgMonotonic long_at;         /* … and when the last one came that is not */
  guint8 level;                 /* of the newest packet, for RFC 6464 when forwarding */
  gboolean tells_noise;         /* it sends comfort noise packets (RFC 3389) … */
  guint8 noise_level;           /* … the newest of this level, -dBov */
  guint packet_ms;              /* what it really sends, steadily; 0: not known yet */
  guint next_packet_ms, n_next; /* so many packets in a row were of another length */

  /* routing, written by room_routing.c */
  GPtrArray *forward_to; /* of MediaSink */
  gboolean audible;      /* in room, unmuted, enabled */
  gboolean mixed;        /* some sink mixes it: it has a feed */
  MediaMeasure measure;
  guint n_track_mixers;                  /* sinks that mix this one alone */
  gboolean recorded;                     /* alone: it is always decoded, also what is too low to be speech */
  MediaFeed *feed;                       /* nullable */
  MediaNormalizer normalizer;            /* its feeds come and go; what it knows of the talker stays */
  guint64 concealed_before, late_before; /* of feeds that are gone */
  gboolean ending;                       /* muted while it is heard: goes out with the next frame */
  /* mixing, written by room_mix.c */
  gboolean chosen;
  gboolean spoke;   /* in the last frame */
  gboolean in_file; /* the last frame went into a recording of it alone, and is not faded */
  MediaFade fade;   /* of the present frame */
  gint slot[MEDIA_N_RATES];
};

/* Digits that we send. */
typedef struct
{
  MediaDtmfSender sender;
  gboolean inband;    /* the peer takes no telephone-events: tones in the audio instead */
  gboolean event_now; /* what the last packet of an event tells of lasts until the next tick */
  guint32 event_timestamp;
  MediaTonePattern tone;
  MediaToneGenerator generator;
  gboolean tone_on;   /* in-band */
  CfgMonotonic clock; /* in-band: goes on by a frame with each one that is made */
} MediaSinkDigits;

typedef enum
{
  MEDIA_SINK_IDLE,
  MEDIA_SINK_FORWARDING,
  MEDIA_SINK_MIXING,
} MediaSinkMode;

struct _MediaSink
{
  /* what each packet needs: MEDIA_SINK_HEAD, of it a cache line to know which one it is */
  MediaLeg *leg;
  MediaSection *section;
  MediaSinkMode mode;
  MediaFade fade;          /* with the next frame: a mix begins or ends, before or after it is forwarded */
  MediaSource *from;       /* forwarding, or the only one to be mixed (a track) */
  MediaSinkDigits *digits; /* nullable; kept while there are some */
  MediaCodecId mix_codec;
  guint mix_rate_hz;
  gboolean on_own;    /* the last frame was of its own encoder, while others share one */
  gboolean is_common; /* the last frame was that of all others */
  gboolean is_plain;  /* hears the room's mix, nothing of its own, and in packets of a frame */
  gboolean enabled;
  gboolean have_codec;
  MediaCodecId codec; /* sent last */
  gint16 last_octet;  /* of what was forwarded last; negative: nothing was */
  gboolean joins;     /* what is forwarded next comes up from join_from */
  gint16 join_from;   /* the last sample before forwarding begins, or ends; 0: none, or not known */
  guint32 epoch;      /* goes up where packets of the source are left out */
  CfgMonotonic codec_since;
  gint8 plan_of_codec[MEDIA_CODEC_N]; /* index into plan.codecs, or -1 */
  guint n_changes;                    /* of codec, in quick succession */
  gboolean wants_announced;           /* the next packet begins a stream with announced_ssrc */
  guint silent_ticks;
  guint32 silent_units;  /* of silence made without an encoder, since the last frame that had one */
  guint64 format_tick;   /* of the room, when mix_rate_hz was found right last */
  guint64 heard_group;   /* serial of the group whose frame was the last one; 0: its own encoder's, or none */
  guint loss_percent;    /* in steps, so that few encoders serve many sinks; 0: clean */
  gboolean filling;      /* forwarding, but the source is silent for long */
  MediaEncoder *encoder; /* nullable; own, not the room's */

  MediaTrail trail; /* of a frame that is made for it */

  guint32 announced_ssrc;                            /* of the newest plan */
  guint64 packets_before, bytes_before, lost_before; /* of SSRCs that are gone */

  /* repair: the peer reports loss, G.711 gives way to Opus with FEC */
  gboolean lossy;
  guint n_reports_better;
  guint n_reports_clean;
  guint n_reports_lossy;

  /* what is made for it alone */
  gboolean faded;       /* out, with the last frame */
  gboolean hears_track; /* did, with the last frame */
  gboolean in_digit;    /* the last frame was of a digit in the audio */
  MediaEncoderConfig encoder_config;
  CfgMonotonic encoder_used_at;
  guint own_ticks; /* since it could have gone back */
  MediaLimiter limiter;
  gint16 *pcm; /* nullable; waits for a whole packet where ptime is not 20 ms */
  gsize pcm_samples;
  guint pcm_rate_hz;

  MediaSinkStream streams[MEDIA_CODEC_N];
};

#define MEDIA_SINK_HEAD G_STRUCT_OFFSET (MediaSink, trail)

struct _MediaSection
{
  MediaPlanSection plan;
  guint index;
  MediaSource source;
  MediaSink sink;
};

typedef struct
{
  MediaLegId listener;
  gint32 gain_q12;
  gint32 was_q12; /* with the last frame that was mixed */
} MediaGain;

#define MEDIA_SSRC_TABLE 64

typedef struct
{
  guint32 ssrc;
  guint8 section;
} MediaSsrcEntry;

struct _MediaLeg
{
  /* what each packet that it is sent needs: a cache line */
  const MediaLegOps *ops;
  gpointer user;
  MediaRoom *room;            /* nullable */
  GPtrArray *plays;           /* nullable; of MediaPlay: what it alone hears */
  gboolean is_deaf, was_deaf; /* hears no sources; with the last frame that was mixed */
  MediaLegConfig config;
  MediaSection *sections[MEDIA_MAX_SECTIONS];
  guint n_sections;
  gboolean receives;      /* some source is enabled */
  gboolean authenticated; /* SRTP: a new SSRC counts at once */
  char cname[64];
  gboolean muted;
  MediaGain *gains;
  guint n_gains;
  gint32 gain_q12; /* for everybody without one of their own */
  gint32 was_q12;  /* with the last frame that was mixed */
  gboolean gains_move;

  MediaSsrcEntry ssrcs[MEDIA_SSRC_TABLE];
  guint n_ssrcs, next_ssrc;
  guint8 mid_id;

  gboolean media_started;
  gboolean have_received;
  CfgMonotonic received_at;   /* newest packet, RTP or RTCP */
  CfgMonotonic waiting_since; /* the timeout counts from here when nothing came after it */
  gboolean timed_out;

  gboolean rtcp_started;
  CfgMonotonic rtcp_at;
};

/* leg.c */
gint32 media_leg_gain_for (const MediaLeg *leg, MediaLegId listener);
/** media_leg_gain_to: how loud @leg is for @listener, 0 for one that is deaf. */
gint32 media_leg_gain_to (const MediaLeg *leg, const MediaLeg *listener);
/** media_leg_own_gain: @listener's own. (nullable) */
const MediaGain *media_leg_own_gain (const MediaLeg *leg, MediaLegId listener);
/** media_leg_settle_gains: a frame was mixed. */
void media_leg_settle_gains (MediaLeg *leg);
MediaSection *media_leg_section_for (MediaLeg *leg, const MediaRtpView *packet);

/* leg_source.c */
void media_source_init (MediaSource *source, MediaSection *section, MediaLeg *leg);
void media_source_clear (MediaSource *source);
void media_source_configure (MediaSource *source);
void media_source_receive (MediaSource *source, const MediaRtpView *packet, CfgMonotonic now);
void media_source_housekeep (MediaSource *source, CfgMonotonic now);
void media_source_set_mixed (MediaSource *source, gboolean mixed, guint rate_hz);
/** media_source_take_feed: it goes on for the caller. Returns: (transfer full) (nullable) */
MediaFeed *media_source_take_feed (MediaSource *source);
guint64 media_source_concealed (const MediaSource *source);
guint64 media_source_late (const MediaSource *source);

/* leg_tones.c; the first two for a source whose plan asks for it, or asked */
void media_source_configure_tones (MediaSource *source);
void media_source_clear_tones (MediaSource *source);
/** media_source_listen_for_tones: @source has tone_keys. */
void media_source_listen_for_tones (MediaSource *source, const MediaCodec *codec, const MediaRtpView *packet,
                                    CfgMonotonic now);
void media_source_poll_tones (MediaSource *source, CfgMonotonic now);

/* leg_sink.c */
void media_sink_init (MediaSink *sink, MediaSection *section, MediaLeg *leg);
void media_sink_clear (MediaSink *sink);
/** media_sink_unroute: it hears nobody; where its decoder is stays known only of its own encoder. */
void media_sink_unroute (MediaSink *sink);
void media_sink_configure (MediaSink *sink);
gboolean media_sink_speaks (const MediaSink *sink, MediaCodecId codec);
guint media_sink_ptime_ms (const MediaSink *sink);
/** media_sink_shows_level: a level goes with each packet that is forwarded to it (RFC 6464). */
gboolean media_sink_shows_level (const MediaSink *sink);
/** media_sink_expect: what forwarding a packet of @codec to it will need. */
void media_sink_expect (const MediaSink *sink, MediaCodecId codec, MediaTrail *trail);
/** media_sink_forward: one packet of @source, @units long. */
void media_sink_forward (MediaSink *sink, const MediaSource *source, const MediaRtpView *packet,
                         guint32 units, CfgMonotonic now);
/** media_sink_forward_noise: a comfort noise packet, where the sink's leg takes them. */
void media_sink_forward_noise (MediaSink *sink, const MediaSource *source, const MediaRtpView *packet,
                               CfgMonotonic now);
/** media_sink_produce: a payload of our own making in @codec; @size <= 0: the encoder has nothing to say. */
void media_sink_produce (MediaSink *sink, MediaCodecId codec, const guint8 *payload, gssize size,
                         guint32 units, CfgMonotonic now);
/** media_sink_silence: one tick's worth of nobody speaking. */
void media_sink_silence (MediaSink *sink, MediaCodecId codec, CfgMonotonic now);
/** media_sink_play: one frame of PCM (MEDIA_FRAME_MS at @rate_hz) through the sink's own encoder. */
void media_sink_play (MediaSink *sink, MediaCodecId codec, const gint16 *pcm, guint rate_hz, int complexity,
                      CfgMonotonic now);
/** media_sink_leave_group: its own encoder goes on where @from, that of others too, has come to. */
void media_sink_leave_group (MediaSink *sink, MediaCodecId codec, guint rate_hz, int complexity,
                             const MediaEncoder *from, CfgMonotonic now);
/** media_sink_adopt_encoder: the same where nobody else hears @encoder. (transfer full) */
void media_sink_adopt_encoder (MediaSink *sink, MediaEncoder *encoder, const MediaEncoderConfig *config,
                               CfgMonotonic now);
void media_sink_on_report (MediaSink *sink, const MediaRtcpReportBlock *block, CfgMonotonic now,
                           CfgWall wall);
void media_sink_housekeep (MediaSink *sink, CfgMonotonic now);
/** media_sink_has_paused: the last packet is too old to be heard. */
gboolean media_sink_has_paused (const MediaSink *sink, CfgMonotonic now);
MediaSinkStream *media_sink_stream (MediaSink *sink); /* of the codec sent last; nullable */
/** media_sink_stream_lost: between us and the peer, by its newest report: what was lost before a packet came
 * to us is a gap in what is forwarded, and in the report. */
guint64 media_sink_stream_lost (const MediaSinkStream *stream);
void media_sink_encoder_config (const MediaSink *sink, MediaCodecId codec, guint rate_hz, int complexity,
                                MediaEncoderConfig *config);

/** media_sink_send_event: one packet of a telephone-event. @timestamp: (inout): set with @first. */
void media_sink_send_event (MediaSink *sink, const MediaDtmfPacket *event, guint32 *timestamp,
                            CfgMonotonic now);

/* room_noise.c */
/** media_room_noise_level: of comfort noise for @sink: what the line of those whom it hears sounds like
 * between words, -dBov. */
guint8 media_room_noise_level (MediaRoom *room, const MediaSink *sink);

/* leg_play.c */
/** media_leg_carrier: the sink that plays and digits go to. (nullable) */
MediaSink *media_leg_carrier (MediaLeg *leg);
/** media_leg_advance_plays: a frame of each. Returns: TRUE when routing must look again. */
gboolean media_leg_advance_plays (MediaLeg *leg);

/* leg_dtmf.c */
/** media_sink_event_on: a telephone-event is being sent: no audio goes out (RFC 4733 2.5.1.2). */
gboolean media_sink_event_on (const MediaSink *sink);
/** media_sink_sends_tones: digits are being sent in the audio. */
gboolean media_sink_sends_tones (const MediaSink *sink);
/** media_sink_turn_digits: what is due. Returns: FALSE when there are none any more. */
gboolean media_sink_turn_digits (MediaSink *sink, CfgMonotonic now);
/** media_sink_digit_pcm: a frame of the tone that is on. Returns: FALSE when none is. */
gboolean media_sink_digit_pcm (MediaSink *sink, guint rate_hz, gint16 *pcm);

/* leg_rtcp.c */
void media_leg_send_reports (MediaLeg *leg, CfgMonotonic now, CfgWall wall, gboolean bye);
