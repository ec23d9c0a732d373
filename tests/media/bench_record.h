/* What a recording costs on either side of its ring, beside what it cannot do without. */
#pragma once

#include <glib.h>

#define BENCH_RECORD_RATE_HZ 48000
#define BENCH_RECORD_FRAMES  1500

typedef void (*BenchPrint) (const char *what, double ours_us, const char *limit, double limit_us);

/** bench_record: @voice: BENCH_RECORD_FRAMES of 20 ms. Writes into a directory of its own, and removes it. */
void bench_record (const gint16 *voice, BenchPrint print);
