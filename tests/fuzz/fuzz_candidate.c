#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "media/io/ice_candidate.h"

static void
run (const guint8 *data, gsize size)
{
  g_autofree char *text = fuzz_text (data, size);
  MediaAddress external = { 0 };
  g_autofree char *rewritten = NULL;

  (void)media_ice_candidate_check (text);
  if (media_ice_candidate_check (text) != MEDIA_ICE_CANDIDATE_ADDED)
    return;
  /* What is taken is a line that could be written again. */
  g_assert_cmpuint (strlen (text), <=, MEDIA_ICE_CANDIDATE_MAX_LENGTH);
  g_assert_null (strpbrk (text, "\r\n"));
  g_assert_true (media_address_parse (&external, "203.0.113.7", 0));
  rewritten = media_ice_candidate_rewrite (text, &external);
  g_assert_cmpint (media_ice_candidate_check (rewritten), ==, MEDIA_ICE_CANDIDATE_ADDED);
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT ("candidate:1 1 udp 2130706431 192.0.2.1 20000 typ host"),
  FUZZ_TEXT ("a=candidate:842163049 1 udp 1677729535 203.0.113.1 50000 typ srflx raddr 192.0.2.1 rport 20000 "
             "generation 0 "
             "ufrag abcd network-cost 999"),
  FUZZ_TEXT ("candidate:1 1 tcp 1518280447 2001:db8::1 9 typ host tcptype active"),
  FUZZ_TEXT ("candidate:1 1 udp 2113937151 0f0f0f0f-1111-2222-3333-444444444444.local 50000 typ host"),
};

static const char *const words[]
    = { " ",     "candidate:", "a=",    "udp", "UDP",       "tcp",    "typ", "host",
        "relay", "raddr",      "rport", "::1", "127.0.0.1", ".local", "%lo", NULL };

const FuzzTarget fuzz_target = { "candidate", run, seeds, G_N_ELEMENTS (seeds), NULL, words, 10000 };
