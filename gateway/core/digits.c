#include "gateway/core/digits.h"

#include <string.h>

#define WINDOW_US  (GW_DIGITS_WINDOW_MS * CFG_US_PER_MS)
#define LONGEST_US (GW_DIGITS_LONGEST_MS * CFG_US_PER_MS)

static void
drop (GwDigits *digits, guint at)
{
  memmove (&digits->held[at], &digits->held[at + 1], (GW_DIGITS_HELD - 1 - at) * sizeof digits->held[0]);
  digits->held[GW_DIGITS_HELD - 1].digit = '\0';
}

/* An INFO may come with the press, which the audio tells of only when it is over. */
static void
drop_old (GwDigits *digits, CfgMonotonic now)
{
  for (guint n = 0; n < GW_DIGITS_HELD && digits->held[n].digit != '\0';)
    {
      const gint64 longest_us = WINDOW_US + (digits->held[n].source == GW_DIGIT_INFO ? LONGEST_US : 0);

      if (cfg_monotonic_diff_us (now, digits->held[n].at) > longest_us)
        drop (digits, n);
      else
        n++;
    }
}

gboolean
gw_digits_take (GwDigits *digits, char digit, GwDigitSource source, CfgMonotonic begun, CfgMonotonic now)
{
  guint n = 0;

  drop_old (digits, now);
  for (; n < GW_DIGITS_HELD && digits->held[n].digit != '\0'; n++)
    if (digits->held[n].digit == digit && digits->held[n].source != source
        && cfg_monotonic_diff_us (begun, digits->held[n].at) <= WINDOW_US)
      {
        drop (digits, n);
        return FALSE;
      }
  if (n == GW_DIGITS_HELD)
    drop (digits, 0);
  n = MIN (n, GW_DIGITS_HELD - 1);
  digits->held[n].digit = digit;
  digits->held[n].source = source;
  digits->held[n].at = now;
  return TRUE;
}
