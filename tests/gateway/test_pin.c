#include "gateway/core/pin.h"

#include <string.h>

#include "config/base/clock.h"

static const GwPinConfig config
    = { .tries = 3, .timeout_us = 10 * CFG_US_PER_S, .digit_timeout_us = 5 * CFG_US_PER_S };

/* A script: digits are pressed 100 ms apart; 'p' ends the prompt, '.' lets a second pass with a poll, '!'
 * rejects what was complete. What comes back, one letter each: w(ait), h(ush), C(heck), A(sk again), G(ive
 * up). */
static char *
run (const char *script, GwPin *pin)
{
  CfgMonotonic now = { .us = 1000 };
  GString *out = g_string_new (NULL);

  gw_pin_init (pin, &config, now);
  for (; *script != '\0'; script++)
    {
      GwPinAction action = GW_PIN_WAIT;

      if (*script == 'p')
        gw_pin_prompt_ended (pin, now);
      else if (*script == '.')
        {
          now = cfg_monotonic_add_us (now, CFG_US_PER_S);
          action = gw_pin_poll (pin, now);
        }
      else if (*script == '!')
        action = gw_pin_rejected (pin, now);
      else
        {
          now = cfg_monotonic_add_us (now, 100 * CFG_US_PER_MS);
          action = gw_pin_digit (pin, *script, now);
        }
      g_string_append_c (out, "whCAG"[action]);
    }
  return g_string_free (out, FALSE);
}

static void
test_table (void)
{
  static const struct
  {
    const char *name, *script, *actions, *entered;
  } rows[] = {
    { "# ends it", "12#", "hwC", "12" },
    { "after the prompt", "p12#", "wwwC", "12" },
    { "the prompt stops at the first digit only", "1234#", "hwwwC", "1234" },
    { "no # and 5 s of nothing", "p12.....", "wwwwwwwC", "12" },
    { "a digit starts the 5 s anew", "p1....2.....", "wwwwwwwwwwwC", "12" },
    { "* begins anew", "p12*34#", "wwwwwwC", "34" },
    { "* during the prompt stops it", "*7#", "hwC", "7" },
    { "* alone leaves the long time", "p1*.........", "wwwwwwwwwwww", "" },
    { "nothing after the prompt", "p..........", "wwwwwwwwwwA", "" },
    { "nothing while the prompt plays", "..............", "wwwwwwwwwwwwww", "" },
    { "a # alone is a wrong try", "#", "A", "" },
    { "what was wrong is gone", "12#!3#", "hwCAhC", "3" },
    { "three tries", "1#!2#!3#!", "hCAhCAhCG", "" },
    { "three times nothing", "p..........p..........p..........", "wwwwwwwwwwAwwwwwwwwwwAwwwwwwwwwwG", "" },
    { "nothing counts once it is over", "###1#p..........", "AAGwwwwwwwwwwwww", "" },
    { "A to D count as digits", "A1#", "hwC", "A1" },
    { "sixteen digits", "1234567890123456#", "hwwwwwwwwwwwwwwwC", "1234567890123456" },
    { "one too many is not cut short", "12345678901234567#", "hwwwwwwwwwwwwwwwwC", "12345678901234567" },
    { "many too many", "123456789012345678901234#", "hwwwwwwwwwwwwwwwwwwwwwwwC", "12345678901234567" },
    { "a prompt that ends after the first digit changes nothing", "1p.....", "hwwwwwC", "1" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      GwPin pin;
      g_autofree char *actions = run (rows[i].script, &pin);

      g_test_message ("%s", rows[i].name);
      g_assert_cmpstr (actions, ==, rows[i].actions);
      g_assert_cmpstr (gw_pin_entered (&pin), ==, rows[i].entered);
    }
}

/* Keys pressed for ever do not hold a call for ever. */
static void
test_a_try_ends (void)
{
  CfgMonotonic now = { .us = 0 };
  guint n_polls = 0;
  GwPin pin;

  gw_pin_init (&pin, &config, now);
  for (GwPinAction action = GW_PIN_WAIT; action != GW_PIN_GIVE_UP; n_polls++)
    {
      now = cfg_monotonic_add_us (now, CFG_US_PER_S);
      action = gw_pin_digit (&pin, '*', now);
      if (action == GW_PIN_WAIT || action == GW_PIN_HUSH)
        action = gw_pin_poll (&pin, now);
      g_assert_cmpuint (n_polls, <=, 3 * GW_PIN_TRY_MAX_S);
    }
  g_assert_cmpuint (n_polls, >=, 3 * GW_PIN_TRY_MAX_S - 3);
}

static void
test_nothing_stays (void)
{
  GwPin pin, zero;
  g_autofree char *actions = run ("4711", &pin);

  memset (&zero, 0, sizeof zero);
  gw_pin_clear (&pin);
  g_assert_cmpmem (&pin, sizeof pin, &zero, sizeof zero);
  g_assert_nonnull (actions);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/pin/table", test_table);
  g_test_add_func ("/gateway/pin/a_try_ends", test_a_try_ends);
  g_test_add_func ("/gateway/pin/nothing_stays", test_nothing_stays);
  return g_test_run ();
}
