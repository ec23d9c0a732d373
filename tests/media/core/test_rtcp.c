#include "media/core/rtcp.h"

#include "tests/media/random.h"

#include <errno.h>
#include <string.h>

static void
test_reads_what_it_builds (void)
{
  MediaRtcpReportBlock blocks[2] = {
    { 11, 128, -5, 0x0001ffff, 320, 0x12345678, 65536 },
    { 12, 0, 0x7fffff, 7, 0, 0, 0 },
  };
  MediaRtcpReport report = { .ssrc = 0xabcdef01,
                             .has_sender_info = TRUE,
                             .sender_info = { 0x0102030405060708, 9, 10, 11 },
                             .reports = blocks,
                             .n_reports = 2,
                             .cname = "user@host",
                             .bye = TRUE };
  guint8 data[512];
  gssize size = media_rtcp_build (&report, data, sizeof data);
  MediaRtcpReader reader;
  MediaRtcpPacket packet;

  g_assert_cmpint (size, >, 0);
  g_assert_cmpint (size % 4, ==, 0);
  g_assert_cmpint (media_rtcp_reader_init (&reader, data, (gsize)size), ==, 0);
  g_assert_true (media_rtcp_reader_next (&reader, &packet));
  g_assert_cmpint (packet.type, ==, MEDIA_RTCP_SR);
  g_assert_cmpuint (packet.ssrc, ==, 0xabcdef01);
  g_assert_cmpuint (packet.sender_info.ntp, ==, 0x0102030405060708);
  g_assert_cmpuint (packet.sender_info.octets, ==, 11);
  g_assert_cmpuint (packet.n_reports, ==, 2);
  g_assert_cmpint (packet.reports[0].cumulative_lost, ==, -5);
  g_assert_cmpint (packet.reports[1].cumulative_lost, ==, 0x7fffff);
  g_assert_cmpuint (packet.reports[0].fraction_lost, ==, 128);
  g_assert_cmpuint (packet.reports[0].last_sr, ==, 0x12345678);
  g_assert_true (media_rtcp_reader_next (&reader, &packet));
  g_assert_cmpint (packet.type, ==, MEDIA_RTCP_SDES);
  g_assert_cmpstr (packet.cname, ==, "user@host");
  g_assert_true (media_rtcp_reader_next (&reader, &packet));
  g_assert_cmpint (packet.type, ==, MEDIA_RTCP_BYE);
  g_assert_cmpuint (packet.n_bye, ==, 1);
  g_assert_cmpuint (packet.bye[0], ==, 0xabcdef01);
  g_assert_false (media_rtcp_reader_next (&reader, &packet));
}

/* The item list ends with a null octet and a word boundary, for every length of CNAME. */
static void
test_every_cname_length (void)
{
  char cname[MEDIA_RTCP_CNAME_MAX + 2];

  for (gsize length = 1; length <= MEDIA_RTCP_CNAME_MAX + 1; length++)
    {
      MediaRtcpReport report = { .ssrc = 1, .cname = cname };
      guint8 data[400];
      gssize size;
      MediaRtcpReader reader;
      MediaRtcpPacket packet;

      memset (cname, 'x', length);
      cname[length] = '\0';
      size = media_rtcp_build (&report, data, sizeof data);
      if (length > MEDIA_RTCP_CNAME_MAX)
        {
          g_assert_cmpint (size, ==, -EINVAL);
          break;
        }
      g_assert_cmpint (media_rtcp_reader_init (&reader, data, (gsize)size), ==, 0);
      g_assert_true (media_rtcp_reader_next (&reader, &packet));
      g_assert_cmpint (packet.type, ==, MEDIA_RTCP_RR);
      g_assert_true (media_rtcp_reader_next (&reader, &packet));
      g_assert_cmpstr (packet.cname, ==, cname);
      g_assert_cmpint (media_rtcp_build (&report, data, (gsize)size - 1), ==, -ENOSPC);
    }
}

