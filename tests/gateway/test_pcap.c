/* pcap files: their bytes. */
#include <string.h>

#include "gateway/core/pcap.h"

static GwTraceMessage
message (const char *local, const char *remote, gboolean is_sent, const char *text)
{
  return (GwTraceMessage){ .time = { 1700000000123456 },
                           .is_sent = is_sent,
                           .transport = "udp",
                           .local = local,
                           .remote = remote,
                           .text = text,
                           .size = strlen (text) };
}

/* The sum over a header with its own checksum in it is zero (RFC 1071). */
static guint16
folded (guint32 total, const guint8 *bytes, gsize size)
{
  for (gsize i = 0; i < size; i++)
    total += i % 2 == 0 ? (guint32)bytes[i] << 8 : bytes[i];
  while (total >> 16 != 0)
    total = (total & 0xffff) + (total >> 16);
  return (guint16)~total;
}

static void
test_ipv4 (void)
{
  static const guint8 start[]
      = { 0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 101, 0, 0, 0 };
  static const guint8 record[] = { 0x00, 0xf1, 0x53, 0x65, 0x40, 0xe2, 0x01, 0x00, 33, 0, 0, 0, 33, 0, 0, 0 };
  static const guint8 udp[] = { 0xc3, 0x50, 0x13, 0xc4, 0, 13 };
  g_autoptr (GByteArray) file = gw_pcap_new ();
  const GwTraceMessage received = message ("192.0.2.1:5060", "198.51.100.7:50000", FALSE, "HELLO");
  const guint8 *ip;

  g_assert_cmpmem (file->data, file->len, start, sizeof start);
  gw_pcap_add (file, &received);
  g_assert_cmpuint (file->len, ==, sizeof start + sizeof record + 33);
  g_assert_cmpmem (file->data + sizeof start, sizeof record, record, sizeof record);
  ip = file->data + sizeof start + sizeof record;
  g_assert_cmpint (ip[0], ==, 0x45);
  g_assert_cmpint (ip[2] << 8 | ip[3], ==, 33);
  g_assert_cmpint (ip[9], ==, 17);
  g_assert_cmpmem (ip + 12, 8, "\xc6\x33\x64\x07\xc0\x00\x02\x01", 8);
  g_assert_cmpint (folded (0, ip, 20), ==, 0);
  g_assert_cmpmem (ip + 20, sizeof udp, udp, sizeof udp);
  g_assert_cmpint (folded (folded (17 + 13, ip + 12, 8) ^ 0xffff, ip + 20, 13), ==, 0);
  g_assert_cmpmem (ip + 28, 5, "HELLO", 5);
}

static void
test_ipv6 (void)
{
  g_autoptr (GByteArray) file = gw_pcap_new ();
  const GwTraceMessage sent = message ("[2001:db8::1]:5061", "[fe80::2%eth0]:6000", TRUE, "HELLOS");
  const guint8 *ip;

  gw_pcap_add (file, &sent);
  ip = file->data + 24 + 16;
  g_assert_cmpuint (file->len, ==, 24 + 16 + 40 + 8 + 6);
  g_assert_cmpint (ip[0] >> 4, ==, 6);
  g_assert_cmpint (ip[4] << 8 | ip[5], ==, 14);
  g_assert_cmpint (ip[6], ==, 17);
  g_assert_cmpint (ip[8], ==, 0x20);
  g_assert_cmpint (ip[24], ==, 0xfe);
  g_assert_cmpint (ip[39], ==, 2);
  g_assert_cmpint (ip[40] << 8 | ip[41], ==, 5061);
  g_assert_cmpint (folded (folded (17 + 14, ip + 8, 32) ^ 0xffff, ip + 40, 14), ==, 0);
}

/* Families that differ, addresses that are none, texts that are too long: a packet all the same. */
static void
test_odd (void)
{
  static const char *const ends[] = { "192.0.2.1:5060", "[::1]:5060", "",        ":",
                                      "[]:1",           "[:1",        "nothing", "a:b",
                                      "1.2.3.4:99999",  "[::1]" };
  g_autofree char *longest = g_strnfill (70000, 'x');

  for (gsize i = 0; i < G_N_ELEMENTS (ends); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (ends); j++)
      {
        g_autoptr (GByteArray) file = gw_pcap_new ();
        const GwTraceMessage odd = message (ends[i], ends[j], TRUE, longest);
        guint32 kept, whole;

        gw_pcap_add (file, &odd);
        memcpy (&kept, file->data + 24 + 8, 4);
        memcpy (&whole, file->data + 24 + 12, 4);
        g_assert_cmpuint (GUINT32_FROM_LE (kept), ==, 65535);
        g_assert_cmpuint (file->len, ==, 24 + 16 + 65535);
        g_assert_cmpuint (GUINT32_FROM_LE (whole), >=, 70028);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/pcap/ipv4", test_ipv4);
  g_test_add_func ("/gateway/pcap/ipv6", test_ipv6);
  g_test_add_func ("/gateway/pcap/odd_ends_and_long_texts", test_odd);
  return g_test_run ();
}
