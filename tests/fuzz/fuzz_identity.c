/* P-Asserted-Identity, Remote-Party-ID, Privacy, Diversion and History-Info: what is understood is text that
 * can stand in a header, an attribute and a log, and what is written is read as the same. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "signaling/core/identity.h"

static void
check_text (const char *text)
{
  g_assert_nonnull (text);
  g_assert_true (g_utf8_validate (text, -1, NULL));
  for (const char *c = text; *c != '\0'; c++)
    g_assert_true ((guchar)*c >= ' ' && *c != 0x7f);
}

static void
check_identity (const SigIdentity *identity, gboolean is_there)
{
  if (!is_there)
    return;
  check_text (identity->display);
  check_text (identity->user);
  check_text (identity->host);
}

static void
check_list (const char *text)
{
  for (const char *at = text; at != NULL && *at != '\0';)
    {
      g_auto (SigIdentity) found = { 0 }, again = { 0 };
      g_autofree char *parameters = NULL, *written = NULL;
      const char *next = sig_name_addr_parse (at, &found, &parameters);

      if (next == NULL)
        {
          g_assert_null (found.user);
          g_assert_null (parameters);
          return;
        }
      g_assert_true (next > at);
      check_identity (&found, TRUE);
      written = sig_name_addr_write (found.display, "sip:a@b");
      check_text (written);
      g_assert_nonnull (sig_name_addr_parse (written, &again, NULL));
      g_assert_cmpstr (again.display, ==, found.display);
      g_assert_cmpstr (again.user, ==, "a");
      at = next;
    }
}

static void
run (const guint8 *data, gsize size)
{
  static const char *const names[]
      = { "P-Asserted-Identity", "Remote-Party-ID", "Privacy", "Diversion", "History-Info" };
  g_autofree char *text = fuzz_text (data, size), *plain = sig_plain_number (text);
  CfgHeader headers[G_N_ELEMENTS (names)];

  g_assert_cmpuint (strlen (plain), <=, strlen (text));
  check_list (text);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_auto (SigIdentities) one = { 0 };

      headers[i] = (CfgHeader){ names[i], text };
      sig_identities_read (&headers[i], 1, &one);
      check_identity (&one.asserted, one.has_asserted);
      check_identity (&one.diverter, one.has_diverter);
      if (one.diversion_reason != NULL)
        check_text (one.diversion_reason);
    }
  g_auto (SigIdentities) all = { 0 };
  sig_identities_read (headers, G_N_ELEMENTS (headers), &all);
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT ("\"J\xc3\xb6rg \\\"X\\\"\" "
             "<sip:+1-555-0001;npdi@[2001:db8::1]:5062;user=phone>;privacy=full;party=calling"),
  FUZZ_TEXT ("Ann B <sip:ann%20b@h>, <tel:+1-555-(000).1;phone-context=x>"),
  FUZZ_TEXT ("<sip:+1@h>;reason=\"no-answer\";counter=1,<sip:+2@h>;reason=user-busy"),
  FUZZ_TEXT ("<sip:+1@h?Privacy=history>;index=1,<sip:+2@h;cause=302?Reason=SIP%3Bcause%3D302>;index=1.1"),
  FUZZ_TEXT ("id;critical, user"),
  FUZZ_TEXT ("sip:+15550001@h;party=called"),
};

static const char *const words[] = { "<sip:",    "<tel:",         ">;", "\\\"", "%0d%0a", "%00", ";cause=",
                                     ";reason=", ";privacy=full", ",",  "@",    "\"",     NULL };

const FuzzTarget fuzz_target = { "identity", run, seeds, G_N_ELEMENTS (seeds), NULL, words, 10000 };
