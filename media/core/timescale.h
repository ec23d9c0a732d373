/* Shortens or lengthens a piece of PCM by one pitch period with an overlap-add, so that a change of playout
 * delay is not heard as a click. Works on the piece alone (10–120 ms), int16 mono, 8, 16 or 48 kHz. */
#pragma once

#include <glib.h>

/**
 * media_timescale_remove:
 * @pcm: (inout): @samples long; the result stands at its start
 * @most: largest number of samples to remove
 *
 * Returns: the new length; @samples when nothing fits (too short, or neither periodic nor quiet enough).
 */
gsize media_timescale_remove (gint16 *pcm, gsize samples, guint sample_rate_hz, gsize most);

/** media_timescale_cut: as media_timescale_remove, but whatever it sounds like, as much as goes: for sound so
 * quiet that its pitch does not matter. */
gsize media_timescale_cut (gint16 *pcm, gsize samples, gsize most);

/**
 * media_timescale_insert:
 * @pcm: (inout): @samples long in room for @capacity
 * @most: largest number of samples to insert
 *
 * Returns: the new length; @samples when nothing fits.
 */
gsize media_timescale_insert (gint16 *pcm, gsize samples, gsize capacity, guint sample_rate_hz, gsize most);
