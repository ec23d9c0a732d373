/* What a process may use of the machine's cores, and what is left of them, from the kernel's own texts. Pure.
 */
#pragma once

#include <glib.h>

/* Of some cores together, in ticks since the machine's start. Idle time is exact; most kernels guess the
 * other ones by what they find at each clock tick, too often work that a timer began. */
typedef struct
{
  guint64 counted;    /* all of it; a kernel that shows nothing of its cores (a sandbox) says 0 */
  guint64 nice;       /* programs that give way to others */
  guint64 own_nice;   /* of that, our own threads that do: they are no others */
  guint64 interrupts; /* hardware, and soft interrupts: the network's, mostly */
  guint64 idle;
  guint n_cores; /* that were found */
} GwCoreTimes;

/* Shares of these cores in between, 0.0-1.0. */
typedef struct
{
  double busy;       /* without other programs that give way */
  double interrupts; /* of that */
} GwCoreShares;

/** gw_core_times_parse: @text: of /proc/stat; @allowed: of @n_allowed cores, TRUE for those that count.
 * Returns: FALSE when none of them is in it. */
gboolean gw_core_times_parse (const char *text, const gboolean *allowed, guint n_allowed, GwCoreTimes *times);
/** gw_core_shares: between two readings, @ticks apart; zero when there is nothing between, not the same
 * cores, or when nothing was counted of them. */
GwCoreShares gw_core_shares (const GwCoreTimes *before, const GwCoreTimes *now, double ticks);
/**
 * gw_process_load: what is used, for the process's limit
 * @process: cores used by all threads of the process
 * @n_cores: that it may use; with a quota fewer than
 * @n_allowed: those that it may run on
 * @shares: of these
 *
 * Where the process uses half of the cores what others take is not left for it either: interrupts, of its own
 * packets mostly, the kernel's threads for them, and other programs. With less it gets more, whatever else
 * runs; when it does not, ticks are late. What others take of cores that a quota keeps it from anyway does
 * not count.
 *
 * Returns: cores.
 */
double gw_process_load (double process, double n_cores, guint n_allowed, const GwCoreShares *shares);
/** gw_thread_share: how much of a core a thread can have at most, when interrupts take theirs which are not
 * counted as the thread's (that depends on the kernel). Arguments as of gw_process_load. */
double gw_thread_share (double process, guint n_allowed, const GwCoreShares *shares);
