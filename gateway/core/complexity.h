/* How much work a media worker's Opus encoders may make of a frame (libopus's complexity). A worker that is
 * nearly full takes less of it, step by step, before its packets wait; one that has room again takes more:
 *
 *   busy for GW_COMPLEXITY_BUSY_US, and less work saves something ──▶ a step down; nearly full: to the lowest
 *   a step up would leave it below GW_COMPLEXITY_ROOM, for 10 s   ──▶ a step up; when the last one did not
 *                                                                     last, after 20, 40, 80, 160 s
 *
 * libopus 1.3 has six kinds of work: 0, 1, 2-3, 4-5, 6-7 and 8-10, of which the steps are the best (docs,
 * decision 38, has what each costs). What a step up would cost follows from what encoding takes now, and from
 * what the kinds cost in relation to each other: a guess at first, then what each step showed. Fed with the
 * load several times a second, which is a second's mean. Pure. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"

#define GW_COMPLEXITY_KINDS 6

/* Shares of what the worker can have of a core. */
#define GW_COMPLEXITY_FULL 0.85
#define GW_COMPLEXITY_BUSY 0.75
#define GW_COMPLEXITY_ROOM 0.72
/* What is not worth a step down; half of it is not worth staying down for. */
#define GW_COMPLEXITY_NOTHING 0.02
/* Less than this of a core, and ticks that are late are late because of others. */
#define GW_COMPLEXITY_WORKS 0.25

#define GW_COMPLEXITY_BUSY_US        (CFG_US_PER_S)
#define GW_COMPLEXITY_SETTLE_US      (CFG_US_PER_S) /* until a step shows in the load */
#define GW_COMPLEXITY_CALM_US        (10 * CFG_US_PER_S)
#define GW_COMPLEXITY_CALM_MAX_US    (160 * CFG_US_PER_S)
#define GW_COMPLEXITY_SHORT_LIVED_US (60 * CFG_US_PER_S)

typedef struct
{
  guint max, min;     /* 0-10; it begins with the first */
  double max_late_ms; /* of ticks, above which it counts as busy; 0: any */
} GwComplexityLimits;

/* Of the last second. */
typedef struct
{
  double load;         /* of the worker: 0.0-1.0 of what it can have of a core */
  double encoding;     /* of that: what its Opus encoders take */
  double encoders;     /* how many of them encode all the time */
  double all;          /* of all cores that there are, where that matters for the worker; 0: it does not */
  double all_encoding; /* of that: Opus encoders that may take more */
  double late_ms;      /* how late 99 % of its ticks begin at most */
} GwComplexitySample;

typedef struct
{
  guint complexity;                    /* now */
  CfgMonotonic busy_since, calm_since; /* 0: it is not */
  CfgMonotonic settled_at;             /* not judged before */
  CfgMonotonic raised_at;              /* 0: never */
  gint64 calm_us;                      /* to be calm for, before the next step up */
  double costs[GW_COMPLEXITY_KINDS];   /* in relation to each other */
  guint from;                          /* kind of work before the last step */
  double cost_before;                  /* of an encoder then, of a core; 0: nothing to learn any more */
} GwComplexity;

/** gw_complexity_init: with the highest. */
void gw_complexity_init (GwComplexity *complexity, const GwComplexityLimits *limits);
/** gw_complexity_update: with each sample; @now: its instant, monotonic. Returns: TRUE when
 * complexity->complexity is another one than before. */
gboolean gw_complexity_update (GwComplexity *complexity, const GwComplexityLimits *limits,
                               const GwComplexitySample *sample, CfgMonotonic now);
