#include "gateway/core/cores.h"

#include <string.h>

/* What it gets at least beside another program, when both want all. */
#define FAIR_SHARE 0.5
#define N_COLUMNS  7 /* user nice system idle iowait irq softirq */
/* A core that seems to do nothing else is not believed. */
#define INTERRUPTS_MAX 0.5

/* The columns after "cpuN". Returns: FALSE when there are not enough. */
static gboolean
parse_columns (const char *text, guint64 *columns)
{
  for (guint i = 0; i < N_COLUMNS; i++)
    {
      char *end;

      if (*text != ' ' || !g_ascii_isdigit (text[1]))
        return FALSE;
      columns[i] = g_ascii_strtoull (text + 1, &end, 10);
      text = end;
    }
  return TRUE;
}

gboolean
gw_core_times_parse (const char *text, const gboolean *allowed, guint n_allowed, GwCoreTimes *times)
{
  *times = (GwCoreTimes){ 0 };
  /* The line of all cores, "cpu  ", is the first; then one for each, then others. */
  for (const char *line = text; line != NULL && g_str_has_prefix (line, "cpu");)
    {
      guint64 columns[N_COLUMNS];
      char *end;

      if (g_ascii_isdigit (line[3]))
        {
          const guint64 core = g_ascii_strtoull (line + 3, &end, 10);

          if (core < n_allowed && allowed[core] && parse_columns (end, columns))
            {
              for (guint i = 0; i < N_COLUMNS; i++)
                times->counted += columns[i];
              times->nice += columns[1];
              times->idle += columns[3] + columns[4];
              times->interrupts += columns[5] + columns[6];
              times->n_cores++;
            }
        }
      line = strchr (line, '\n');
      line = line != NULL ? line + 1 : NULL;
    }
  return times->n_cores > 0;
}

static double
grown (guint64 before, guint64 now)
{
  return now > before ? (double)(now - before) : 0; /* idle and iowait may go back */
}

GwCoreShares
gw_core_shares (const GwCoreTimes *before, const GwCoreTimes *now, double ticks)
{
  const double total = ticks * now->n_cores;
  const double own = grown (before->own_nice, now->own_nice);
  const double of_nice = MAX (grown (before->nice, now->nice) - own, 0);
  GwCoreShares shares = { 0 };

  if (before->n_cores != now->n_cores || before->counted == now->counted || total <= 0)
    return shares;
  shares.busy = (total - grown (before->idle, now->idle) - of_nice) / total;
  shares.busy = CLAMP (shares.busy, 0, 1);
  shares.interrupts = MIN (grown (before->interrupts, now->interrupts) / total, shares.busy);
  return shares;
}

double
gw_process_load (double process, double n_cores, guint n_allowed, const GwCoreShares *shares)
{
  const double left = (1 - shares->busy) * n_allowed;

  return process < FAIR_SHARE * n_cores ? process : MAX (process, n_cores - left);
}

double
gw_thread_share (double process, guint n_allowed, const GwCoreShares *shares)
{
  const double of_others = MAX (shares->busy - process / n_allowed, 0);

  return 1 - MIN (MIN (shares->interrupts, of_others), INTERRUPTS_MAX);
}
