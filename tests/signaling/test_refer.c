/* Tables of what peers write into Refer-To, Replaces and sipfrags, and what is understood of it. */
#include "signaling/core/refer.h"

#include <string.h>

#include "config/base/error.h"

/* "uri|user|host:port|method|replaces|headers" */
static char *
describe (const SigReferTo *refer)
{
  GString *out = g_string_new (NULL);
  g_autofree char *replaces = refer->has_replaces ? sig_replaces_write (&refer->replaces) : g_strdup ("");

  g_string_append_printf (out, "%s|%s|%s:%u|%s|%s|", refer->uri, refer->user, refer->host, refer->port,
                          refer->method != NULL ? refer->method : "", replaces);
  for (guint i = 0; i < refer->n_headers; i++)
    g_string_append_printf (out, "%s=%s;", refer->headers[i].name, refer->headers[i].value);
  return g_string_free (out, FALSE);
}

static void
test_refer_to (void)
{
  static const struct
  {
    const char *text, *wanted;
  } cases[] = {
    { "<sip:bob@example.com>", "sip:bob@example.com|bob|example.com:0||||" },
    { "sip:bob@example.com", "sip:bob@example.com|bob|example.com:0||||" },
    { "sip:bob@example.com;x=1", "sip:bob@example.com|bob|example.com:0||||" },
    { "\"B \\\"o\\\" <b>\" <sips:bob@[2001:db8::1]:5062;transport=tcp>;x=\"a;b\"",
      "sips:bob@[2001:db8::1]:5062;transport=tcp|bob|2001:db8::1:5062||||" },
    { "Bob B <SIP:b%20b;ext=1@127.0.0.1:5060>", "SIP:b%20b;ext=1@127.0.0.1:5060|b b|127.0.0.1:5060||||" },
    { "<sip:example.com>", "sip:example.com||example.com:0||||" },
    { "<sip:bob@a;method=INVITE;user=phone>", "sip:bob@a;user=phone|bob|a:0|INVITE|||" },
    { "<sip:bob@a;method=bye>", "sip:bob@a|bob|a:0|BYE|||" },
    { "<sip:bob@a?Replaces=12%40h%3bto-tag%3Da%3bfrom-tag%3db%3Bearly-only&X-Room=a%20b>",
      "sip:bob@a|bob|a:0||12@h;to-tag=a;from-tag=b;early-only|X-Room=a b;|" },
    { "<tel:+1-555-(01).00;phone-context=x>", "tel:+1-555-(01).00;phone-context=x|+15550100|:0||||" },
    { "<tel:*72#>", "tel:*72#|*72#|:0||||" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (SigReferTo) refer = { 0 };
      g_autoptr (GError) error = NULL;
      gboolean ok = sig_refer_to_parse (cases[i].text, &refer, &error);
      g_autofree char *wanted = g_strdup (cases[i].wanted);

      g_assert_no_error (error);
      g_assert_true (ok);
      wanted[strlen (wanted) - 1] = '\0'; /* the closing | makes the columns readable */
      g_autofree char *got = describe (&refer);
      g_assert_cmpstr (got, ==, wanted);
    }
}

static void
check_refused (const char *text, int code)
{
  g_auto (SigReferTo) refer = { 0 };
  g_autoptr (GError) error = NULL;

  if (sig_refer_to_parse (text, &refer, &error))
    g_error ("taken: %s", text);
  g_assert_error (error, CFG_ERROR, code);
}

static void
test_refer_to_refused (void)
{
  static const char *const malformed[] = {
    "",
    "<>",
    "<sip:>",
    "<sip:bob@example.com",
    "sip:bob@example.com>",
    "<sip:bob@example.com> x",
    "<sip:bob@example.com>;",
    "<sip:bob@exa mple.com>",
    "<sip:bob@-a>",
    "<sip:bob@a:0>",
    "<sip:bob@a:65536>",
    "<sip:bob@a:>",
    "<sip:bob@[::1>",
    "<sip:bob@[::x]>",
    "<sip:bob:secret@a>",
    "<sip:@a>",
    "<sip:a@b@c>",
    "<sip:a%0d%0ab@c>",
    "<sip:a%00@c>",
    "<sip:a%zz@c>",
    "<sip:a%4@c>",
    "<sip:b@a;;x>",
    "<sip:b@a;method=>",
    "<sip:b@a;method=A;method=B>",
    "<sip:b@a?>",
    "<sip:b@a?x>",
    "<sip:b@a?=x>",
    "<sip:b@a?X-A=1&>",
    "<sip:b@a?X%0d=1>",
    "<sip:b@a?X-A=%0d%0aVia:x>",
    "<sip:b@a?Replaces=1>",
    "<sip:b@a?Replaces=1%3bto-tag=a>",
    "<sip:b@a?Replaces=1%3bto-tag=a%3bfrom-tag=b&Replaces=1%3bto-tag=a%3bfrom-tag=b>",
    "\"unclosed <sip:b@a>",
    "\"closed\" sip:b@a",
    "<tel:>",
    "<tel:+>",
    "<tel:12x>",
    "no-colon",
    "Ann <Bob> <sip:b@a>",
    "\xc3\xa4 <sip:b@a>",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (malformed); i++)
    check_refused (malformed[i], CFG_ERROR_INVALID_ARGUMENT);
  check_refused (NULL, CFG_ERROR_INVALID_ARGUMENT);
  check_refused ("<https://example.com/>", CFG_ERROR_UNIMPLEMENTED);
  check_refused ("<mailto:bob@example.com>", CFG_ERROR_UNIMPLEMENTED);
}

static void
test_bounds (void)
{
  g_autofree char *much = g_strnfill (SIG_REFER_MAX_TEXT + 1, 'a');
  g_autofree char *user = g_strnfill (200, 'a');
  g_autofree char *long_text = g_strdup_printf ("<sip:a@b?X-A=%s>", much);
  g_autofree char *long_user = g_strdup_printf ("<sip:%s@b>", user);
  g_autofree char *long_call_id = g_strdup_printf ("%s%s;to-tag=a;from-tag=b", user, user);
  g_autofree char *long_tag = g_strdup_printf ("1;to-tag=%s%s;from-tag=b", user, user);
  g_autoptr (GString) headers = g_string_new ("<sip:a@b?X-0=1");
  SigReplaces replaces;

  check_refused (long_text, CFG_ERROR_INVALID_ARGUMENT);
  check_refused (long_user, CFG_ERROR_INVALID_ARGUMENT);
  for (guint i = 0; i < SIG_REFER_MAX_HEADERS; i++)
    g_string_append_printf (headers, "&X-%u=1", i + 1);
  g_string_append_c (headers, '>');
  check_refused (headers->str, CFG_ERROR_INVALID_ARGUMENT);
  g_assert_false (sig_replaces_parse (long_call_id, &replaces, NULL));
  sig_replaces_clear (&replaces);
  g_assert_false (sig_replaces_parse (long_tag, &replaces, NULL));
  sig_replaces_clear (&replaces);
}

static void
test_replaces (void)
{
  static const struct
  {
    const char *text, *wanted; /* NULL: refused */
  } cases[] = {
    { "98732@sip.example.com ;from-tag=r33th4x0r;to-tag=ff87ff",
      "98732@sip.example.com;to-tag=ff87ff;from-tag=r33th4x0r" },
    { "12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only",
      "12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only" },
    { "1;TO-TAG=a;From-Tag=b;x=\"y;z\";q", "1;to-tag=a;from-tag=b" },
    { "(a)<b>{c}@[::1];to-tag=0;from-tag=0", "(a)<b>{c}@[::1];to-tag=0;from-tag=0" },
    { "1;to-tag=a", NULL },
    { "1;from-tag=a", NULL },
    { "1;to-tag=a;from-tag=b;to-tag=a", NULL },
    { "1;to-tag=;from-tag=b", NULL },
    { "1;to-tag=\"a\";from-tag=b", NULL },
    { "1@;to-tag=a;from-tag=b", NULL },
    { "@1;to-tag=a;from-tag=b", NULL },
    { "1 2;to-tag=a;from-tag=b", NULL },
    { ";to-tag=a;from-tag=b", NULL },
    { "1;to-tag=a;from-tag=b, 2;to-tag=a;from-tag=b", NULL },
    { "", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (SigReplaces) replaces = { 0 };
      g_autoptr (GError) error = NULL;
      gboolean ok = sig_replaces_parse (cases[i].text, &replaces, &error);
      g_autofree char *got = ok ? sig_replaces_write (&replaces) : NULL;

      g_assert_cmpstr (got, ==, cases[i].wanted);
      g_assert_true (ok == (error == NULL));
    }

  g_auto (SigReplaces) dialog = { 0 };
  g_assert_true (sig_target_dialog_parse ("fa77as7d;local-tag=kkaz-;remote-tag=6544", &dialog, NULL));
  g_assert_cmpstr (dialog.to_tag, ==, "kkaz-");
  g_assert_cmpstr (dialog.from_tag, ==, "6544");
}

static void
test_referred_by (void)
{
  g_autofree char *full
      = sig_referred_by_uri ("\"Ann\" <sip:ann@example.com>;cid=\"20398823.2UWQFN309shb3@ref\"");
  g_autofree char *bare = sig_referred_by_uri ("sip:ann@example.com");

  g_assert_cmpstr (full, ==, "sip:ann@example.com");
  g_assert_cmpstr (bare, ==, "sip:ann@example.com");
  g_assert_null (sig_referred_by_uri ("<sip:ann@exam ple.com>"));
  g_assert_null (sig_referred_by_uri ("nobody"));
  g_assert_null (sig_referred_by_uri (NULL));
}

static void
test_transfer_target (void)
{
  static const struct
  {
    const char *text, *host, *wanted;
  } cases[] = {
    { "tel:+15550100", NULL, "tel:+15550100" },
    { " <sip:bob@example.com> ", NULL, "sip:bob@example.com" },
    { "SIP:bob@example.com;transport=tcp", NULL, "SIP:bob@example.com;transport=tcp" },
    { "sips:bob@example.com", NULL, "sips:bob@example.com" },
    { "+15550100", "10.0.0.1:5070", "sip:+15550100@10.0.0.1:5070" },
    { "bob@example.com", NULL, "sip:bob@example.com" },
    { "1 2", "a", "sip:1%202@a" },
    { "+15550100", NULL, NULL },
    { "", "a", NULL },
    { "sip:", "a", NULL },
    { "https://example.com", "a", NULL },
    { "sip:b@a?X-A=1", NULL, NULL },
    { "sip:b@a;method=BYE", NULL, NULL },
    { "sip:b@a\r\nX: 1", NULL, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *got = sig_transfer_target (cases[i].text, cases[i].host, &error);

      g_assert_cmpstr (got, ==, cases[i].wanted);
      g_assert_true ((got == NULL) == (error != NULL));
    }
}

static void
test_sipfrag (void)
{
  static const struct
  {
    const char *body;
    int status; /* 0: none */
    const char *phrase;
  } cases[] = {
    { "SIP/2.0 100 Trying\r\n", 100, "Trying" },
    { "SIP/2.0 200 OK", 200, "OK" },
    { "sip/2.0 486 Busy Here\r\nContact: <sip:a@b>\r\n", 486, "Busy Here" },
    { "SIP/2.0 603", 603, "" },
    { "SIP/2.0 180 \r\n", 180, "" },
    { "SIP/2.0 200\nX", 200, "" },
    { "SIP/2.0 200 O\tK\r\n", 200, "O K" },
    { "SIP/2.0 099 x", 0, NULL },
    { "SIP/2.0 700 x", 0, NULL },
    { "SIP/2.0 2000 x", 0, NULL },
    { "SIP/2.0 20", 0, NULL },
    { "SIP/3.0 200 OK", 0, NULL },
    { "INVITE sip:a@b SIP/2.0", 0, NULL },
    { "", 0, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *phrase = NULL;
      int status = 0;
      gboolean ok = sig_sipfrag_parse (cases[i].body, strlen (cases[i].body), &status, &phrase);

      g_assert_true (ok == (cases[i].status != 0));
      g_assert_cmpint (status, ==, cases[i].status);
      g_assert_cmpstr (phrase, ==, cases[i].phrase);
    }
}

static void
test_subscription_state (void)
{
  SigSubscriptionState state;

  g_assert_true (sig_subscription_state_parse ("active;expires=60", &state));
  g_assert_true (state.is_active && !state.is_terminated && state.expires_s == 60);
  g_assert_true (sig_subscription_state_parse ("Terminated ; reason=noresource", &state));
  g_assert_true (state.is_terminated);
  g_assert_cmpstr (state.reason, ==, "noresource");
  g_assert_true (sig_subscription_state_parse ("pending", &state));
  g_assert_true (state.is_pending);
  g_assert_true (sig_subscription_state_parse ("sleeping;expires=99999999999", &state));
  g_assert_true (!state.is_active && !state.is_pending && !state.is_terminated && state.expires_s == 0);
  g_assert_true (sig_subscription_state_parse ("terminated;reason=reason=noresource", &state));
  g_assert_true (state.is_terminated);
  g_assert_true (sig_subscription_state_parse ("active;", &state));
  g_assert_true (state.is_active);
  g_assert_false (sig_subscription_state_parse ("sleeping;", &state));
  g_assert_false (sig_subscription_state_parse ("", &state));
  g_assert_false (sig_subscription_state_parse (NULL, &state));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/refer/refer_to", test_refer_to);
  g_test_add_func ("/signaling/refer/refer_to_refused", test_refer_to_refused);
  g_test_add_func ("/signaling/refer/bounds", test_bounds);
  g_test_add_func ("/signaling/refer/replaces", test_replaces);
  g_test_add_func ("/signaling/refer/referred_by", test_referred_by);
  g_test_add_func ("/signaling/refer/transfer_target", test_transfer_target);
  g_test_add_func ("/signaling/refer/sipfrag", test_sipfrag);
  g_test_add_func ("/signaling/refer/subscription_state", test_subscription_state);
  return g_test_run ();
}
