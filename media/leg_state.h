/* What a leg's media needs to go on elsewhere: plain values only, so that it can be written down and restored
 * (a successor process, another node). Nothing points anywhere; keys are in it: handle as a secret and clear
 * with media_leg_state_free. Instants are of the monotonic clock of the machine where it was exported. */
#pragma once

#include <glib.h>

#include "media/codec/codec.h"
#include "media/core/latch.h"
#include "media/core/receiver_stats.h"
#include "media/core/rewriter.h"
#include "media/core/sender_stats.h"
#include "media/engine.h"
#include "media/io/prefetch.h"
#include "media/io/srtp.h"

/* One outgoing SSRC. A sink has one per codec; a change of codec begins a fresh one, never an old one again
 * (Chromium plays a track from the newest SSRC it saw). */
typedef struct
{
  _Alignas(MEDIA_CACHE_LINE) MediaRewriter rewriter;
  gboolean used;
  MediaSenderStats sent;
  /* As of the peer's newest report. */
  guint64 reported_sequence, reported_packets;
  gint64 gaps;        /* of its sequence numbers so far that we never had … */
  double gaps_recent; /* … 0–1, smoothed as sent.loss_recent */
} MediaSinkStream;

typedef struct
{
  char mid[32];
  MediaTrackId track;
  /* incoming */
  gboolean have_codec_in;
  MediaCodecId codec_in;
  MediaReceiverStats received;
  guint64 packets_in, bytes_in, discarded;
  /* outgoing */
  gboolean have_codec_out;
  MediaCodecId codec_out;
  MediaSinkStream streams[MEDIA_CODEC_N];
  guint64 packets_before, bytes_before, lost_before; /* of SSRCs that are gone */
} MediaSectionState;

struct _MediaLegState
{
  MediaLegId id;
  guint n_sections;
  MediaSectionState sections[MEDIA_MAX_SECTIONS];
  gboolean media_started;
  gint64 silent_for_us; /* since the last packet of the peer; < 0: none came yet */

  /* plain RTP */
  char local_address[64];
  guint16 local_rtp_port, local_rtcp_port;
  MediaLatch latch;

  /* SRTP; profile NONE where there is none */
  MediaSrtpKeys local_keys, remote_keys;
  MediaSrtpState srtp;
};

/** media_leg_state_new: all zero. Returns: (transfer full): with media_leg_state_free. */
MediaLegState *media_leg_state_new (void) G_GNUC_WARN_UNUSED_RESULT;
/** media_leg_state_free: clears the keys, then frees. */
void media_leg_state_free (MediaLegState *state);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaLegState, media_leg_state_free)
