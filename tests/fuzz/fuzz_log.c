#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "config/base/log_format.h"

/* Whatever a peer sends as a name or an id: a line stays a line. */
static void
run (const guint8 *data, gsize size)
{
  g_autofree char *text = fuzz_text (data, size);
  const CfgLogContext context = { .call_id = text, .room = text, .participant = text };
  const CfgLogField fields[]
      = { CFG_STR ("value", text), CFG_STR (text, "value"), { .type = CFG_LOG_FIELD_END } };
  const CfgLogLine line = { { 0 }, CFG_LOG_INFO, "sip", &context, text, fields };

  for (int format = CFG_LOG_TEXT; format <= CFG_LOG_JSON; format++)
    {
      g_autoptr (GString) out = g_string_new (NULL);

      cfg_log_format_line (out, (CfgLogFormat)format, &line);
      g_assert_true (memchr (out->str, '\n', out->len) == out->str + out->len - 1);
      g_assert_true (g_utf8_validate (out->str, (gssize)out->len, NULL));
      g_assert_cmpuint (strlen (out->str), ==, out->len);
    }
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT ("sip:alice@example.com"),
  FUZZ_TEXT ("two words=\"quoted\\\" \n2026-11-21T07:55:00.123Z INFO  sip  forged"),
  FUZZ_TEXT ("Bj\xc3\xb6rk \xe2\x80\xae \xf0\x9f\x93\x9e \xff\xfe"),
};

const FuzzTarget fuzz_target = { "log", run, seeds, G_N_ELEMENTS (seeds), NULL, NULL, 0 };
