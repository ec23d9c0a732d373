/* One key press that a phone reports twice, in the media (RFC 4733, or a tone) and by INFO, counts once.
 * Pure. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"

#define GW_DIGITS_WINDOW_MS  700
#define GW_DIGITS_LONGEST_MS 10000 /* a press */
#define GW_DIGITS_HELD       16

typedef enum
{
  GW_DIGIT_MEDIA,
  GW_DIGIT_INFO,
} GwDigitSource;

typedef struct
{
  struct
  {
    char digit; /* NUL: a free place */
    GwDigitSource source;
    CfgMonotonic at;
  } held[GW_DIGITS_HELD]; /* those that the other way may still repeat, the oldest first */
} GwDigits;

/** gw_digits_take: @begun: when the key went down; for INFO, which may come at either end of a press, @now.
 * Returns: TRUE when this press is a new one. */
gboolean gw_digits_take (GwDigits *digits, char digit, GwDigitSource source, CfgMonotonic begun,
                         CfgMonotonic now);
