#include "media/core/phases.h"

/* Between two looks at those at rest: a divisor of MEDIA_PHASES. */
static guint
rest_interval (guint n_rooms)
{
  static const guint intervals[] = { MEDIA_PHASES, MEDIA_PHASES / 2, MEDIA_PHASES / 5, 1 };
  guint i = 0;

  while (i + 1 < G_N_ELEMENTS (intervals) && n_rooms / MEDIA_PHASES_AT_ONCE >= MEDIA_PHASES / intervals[i])
    i++;
  return intervals[i];
}

guint
media_phases_to_next (const guint awake[MEDIA_PHASES], guint n_rooms, guint64 tick)
{
  const guint interval = rest_interval (n_rooms);
  guint steps = 1;

  while (steps < MEDIA_PHASES && awake[(tick + steps) % MEDIA_PHASES] == 0
         && (tick + steps) % MEDIA_PHASES % interval != 0)
    steps++;
  return steps;
}
