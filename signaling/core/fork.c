#include "signaling/core/fork.h"

static gboolean
says_what_to_do (int status)
{
  return status == 401 || status == 407 || status == 415 || status == 420 || status == 484;
}

/* The higher one is told. */
static int
rank (SigForkAnswer answer)
{
  if (answer.status == 0)
    return 0;
  if (sig_fork_stops_all (answer))
    return 100;
  int class = CLAMP (answer.status / 100, 3, 5);
  return (answer.is_remote ? 50 : 0) + 10 * (6 - class) + (says_what_to_do (answer.status) ? 1 : 0);
}

gboolean
sig_fork_better (SigForkAnswer answer, SigForkAnswer best)
{
  return rank (answer) > rank (best);
}

gboolean
sig_fork_goes_on (SigForkAnswer answer)
{
  return !answer.is_remote || answer.status == 503;
}

gboolean
sig_fork_stops_all (SigForkAnswer answer)
{
  return answer.is_remote && answer.status >= 600;
}
