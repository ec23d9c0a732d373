#include "media/core/opus_rate.h"

#define CLEAN_BELOW 0.01
#define FULL_FROM   20 /* percent lost */

guint
media_opus_loss_step (double loss)
{
  static const guint steps[] = { 5, 10, 20, 30 };

  if (loss < CLEAN_BELOW)
    return 0;
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    if (loss * 100 <= steps[i])
      return steps[i];
  return steps[G_N_ELEMENTS (steps) - 1];
}

guint
media_opus_bitrate (guint rate_hz, gboolean fec, guint loss_percent)
{
  const guint clean = rate_hz <= 8000 ? 16000 : rate_hz <= 16000 ? 24000 : 32000;

  if (!fec || loss_percent >= FULL_FROM)
    return loss_percent >= FULL_FROM ? clean * 3 / 4 : clean;
  return clean * 3 / 2;
}