static void
test_recognises_feedback (void)
{
  const struct
  {
    guint8 format, type;
    const char *id;
    MediaRtcpType expected;
  } rows[] = {
    { 1, 205, "xxxx", MEDIA_RTCP_NACK },   { 15, 205, "xxxx", MEDIA_RTCP_TWCC },
    { 7, 205, "xxxx", MEDIA_RTCP_OTHER },  { 1, 206, "xxxx", MEDIA_RTCP_PLI },
    { 4, 206, "xxxx", MEDIA_RTCP_FIR },    { 15, 206, "REMB", MEDIA_RTCP_REMB },
    { 15, 206, "goog", MEDIA_RTCP_OTHER }, { 0, 204, "name", MEDIA_RTCP_APP },
    { 0, 207, "xxxx", MEDIA_RTCP_XR },     { 0, 195, "xxxx", MEDIA_RTCP_OTHER },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      guint8 data[16] = { (guint8)(0x80 | rows[i].format), rows[i].type, 0, 3, 0, 0, 0, 42 };
      MediaRtcpReader reader;
      MediaRtcpPacket packet;

      memcpy (data + 12, rows[i].id, 4);
      g_assert_cmpint (media_rtcp_reader_init (&reader, data, sizeof data), ==, 0);
      g_assert_true (media_rtcp_reader_next (&reader, &packet));
      g_assert_cmpint (packet.type, ==, rows[i].expected);
      g_assert_cmpuint (packet.ssrc, ==, 42);
    }
}

static void
test_refuses_malformed (void)
{
  const struct
  {
    const char *why;
    guint8 data[12];
    gsize size;
  } rows[] = {
    { "empty", { 0 }, 0 },
    { "short", { 0x80, 201, 0 }, 3 },
    { "version", { 0x40, 201, 0, 0 }, 4 },
    { "no RTCP type", { 0x80, 100, 0, 0 }, 4 },
    { "longer than it is", { 0x80, 201, 0, 2 }, 8 },
    { "rest that is no packet", { 0x80, 201, 0, 1, 0, 0, 0, 1, 0x80, 202 }, 10 },
    { "second of wrong version", { 0x80, 201, 0, 1, 0, 0, 0, 1, 0, 202, 0, 0 }, 12 },
  };
  MediaRtcpReader reader;
  MediaRtcpPacket packet;

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_test_message ("%s", rows[i].why);
      g_assert_cmpint (media_rtcp_reader_init (&reader, rows[i].data, rows[i].size), ==, -EBADMSG);
      g_assert_false (media_rtcp_reader_next (&reader, &packet));
    }
}

static void
test_lying_counts_are_other (void)
{
  const guint8 report[] = { 0x85, 201, 0, 1, 0, 0, 0, 1 };
  const guint8 bye[] = { 0x9f, 203, 0, 1, 0, 0, 0, 1 };
  const guint8 sdes[] = { 0x81, 202, 0, 2, 0, 0, 0, 1, 1, 200, 'a', 'b' };
  MediaRtcpReader reader;
  MediaRtcpPacket packet;

  g_assert_cmpint (media_rtcp_reader_init (&reader, report, sizeof report), ==, 0);
  g_assert_true (media_rtcp_reader_next (&reader, &packet));
  g_assert_cmpint (packet.type, ==, MEDIA_RTCP_OTHER);
  g_assert_cmpuint (packet.n_reports, ==, 0);
  g_assert_cmpint (media_rtcp_reader_init (&reader, bye, sizeof bye), ==, 0);
  g_assert_true (media_rtcp_reader_next (&reader, &packet));
  g_assert_cmpint (packet.type, ==, MEDIA_RTCP_OTHER);
  g_assert_cmpint (media_rtcp_reader_init (&reader, sdes, sizeof sdes), ==, 0);
  g_assert_true (media_rtcp_reader_next (&reader, &packet));
  g_assert_cmpint (packet.type, ==, MEDIA_RTCP_OTHER);
  g_assert_cmpstr (packet.cname, ==, "");
}

