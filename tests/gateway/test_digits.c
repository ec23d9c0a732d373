#include "gateway/core/digits.h"

static gboolean
take (GwDigits *digits, char digit, GwDigitSource source, gint64 ms)
{
  const CfgMonotonic now = { .us = ms * 1000 };

  return gw_digits_take (digits, digit, source, now, now);
}

/* A key that was down from @begun_ms to @ms. */
static gboolean
release (GwDigits *digits, char digit, gint64 begun_ms, gint64 ms)
{
  return gw_digits_take (digits, digit, GW_DIGIT_MEDIA, (CfgMonotonic){ .us = begun_ms * 1000 },
                         (CfgMonotonic){ .us = ms * 1000 });
}

/* INFO when the key goes down or up, the tone when it is over. */
static void
test_long_presses (void)
{
  GwDigits digits = { 0 };

  g_assert_true (take (&digits, '1', GW_DIGIT_INFO, 1000));
  g_assert_false (release (&digits, '1', 1020, 4000));
  g_assert_true (release (&digits, '2', 5000, 8000));
  g_assert_false (take (&digits, '2', GW_DIGIT_INFO, 8100));
  g_assert_true (take (&digits, '3', GW_DIGIT_INFO, 9000));
  g_assert_true (release (&digits, '3', 12000, 12100)); /* the tone of another press */
  g_assert_true (take (&digits, '4', GW_DIGIT_INFO, 20000));
  g_assert_true (release (&digits, '4', 20000, 31000)); /* nobody presses that long */
}

static void
test_once (void)
{
  GwDigits digits = { 0 };

  g_assert_true (take (&digits, '1', GW_DIGIT_MEDIA, 1000));
  g_assert_false (take (&digits, '1', GW_DIGIT_INFO, 1200));
  g_assert_true (take (&digits, '1', GW_DIGIT_MEDIA, 1300)); /* pressed again */
  g_assert_true (take (&digits, '1', GW_DIGIT_MEDIA, 1400));
  g_assert_false (take (&digits, '1', GW_DIGIT_INFO, 1450));
  g_assert_false (take (&digits, '1', GW_DIGIT_INFO, 1500));
  g_assert_true (take (&digits, '1', GW_DIGIT_INFO, 1550));
  g_assert_true (take (&digits, '2', GW_DIGIT_INFO, 5000));
  g_assert_true (take (&digits, '3', GW_DIGIT_MEDIA, 5100));
  g_assert_false (take (&digits, '2', GW_DIGIT_MEDIA, 5200));
  g_assert_true (take (&digits, '3', GW_DIGIT_INFO, 5900)); /* too late to be the same */
}

static void
test_bounded (void)
{
  GwDigits digits = { 0 };

  for (guint i = 0; i < 100; i++)
    g_assert_true (take (&digits, "0123456789"[i % 10], GW_DIGIT_INFO, 1000 + i));
  g_assert_false (take (&digits, '9', GW_DIGIT_MEDIA, 1100));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/digits/once", test_once);
  g_test_add_func ("/gateway/digits/long_presses", test_long_presses);
  g_test_add_func ("/gateway/digits/bounded", test_bounded);
  return g_test_run ();
}
