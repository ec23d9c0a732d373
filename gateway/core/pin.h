/* Asking a caller for a PIN: which digits count, when they are complete, and when it is enough. Pure: no
 * prompt, no clock, no rule; what was entered is in here and nowhere else.
 *
 *   asked --digit--> entering --# or no more digits--> CHECK --gw_pin_rejected--> asked again, or GIVE_UP
 *     |                  ^ |
 *     | nobody answers   +-+ digit; * begins anew
 *     +--> asked again, or GIVE_UP */
#pragma once

#include <glib.h>

#include "config/base/clock.h"

#define GW_PIN_MAX_DIGITS 16
#define GW_PIN_TRY_MAX_S  60 /* a try ends then, whatever is pressed */

typedef struct
{
  guint tries;             /* at least 1 */
  gint64 timeout_us;       /* for the first digit, from the end of the prompt */
  gint64 digit_timeout_us; /* for each further one: nothing for so long ends the entry */
} GwPinConfig;

typedef enum
{
  GW_PIN_WAIT,      /* nothing is to be done */
  GW_PIN_HUSH,      /* the first digit: the prompt need not go on */
  GW_PIN_CHECK,     /* gw_pin_entered is complete: it is right, or gw_pin_rejected follows */
  GW_PIN_ASK_AGAIN, /* the prompt for another try */
  GW_PIN_GIVE_UP,   /* that was the last one */
} GwPinAction;

/* Plain values; a secret. */
typedef struct
{
  GwPinConfig config;
  char digits[GW_PIN_MAX_DIGITS + 2]; /* one more than any PIN has: what is longer is wrong, not cut short */
  guint n_digits, n_tries;
  gboolean is_prompting, is_over;
  CfgMonotonic deadline, try_ends;
} GwPin;

/** gw_pin_init: the prompt is being played. */
void gw_pin_init (GwPin *pin, const GwPinConfig *config, CfgMonotonic now);
void gw_pin_prompt_ended (GwPin *pin, CfgMonotonic now);
/** gw_pin_digit: 0-9 and A-D count, # ends the entry, * begins it anew. # alone is a wrong try. */
GwPinAction gw_pin_digit (GwPin *pin, char digit, CfgMonotonic now);
/** gw_pin_poll: to be called from gw_pin_deadline on. */
GwPinAction gw_pin_poll (GwPin *pin, CfgMonotonic now);
/** gw_pin_deadline: when gw_pin_poll may have something to say. */
CfgMonotonic gw_pin_deadline (const GwPin *pin);
const char *gw_pin_entered (const GwPin *pin);
/** gw_pin_rejected: Returns: ASK_AGAIN or GIVE_UP. The prompt counts as being played again. */
GwPinAction gw_pin_rejected (GwPin *pin, CfgMonotonic now);
/** gw_pin_clear: nothing of what was entered stays in memory. */
void gw_pin_clear (GwPin *pin);
