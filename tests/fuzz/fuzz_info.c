#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "signaling/core/info.h"

static const char *const types[] = { "application/dtmf-relay", "application/dtmf",
                                     "application/vnd.nortelnetworks.digits", "text/plain", NULL };

static void
run (const guint8 *data, gsize size)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      SigInfo info = sig_info_parse (types[i], (const char *)data, size);

      if (info.kind != SIG_INFO_DIGIT)
        {
          g_assert_cmpint (info.digit, ==, 0);
          continue;
        }
      g_assert_nonnull (strchr ("0123456789*#ABCD", info.digit));
      g_assert_cmpuint (info.duration_ms, >=, 1);
      g_assert_cmpuint (info.duration_ms, <=, SIG_INFO_MAX_DURATION_MS);
    }
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT ("Signal=5\r\nDuration=160\r\n"),
  FUZZ_TEXT ("p=Digit-Collection\r\ny=Digits\r\nd=7\r\n"),
  FUZZ_TEXT ("11"),
};

static const char *const words[] = { "Signal=", "Duration=", "d=", "\r\n", "*", "16", "!", NULL };

const FuzzTarget fuzz_target = { "info", run, seeds, G_N_ELEMENTS (seeds), NULL, words, 0 };
