/* Is a server there? OPTIONS over every way that a call could take. */
#include "tests/signaling/certificates.h"
#include "tests/signaling/dns_server.h"
#include "tests/signaling/sip_harness.h"

#include "config/base/error.h"
#include "config/base/log.h"
#include "signaling/sip/probe.h"

#include <string.h>

#define DAY_S       (24 * 3600L)
#define PATIENCE_MS 300

typedef struct
{
  Endpoint *endpoint;
  DnsServer *dns;
  Authority *authority;
  SigSipTlsConfig tls;
  GString *heard;
  guint n_destroyed;
} Fixture;

static void
fixture_init (Fixture *f)
{
  f->authority = authority_new ("Test authority");
  f->dns = dns_server_new ();
  f->heard = g_string_new (NULL);
  f->tls.own.ca = f->authority->ca;
  f->tls.own.verify = TRUE;
  EndpointOptions options = { .bind = "both", .tls = &f->tls, .resolv_conf = dns_server_conf (f->dns) };
  f->endpoint = endpoint_new (&options);
}

static void
fixture_clear (Fixture *f)
{
  g_clear_pointer (&f->endpoint, endpoint_free);
  g_clear_pointer (&f->dns, dns_server_free);
  g_clear_pointer (&f->authority, authority_free);
  if (f->heard != NULL)
    g_string_free (f->heard, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fixture, fixture_clear)

static void
on_done (gpointer user, int status, const char *phrase)
{
  Fixture *f = user;

  g_assert_cmpuint (f->n_destroyed, ==, 0);
  g_string_append_printf (f->heard, "%d %s", status, phrase);
}

static void
on_destroy (gpointer user)
{
  ((Fixture *)user)->n_destroyed++;
}

static void
probe (Fixture *f, const char *uri)
{
  GError *error = NULL;

  f->n_destroyed = 0;
  g_string_truncate (f->heard, 0);
  gboolean ok = sig_sip_probe (f->endpoint->sip, uri, PATIENCE_MS, on_done, f, on_destroy, &error);
  g_assert_no_error (error);
  g_assert_true (ok);
  g_assert_cmpstr (f->heard->str, ==, ""); /* not before it returns */
}

static void
expect (Fixture *f, const char *words)
{
  run_until (f->heard->len > 0 && f->n_destroyed > 0);
  g_assert_cmpuint (f->n_destroyed, ==, 1);
  g_assert_cmpstr (f->heard->str, ==, words);
}

static void
test_answers (void)
{
  g_auto (Fixture) f = { 0 };
  g_autoptr (Wire) wire = wire_listen (FALSE);
  g_autofree char *uri = g_strdup_printf ("sip:127.0.0.1:%u", wire->port);
  g_autofree char *local = g_strdup_printf ("sip:localhost:%u;transport=udp", wire->port);
  g_autofree char *start = g_strdup_printf ("OPTIONS %s SIP/2.0", uri);

  fixture_init (&f);
  probe (&f, uri);
  wire_expect (wire, start);
  g_autofree char *to = wire_header (wire, "To");
  g_assert_true (g_str_has_prefix (to, "<sip:127.0.0.1:"));
  wire_answer (wire, "200 OK", "t", NULL, NULL);
  expect (&f, "200 OK");
  probe (&f, local); /* whatever it says, it is there */
  wire_expect (wire, "OPTIONS sip:localhost:");
  wire_answer (wire, "404 Not Found", "t", NULL, NULL);
  expect (&f, "404 Not Found");
}

static void
test_silence (void)
{
  g_auto (Fixture) f = { 0 };
  g_autoptr (Wire) wire = wire_listen (FALSE);
  g_autofree char *uri = g_strdup_printf ("sip:127.0.0.1:%u", wire->port);
  g_autofree char *refused = g_strdup_printf ("sip:127.0.0.1:%u;transport=tcp", wire->port);

  fixture_init (&f);
  probe (&f, uri);
  expect (&f, "408 no answer");
  probe (&f, refused);
  expect (&f, "408 no answer");
  probe (&f, "sip:nowhere.example");
  expect (&f, "408 the address of nowhere.example was not found");
}

static void
test_second_server (void)
{
  g_auto (Fixture) f = { 0 };
  g_autoptr (Wire) silent = wire_listen (FALSE);
  g_autoptr (Wire) second = wire_listen (TRUE);

  fixture_init (&f);
  dns_server_add_srv (f.dns, "_sip._udp.example.com", 10, 0, silent->port, "a.example.com");
  dns_server_add_srv (f.dns, "_sip._tcp.example.com", 20, 0, second->port, "a.example.com");
  dns_server_add_a (f.dns, "a.example.com", "127.0.0.1");
  probe (&f, "sip:example.com");
  wire_expect (silent, "OPTIONS sip:example.com SIP/2.0");
  wire_expect (second, "OPTIONS sip:example.com SIP/2.0");
  wire_answer (second, "200 OK", "t", NULL, NULL);
  expect (&f, "200 OK");
}

static void
test_tls (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f);
  g_auto (Pair) good = authority_issue (f.authority, "DNS:sip.example", -DAY_S, DAY_S);
  g_auto (Pair) bad = authority_issue (f.authority, "DNS:other.example", -DAY_S, DAY_S);
  g_autoptr (Wire) right = wire_listen (TRUE), wrong = wire_listen (TRUE);
  wire_secure (right, pair_context (&good), NULL);
  wire_secure (wrong, pair_context (&bad), NULL);
  dns_server_add_a (f.dns, "sip.example", "127.0.0.1");
  g_autofree char *uri = g_strdup_printf ("sip:sip.example:%u;transport=tls", right->port);
  g_autofree char *other = g_strdup_printf ("sips:sip.example:%u", wrong->port);
  probe (&f, uri);
  wire_expect (right, "OPTIONS sip:sip.example:");
  wire_answer (right, "200 OK", "t", NULL, NULL);
  expect (&f, "200 OK");
  probe (&f, other);
  gint64 deadline = g_get_monotonic_time () + PATIENCE_S * G_USEC_PER_SEC;
  while (f.heard->len == 0 && g_get_monotonic_time () < deadline)
    {
      (void)wire_poll (wrong);
      run_once ();
    }
  expect (&f,
          "408 no TLS connection to sip.example: its certificate is for other.example, not for sip.example");
}

