#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "media/core/rtcp.h"

static void
check_report (const MediaRtcpPacket *packet)
{
  guint8 out[2048];
  MediaRtcpReader reader;
  MediaRtcpPacket again;
  const MediaRtcpReport report = {
    .ssrc = packet->ssrc,
    .has_sender_info = packet->type == MEDIA_RTCP_SR,
    .sender_info = packet->sender_info,
    .reports = packet->reports,
    .n_reports = packet->n_reports,
    .cname = "c",
  };
  gssize size = media_rtcp_build (&report, out, sizeof out);

  g_assert_cmpint (size, >, 0);
  g_assert_cmpint (media_rtcp_reader_init (&reader, out, (gsize)size), ==, 0);
  g_assert_true (media_rtcp_reader_next (&reader, &again));
  g_assert_cmpint (again.type, ==, packet->type);
  g_assert_cmpuint (again.n_reports, ==, packet->n_reports);
  for (guint i = 0; i < packet->n_reports; i++)
    {
      g_assert_cmpint (again.reports[i].cumulative_lost, ==, packet->reports[i].cumulative_lost);
      g_assert_cmpint (media_rtcp_round_trip_us (&packet->reports[i], G_GUINT64_CONSTANT (1) << 40), >=, -1);
    }
}

static void
run (const guint8 *data, gsize size)
{
  MediaRtcpReader reader;
  MediaRtcpPacket packet;
  gsize n = 0;

  if (media_rtcp_reader_init (&reader, data, size) != 0)
    return;
  while (media_rtcp_reader_next (&reader, &packet))
    {
      g_assert_cmpuint (++n, <=, size / 4);
      g_assert_cmpint (packet.type, <, MEDIA_RTCP_N_TYPES);
      g_assert_cmpuint (packet.n_reports, <=, MEDIA_RTCP_REPORTS_MAX);
      g_assert_cmpuint (packet.n_bye, <=, MEDIA_RTCP_REPORTS_MAX);
      g_assert_cmpuint (strlen (packet.cname), <=, MEDIA_RTCP_CNAME_MAX);
      for (const char *at = packet.cname; *at != '\0'; at++)
        g_assert_true (*at != '\n' && *at != '\r' && *at != '\x1b');
      if (packet.type == MEDIA_RTCP_SR || packet.type == MEDIA_RTCP_RR)
        check_report (&packet);
    }
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT (
      "\x81\xc8\x00\x0c\x11\x22\x33\x44\xe0\x00\x00\x00\x80\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x20\x00"
      "\x00\x10"
      "\x00\x55\x66\x77\x88\x10\x00\x00\x05\x00\x01\x00\x20\x00\x00\x00\x10\x80\x00\x00\x00\x00\x01\x00\x00"
      "\x81\xca\x00\x03\x11\x22\x33\x44\x01\x04\x61\x62\x63\x64\x00\x00"),
  FUZZ_TEXT ("\x80\xc9\x00\x01\x11\x22\x33\x44\x81\xcb\x00\x01\x11\x22\x33\x44"),
  FUZZ_TEXT ("\x81\xcd\x00\x03\x11\x22\x33\x44\x55\x66\x77\x88\x00\x01\x00\xff"
             "\x81\xce\x00\x02\x11\x22\x33\x44\x55\x66\x77\x88"
             "\x8f\xce\x00\x05\x11\x22\x33\x44\x00\x00\x00\x00REMB\x01\x02\x03\x04\x55\x66\x77\x88"),
  FUZZ_TEXT ("\xa0\xcc\x00\x03\x11\x22\x33\x44test\x00\x00\x00\x04"
             "\x80\xcf\x00\x03\x11\x22\x33\x44\x04\x00\x00\x01\x00\x00\x00\x00"),
};

const FuzzTarget fuzz_target = { "rtcp", run, seeds, G_N_ELEMENTS (seeds), NULL, NULL, 20000 };
