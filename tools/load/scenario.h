/* The course of a load: everybody joins at the given rate, a pause, the measuring in several windows, and
 * everybody leaves.
 *
 *   IDLE ──▶ JOINING ──▶ SETTLING ──▶ MEASURING (n windows) ──▶ LEAVING ──▶ DONE
 */
#pragma once

#include <signal.h>

#include "tools/load/participant.h"
#include "tools/load/process.h"

#define LOAD_WINDOWS_MAX 100

typedef struct
{
  double seconds, cpu_percent, main_percent;
  double waited_percent; /* of the time, all threads together: ready, but others had the processor */
  gint64 rss_kb, anon_kb;
} LoadWindow;

/* One of the processes that are looked at. */
typedef struct
{
  gint pid; /* 0: none */
  LoadProcess idle_begin, idle, last;
  guint n_windows;
  LoadWindow windows[LOAD_WINDOWS_MAX];
} LoadTarget;

typedef struct _LoadScenario LoadScenario;

typedef struct
{
  LoadTarget gateway, janus;
  double join_s;
  double measured_s;        /* less than was asked for when it was told to end */
  double generator_percent; /* of a core, over the windows */
  gint64 lateness_max_us;   /* of the generator's own millisecond, while it measured */
  guint64 n_skipped;        /* packets that it was too late to send */
} LoadOutcome;

/** load_scenario_new: places everybody. Returns: (transfer full): NULL with @error. */
LoadScenario *load_scenario_new (Load *load, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void load_scenario_free (LoadScenario *scenario);
/** load_scenario_run: returns when all is done, or load_scenario_stopped was set and all have left. */
void load_scenario_run (LoadScenario *scenario);
/* Set by a signal handler: everybody leaves. */
extern volatile sig_atomic_t load_scenario_stopped;
const LoadOutcome *load_scenario_outcome (const LoadScenario *scenario);
