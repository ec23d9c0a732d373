#include "media/core/demux.h"
#include "media/core/rtp.h"

#include "tests/media/random.h"

#include <errno.h>
#include <string.h>

static void
test_parses_every_part (void)
{
  const guint8 packet[] = {
    0xb2, 0x80 | 111, 0x12, 0x34, 0,   0,   0,   5, 0xde, 0xad, 0xbe, 0xef, /* V2 P X CC=2, M */
    0,    0,          0,    1,    0,   0,   0,   2,                         /* CSRCs */
    0xbe, 0xde,       0,    2,                      /* one-byte extension, two words */
    0x10, 0x85,       0x00, 0x32, 'a', 'b', 'c', 0, /* id 1: level, padding, id 3: "abc" */
    9,    8,          7,    0,    2,                /* payload, padding of two */
  };
  MediaRtpView view;
  gsize size = 0;
  char mid[MEDIA_RTP_MID_MAX + 1];

  g_assert_cmpint (media_rtp_parse (&view, packet, sizeof packet), ==, 0);
  g_assert_true (view.marker);
  g_assert_cmpuint (view.payload_type, ==, 111);
  g_assert_cmpuint (view.sequence, ==, 0x1234);
  g_assert_cmpuint (view.timestamp, ==, 5);
  g_assert_cmpuint (view.ssrc, ==, 0xdeadbeef);
  g_assert_cmpuint (view.csrc_count, ==, 2);
  g_assert_cmpuint (view.padding_size, ==, 2);
  g_assert_true (view.payload_size == 3 && memcmp (view.payload, "\x09\x08\x07", 3) == 0);
  g_assert_cmpuint (*media_rtp_find_extension (&view, 1, &size), ==, 0x85);
  g_assert_cmpuint (size, ==, 1);
  g_assert_null (media_rtp_find_extension (&view, 2, &size));
  g_assert_null (media_rtp_find_extension (&view, 0, &size));
  g_assert_null (media_rtp_find_extension (&view, 15, &size));
  g_assert_true (media_rtp_read_mid (&view, 3, mid));
  g_assert_cmpstr (mid, ==, "abc");
  g_assert_false (media_rtp_read_mid (&view, 1, mid));
}

