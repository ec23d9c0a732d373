#include "media/core/opus_rate.h"

#define CLEAN_BELOW  0.01
#define FULL_FROM    20 /* percent lost */
#define LIGHT_BEFORE 2  /* complexity */

/* libopus makes FEC only above a bit rate, and counts a bit as worth a fifth less with complexity 0 and 1
 * (decide_fec and compute_equiv_rate in its opus_encoder.c). Below that rate it takes a narrower band if
 * there is one, else no FEC. These are enough for FEC in the whole band, in packets of 20 ms and more. */
typedef struct
{
  guint clean;
  guint fec, fec_light;
  guint full, full_light; /* FEC on a network that is full */
} Rates;

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

static const Rates *
rates_of (guint rate_hz)
{
  static const Rates narrow = { 16000, 24000, 26000, 20000, 23000 };
  static const Rates wide = { 24000, 36000, 36000, 24000, 30000 };
  static const Rates whole = { 32000, 48000, 48000, 32000, 40000 };

  return rate_hz <= 8000 ? &narrow : rate_hz <= 16000 ? &wide : &whole;
}

guint
media_opus_bitrate (guint rate_hz, gboolean fec, guint loss_percent, guint complexity)
{
  const Rates *rates = rates_of (rate_hz);
  const gboolean light = complexity < LIGHT_BEFORE;

  if (!fec)
    return loss_percent >= FULL_FROM ? rates->clean * 3 / 4 : rates->clean;
  if (loss_percent >= FULL_FROM)
    return light ? rates->full_light : rates->full;
  return light ? rates->fec_light : rates->fec;
}