static void
test_round_trip (void)
{
  guint64 sent = media_rtcp_ntp ((CfgWall){ 1700000000123456 });
  guint64 now = media_rtcp_ntp ((CfgWall){ 1700000000123456 + 850000 });
  MediaRtcpReportBlock block
      = { .last_sr = media_rtcp_ntp_middle (sent), .delay_since_last_sr = 65536 * 7 / 10 };

  g_assert_cmpint (sent >> 32, ==, 1700000000 + 2208988800);
  g_assert_cmpint (ABS (media_rtcp_round_trip_us (&block, now) - 150000), <, 100);
  /* Rounding makes it slightly negative: nothing, not an hour. */
  block.delay_since_last_sr = 65536 * 85 / 100 + 8;
  g_assert_cmpint (media_rtcp_round_trip_us (&block, now), ==, 0);
  block.delay_since_last_sr = 65536 * 200;
  g_assert_cmpint (media_rtcp_round_trip_us (&block, now), ==, -1);
  block.last_sr = 0;
  g_assert_cmpint (media_rtcp_round_trip_us (&block, now), ==, -1);
}

static void
test_interval (void)
{
  g_assert_cmpint (media_rtcp_interval_us (FALSE, 0), ==, 2500000);
  g_assert_cmpint (media_rtcp_interval_us (FALSE, G_MAXUINT32), <, 7500000);
  g_assert_cmpint (media_rtcp_interval_us (FALSE, G_MAXUINT32), >, 7499000);
  g_assert_cmpint (media_rtcp_interval_us (TRUE, 0x80000000), ==, 1000000);
}

static void
test_survives_any_bytes (void)
{
  TestRandom random = test_random (2);

  for (int i = 0; i < 200000; i++)
    {
      gsize size = 4 * test_random_below (&random, 32);
      g_autofree guint8 *data = g_malloc (size);
      MediaRtcpReader reader;
      MediaRtcpPacket packet;
      gsize at = 0;

      for (gsize k = 0; k < size; k++)
        data[k] = (guint8)test_random_next (&random);
      /* Mostly well-formed outside, so that the inside is reached. */
      while (i % 8 != 0 && at + 4 <= size)
        {
          gsize words = test_random_below (&random, (guint32)(size - at) / 4);

          data[at] = (guint8)(0x80 | (data[at] & 0x3f));
          data[at + 1] = (guint8)(200 + data[at + 1] % 8);
          data[at + 2] = 0;
          data[at + 3] = (guint8)words;
          at += (words + 1) * 4;
        }
      if (media_rtcp_reader_init (&reader, data, size) != 0)
        continue;
      while (media_rtcp_reader_next (&reader, &packet))
        {
          g_assert_cmpuint (packet.n_reports, <=, MEDIA_RTCP_REPORTS_MAX);
          g_assert_cmpuint (packet.n_bye, <=, MEDIA_RTCP_REPORTS_MAX);
          g_assert_cmpuint (strlen (packet.cname), <=, MEDIA_RTCP_CNAME_MAX);
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/rtcp/reads_what_it_builds", test_reads_what_it_builds);
  g_test_add_func ("/media/rtcp/every_cname_length", test_every_cname_length);
  g_test_add_func ("/media/rtcp/recognises_feedback", test_recognises_feedback);
  g_test_add_func ("/media/rtcp/refuses_malformed", test_refuses_malformed);
  g_test_add_func ("/media/rtcp/lying_counts_are_other", test_lying_counts_are_other);
  g_test_add_func ("/media/rtcp/round_trip", test_round_trip);
  g_test_add_func ("/media/rtcp/interval", test_interval);
  g_test_add_func ("/media/rtcp/survives_any_bytes", test_survives_any_bytes);
  return g_test_run ();
}
