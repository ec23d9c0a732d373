/* URIs and headers that an API user asks us to send: what passes cannot begin another header or request. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "config/base/error.h"
#include "signaling/sip/sip.h"

static void
run (const guint8 *data, gsize size)
{
  g_autofree char *text = fuzz_text (data, size);
  char *colon = strchr (text, ':');
  g_autoptr (GError) error = NULL;

  if (sig_sip_check_uri (text, &error))
    {
      g_assert_null (strpbrk (text, "\r\n \t<>\""));
      g_assert_true (g_ascii_strncasecmp (text, "sip", 3) == 0);
    }
  else
    g_assert_nonnull (error);
  if (colon == NULL)
    return;
  g_clear_error (&error);
  *colon = '\0';
  if (sig_sip_check_header (text, colon + 1, &error))
    {
      g_assert_null (strpbrk (colon + 1, "\r\n"));
      g_assert_true (*text != '\0' && strpbrk (text, "\r\n \t:") == NULL);
      g_assert_true (g_ascii_strcasecmp (text, "Via") != 0 && g_ascii_strcasecmp (text, "v") != 0);
      g_assert_true (g_ascii_strcasecmp (text, "Content-Length") != 0 && g_ascii_strcasecmp (text, "l") != 0);
    }
  else
    g_assert_nonnull (error);
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT ("sip:alice@example.com:5060;transport=tcp"),
  FUZZ_TEXT ("sips:+15551234567@[2001:db8::1]:5061"),
  FUZZ_TEXT ("X-Account:12345; a=\"b\""),
  FUZZ_TEXT ("P-Asserted-Identity:<sip:a@b>"),
  FUZZ_TEXT ("Via:SIP/2.0/UDP a"),
};

static const char *const words[]
    = { "sip:", "sips:",           "tel:",  "@", ";", "?",  "%0d%0a", "\r\n", "Via:", "l:",
        "v:",   "Content-Length:", "[::1]", "<", ">", "\"", NULL };

const FuzzTarget fuzz_target = { "sip_text", run, seeds, G_N_ELEMENTS (seeds), NULL, words, 10000 };
