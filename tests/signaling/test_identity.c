/* Who calls, as the headers of networks say it. */
#include "signaling/core/identity.h"

#include <string.h>

typedef struct
{
  const char *name;
  CfgHeader headers[4];
  const char *wanted; /* "user|display|host", "-" for none; ">user(reason)" diverted; "!" private */
} Row;

static const Row rows[] = {
  { "nothing", { { "X-A", "b" } }, "-" },
  { "asserted",
    { { "P-Asserted-Identity", "\"Ann\" <sip:+15550001@carrier.example>" } },
    "+15550001|Ann|carrier.example" },
  { "any case of the name", { { "p-asserted-identity", "<sip:a@b>" } }, "a||b" },
  { "addr-spec", { { "P-Asserted-Identity", "sip:+15550001@h" } }, "+15550001||h" },
  { "tel", { { "P-Asserted-Identity", "<tel:+1-555-(000).1;phone-context=x>" } }, "+15550001||" },
  { "a number rather than a name, in one header",
    { { "P-Asserted-Identity", "\"Ann\" <sip:ann@h>, <tel:+15550001>" } },
    "+15550001||" },
  { "a number rather than a name, in two",
    { { "P-Asserted-Identity", "<sip:ann@h>" }, { "P-Asserted-Identity", "tel:+15550001" } },
    "+15550001||" },
  { "a number with separators",
    { { "P-Asserted-Identity", "<sip:+1-555-0001@h;user=phone>" } },
    "+15550001||h" },
  { "a name with a hyphen", { { "P-Asserted-Identity", "<sip:ann-b@h>" } }, "ann-b||h" },
  { "parameters and password of the user",
    { { "P-Asserted-Identity", "<sip:+1;npdi:x@h:5060;lr>" } },
    "+1||h" },
  { "IPv6", { { "P-Asserted-Identity", "<sip:7@[2001:db8::1]:5060>" } }, "7||2001:db8::1" },
  { "UTF-8 and escapes in the display name",
    { { "P-Asserted-Identity", "\"J\xc3\xb6rg \\\"X\\\" <a>\" <sip:j%c3%b6rg@h>" } },
    "j\xc3\xb6rg|J\xc3\xb6rg \"X\" <a>|h" },
  { "tokens as display name", { { "P-Asserted-Identity", "Ann B <sip:a@h>" } }, "a|Ann B|h" },
  { "bytes that are no UTF-8", { { "P-Asserted-Identity", "\"a\xff\" <sip:b@h>" } }, "b|a\xef\xbf\xbd|h" },
  { "a control character by an escape",
    { { "P-Asserted-Identity", "<sip:a%0d%0ab%00c@h>" } },
    "a  b%00c||h" },
  { "another scheme", { { "P-Asserted-Identity", "<mailto:a@b>" } }, "-" },
  { "no user", { { "P-Asserted-Identity", "<sip:host>" } }, "-" },
  { "an open quote", { { "P-Asserted-Identity", "\"Ann <sip:a@b>" } }, "-" },
  { "an open bracket", { { "P-Asserted-Identity", "<sip:a@b" } }, "-" },
  { "remote party",
    { { "Remote-Party-ID", "\"Ann\" <sip:+1555@h>;party=calling;screen=yes;privacy=off" } },
    "+1555|Ann|h" },
  { "remote party of the called side", { { "Remote-Party-ID", "<sip:+1555@h>;party=called" } }, "-" },
  { "asserted before remote party",
    { { "Remote-Party-ID", "<sip:+1@h>" }, { "P-Asserted-Identity", "<sip:+2@h>" } },
    "+2||h" },
  { "remote party that hides", { { "Remote-Party-ID", "<sip:+1@h>;privacy=full" } }, "+1||h!" },
  { "privacy id", { { "P-Asserted-Identity", "<sip:+2@h>" }, { "Privacy", "id" } }, "+2||h!" },
  { "privacy of several", { { "Privacy", "header;user; critical" } }, "-!" },
  { "privacy none", { { "Privacy", "none" } }, "-" },
  { "privacy of the session only", { { "Privacy", "session" } }, "-" },
  { "diversion", { { "Diversion", "<sip:+1555@h>;reason=no-answer;counter=1" } }, "->+1555(no-answer)" },
  { "the latest of two diversions",
    { { "Diversion", "<tel:+2>;reason=user-busy,<sip:+1@h>;reason=unconditional" },
      { "Diversion", "<sip:+0@h>" } },
    "->+2(user-busy)" },
  { "diversion with a quoted reason", { { "Diversion", "<sip:+1@h>;reason=\"fol;low\"" } }, "->+1(fol;low)" },
  { "diversion that hides", { { "Diversion", "<sip:+1@h>;privacy=full;reason=away" } }, "->+1(away)!" },
  { "history by cause of the URI",
    { { "History-Info", "<sip:+1@h>;index=1, <sip:+2@h;cause=408>;index=1.1" } },
    "->+1(no-answer)" },
  { "history by Reason",
    { { "History-Info", "<sip:+1@h>;index=1" },
      { "History-Info", "<sip:+2@h?Reason=SIP%3Bcause%3D486>;index=1.1" } },
    "->+1(user-busy)" },
  { "history of a call that nobody sent on",
    { { "History-Info", "<sip:+1@h>;index=1,<sip:+2@h>;index=1.1" } },
    "-" },
  { "diversion before history",
    { { "History-Info", "<sip:+1@h>;index=1,<sip:+2@h;cause=302>;index=1.1" },
      { "Diversion", "<sip:+3@h>" } },
    "->+3()" },
};

