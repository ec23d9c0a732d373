/* How far heard speech is from what was played: segmental log-spectral distance after alignment, and clicks.
 *
 * Segments of 0.3 s are each aligned by cross-correlation, since playout delay moves; then the power in bands
 * of hearing (100 Hz to 3.8 or 7 kHz) of windows of 32 ms is compared in dB, where the reference has speech.
 * 0 dB is the same sound; a good codec is 2 to 4 dB away, a hole of silence 30. */
#pragma once

#include "speech.h"

typedef struct
{
  double distance_db; /* mean over the windows with speech */
  double worst_db;    /* 95th percentile */
  guint n_windows;
  double delay_ms;    /* mean; from the start of both */
  guint clicks;       /* jumps between samples that neither what is around them nor the reference has */
  double click_at_ms; /* the first one */
} TestComparison;

/** test_compare: both at the same rate, 8000 or 16000 Hz; @heard may come up to 1.5 s later. */
void test_compare (const TestSpeech *reference, const TestSpeech *heard, TestComparison *result);
/** test_find_clicks: jumps that what is around them does not have. Returns: (transfer full): sample numbers,
 * of gsize. */
GArray *test_find_clicks (const TestSpeech *speech);
