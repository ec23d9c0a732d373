/* Gains of participants whose legs come, go and are others. The media engine is this file's: it notes what it
 * is told. */
#include <glib.h>
#include <string.h>

#include "config/base/error.h"
#include "gateway/gains.h"

static GHashTable *told; /* "LEG>LISTENER" -> double */

static char *
pair (MediaLegId leg, MediaLegId listener)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT ">%" G_GUINT64_FORMAT, leg, listener);
}

void
media_engine_leg_set_gain (MediaEngine *engine, MediaLegId leg, MediaLegId listener, double gain_db)
{
  g_assert_cmpuint (leg, !=, 0);
  g_hash_table_replace (told, pair (leg, listener), g_memdup2 (&gain_db, sizeof gain_db));
}

void
media_engine_leg_unset_gain (MediaEngine *engine, MediaLegId leg, MediaLegId listener)
{
  g_autofree char *key = pair (leg, listener);

  g_hash_table_remove (told, key);
}

static void
assert_gain (MediaLegId leg, MediaLegId listener, double gain_db)
{
  g_autofree char *key = pair (leg, listener);
  const double *found = g_hash_table_lookup (told, key);

  g_test_message ("%s", key);
  g_assert_nonnull (found);
  g_assert_cmpfloat (*found, ==, gain_db);
}

static gboolean
is_set (MediaLegId leg, MediaLegId listener)
{
  g_autofree char *key = pair (leg, listener);

  return g_hash_table_contains (told, key);
}

static GwRoom *
make_room (GwParticipant **people, guint n)
{
  GwRoom *room = gw_room_new ("hall", (CfgMonotonic){ 1 }, (CfgWall){ 1 });

  room->max_participants = n;
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *identity = g_strdup_printf ("p%u", i);

      people[i] = gw_room_add (room, identity, identity, GW_KIND_SIP, (CfgWall){ 1 }, NULL);
      people[i]->leg = i + 1;
    }
  told = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return room;
}

static void
free_room (GwRoom *room)
{
  while (room->participants->len > 0)
    gw_room_remove (room, g_ptr_array_index (room->participants, 0), (CfgMonotonic){ 2 });
  gw_room_free (room);
  g_hash_table_unref (told);
}

/* The participant stays, its call is another one. */
static void
test_replaced (void)
{
  Gateway gateway = { 0 };
  GwParticipant *people[3];
  GwRoom *room = make_room (people, 3);

  g_assert_true (gw_gains_set (&gateway, people[0], NULL, -6, NULL));
  g_assert_true (gw_gains_set (&gateway, people[0], people[1], 3, NULL));
  g_assert_true (gw_gains_set (&gateway, people[2], people[0], -60, NULL));
  g_assert_true (gw_gains_set (&gateway, people[2], people[1], -20, NULL));
  g_assert_true (gw_gains_set (&gateway, people[0], people[1], 4, NULL));
  assert_gain (1, 0, -6);
  assert_gain (1, 2, 4);
  assert_gain (3, 1, -60);
  g_hash_table_remove_all (told);
  people[0]->leg = 99;
  gw_gains_follow (&gateway, people[0]);
  assert_gain (99, 0, -6);
  assert_gain (99, 2, 4);
  assert_gain (3, 99, -60);
  g_assert_cmpuint (g_hash_table_size (told), ==, 3);
  free_room (room);
}

/* A browser has no leg before its offer. */
static void
test_before_there_is_a_leg (void)
{
  Gateway gateway = { 0 };
  GwParticipant *people[2];
  GwRoom *room = make_room (people, 2);

  people[1]->leg = 0;
  g_assert_true (gw_gains_set (&gateway, people[1], NULL, -6, NULL));
  g_assert_true (gw_gains_set (&gateway, people[1], people[0], -12, NULL));
  g_assert_true (gw_gains_set (&gateway, people[0], people[1], -18, NULL));
  g_assert_cmpuint (g_hash_table_size (told), ==, 0);
  people[1]->leg = 7;
  gw_gains_follow (&gateway, people[1]);
  assert_gain (7, 0, -6);
  assert_gain (7, 1, -12);
  assert_gain (1, 7, -18);
  free_room (room);
}

/* Nobody may hear what is not for him before the leg has left. */
static void
test_moves (void)
{
  Gateway gateway = { 0 };
  GwParticipant *people[3];
  GArray *pairs;
  GwRoom *room = make_room (people, 3);

  g_assert_true (gw_gains_set (&gateway, people[0], people[1], -6, NULL));
  g_assert_true (gw_gains_set (&gateway, people[1], people[0], -6, NULL));
  g_assert_true (gw_gains_set (&gateway, people[2], people[0], -6, NULL));
  g_assert_true (gw_gains_set (&gateway, people[2], people[1], -6, NULL));
  pairs = gw_gains_left_behind (people[0]);
  gw_room_remove (room, people[0], (CfgMonotonic){ 2 });
  g_assert_cmpuint (g_hash_table_size (told), ==, 4);
  gw_gains_forget (&gateway, pairs);
  g_assert_false (is_set (1, 2));
  g_assert_false (is_set (2, 1));
  g_assert_false (is_set (3, 1));
  g_assert_true (is_set (3, 2));
  g_assert_cmpuint (g_hash_table_size (people[1]->gains), ==, 0);
  g_assert_cmpuint (g_hash_table_size (people[2]->gains), ==, 1);
  free_room (room);
}

/* One more is an error; another value for one who has one is none, and who leaves makes room. */
static void
test_too_many (void)
{
  Gateway gateway = { 0 };
  g_autofree GwParticipant **people = g_new0 (GwParticipant *, MEDIA_MAX_GAINS + 2);
  GwRoom *room = make_room (people, MEDIA_MAX_GAINS + 2);
  g_autoptr (GError) error = NULL;

  for (guint i = 1; i <= MEDIA_MAX_GAINS; i++)
    g_assert_true (gw_gains_set (&gateway, people[0], people[i], -6, NULL));
  g_assert_false (gw_gains_set (&gateway, people[0], people[MEDIA_MAX_GAINS + 1], -6, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED);
  g_assert_nonnull (strstr (error->message, "1024 listeners"));
  g_assert_false (is_set (1, MEDIA_MAX_GAINS + 2));
  g_assert_true (gw_gains_set (&gateway, people[0], people[300], -3, NULL));
  assert_gain (1, 301, -3);
  gw_room_remove (room, people[5], (CfgMonotonic){ 2 });
  g_assert_true (gw_gains_set (&gateway, people[0], people[MEDIA_MAX_GAINS + 1], -6, NULL));
  assert_gain (1, MEDIA_MAX_GAINS + 2, -6);
  free_room (room);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/gains/replaced", test_replaced);
  g_test_add_func ("/gateway/gains/before_there_is_a_leg", test_before_there_is_a_leg);
  g_test_add_func ("/gateway/gains/moves", test_moves);
  g_test_add_func ("/gateway/gains/too_many", test_too_many);
  return g_test_run ();
}
