/* Datagrams: what they are, RTP headers and extensions, and a packet's way through statistics, address latch,
 * DTMF and rewriting. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "media/core/demux.h"
#include "media/core/dtmf.h"
#include "media/core/latch.h"
#include "media/core/levels.h"
#include "media/core/receiver_stats.h"
#include "media/core/rewriter.h"
#include "media/core/rtp.h"

static void
check_view (const MediaRtpView *view, const guint8 *data, gsize size)
{
  char mid[MEDIA_RTP_MID_MAX + 1];
  guint8 level;
  gboolean voice;

  g_assert_true (view->data == data && view->size == size);
  g_assert_cmpuint (view->header_size + view->payload_size + view->padding_size, ==, size);
  g_assert_true (view->payload == data + view->header_size);
  for (guint id = 1; id < 256; id++)
    {
      gsize element_size = 0;
      const guint8 *element = media_rtp_find_extension (view, (guint8)id, &element_size);

      if (element != NULL)
        {
          g_assert_true (element >= data && element + element_size <= data + view->header_size);
        }
      if (media_rtp_read_mid (view, (guint8)id, mid))
        g_assert_cmpuint (strlen (mid), >=, 1);
      if (media_level_read (view, (guint8)id, &level, &voice))
        g_assert_cmpuint (level, <=, 127);
    }
}

typedef struct
{
  MediaReceiverStats stats;
  MediaLatch latch;
  MediaDtmfReceiver dtmf;
  MediaRewriter rewriter;
  CfgMonotonic now;
} Stream;

static void
take_packet (Stream *stream, const MediaRtpView *view, guint8 how)
{
  MediaLatchAddress from = { .ip = { 127, 0, 0, (guint8)(1 + (how & 3)) }, .port = 4000, .family = 4 };
  MediaDtmfEvent events[MEDIA_DTMF_EVENTS_MAX];
  MediaRtpPlace place;
  MediaRtcpReportBlock block;

  (void)media_receiver_stats_add (&stream->stats, view, (how & 4) != 0, stream->now);
  media_receiver_stats_report (&stream->stats, stream->now, &block);
  g_assert_cmpuint (media_receiver_stats_lost (&stream->stats), <=,
                    media_receiver_stats_expected (&stream->stats));
  (void)media_latch_rtp (&stream->latch, &from, view->ssrc, view->sequence, (how & 8) != 0, stream->now);
  g_assert_cmpuint (media_dtmf_receiver_push (&stream->dtmf, view, stream->now, events), <=,
                    MEDIA_DTMF_EVENTS_MAX);
  if (media_rewriter_forward (&stream->rewriter, 1 + (how >> 4 & 3), view, 160, stream->now, &place) == 0)
    {
      g_autofree guint8 *copy = g_memdup2 (view->data, view->size);
      MediaRtpView again;

      media_rtp_set_sequence (copy, place.sequence);
      media_rtp_set_timestamp (copy, place.timestamp);
      media_rtp_set_ssrc (copy, stream->rewriter.ssrc);
      media_rtp_set_payload_type (copy, 0);
      media_rtp_set_marker (copy, place.marker);
      g_assert_cmpint (media_rtp_parse (&again, copy, view->size), ==, 0);
      g_assert_cmpuint (again.sequence, ==, place.sequence);
      g_assert_cmpuint (again.payload_size, ==, view->payload_size);
    }
}

/* Packets: a byte of how it comes, a byte of how much later (× 5 ms), 16 bits of length, the datagram. */
static void
run (const guint8 *data, gsize size)
{
  FuzzBytes bytes = { data, data + size };
  Stream stream = { .now = { 1000000 } };

  media_receiver_stats_init (&stream.stats, 8000, 2);
  media_latch_init (&stream.latch, NULL);
  media_dtmf_receiver_init (&stream.dtmf, 8000);
  media_rewriter_init (&stream.rewriter, 0x12345678, 8000, 1, 1);
  while (fuzz_more (&bytes))
    {
      guint8 how = fuzz_u8 (&bytes);
      MediaDtmfEvent event;
      MediaRtpView view;
      gsize got;
      g_autofree guint8 *packet = NULL;

      stream.now = cfg_monotonic_add_us (stream.now, fuzz_u8 (&bytes) * G_GINT64_CONSTANT (5000));
      packet = fuzz_block (&bytes, fuzz_u16 (&bytes), &got);
      g_assert_nonnull (media_demux_kind_name (media_demux_classify (packet, got)));
      if (media_rtp_parse (&view, packet, got) == 0)
        {
          check_view (&view, packet, got);
          take_packet (&stream, &view, how);
        }
      media_dtmf_receiver_poll (&stream.dtmf, stream.now, &event);
    }
}

#define RTP(seq, ts) "\x80\x00" seq ts "\x11\x22\x33\x44"

static const FuzzSeed seeds[] = {
  FUZZ_TEXT ("\x00\x04\x00\x10" RTP (
      "\x00\x01",
      "\x00\x00\x00\x00") "abcd"
                          "\x00\x04\x00\x10" RTP (
                              "\x00\x02",
                              "\x00\x00\x00\xa0") "abcd"
                                                  "\x00\x04\x00\x10" RTP (
                                                      "\x00\x03",
                                                      "\x00\x00\x01\x40") "abcd"
                                                                          "\x00\x04\x00\x10" RTP (
                                                                              "\xff\xff",
                                                                              "\xff\xff\x01\x40") "abcd"),
  FUZZ_TEXT ("\x00\x04\x00\x10" RTP (
      "\x00\x01", "\x00\x00\x00\x00") "\x05\x0a\x00\xa0"
                                      "\x00\x04\x00\x10" RTP (
                                          "\x00\x02",
                                          "\x00\x00\x00\x00") "\x05\x8a\x03\x20"
                                                              "\x00\x04\x00\x10" RTP (
                                                                  "\x00\x03",
                                                                  "\x00\x00\x00\x00") "\x05\x8a\x03\x20"),
  FUZZ_TEXT (
      "\x08\x04\x00\x20\x90\x6f\x00\x01\x00\x00\x00\x00\x11\x22\x33\x44\xbe\xde\x00\x02\x10\x85\x20\x30\x31"
      "\x61"
      "\x00\x00xxxxxxxx"
      "\x18\x04\x00\x20\xb2\x6f\x00\x02\x00\x00\x00\x00\x11\x22\x33\x44\x00\x00\x00\x01\x00\x00\x00\x02"
      "\x10\x00\x00\x01\x01\x01\x55\x00xx\x00\x02"),
};

const FuzzTarget fuzz_target = { "rtp", run, seeds, G_N_ELEMENTS (seeds), NULL, NULL, 20000 };
