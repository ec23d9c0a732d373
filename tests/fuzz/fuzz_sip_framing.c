#include "tests/fuzz/fuzz.h"

#include "signaling/core/sip_framing.h"

#include <string.h>

/* Where a stream is cut decides what a keepalive is, and about nothing else. */
static void
run (const guint8 *data, gsize size)
{
  const char *bytes = (const char *)data;
  SigSipFraming whole = { 0 }, single = { 0 }, halves = { 0 };
  guint n_pings;

  (void)sig_sip_framing_feed (&whole, bytes, size, &n_pings);
  g_assert_cmpuint (n_pings, <=, size / 4);
  (void)sig_sip_framing_feed (&halves, bytes, size / 2, &n_pings);
  (void)sig_sip_framing_feed (&halves, bytes + size / 2, size - size / 2, &n_pings);
  for (gsize i = 0; i < size; i++)
    g_assert_cmpint (sig_sip_framing_feed (&single, bytes + i, 1, &n_pings), ==, SIG_SIP_NO_KEEPALIVE);
  g_assert_cmpuint (whole.state, ==, single.state);
  g_assert_cmpuint (whole.state, ==, halves.state);
  g_assert_cmpuint (whole.body, ==, single.body);
  g_assert_cmpuint (whole.body, ==, halves.body);
  g_assert_cmpuint (whole.n_line, ==, single.n_line);
  g_assert_cmpuint (whole.n_line, <, sizeof whole.line);
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT ("\r\n\r\n"),
  FUZZ_TEXT ("OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n\r\n\r\n"),
  FUZZ_TEXT ("MESSAGE sip:a SIP/2.0\r\nl : 4\r\n\r\n\r\n\r\nINVITE sip:b SIP/2.0\r\n\r\n"),
};

static const char *const words[]
    = { "Content-Length:", "\r\nl:", "\r\n\r\n", "\n", " ", "18446744073709551615", "4", NULL };

const FuzzTarget fuzz_target = { "sip_framing", run, seeds, G_N_ELEMENTS (seeds), NULL, words, 0 };
