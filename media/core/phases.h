/* Which of a worker's ticks have something to do. Rooms tick every MEDIA_PHASES ticks, each in a phase of its
 * own; those at rest need no instant of theirs and are looked at together, so that the thread is woken
 * seldom. Pure. */
#pragma once

#include <glib.h>

#define MEDIA_PHASES 10
/* About so many at rest are looked at at once: a fraction of a millisecond. */
#define MEDIA_PHASES_AT_ONCE 100

/**
 * media_phases_to_next:
 * @awake: of each phase, how many of its rooms are not at rest
 * @n_rooms: all of them
 * @tick: the one that just was; its phase is its number modulo MEDIA_PHASES
 *
 * Returns: in how many ticks the next one is that has something to do, 1 to MEDIA_PHASES.
 */
guint media_phases_to_next (const guint awake[MEDIA_PHASES], guint n_rooms, guint64 tick);
