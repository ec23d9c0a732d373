/* What a user types to find a call, and how the call's own number is written. */
#include "gateway/core/number.h"

static const struct
{
  const char *wanted, *text;
  gboolean fits;
} cases[] = {
  { "+4930123456", "+4930123456", TRUE },
  { "+49 30 123456", "+4930123456", TRUE },
  { "+49 (0)30 / 123-456", "4930123456", TRUE },
  { "+49\u00a030\u00a0123456", "4930123456", TRUE },
  { "4930123456", "+4930123456", TRUE },
  { "004930123456", "+4930123456", TRUE },
  { "+4930123456", "0049.30.123456", TRUE },
  { " +1 (555) 123-4567", "15551234567", TRUE },
  /* a national number, in any country */
  { "030123456", "+4930123456", TRUE },
  { "+4930123456", "030 123456", TRUE },
  { "030123", "+4930123", TRUE },
  { "030123", "4930123", TRUE },
  { "030123456", "+42330123456", TRUE },
  { "030123456", "+999930123456", FALSE },
  { "030123456", "30123456", FALSE },
  { "030123456", "0030123456", FALSE },
  { "01234", "491234", FALSE }, /* an extension, rather */
  { "123456", "+4930123456", FALSE },
  { "+4930123456", "+4930123457", FALSE },
  { "+4930123456", "+49301234567", FALSE },
  /* parts */
  { "*123456", "+4930123456", TRUE },
  { "*12 34-56", "+4930123456", TRUE },
  { "*1234567", "+4930123456", FALSE },
  { "+49 30*", "4930123456", TRUE },
  { "004930*", "+4930123456", TRUE },
  { "+4931*", "4930123456", FALSE },
  { "4930123456*", "+4930123456", TRUE },
  { "*30123*", "+4930123456", TRUE },
  { "*3456*", "+4930123456", TRUE },
  { "*301243*", "+4930123456", FALSE },
  { "*", "+4930123456", TRUE },
  { "**", "alice", TRUE },
  { "*", NULL, FALSE },
  { "*49*", "49", TRUE },
  { "*4949", "49", FALSE },
  /* codes and names */
  { "*43", "*43", TRUE },
  { "*43123", "*43123", TRUE },
  { "*43#", "*43#", TRUE },
  { "alice", "alice", TRUE },
  { "alice", "Alice", FALSE },
  { "ali*", "alice", TRUE },
  { "*ice", "alice", TRUE },
  { "*lic*", "alice", TRUE },
  { "*1234", "alice01234", TRUE },
  { "*01234", "alice01234", FALSE }, /* the end of a number */
  { "*01234*", "alice01234", TRUE },
  { "*lis*", "alice", FALSE },
  { "123", "alice", FALSE },
  { "alice", NULL, FALSE },
  { "", "", TRUE },
  { "", "123", FALSE },
  { "+", "+", TRUE },
  { "+", "1", FALSE },
  { "00", "+", FALSE },
  { "1234567890123456789012345678901234567890123", "1234567890123456789012345678901234567890124", FALSE },
};

static void
test_fits (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    if (gw_number_fits (cases[i].wanted, cases[i].text) != cases[i].fits)
      {
        g_test_message ("%s against %s", cases[i].wanted, cases[i].text);
        g_test_fail ();
      }
}

/* Else the index would hide what fits. */
static void
test_tails (void)
{
  guint n_with_tail = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *wanted = gw_number_wanted_tail (cases[i].wanted);
      g_autofree char *tail = cases[i].text != NULL ? gw_number_tail (cases[i].text) : NULL;

      n_with_tail += wanted != NULL;
      if (cases[i].fits && wanted != NULL)
        g_assert_cmpstr (wanted, ==, tail);
    }
  g_assert_cmpuint (n_with_tail, >, G_N_ELEMENTS (cases) / 2);
}

static void
test_tail_is_short (void)
{
  g_autofree char *number = gw_number_tail ("+49 (0)30 123-456"), *name = gw_number_tail ("alice.smith"),
                  *part = gw_number_wanted_tail ("*23456"), *little = gw_number_wanted_tail ("*3456"),
                  *front = gw_number_wanted_tail ("+4930*");

  g_assert_cmpstr (number, ==, "23456");
  g_assert_cmpstr (part, ==, "23456");
  g_assert_cmpstr (name, ==, "alice.smith");
  g_assert_null (little);
  g_assert_null (front);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/number/fits", test_fits);
  g_test_add_func ("/gateway/number/tails", test_tails);
  g_test_add_func ("/gateway/number/tail_is_short", test_tail_is_short);
  return g_test_run ();
}
