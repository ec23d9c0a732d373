/* Whether a thread (a media worker, the main thread), or the whole process, has room for one more call. Fed
 * GW_OVERLOAD_HZ times a second with what it did; remembers a little, so that it neither gives way to a
 * single bad second nor changes its mind with each call that ends:
 *
 *   has room ──a second of samples above a limit, or calls that just came will lead there──▶ overloaded
 *   overloaded ──GW_OVERLOAD_CALM samples in a row well below the limits──▶ has room
 *     (GW_OVERLOAD_CALM_EXPECTED when only expected, and it never came to the limit)
 *
 * What a call costs shows only when its media flows, and its setting up costs too: by how many legs there are
 * more than GW_OVERLOAD_UNSEEN samples ago is counted with what the others cost: all of them on average, or
 * the last ones that came, whichever is more. For the next ones may be of the expensive kind. Pure. */
#pragma once

#include <glib.h>

#define GW_OVERLOAD_HZ            5
#define GW_OVERLOAD_WINDOW        GW_OVERLOAD_HZ       /* samples that a load is about */
#define GW_OVERLOAD_SUSPECT       GW_OVERLOAD_HZ       /* samples above a limit in a row */
#define GW_OVERLOAD_CALM          (3 * GW_OVERLOAD_HZ) /* samples */
#define GW_OVERLOAD_CALM_EXPECTED GW_OVERLOAD_HZ
#define GW_OVERLOAD_UNSEEN        7 /* samples: 1.4 s for ICE, DTLS, the first packets, and to be in the load */
#define GW_OVERLOAD_KEPT          9 /* samples that are remembered */

typedef enum
{
  GW_OVERLOAD_NONE,
  GW_OVERLOAD_CPU,     /* of its cores, too much is used */
  GW_OVERLOAD_LATE,    /* it works, and begins its ticks too late */
  GW_OVERLOAD_STALLED, /* it does not turn at all */
} GwOverloadReason;

typedef struct
{
  double max_load;    /* cores; 0: no limit */
  double max_late_ms; /* 0: no limit */
} GwOverloadLimits;

typedef struct
{
  double load;       /* cores used in the last second: of a thread 0.0-1.0 */
  double late_ms;    /* how late 99 % of its ticks begin at most; 0 where there are none */
  double overdue_ms; /* for so long it does not turn now */
  guint n_legs;      /* there are now */
} GwOverloadSample;

/* Zero-initialised is right. */
typedef struct
{
  GwOverloadReason reason;
  gboolean expected;              /* of reason: by the calls that came, not by what was measured */
  guint n_suspect;                /* samples in a row, above a limit */
  guint n_calm;                   /* samples in a row */
  double load;                    /* of the last sample */
  double cost;                    /* of a leg, about; 0: there are too few to tell */
  double growth_cost;             /* of the legs that came last, each, about */
  guint growth_known;             /* for so many samples more */
  double loads[GW_OVERLOAD_KEPT]; /* of the last samples, the newest first */
  guint n_legs[GW_OVERLOAD_KEPT];
  guint n_kept;
} GwOverload;

/** gw_overload_update: with each sample. Returns: TRUE when the reason is another one than before. */
gboolean gw_overload_update (GwOverload *overload, const GwOverloadLimits *limits,
                             const GwOverloadSample *sample);
/** gw_overload_expected: the lower load of the last two samples, and that of the legs which came since; in
 * cores. @n_legs: there are now. */
double gw_overload_expected (const GwOverload *overload, guint n_legs);
/** gw_overload_allows: one more may come; else it is overloaded from now on, @changed TRUE when it was not.
 */
gboolean gw_overload_allows (GwOverload *overload, const GwOverloadLimits *limits, guint n_legs,
                             gboolean *changed);
/** gw_overload_reason_name: "cpu", "late", "stalled"; NULL for none. */
const char *gw_overload_reason_name (GwOverloadReason reason);
