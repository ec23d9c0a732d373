/* One participant's audio both ways: what it says, packet by packet, and what became of what it hears. No
 * socket, no clock. */
#pragma once

#include <glib.h>

#include "media/core/receiver_stats.h"
#include "media/core/rtcp.h"
#include "tools/load/frames.h"
#include "tools/load/marks.h"

#define LOAD_GAP_US  60000 /* between two packets: two of them are missing, or late */
#define LOAD_LATE_US 40000 /* behind the fastest packet of the stream: lost to most jitter buffers */
#define LOAD_EDGES   3     /* packets on their way, and not read yet, as the measuring begins and ends */

typedef struct
{
  guint8 payload_type;
  MediaCodecId codec;
} LoadFormat;

typedef struct
{
  guint64 sent, received, expected, lost, duplicates, reordered, gaps, late;
  guint64 due; /* frames of 20 ms that it was up */
  gint64 gap_max_us, jitter_us;
  guint64 reported_lost; /* of what was sent, by the other side's reports */
  guint64 marks;         /* heard and known whose */
  const GArray *delays;  /* of gint64, us */
} LoadFlowResult;

typedef struct
{
  /* what is sent */
  const LoadFrames *frames;
  gboolean talks;
  gboolean muted; /* sends nothing while it does not talk, but for the first second: others must know where it
                     is */
  gboolean was_sending;
  guint64 ticks; /* of 20 ms that it was up */
  guint8 payload_type;
  guint32 ssrc, timestamp;
  guint16 sequence;
  guint position; /* in the loop */
  guint spurt_frames, pause_frames,
      turn; /* of talking and of silence, and where in the two together; 0: no pauses */
  guint64 sent, octets;

  /* what is heard */
  guint n_formats;
  LoadFormat formats[4];
  gboolean decodes, decodes_g711; /* to find marks in it: what costs something to decode, what does not */
  MediaReceiverStats rx;
  MediaCodecId rx_codec;
  MediaDecoder *decoder;
  LoadMarks marks;
  gboolean hears_pauses; /* those whom it hears send nothing at times */
  gint64 last_us;
  guint32 last_ssrc, last_timestamp;
  guint16 last_sequence;
  guint32 base_ssrc;
  guint32 base_timestamp;
  gint64 base_us; /* arrival, less the time on the stream's clock, of its fastest packet */
  guint64 gaps, late;
  gint64 gap_max_us;
  GArray *delays;
  guint64 reported_lost;

  /* as they were when the measuring began */
  guint64 ticks_before, sent_before, received_before, expected_before, lost_before, duplicates_before,
      reordered_before;
  guint64 reported_before;
} LoadFlow;

void load_flow_init (LoadFlow *flow, const LoadFrames *frames, gboolean talks);
void load_flow_clear (LoadFlow *flow);
/** load_flow_add_format: what the other side may send as @payload_type. */
void load_flow_add_format (LoadFlow *flow, guint8 payload_type, MediaCodecId codec);

/**
 * load_flow_set_turn:
 * @spurt_frames: with @pause_frames: it talks for so long, and then is silent; 0: it always talks
 * @nth: of @n talkers of room number @room
 *
 * The marks of a room's talkers are spread over the time between two, and so are their turns.
 */
void load_flow_set_turn (LoadFlow *flow, guint spurt_frames, guint pause_frames, guint room, guint nth,
                         guint n);
/**
 * load_flow_next:
 * @packet: room for MEDIA_RTP_PACKET_MAX octets
 * @mark: (out): TRUE when it carries a mark
 *
 * Returns: the size of the next 20 ms as an RTP packet; 0: nothing is sent, for it is muted and does not
 * talk.
 */
gsize load_flow_next (LoadFlow *flow, guint8 *packet, gboolean *mark);
/** load_flow_pass: 20 ms in which it is not there yet, or late: its turn and its marks stay where they are
 * between the others', its timestamp with the clock. */
void load_flow_pass (LoadFlow *flow);
/** load_flow_report: an RTCP sender report about both ways. Returns: its size; 0 when there is none yet. */
gsize load_flow_report (LoadFlow *flow, guint8 *packet, gsize capacity, CfgMonotonic now, CfgWall wall);

/** load_flow_receive: a plain RTP packet. Returns: the instant of a mark in it; -1 without. */
gint64 load_flow_receive (LoadFlow *flow, const guint8 *data, gsize size, CfgMonotonic now);
/** load_flow_receive_report: plain RTCP. */
void load_flow_receive_report (LoadFlow *flow, const guint8 *data, gsize size, CfgMonotonic now);
void load_flow_add_delay (LoadFlow *flow, gint64 delay_us);

/** load_flow_begin: the measuring begins: what was counted before is not told. */
void load_flow_begin (LoadFlow *flow);
/** load_flow_result: since then. @result borrows. */
void load_flow_result (const LoadFlow *flow, LoadFlowResult *result);
/**
 * load_flow_missing:
 * @result: of one who hears somebody without pauses
 * @edges: so many are no loss: LOAD_EDGES, and more where a network is emulated
 *
 * Returns: the packets for which there was not even a sequence number, by the clock.
 */
guint64 load_flow_missing (const LoadFlowResult *result, guint64 edges);
