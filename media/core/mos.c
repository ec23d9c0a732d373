#include "media/core/mos.h"

#include <math.h>

/* Equipment impairment and robustness against loss (ITU-T G.113 appendix I; Opus and G.722 as wideband codecs
 * on the narrow-band scale, where they are not worse than G.711). G.711 with concealment: Bpl 25.1. */
static const struct
{
  double impairment;
  double robustness;
} codecs[] = {
  [MEDIA_MOS_G711] = { 0, 25.1 },
  [MEDIA_MOS_G722] = { 0, 20 },
  [MEDIA_MOS_OPUS] = { 0, 30 },
};

#define R_DEFAULT        93.2 /* G.107 with all defaults */
#define IMPAIRMENT_MOST  95.0
#define CODEC_DELAY_MS   25.0 /* packetisation and coding */
#define JITTER_TO_BUFFER 2.0  /* what a buffer holds when it is not known */

/* G.107 7.4 with Ta only: Idd, in the usual piecewise form. */
static double
delay_impairment (double one_way_ms)
{
  return 0.024 * one_way_ms + (one_way_ms > 177.3 ? 0.11 * (one_way_ms - 177.3) : 0);
}

static double
mos_of_r (double r)
{
  if (r <= 0)
    return 1;
  if (r >= 100)
    return 4.5;
  return CLAMP (1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6, 1, 4.5);
}

double
media_mos (const MediaMosInput *input)
{
  guint codec = MIN ((guint)input->codec, G_N_ELEMENTS (codecs) - 1);
  double loss = CLAMP (input->loss, 0, 1) + CLAMP (input->late, 0, 1);
  double loss_percent = 100 * MIN (loss, 1);
  double buffer_ms = input->buffer_ms > 0 ? input->buffer_ms : JITTER_TO_BUFFER * MAX (input->jitter_ms, 0);
  double one_way_ms = MAX (input->round_trip_ms, 0) / 2 + buffer_ms + CODEC_DELAY_MS;
  double impairment = codecs[codec].impairment
                      + (IMPAIRMENT_MOST - codecs[codec].impairment) * loss_percent
                            / (loss_percent + codecs[codec].robustness);

  return mos_of_r (R_DEFAULT - delay_impairment (one_way_ms) - impairment);
}
