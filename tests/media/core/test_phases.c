#include <glib.h>

#include "media/core/phases.h"

/* The ticks of two rounds that have something to do, as their phases. */
static char *
ticks_of (const guint awake[MEDIA_PHASES], guint n_rooms)
{
  GString *ticks = g_string_new (NULL);
  guint64 tick = 100 * MEDIA_PHASES;
  const guint64 end = tick + 2 * MEDIA_PHASES;

  for (tick += media_phases_to_next (awake, n_rooms, tick); tick <= end;
       tick += media_phases_to_next (awake, n_rooms, tick))
    g_string_append_printf (ticks, "%u", (guint)(tick % MEDIA_PHASES));
  return g_string_free (ticks, FALSE);
}

static void
test_ticks (void)
{
  static const struct
  {
    guint awake[MEDIA_PHASES];
    guint n_rooms;
    const char *ticks;
  } rows[] = {
    { { 0 }, 0, "00" },
    { { 0 }, 1, "00" },
    { { 4 }, 4, "00" },
    { { 0, 0, 0, 1 }, 5, "3030" },
    { { 2, 1, 0, 0, 0, 0, 0, 0, 0, 1 }, 9, "190190" },
    { { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 10, "12345678901234567890" },
    /* The more are at rest, the more often some are looked at. */
    { { 0 }, MEDIA_PHASES_AT_ONCE - 1, "00" },
    { { 0 }, MEDIA_PHASES_AT_ONCE, "5050" },
    { { 0, 0, 1 }, MEDIA_PHASES_AT_ONCE, "250250" },
    { { 0 }, 2 * MEDIA_PHASES_AT_ONCE, "2468024680" },
    { { 0 }, 5 * MEDIA_PHASES_AT_ONCE, "12345678901234567890" },
    { { 0 }, 100000, "12345678901234567890" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *ticks = ticks_of (rows[i].awake, rows[i].n_rooms);

      g_assert_cmpstr (ticks, ==, rows[i].ticks);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/phases/ticks", test_ticks);
  return g_test_run ();
}
