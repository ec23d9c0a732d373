/* Requests of ours that belong to no call: OPTIONS to a registered phone, MESSAGE. */
#include "tests/signaling/sip_harness.h"

#include "signaling/sip/outside.h"

#include <string.h>

typedef struct
{
  guint n_done, n_destroyed;
  int status;
} Result;

static void
note (gpointer user, int status, const char *phrase)
{
  Result *result = user;

  g_assert_nonnull (phrase);
  result->n_done++;
  result->status = status;
}

static void
note_destroyed (gpointer user)
{
  ((Result *)user)->n_destroyed++;
}

typedef struct
{
  Endpoint *e;
  Wire *phone;
  char *way;
  Result result;
} Fixture;

static Fixture
fixture_new (gboolean is_tcp)
{
  Fixture f = { .e = endpoint_new (NULL), .phone = wire_listen (is_tcp) };

  f.way = g_strdup_printf ("sip:127.0.0.1:%u%s", f.phone->port, is_tcp ? ";transport=tcp" : "");
  return f;
}

static void
fixture_clear (Fixture *f)
{
  g_free (f->way);
  wire_free (f->phone);
  endpoint_free (f->e);
}

static gboolean
send_it (Fixture *f, const SigSipOutside *request)
{
  return sig_sip_send_outside (f->e->sip, request, note, &f->result, note_destroyed);
}

static void
expect_header (Fixture *f, const char *name, const char *value)
{
  g_autofree char *seen = wire_header (f->phone, name);

  g_assert_cmpstr (seen, ==, value);
}

/* To the phone's own URI, by the way that it registered from. */
static void
test_options (void)
{
  static const struct
  {
    const char *answer;
    int status;
  } rows[] = { { "200 OK", 200 }, { "486 Busy Here", 486 }, { "401 Unauthorized", 401 } };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (rows); i++)
    {
      Fixture f = fixture_new (i >= G_N_ELEMENTS (rows));
      const SigSipOutside options = {
        .target = { .uri = "sip:bob@10.0.0.5:5060;line=7", .send_to = f.way, .route = "<sip:192.0.2.9;lr>" },
        .to_uri = "sip:bob@127.0.0.1",
      };

      g_assert_true (send_it (&f, &options));
      wire_expect (f.phone, "OPTIONS sip:bob@10.0.0.5:5060;line=7 SIP/2.0\r\n");
      expect_header (&f, "To", "<sip:bob@127.0.0.1>");
      expect_header (&f, "Route", "<sip:192.0.2.9;lr>");
      expect_header (&f, "Accept", "application/sdp");
      g_assert_cmpuint (f.result.n_done, ==, 0);
      wire_answer (f.phone, rows[i % G_N_ELEMENTS (rows)].answer, "phone", NULL, NULL);
      run_until (f.result.n_destroyed == 1);
      g_assert_cmpuint (f.result.n_done, ==, 1);
      g_assert_cmpint (f.result.status, ==, rows[i % G_N_ELEMENTS (rows)].status);
      fixture_clear (&f);
    }
}

static void
test_message (void)
{
  Fixture f = fixture_new (FALSE);
  g_autofree char *text = g_strnfill (8000, 'x');
  const SigSipOutside message = {
    .target = { .uri = f.way },
    .to_uri = "sip:bob@127.0.0.1",
    .from_uri = "sip:alice@127.0.0.1",
    .from_display = "Alice \"A.\"",
    .text = text,
  };

  g_assert_true (send_it (&f, &message));
  wire_expect (f.phone, "MESSAGE sip:127.0.0.1:");
  g_autofree char *from = wire_header (f.phone, "From");
  g_assert_true (g_str_has_prefix (from, "\"Alice \\\"A.\\\"\" <sip:alice@127.0.0.1>;tag="));
  expect_header (&f, "Content-Type", "text/plain;charset=UTF-8");
  g_assert_cmpstr (wire_body (f.phone), ==, text);
  wire_answer (f.phone, "202 Accepted", "phone", NULL, NULL);
  run_until (f.result.n_done == 1);
  g_assert_cmpint (f.result.status, ==, 202);
  fixture_clear (&f);
}

/* Nobody waits longer than was said, and a late answer finds nobody. */
static void
test_silence (void)
{
  Fixture f = fixture_new (FALSE);
  const SigSipOutside options
      = { .target = { .uri = f.way }, .to_uri = "sip:bob@127.0.0.1", .patience_ms = 150 };

  g_assert_true (send_it (&f, &options));
  wire_expect (f.phone, "OPTIONS ");
  run_until (f.result.n_destroyed == 1);
  g_assert_cmpuint (f.result.n_done, ==, 1);
  g_assert_cmpint (f.result.status, ==, 408);
  wire_answer (f.phone, "200 OK", "phone", NULL, NULL);
  run_for_ms (100);
  g_assert_cmpuint (f.result.n_done, ==, 1);
  fixture_clear (&f);
}

/* A connection that is refused is an answer of nobody. */
static void
test_nobody_there (void)
{
  Fixture f = fixture_new (TRUE);
  const SigSipOutside options = { .target = { .uri = f.way }, .to_uri = "sip:bob@127.0.0.1" };

  wire_free (f.phone);
  f.phone = NULL;
  g_assert_true (send_it (&f, &options));
  run_until (f.result.n_destroyed == 1);
  g_assert_cmpint (f.result.status, ==, 408);
  g_free (f.way);
  endpoint_free (f.e);
}

static void
test_what_cannot_be_sent (void)
{
  Fixture f = fixture_new (FALSE);

  g_assert_false (send_it (&f, &(SigSipOutside){ .target = { .uri = "tel:1" }, .to_uri = "sip:bob@a" }));
  g_assert_false (send_it (&f, &(SigSipOutside){ .target = { .uri = f.way }, .to_uri = "bob" }));
  g_assert_false (
      send_it (&f, &(SigSipOutside){ .target = { .uri = f.way, .send_to = "x y" }, .to_uri = "sip:bob@a" }));
  g_assert_cmpuint (f.result.n_destroyed, ==, 0);
  fixture_clear (&f);
}

/* What waits when the endpoint goes is given back, and nobody is told. */
static void
test_shutdown (void)
{
  Fixture f = fixture_new (FALSE);
  const SigSipOutside options = { .target = { .uri = f.way }, .to_uri = "sip:bob@127.0.0.1" };

  g_assert_true (send_it (&f, &options));
  wire_expect (f.phone, "OPTIONS ");
  endpoint_free (f.e);
  g_assert_cmpuint (f.result.n_destroyed, ==, 1);
  g_assert_cmpuint (f.result.n_done, ==, 0);
  wire_free (f.phone);
  g_free (f.way);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sip/outside/options", test_options);
  g_test_add_func ("/signaling/sip/outside/message", test_message);
  g_test_add_func ("/signaling/sip/outside/silence", test_silence);
  g_test_add_func ("/signaling/sip/outside/nobody_there", test_nobody_there);
  g_test_add_func ("/signaling/sip/outside/what_cannot_be_sent", test_what_cannot_be_sent);
  g_test_add_func ("/signaling/sip/outside/shutdown", test_shutdown);
  return g_test_run ();
}
