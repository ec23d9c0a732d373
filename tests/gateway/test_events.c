/* Who watches rooms: what counts, what is sent again, and that logs of rooms that are gone stay few. The
 * sockets and what else hears of events are this file's. */
#include <glib.h>
#include <string.h>

#include "config/base/error.h"
#include "gateway/api.h"
#include "gateway/events.h"
#include "gateway/presence.h"
#include "gateway/reach.h"
#include "gateway/rooms.h"
#include "gateway/webhooks.h"

#define EVERYTHING 9999999 /* a connection that watches "*" */

/* "CONN:seq " of what is sent, "CONN!" of what is closed, "CONN-reason" of watches that ended */
static GString *heard;
static guint last_seq; /* of what was sent, by which each room counts */
static gsize queued;   /* what waits for every client */
static gboolean may;

struct _SigWebMessage
{
  char *text;
};

SigWebMessage *
sig_web_message_new (const char *text, gsize size)
{
  SigWebMessage *message = g_new0 (SigWebMessage, 1);

  message->text = g_strndup (text, size);
  return message;
}

void
sig_web_message_unref (SigWebMessage *message)
{
  g_free (message->text);
  g_free (message);
}

static void
note (SigWebConnId conn, const char *text)
{
  const char *seq = strstr (text, "\"seq\":");

  g_assert_nonnull (seq);
  last_seq = (guint)g_ascii_strtoull (seq + 6, NULL, 10);
  if (conn != EVERYTHING)
    g_string_append_printf (heard, "%u:%u ", (guint)conn, last_seq);
}

void
sig_web_post (SigWeb *web, SigWebConnId conn, SigWebMessage *message)
{
  note (conn, message->text);
}

void
sig_web_send (SigWeb *web, SigWebConnId conn, const char *text, gsize size)
{
  g_autofree char *owned = g_strndup (text, size);

  note (conn, owned);
}

void
sig_web_close (SigWeb *web, SigWebConnId conn, guint16 code, const char *reason)
{
  g_string_append_printf (heard, "%u! ", (guint)conn);
}

gsize
sig_web_queued (SigWeb *web, SigWebConnId conn)
{
  return queued;
}

void
gw_api_notify (Gateway *gateway, SigWebConnId conn, const char *method, json_t *params)
{
  g_string_append_printf (heard, "%u-%s ", (guint)conn,
                          json_string_value (json_object_get (params, "reason")));
  json_decref (params);
}

gboolean
gw_reach_may_read (const GwConn *conn, const char *room, const char *from, json_t *identities)
{
  const char *only = json_string_value (json_array_get (identities, 0));

  return only != NULL && (guint)g_ascii_strtoull (only, NULL, 10) == (guint)conn->id;
}

gboolean
gw_reach_may_watch (const GwConn *conn, const char *room, GError **error)
{
  return may;
}

void
gw_rooms_watched (Gateway *gateway, const char *name)
{
}

void
gw_webhooks_event (Gateway *gateway, const char *room, const char *type, json_t *fields)
{
}

void
gw_presence_room_changed (Gateway *gateway, const char *name, const char *type)
{
}

/* ---- */

typedef struct
{
  Gateway gateway;
  GwConn conn;
} Fixture;

static void
fixture_init (Fixture *f)
{
  *f = (Fixture){ .conn.id = 7 };
  f->gateway.events = gw_events_new ("EP_1");
  f->gateway.rooms = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  f->gateway.conns = g_hash_table_new (g_int64_hash, g_int64_equal);
  g_hash_table_insert (f->gateway.conns, &f->conn.id, &f->conn);
  heard = g_string_new (NULL);
  queued = 0;
  may = TRUE;
}

static void
fixture_clear (Fixture *f)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
  gw_events_free (f->gateway.events);
  g_hash_table_unref (f->gateway.rooms);
  g_hash_table_unref (f->gateway.conns);
  g_string_free (heard, TRUE);
}

static void
begin_room (Fixture *f, const char *name)
{
  g_hash_table_add (f->gateway.rooms, g_strdup (name));
}

static void
emit (Fixture *f, const char *room)
{
  gw_events_emit (&f->gateway, room, "participant_updated", json_object ());
}

static void
end_room (Fixture *f, const char *name)
{
  g_hash_table_remove (f->gateway.rooms, name);
  gw_events_room_closed (&f->gateway, name);
}

static gint64
watch (Fixture *f, const char *room, gint64 from)
{
  gboolean gap;

  return gw_events_watch (&f->gateway, f->conn.id, room, from, NULL, &gap, NULL);
}

static void
assert_heard (const char *expected)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpstr (heard->str, ==, expected);
  g_string_truncate (heard, 0);
}

static guint
n_logs (Fixture *f)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const char *line;

  gw_events_metrics (&f->gateway, text);
  line = strstr (text->str, "\nswitchroom_event_logs ");
  g_assert_nonnull (line);
  return (guint)g_ascii_strtoull (strchr (line + 1, ' ') + 1, NULL, 10);
}

