/* Whether a thread (a media worker, the main thread) has room for one more call. Fed once a second with what
 * it did; remembers a little, so that it neither gives way to a single bad second nor changes its mind with
 * each call that ends:
 *
 *   has room ──two samples above a limit, or calls that just came will lead there──▶ overloaded
 *   overloaded ──GW_OVERLOAD_CALM samples in a row well below the limits──▶ has room
 *
 * What a call costs shows only when its media flows: by how many legs there are more than two seconds ago is
 * counted with what the others cost. Pure. */
#pragma once

#include <glib.h>

#define GW_OVERLOAD_CALM 3

typedef enum
{
  GW_OVERLOAD_NONE,
  GW_OVERLOAD_CPU,     /* of its core, too much is used */
  GW_OVERLOAD_LATE,    /* it works, and begins its ticks too late */
  GW_OVERLOAD_STALLED, /* it does not turn at all */
} GwOverloadReason;

typedef struct
{
  double max_load;    /* share of a core, 0.0-1.0; 0: no limit */
  double max_late_ms; /* 0: no limit */
} GwOverloadLimits;

typedef struct
{
  double load;    /* share of a core used in the last second, 0.0-1.0 */
  double late_ms; /* how late 99 % of its ticks begin at most; 0 where there are none */
  guint n_legs;   /* there are now */
} GwOverloadSample;

/* Zero-initialised is right. */
typedef struct
{
  GwOverloadReason reason;
  GwOverloadReason suspected; /* by the last sample */
  guint n_calm;               /* samples in a row */
  double load, load_before;   /* of the last sample, of the one before */
  double cost;                /* of a leg, about */
  guint n_legs[3];            /* at the last sample, and at those before */
} GwOverload;

/** gw_overload_update: once a second. Returns: TRUE when the reason is another one than before. */
gboolean gw_overload_update (GwOverload *overload, const GwOverloadLimits *limits,
                             const GwOverloadSample *sample);
/** gw_overload_expected: the lower load of the last two samples, and that of the legs which came since; share
 * of a core. @n_legs: there are now. */
double gw_overload_expected (const GwOverload *overload, guint n_legs);
/** gw_overload_allows: one more may come; else it is overloaded from now on, @changed TRUE when it was not.
 */
gboolean gw_overload_allows (GwOverload *overload, const GwOverloadLimits *limits, guint n_legs,
                             gboolean *changed);
/** gw_overload_reason_name: "cpu", "late", "stalled"; NULL for none. */
const char *gw_overload_reason_name (GwOverloadReason reason);
