/* Sample rate conversion between 8, 16 and 48 kHz (speexdsp, quality 3), and from the rates of files. int16
 * mono; keeps state between calls. */
#pragma once

#include <glib.h>

typedef struct _MediaResampler MediaResampler;

/** media_resampler_new: Returns: (transfer full): NULL with @error for rates other than 8000, 16000, 48000.
 */
MediaResampler *media_resampler_new (guint in_rate_hz, guint out_rate_hz,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** media_resampler_new_from: from any rate of 4000 to 192000 Hz (a file's) to one of ours. */
MediaResampler *media_resampler_new_from (guint in_rate_hz, guint out_rate_hz,
                                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
void media_resampler_free (MediaResampler *resampler);
void media_resampler_reset (MediaResampler *resampler);
/**
 * media_resampler_process:
 * @in: @samples at the input rate; whole 10 ms give whole 10 ms
 * @out: room for @capacity
 * Returns: samples written (samples × out / in, exactly for whole milliseconds); -ENOSPC when @capacity is
 * too small.
 */
gssize media_resampler_process (MediaResampler *resampler, const gint16 *in, gsize samples, gint16 *out,
                                gsize capacity) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaResampler, media_resampler_free)
