#include "gateway/core/room.h"

#include <string.h>

#include "config/base/error.h"

static const CfgMonotonic t0 = { 1000000 };
static const CfgWall w0 = { 1700000000000000 };

static GwParticipant *
add (GwRoom *room, const char *identity)
{
  GwParticipant *participant = gw_room_add (room, identity, NULL, GW_KIND_SIP, w0, NULL);

  g_assert_nonnull (participant);
  return participant;
}

static void
test_closes_by_the_right_timeout (void)
{
  g_autoptr (GwRoom) room = gw_room_new ("r", t0, w0);
  CfgMonotonic at;
  GwParticipant *alice;

  room->empty_timeout_s = 300;
  room->departure_timeout_s = 20;
  g_assert_true (gw_room_closes_at (room, &at));
  g_assert_cmpint (at.us, ==, t0.us + 300 * CFG_US_PER_S);
  alice = add (room, "alice");
  g_assert_false (gw_room_closes_at (room, &at));
  gw_room_remove (room, alice, cfg_monotonic_add_us (t0, 5 * CFG_US_PER_S));
  g_assert_true (gw_room_closes_at (room, &at));
  g_assert_cmpint (at.us, ==, t0.us + 25 * CFG_US_PER_S);
}

static void
test_identities_are_unique (void)
{
  g_autoptr (GwRoom) room = gw_room_new ("r", t0, w0);
  g_autoptr (GError) error = NULL;
  g_autofree char *second = NULL, *third = NULL;

  add (room, "sip_100");
  g_assert_null (gw_room_add (room, "sip_100", NULL, GW_KIND_SIP, w0, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_ALREADY_EXISTS);
  second = gw_room_unique_identity (room, "sip_100");
  g_assert_cmpstr (second, ==, "sip_100_2");
  add (room, second);
  third = gw_room_unique_identity (room, "sip_100");
  g_assert_cmpstr (third, ==, "sip_100_3");
  g_ptr_array_set_size (room->participants, 0);
}

static void
test_a_full_room_refuses (void)
{
  g_autoptr (GwRoom) room = gw_room_new ("r", t0, w0);
  g_autoptr (GError) error = NULL;

  room->max_participants = 1;
  add (room, "a");
  g_assert_null (gw_room_add (room, "b", NULL, GW_KIND_SIP, w0, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED);
  g_ptr_array_set_size (room->participants, 0);
}

static void
test_finds_by_identity_sid_and_track (void)
{
  g_autoptr (GwRoom) room = gw_room_new ("r", t0, w0);
  GwParticipant *a = add (room, "a"), *b = add (room, "b");

  b->track.sid = g_strdup ("TR_x");
  b->track.media_track = 7;
  a->track.media_track = 7; /* not published: has no sid */
  g_assert_true (gw_room_find (room, "a") == a);
  g_assert_true (gw_room_find_sid (room, b->sid) == b);
  g_assert_true (gw_room_find_track (room, 7) == b);
  g_assert_null (gw_room_find (room, "c"));
  g_ptr_array_set_size (room->participants, 0);
}

static void
test_names (void)
{
  g_autofree char *longest = g_strnfill (GW_NAME_MAX_BYTES, 'x');
  g_autofree char *too_long = g_strnfill (GW_NAME_MAX_BYTES + 1, 'x');

  g_assert_true (gw_name_check ("room", "Büro 5", NULL));
  g_assert_true (gw_name_check ("room", longest, NULL));
  g_assert_false (gw_name_check ("room", too_long, NULL));
  g_assert_false (gw_name_check ("room", "", NULL));
  g_assert_false (gw_name_check ("room", "a\nb", NULL));
  g_assert_false (gw_name_check ("room", "\xff", NULL));
}

/* Each change is newer than the one before, whatever the clock says. */
static void
test_versions (void)
{
  const CfgWall early = { 1000 }, late = { 5000 };
  g_autoptr (GwRoom) room = gw_room_new ("r", t0, early);
  GwVersion version = room->version;

  g_assert_cmpint (version.unix_micro, ==, 1000);
  g_assert_cmpint (version.ticks, ==, 0);
  g_assert_nonnull (gw_room_add (room, "a", NULL, GW_KIND_SIP, early, NULL));
  g_assert_cmpint (room->version.unix_micro, ==, 1000);
  g_assert_cmpint (room->version.ticks, ==, 1);
  g_assert_nonnull (gw_room_add (room, "b", NULL, GW_KIND_SIP, late, NULL));
  g_assert_cmpint (room->version.unix_micro, ==, 5000);
  g_assert_cmpint (room->version.ticks, ==, 0);
  gw_version_next (&room->version, early); /* set back */
  g_assert_cmpint (room->version.unix_micro, ==, 5000);
  g_assert_cmpint (room->version.ticks, ==, 1);
  g_assert_null (gw_room_add (room, "b", NULL, GW_KIND_SIP, late, NULL));
  g_assert_cmpint (room->version.ticks, ==, 1);
  g_ptr_array_set_size (room->participants, 0);
}

/* A participant's description has its track: with another track it is a newer one. */
static void
test_track_versions (void)
{
  const CfgWall wall = { 1000 };
  g_autoptr (GwRoom) room = gw_room_new ("r", t0, wall);
  GwParticipant *a = gw_room_add (room, "a", NULL, GW_KIND_SIP, wall, NULL);
  const guint32 joined = a->version;

  gw_track_changed (a, wall);
  g_assert_cmpuint (a->version, ==, joined + 1);
  g_assert_cmpint (a->track.version.unix_micro, ==, 1000);
  gw_track_changed (a, wall);
  g_assert_cmpuint (a->version, ==, joined + 2);
  g_assert_cmpint (a->track.version.ticks, ==, 1);
  g_ptr_array_set_size (room->participants, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/room/closes_by_the_right_timeout", test_closes_by_the_right_timeout);
  g_test_add_func ("/gateway/room/identities_are_unique", test_identities_are_unique);
  g_test_add_func ("/gateway/room/a_full_room_refuses", test_a_full_room_refuses);
  g_test_add_func ("/gateway/room/finds_by_identity_sid_and_track", test_finds_by_identity_sid_and_track);
  g_test_add_func ("/gateway/room/names", test_names);
  g_test_add_func ("/gateway/room/versions", test_versions);
  g_test_add_func ("/gateway/room/track_versions", test_track_versions);
  return g_test_run ();
}
