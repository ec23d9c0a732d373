/* Who is sent to another room, where it has to join anew. */
#include <glib.h>

#include "gateway/reach.h"

static GwParticipant *
add (GwRoom *room, const char *identity)
{
  return gw_room_add (room, identity, identity, GW_KIND_STANDARD, (CfgWall){ 1 }, NULL);
}

static void
free_room (GwRoom *room)
{
  while (room->participants->len > 0)
    gw_room_remove (room, g_ptr_array_index (room->participants, 0), (CfgMonotonic){ 2 });
  gw_room_free (room);
}

/* Once, and there only. */
static void
test_the_same_person_arrives (void)
{
  GwConn conn = { 0 };
  GwRoom *red = gw_room_new ("red", (CfgMonotonic){ 1 }, (CfgWall){ 1 });
  GwRoom *blue = gw_room_new ("blue", (CfgMonotonic){ 1 }, (CfgWall){ 1 });
  GwParticipant *person = add (red, "ada");

  person->gain_db = -12;
  person->track.muted = TRUE;
  person->may = GW_MAY_SUBSCRIBE;
  gw_participant_set_attribute (person, "a", "1");
  gw_reach_send (&conn, person, "blue");
  gw_room_remove (red, person, (CfgMonotonic){ 2 });
  person = add (red, "eve");
  g_assert_false (gw_reach_is_expected (&conn, "red"));
  g_assert_true (gw_reach_is_expected (&conn, "blue"));
  gw_reach_arrive (&conn, person);
  g_assert_cmpfloat (person->gain_db, ==, 0);
  person = add (blue, "ada_2");
  gw_reach_arrive (&conn, person);
  g_assert_cmpfloat (person->gain_db, ==, -12);
  g_assert_true (person->track.muted);
  g_assert_cmpint (person->may, ==, GW_MAY_SUBSCRIBE);
  g_assert_cmpstr (person->name, ==, "ada");
  g_assert_cmpstr (g_hash_table_lookup (person->attributes, "a"), ==, "1");
  g_assert_false (gw_reach_is_expected (&conn, "blue"));
  person = add (blue, "ada_3");
  gw_reach_arrive (&conn, person);
  g_assert_cmpfloat (person->gain_db, ==, 0);
  gw_reach_clear (&conn);
  free_room (red);
  free_room (blue);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/reach/the_same_person_arrives", test_the_same_person_arrives);
  return g_test_run ();
}
