/* Refer-To, Replaces, Referred-By, Subscription-State and sipfrag: what is understood can be written into a
 * message again without beginning another header. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "config/base/error.h"
#include "signaling/core/refer.h"

static void
check_text (const char *text)
{
  g_assert_nonnull (text);
  g_assert_true (g_utf8_validate (text, -1, NULL));
  for (const char *c = text; *c != '\0'; c++)
    g_assert_true ((guchar)*c >= ' ' && *c != 0x7f);
}

static void
check_dialog (const SigReplaces *replaces)
{
  g_auto (SigReplaces) again = { 0 };
  g_autofree char *text = sig_replaces_write (replaces);

  check_text (text);
  g_assert_true (sig_replaces_parse (text, &again, NULL));
  g_assert_cmpstr (again.call_id, ==, replaces->call_id);
  g_assert_cmpstr (again.to_tag, ==, replaces->to_tag);
  g_assert_cmpstr (again.from_tag, ==, replaces->from_tag);
  g_assert_true (again.early_only == replaces->early_only);
}

static void
run (const guint8 *data, gsize size)
{
  g_autofree char *text = fuzz_text (data, size), *phrase = NULL;
  g_auto (SigReferTo) refer = { 0 };
  g_auto (SigReplaces) replaces = { 0 }, target = { 0 };
  g_autoptr (GError) error = NULL;
  SigSubscriptionState state;
  int status = 0;

  if (sig_refer_to_parse (text, &refer, &error))
    {
      check_text (refer.uri);
      check_text (refer.user);
      check_text (refer.host);
      g_assert_null (strpbrk (refer.uri, " <>\"?"));
      g_assert_cmpuint (refer.n_headers, <=, SIG_REFER_MAX_HEADERS);
      for (guint i = 0; i < refer.n_headers; i++)
        {
          check_text (refer.headers[i].value);
          g_assert_null (strpbrk (refer.headers[i].name, " :;"));
        }
      if (refer.has_replaces)
        check_dialog (&refer.replaces);
    }
  else
    g_assert_nonnull (error);
  if (sig_replaces_parse (text, &replaces, NULL))
    check_dialog (&replaces);
  if (sig_target_dialog_parse (text, &target, NULL))
    check_dialog (&target);
  if (sig_sipfrag_parse ((const char *)data, size, &status, &phrase))
    {
      g_assert_true (status >= 100 && status <= 699);
      check_text (phrase);
    }
  (void)!sig_subscription_state_parse (text, &state);
  g_autofree char *by = sig_referred_by_uri (text), *to = sig_transfer_target (text, "127.0.0.1", NULL);
  if (by != NULL)
    check_text (by);
  if (to != NULL)
    check_text (to);
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT ("\"Ann\" <sip:bob@[2001:db8::1]:5062;transport=tcp>;x=\"a;b\""),
  FUZZ_TEXT ("<sip:b%20b@a;method=INVITE?Replaces=12%40h%3bto-tag%3Da%3bfrom-tag%3db&X-Room=a>"),
  FUZZ_TEXT ("<tel:+1-555-0100;phone-context=x>"),
  FUZZ_TEXT ("98732@sip.example.com ;from-tag=r33th4x0r;to-tag=ff87ff;early-only"),
  FUZZ_TEXT ("SIP/2.0 486 Busy Here\r\nContact: <sip:a@b>\r\n"),
  FUZZ_TEXT ("terminated;reason=noresource;expires=60"),
};

static const char *const words[] = { "<sip:", "?Replaces=", "%3bto-tag=", "%0d%0a", ";method=",   "&", "\"",
                                     ";",     "from-tag=",  "SIP/2.0 ",   "tel:",   "terminated", "@", NULL };

const FuzzTarget fuzz_target = { "refer", run, seeds, G_N_ELEMENTS (seeds), NULL, words, 10000 };
