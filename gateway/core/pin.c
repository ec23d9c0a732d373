#include "gateway/core/pin.h"

#include <string.h>

static CfgMonotonic
earlier (CfgMonotonic a, CfgMonotonic b)
{
  return cfg_monotonic_diff_us (a, b) < 0 ? a : b;
}

static void
begin_try (GwPin *pin, CfgMonotonic now)
{
  explicit_bzero (pin->digits, sizeof pin->digits);
  pin->n_digits = 0;
  pin->is_prompting = TRUE;
  pin->try_ends = cfg_monotonic_add_us (now, GW_PIN_TRY_MAX_S * CFG_US_PER_S);
  pin->deadline = pin->try_ends;
}

void
gw_pin_init (GwPin *pin, const GwPinConfig *config, CfgMonotonic now)
{
  memset (pin, 0, sizeof *pin);
  pin->config = *config;
  begin_try (pin, now);
}

void
gw_pin_prompt_ended (GwPin *pin, CfgMonotonic now)
{
  if (!pin->is_prompting || pin->is_over)
    return;
  pin->is_prompting = FALSE;
  pin->deadline = cfg_monotonic_add_us (now, pin->config.timeout_us);
}

static void
append (GwPin *pin, char digit)
{
  if (pin->n_digits <= GW_PIN_MAX_DIGITS)
    pin->digits[pin->n_digits++] = digit;
}

GwPinAction
gw_pin_digit (GwPin *pin, char digit, CfgMonotonic now)
{
  gboolean hush = pin->is_prompting;

  if (pin->is_over)
    return GW_PIN_WAIT;
  pin->is_prompting = FALSE;
  if (digit == '#')
    return pin->n_digits > 0 ? GW_PIN_CHECK : gw_pin_rejected (pin, now);
  if (digit == '*')
    {
      explicit_bzero (pin->digits, sizeof pin->digits);
      pin->n_digits = 0;
      pin->deadline = cfg_monotonic_add_us (now, pin->config.timeout_us);
    }
  else
    {
      append (pin, digit);
      pin->deadline = cfg_monotonic_add_us (now, pin->config.digit_timeout_us);
    }
  return hush ? GW_PIN_HUSH : GW_PIN_WAIT;
}

CfgMonotonic
gw_pin_deadline (const GwPin *pin)
{
  return earlier (pin->deadline, pin->try_ends);
}

GwPinAction
gw_pin_poll (GwPin *pin, CfgMonotonic now)
{
  if (pin->is_over || cfg_monotonic_diff_us (now, gw_pin_deadline (pin)) < 0)
    return GW_PIN_WAIT;
  return pin->n_digits > 0 ? GW_PIN_CHECK : gw_pin_rejected (pin, now);
}

const char *
gw_pin_entered (const GwPin *pin)
{
  return pin->digits;
}

GwPinAction
gw_pin_rejected (GwPin *pin, CfgMonotonic now)
{
  pin->n_tries++;
  begin_try (pin, now);
  if (pin->n_tries < pin->config.tries)
    return GW_PIN_ASK_AGAIN;
  pin->is_over = TRUE;
  return GW_PIN_GIVE_UP;
}

void
gw_pin_clear (GwPin *pin)
{
  explicit_bzero (pin, sizeof *pin);
}