static char *
describe (const SigIdentities *got)
{
  GString *text = g_string_new (NULL);

  if (got->has_asserted)
    g_string_append_printf (text, "%s|%s|%s", got->asserted.user, got->asserted.display, got->asserted.host);
  else
    g_string_append (text, "-");
  if (got->has_diverter)
    g_string_append_printf (text, ">%s(%s)", got->diverter.user,
                            got->diversion_reason != NULL ? got->diversion_reason : "");
  if (got->is_private || got->is_diverter_private)
    g_string_append_c (text, '!');
  return g_string_free (text, FALSE);
}

static void
headers_are_read (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (SigIdentities) got = { 0 };
      g_autofree char *text = NULL;
      gsize n = 0;

      while (n < G_N_ELEMENTS (rows[i].headers) && rows[i].headers[n].name != NULL)
        n++;
      sig_identities_read (rows[i].headers, n, &got);
      text = describe (&got);
      if (strcmp (text, rows[i].wanted) != 0)
        g_test_fail_printf ("%s: got %s, wanted %s", rows[i].name, text, rows[i].wanted);
    }
}

static void
what_is_written_is_read (void)
{
  static const char *const displays[]
      = { "Ann", "J\xc3\xb6rg \"the\\ 1st\" <x>, y;z", "\xe6\x97\xa5\xe6\x9c\xac" };

  for (guint i = 0; i < G_N_ELEMENTS (displays); i++)
    {
      g_autofree char *text = sig_name_addr_write (displays[i], "sip:+1@h");
      g_auto (SigIdentity) got = { 0 };
      const char *end = sig_name_addr_parse (text, &got, NULL);

      g_assert_nonnull (end);
      g_assert_cmpstr (end, ==, "");
      g_assert_cmpstr (got.display, ==, displays[i]);
      g_assert_cmpstr (got.user, ==, "+1");
    }
  g_autofree char *evil = sig_name_addr_write ("a\r\nVia: x", "sip:a@b");
  g_autofree char *none = sig_name_addr_write (NULL, "sip:a@b");
  g_assert_cmpstr (evil, ==, "\"a  Via: x\" <sip:a@b>");
  g_assert_cmpstr (none, ==, "<sip:a@b>");
}

static void
numbers_lose_their_separators (void)
{
  static const struct
  {
    const char *number, *plain;
  } table[] = {
    { "+1-201-555-0123", "+12015550123" },
    { "(030) 12", "(030) 12" }, /* a space is no part of a number */
    { "(030)12.3", "030123" },
    { "*31#", "*31#" },
    { "ann-b", "ann-b" },
    { "+", "+" },
    { "-", "-" },
    { "", "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autofree char *plain = sig_plain_number (table[i].number);
      g_assert_cmpstr (plain, ==, table[i].plain);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/identity/headers_are_read", headers_are_read);
  g_test_add_func ("/signaling/identity/what_is_written_is_read", what_is_written_is_read);
  g_test_add_func ("/signaling/identity/numbers_lose_their_separators", numbers_lose_their_separators);
  return g_test_run ();
}