static void
test_refuses (void)
{
  const struct
  {
    const char *why;
    guint8 data[20];
    gsize size;
  } rows[] = {
    { "empty", { 0 }, 0 },
    { "short", { 0x80 }, 11 },
    { "version 1", { 0x40 }, 12 },
    { "version 3", { 0xc0 }, 12 },
    { "CSRCs do not fit", { 0x82 }, 19 },
    { "no room for the extension", { 0x90 }, 15 },
    { "extension does not fit", { 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 2 }, 20 },
    { "padding of zero", { 0xa0 }, 13 },
    { "padding beyond the payload", { 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3 }, 13 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      MediaRtpView view;

      g_test_message ("%s", rows[i].why);
      g_assert_cmpint (media_rtp_parse (&view, rows[i].data, rows[i].size), ==, -EBADMSG);
    }
}

static void
test_refuses_too_long (void)
{
  guint8 packet[MEDIA_RTP_PACKET_MAX + 1] = { 0x80 };
  MediaRtpView view;

  g_assert_cmpint (media_rtp_parse (&view, packet, MEDIA_RTP_PACKET_MAX), ==, 0);
  g_assert_cmpint (media_rtp_parse (&view, packet, sizeof packet), ==, -EMSGSIZE);
}

static void
test_two_byte_extension (void)
{
  const guint8 packet[] = {
    0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x00, 0, 3, 0, 200, 2, 'x', 'y', 7, 0, 0, 9, 5, 0, 0,
  };
  MediaRtpView view;
  gsize size = 99;

  g_assert_cmpint (media_rtp_parse (&view, packet, sizeof packet), ==, 0);
  g_assert_cmpmem (media_rtp_find_extension (&view, 200, &size), 2, "xy", 2);
  g_assert_cmpuint (size, ==, 2);
  g_assert_nonnull (media_rtp_find_extension (&view, 7, &size));
  g_assert_cmpuint (size, ==, 0);
  /* Id 9 says five octets where two are left. */
  g_assert_null (media_rtp_find_extension (&view, 9, &size));
}

static void
test_writes_what_it_reads (void)
{
  MediaRtpHeader header = { .payload_type = 8,
                            .marker = TRUE,
                            .sequence = 65535,
                            .timestamp = 0xfffffff0,
                            .ssrc = 0x01020304,
                            .mid_id = 4,
                            .mid = "audio-0123456789",
                            .level_id = 1,
                            .level = 127,
                            .voice = TRUE };
  guint8 packet[200];
  gssize size = media_rtp_write (&header, (const guint8 *)"hello", 5, packet, sizeof packet);
  MediaRtpView view;
  gsize found = 0;
  char mid[MEDIA_RTP_MID_MAX + 1];

  g_assert_cmpint (size, >, 0);
  g_assert_cmpint (media_rtp_parse (&view, packet, (gsize)size), ==, 0);
  g_assert_cmpuint (view.header_size, <=, MEDIA_RTP_HEADER_MAX);
  g_assert_cmpuint (view.payload_type, ==, 8);
  g_assert_true (view.marker);
  g_assert_cmpuint (view.sequence, ==, 65535);
  g_assert_cmpuint (view.timestamp, ==, 0xfffffff0);
  g_assert_cmpuint (view.ssrc, ==, 0x01020304);
  g_assert_true (view.payload_size == 5 && memcmp (view.payload, "hello", 5) == 0);
  g_assert_cmpuint (*media_rtp_find_extension (&view, 1, &found), ==, 0xff);
  g_assert_true (media_rtp_read_mid (&view, 4, mid));
  g_assert_cmpstr (mid, ==, header.mid);

  media_rtp_set_marker (packet, FALSE);
  media_rtp_set_payload_type (packet, 111);
  media_rtp_set_sequence (packet, 7);
  media_rtp_set_timestamp (packet, 8);
  media_rtp_set_ssrc (packet, 9);
  g_assert_cmpint (media_rtp_parse (&view, packet, (gsize)size), ==, 0);
  g_assert_false (view.marker);
  g_assert_cmpuint (view.payload_type, ==, 111);
  g_assert_cmpuint (view.sequence, ==, 7);
  g_assert_cmpuint (view.timestamp, ==, 8);
  g_assert_cmpuint (view.ssrc, ==, 9);
}

static void
test_write_errors (void)
{
  MediaRtpHeader header = { 0 };
  guint8 packet[MEDIA_RTP_HEADER_MAX];

  g_assert_cmpint (media_rtp_write_header (&header, packet, 11), ==, -ENOSPC);
  g_assert_cmpint (media_rtp_write_header (&header, packet, 12), ==, 12);
  g_assert_cmpint (media_rtp_write (&header, packet, 2, packet, 13), ==, -ENOSPC);
  header.mid_id = 15;
  header.mid = "0";
  g_assert_cmpint (media_rtp_write_header (&header, packet, sizeof packet), ==, -EINVAL);
  header.mid_id = 14;
  g_assert_cmpint (media_rtp_write_header (&header, packet, sizeof packet), ==, 20);
  header.mid = "";
  g_assert_cmpint (media_rtp_write_header (&header, packet, sizeof packet), ==, -EINVAL);
  header.mid = "12345678901234567";
  g_assert_cmpint (media_rtp_write_header (&header, packet, sizeof packet), ==, -EINVAL);
  header.mid = NULL;
  g_assert_cmpint (media_rtp_write_header (&header, packet, sizeof packet), ==, -EINVAL);
}

static void
test_compares_with_wrap (void)
{
  g_assert_cmpint (media_rtp_sequence_diff (2, 65534), ==, 4);
  g_assert_cmpint (media_rtp_sequence_diff (65534, 2), ==, -4);
  g_assert_cmpint (media_rtp_timestamp_diff (100, 0xffffff9c), ==, 200);
  g_assert_cmpint (media_rtp_units_to_us (160, 8000), ==, 20000);
  g_assert_cmpint (media_rtp_us_to_units (20000, 48000), ==, 960);
}

static void
test_demux (void)
{
  const struct
  {
    guint8 first, second;
    gsize size;
    MediaPacketKind kind;
  } rows[] = {
    { 0, 1, 20, MEDIA_PACKET_STUN },       { 3, 0, 20, MEDIA_PACKET_STUN },
    { 0, 1, 19, MEDIA_PACKET_UNKNOWN },    { 4, 0, 100, MEDIA_PACKET_UNKNOWN },
    { 15, 0, 100, MEDIA_PACKET_UNKNOWN },  { 16, 0, 100, MEDIA_PACKET_ZRTP },
    { 20, 0, 13, MEDIA_PACKET_DTLS },      { 63, 0, 13, MEDIA_PACKET_DTLS },
    { 22, 254, 12, MEDIA_PACKET_UNKNOWN }, { 64, 0, 4, MEDIA_PACKET_TURN },
    { 79, 0, 4, MEDIA_PACKET_TURN },       { 80, 0, 99, MEDIA_PACKET_UNKNOWN },
    { 127, 0, 99, MEDIA_PACKET_UNKNOWN },  { 128, 0, 12, MEDIA_PACKET_RTP },
    { 191, 127, 12, MEDIA_PACKET_RTP },    { 128, 191, 12, MEDIA_PACKET_RTP },
    { 128, 192, 8, MEDIA_PACKET_RTCP },    { 128, 200, 8, MEDIA_PACKET_RTCP },
    { 128, 223, 8, MEDIA_PACKET_RTCP },    { 128, 224, 12, MEDIA_PACKET_RTP },
    { 128, 0, 11, MEDIA_PACKET_UNKNOWN },  { 128, 200, 7, MEDIA_PACKET_UNKNOWN },
    { 192, 0, 99, MEDIA_PACKET_UNKNOWN },
  };

  g_assert_cmpint (media_demux_classify (NULL, 0), ==, MEDIA_PACKET_UNKNOWN);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      guint8 data[100] = { rows[i].first, rows[i].second };

      g_assert_cmpstr (media_demux_kind_name (media_demux_classify (data, rows[i].size)), ==,
                       media_demux_kind_name (rows[i].kind));
    }
}

