/* Finds the marks of frames.h in received audio, among speech of others, to the half millisecond. Pure. */
#pragma once

#include <glib.h>

#define LOAD_MARK_WINDOW 40 /* samples at LOAD_MARK_RATE_HZ that are looked at together: 5 ms */
#define LOAD_MARK_BLOCK  960

/* Zero it. */
typedef struct
{
  guint n_kept;
  gint16 samples[LOAD_MARK_WINDOW + LOAD_MARK_BLOCK];
  gint64 last_us;
  gboolean heard;
} LoadMarks;

/**
 * load_marks_push:
 * @pcm: @samples (LOAD_MARK_BLOCK at most) at LOAD_MARK_RATE_HZ that go on where the last ones ended
 * @at_us: the instant of the first of them
 *
 * Returns: the instant at which a mark began; -1 when none was found.
 */
gint64 load_marks_push (LoadMarks *marks, const gint16 *pcm, gsize samples, gint64 at_us);