/* A room counts once, and what is refused or ends counts no more. */
static void
test_counts (void)
{
  Fixture f;

  fixture_init (&f);
  for (guint i = 0; i < GW_EVENTS_MAX_WATCHES; i++)
    {
      g_autofree char *name = g_strdup_printf ("r%u", i);

      begin_room (&f, name);
      g_assert_cmpint (watch (&f, name, -1), ==, 0);
    }
  g_assert_cmpint (watch (&f, "one more", -1), ==, -1);
  assert_heard ("");
  g_assert_cmpint (watch (&f, "one more", -1), ==, -1);
  g_assert_cmpint (watch (&f, "r3", -1), ==, 0); /* it is watched already */
  assert_heard ("");
  g_assert_cmpuint (f.conn.n_watches, ==, GW_EVENTS_MAX_WATCHES);
  may = FALSE;
  gw_events_end_watches (&f.gateway, &f.conn, "r1", "left");
  assert_heard ("7-left ");
  may = TRUE;
  g_assert_cmpint (watch (&f, "r1", -1), ==, 0);
  g_assert_cmpint (watch (&f, "one more", -1), ==, -1);
  assert_heard ("");
  emit (&f, "r1");
  assert_heard ("7:1 ");
  fixture_clear (&f);
}

/* Twice before the first one began, and one that must not begin any more. */
static void
test_counts_those_under_way (void)
{
  Fixture f;

  fixture_init (&f);
  begin_room (&f, "a");
  watch (&f, "a", -1);
  watch (&f, "a", -1);
  assert_heard ("");
  g_assert_cmpuint (f.conn.n_watches, ==, 1);
  emit (&f, "a");
  assert_heard ("7:1 ");
  may = FALSE;
  gw_events_end_watches (&f.gateway, &f.conn, NULL, "token");
  assert_heard ("7-token ");
  g_assert_cmpuint (f.conn.n_watches, ==, 0);
  watch (&f, "a", 0);
  assert_heard ("7-permission ");
  g_assert_cmpuint (f.conn.n_watches, ==, 0);
  fixture_clear (&f);
}

/* A client reads slowly what it missed, and goes: of rooms that are gone no more is kept than of others. */
static void
test_replay_of_gone_rooms (void)
{
  const guint n = 1100, n_kept = 1000;
  gint64 last = 0;
  Fixture f;

  fixture_init (&f);
  f.conn.id = EVERYTHING;
  watch (&f, "*", -1);
  f.conn.id = 7;
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("r%u", i);

      begin_room (&f, name);
      emit (&f, name);
      end_room (&f, name);
      queued = G_MAXUINT32; /* nothing goes out */
      last = watch (&f, name, (gint64)last_seq - 1);
      g_assert_cmpint (last, ==, last_seq);
      f.conn.n_watches = 0;
      assert_heard ("");
      g_hash_table_remove (f.gateway.conns, &f.conn.id);
      gw_events_forget_conn (&f.gateway, f.conn.id);
      f.conn.id++;
      g_hash_table_insert (f.gateway.conns, &f.conn.id, &f.conn);
    }
  g_assert_cmpuint (n_logs (&f), <=, n_kept);
  queued = 0;
  g_assert_cmpint (watch (&f, "r1099", last - 1), ==, last);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_true (g_str_has_prefix (heard->str, "1107:"));
  g_usleep (100 * 1000); /* the other ones' timers find nobody */
  fixture_clear (&f);
}

static void
emit_for (Fixture *f, const char *room, const char *only)
{
  gw_events_emit (
      &f->gateway, room, "message_received",
      json_pack ("{s:s, s:[s]}", "text", "\"destination_identities\":[]", "destination_identities", only));
}

/* At once and when it is told again; what a text says of itself does not count. */
static void
test_for_some (void)
{
  Fixture f;

  fixture_init (&f);
  begin_room (&f, "a");
  watch (&f, "a", -1);
  assert_heard ("");
  emit_for (&f, "a", "8");
  emit_for (&f, "a", "7");
  gw_events_emit (&f.gateway, "a", "message_received",
                  json_pack ("{s:s}", "text", "\"destination_identities\":[]"));
  gw_events_emit (&f.gateway, "a", "participant_updated",
                  json_pack ("{s:{s:s}}", "attributes", "destination_identities", "8"));
  assert_heard ("7:2 7:3 7:4 ");
  may = FALSE;
  gw_events_end_watches (&f.gateway, &f.conn, NULL, "token");
  may = TRUE;
  assert_heard ("7-token ");
  watch (&f, "a", 0);
  assert_heard ("7:2 7:3 7:4 ");
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/events/counts", test_counts);
  g_test_add_func ("/gateway/events/counts_those_under_way", test_counts_those_under_way);
  g_test_add_func ("/gateway/events/for_some", test_for_some);
  g_test_add_func ("/gateway/events/replay_of_gone_rooms", test_replay_of_gone_rooms);
  return g_test_run ();
}