/* Any bytes, in a block of exactly their size so that a sanitizer sees each octet read too many. */
static void
test_survives_any_bytes (void)
{
  TestRandom random = test_random (1);

  for (int i = 0; i < 200000; i++)
    {
      gsize size = test_random_below (&random, 64);
      g_autofree guint8 *data = g_malloc (size);
      MediaRtpView view;
      char mid[MEDIA_RTP_MID_MAX + 1];

      for (gsize k = 0; k < size; k++)
        data[k] = (guint8)test_random_next (&random);
      if (size > 0 && i % 4 != 0)
        data[0] = (guint8)(0x80 | (data[0] & 0x31));
      if (size > 15 && i % 2 == 0)
        {
          data[12] = 0xbe;
          data[13] = 0xde;
          data[14] = 0;
          data[15] &= 0x0f;
        }
      (void)media_demux_classify (data, size);
      if (media_rtp_parse (&view, data, size) != 0)
        continue;
      g_assert_true (view.payload + view.payload_size + view.padding_size == data + size);
      for (guint id = 0; id < 256; id++)
        {
          gsize found = 0;
          const guint8 *element = media_rtp_find_extension (&view, (guint8)id, &found);

          g_assert_true (element == NULL || (element > data && element + found <= data + size));
          (void)media_rtp_read_mid (&view, (guint8)id, mid);
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/rtp/parses_every_part", test_parses_every_part);
  g_test_add_func ("/media/rtp/refuses", test_refuses);
  g_test_add_func ("/media/rtp/refuses_too_long", test_refuses_too_long);
  g_test_add_func ("/media/rtp/two_byte_extension", test_two_byte_extension);
  g_test_add_func ("/media/rtp/writes_what_it_reads", test_writes_what_it_reads);
  g_test_add_func ("/media/rtp/write_errors", test_write_errors);
  g_test_add_func ("/media/rtp/compares_with_wrap", test_compares_with_wrap);
  g_test_add_func ("/media/rtp/demux", test_demux);
  g_test_add_func ("/media/rtp/survives_any_bytes", test_survives_any_bytes);
  return g_test_run ();
}
