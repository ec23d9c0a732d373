/* Takes jumps out of decoded sound: what a decoder with memory makes of a packet after a lost one begins now
 * and then with one, as its state is not that of the encoder. A jump bends the curve far more than anything
 * around it in the frame does; the millisecond around it is replaced by what fits best between its neighbours
 * (interpolation with a linear predictor, after Janssen, Veldhuis and Vries, 1986). Private to media/codec;
 * pure. Meant for the frames next to a loss: costs a look at each sample, and some 100 000 steps per jump. */
#pragma once

#include <glib.h>

#define MEDIA_DECLICK_BEFORE 24 /* samples of what was before */

/**
 * media_declick:
 * @before: MEDIA_DECLICK_BEFORE samples that came before @pcm
 * @pcm: (inout)
 * Returns: how many jumps were taken out.
 */
guint media_declick (const gint16 *before, gint16 *pcm, gsize samples, guint sample_rate_hz);
