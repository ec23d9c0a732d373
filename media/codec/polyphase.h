/* Sample rate conversion in a ratio of up / down, with a row of coefficients for each of the `up` places that
 * an output sample has between two input samples: one sum of products each, where speexdsp (quality 3), for
 * more than eight places, interpolates between four. The filter is a sinc of 48 input samples (more where the
 * rate goes down) in Kaiser's window, 80 dB down. Coefficients are made once for each ratio of the process.
 * int16 mono; keeps state between calls. */
#pragma once

#include <glib.h>

typedef struct _MediaPolyphase MediaPolyphase;

/** media_polyphase_new: Returns: (transfer full) (nullable): NULL for a ratio with more than 640 places, or
 * that goes down to less than a quarter, and when there are coefficients of 16 other ratios. */
MediaPolyphase *media_polyphase_new (guint in_rate_hz, guint out_rate_hz) G_GNUC_WARN_UNUSED_RESULT;
void media_polyphase_free (MediaPolyphase *polyphase);
void media_polyphase_reset (MediaPolyphase *polyphase);
/** media_polyphase_process: @out: room for samples × out / in, rounded up. Returns: how many were written. */
gsize media_polyphase_process (MediaPolyphase *polyphase, const gint16 *in, gsize samples, gint16 *out);
