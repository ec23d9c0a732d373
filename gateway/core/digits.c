#include "gateway/core/digits.h"

#include <string.h>

static void
drop (GwDigits *digits, guint at)
{
  memmove (&digits->held[at], &digits->held[at + 1], (GW_DIGITS_HELD - 1 - at) * sizeof digits->held[0]);
  digits->held[GW_DIGITS_HELD - 1].digit = '\0';
}

gboolean
gw_digits_take (GwDigits *digits, char digit, GwDigitSource source, CfgMonotonic now)
{
  guint n = 0;

  while (digits->held[0].digit != '\0'
         && cfg_monotonic_diff_us (now, digits->held[0].at) > GW_DIGITS_WINDOW_MS * CFG_US_PER_MS)
    drop (digits, 0);
  for (; n < GW_DIGITS_HELD && digits->held[n].digit != '\0'; n++)
    if (digits->held[n].digit == digit && digits->held[n].source != source)
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