/* It goes while one is asked and one is looked up. */
static void
test_shutdown (void)
{
  g_auto (Fixture) f = { 0 };
  g_autoptr (Wire) wire = wire_listen (FALSE);
  g_autofree char *uri = g_strdup_printf ("sip:127.0.0.1:%u", wire->port);

  fixture_init (&f);
  probe (&f, uri);
  wire_expect (wire, "OPTIONS ");
  g_assert_true (
      sig_sip_probe (f.endpoint->sip, "sip:nowhere.example", PATIENCE_MS, on_done, &f, on_destroy, NULL));
  g_clear_pointer (&f.endpoint, endpoint_free);
  g_assert_cmpuint (f.n_destroyed, ==, 2);
  g_assert_cmpstr (f.heard->str, ==, "");
}

static void
test_refused (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (sig_sip_probe (e->sip, "sips:sip.example", PATIENCE_MS, on_done, NULL, on_destroy, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
  g_assert_true (g_str_has_prefix (error->message, "TLS is not enabled"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  cfg_log_set_level (CFG_LOG_ERROR); /* certificates are refused on purpose */
  g_test_add_func ("/signaling/sip/probe/answers", test_answers);
  g_test_add_func ("/signaling/sip/probe/silence", test_silence);
  g_test_add_func ("/signaling/sip/probe/second_server", test_second_server);
  g_test_add_func ("/signaling/sip/probe/tls", test_tls);
  g_test_add_func ("/signaling/sip/probe/shutdown", test_shutdown);
  g_test_add_func ("/signaling/sip/probe/refused", test_refused);
  return g_test_run ();
}
