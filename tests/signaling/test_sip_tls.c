/* SIP over TLS: who is trusted and what is said when somebody is not, which connection carries what, and
 * certificates that are read again. */
#include "tests/signaling/certificates.h"
#include "tests/signaling/dns_server.h"
#include "tests/signaling/sip_harness.h"

#include "config/base/error.h"
#include "config/base/log.h"
#include "signaling/sip/internal.h"

#include <fcntl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define DAY_S (24 * 3600L)

typedef struct
{
  Authority *authority;
  Pair server, client; /* certificates of the callee and of the caller */
  SigSipTlsConfig callee_config, caller_config;
  Endpoint *callee, *caller;
  DnsServer *dns;
  SigSipCallId call;
  gboolean is_later; /* TLS is not there at the start */
} Fixture;

static const char names_of_loopback[] = "DNS:localhost,DNS:callee.example,IP:127.0.0.1,IP:::1";

/* What is not set up yet is made; the caller trusts the authority, and has no certificate. */
static void
fixture_start (Fixture *f)
{
  if (f->authority == NULL)
    f->authority = authority_new ("Test authority");
  if (f->server.cert == NULL)
    f->server = authority_issue (f->authority, names_of_loopback, -DAY_S, DAY_S);
  f->dns = dns_server_new ();
  dns_server_add_a (f->dns, "callee.example", "127.0.0.1");
  f->callee_config.own.cert = f->server.cert;
  f->callee_config.own.key = f->server.key;
  if (f->caller_config.own.ca == NULL)
    f->caller_config.own.ca = f->authority->ca;
  EndpointOptions callee = { .bind = "both",
                             .tls = f->is_later ? NULL : &f->callee_config,
                             .may_have_tls = TRUE,
                             .takes_register = TRUE };
  EndpointOptions caller = { .bind = "both",
                             .tls = f->is_later ? NULL : &f->caller_config,
                             .may_have_tls = TRUE,
                             .resolv_conf = dns_server_conf (f->dns) };
  f->callee = endpoint_new (&callee);
  f->callee->auto_answer = TRUE;
  f->caller = endpoint_new (&caller);
}

static void
fixture_init (Fixture *f)
{
  f->caller_config.own.verify = TRUE;
  fixture_start (f);
}

static void
fixture_clear (Fixture *f)
{
  g_clear_pointer (&f->caller, endpoint_free);
  g_clear_pointer (&f->callee, endpoint_free);
  g_clear_pointer (&f->dns, dns_server_free);
  g_clear_pointer (&f->authority, authority_free);
  pair_clear (&f->server);
  pair_clear (&f->client);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fixture, fixture_clear)

static void
dial (Fixture *f, const char *uri)
{
  GError *error = NULL;
  SigSipDial dial = { .to_uri = uri, .sdp = OFFER };

  f->call = sig_sip_dial (f->caller->sip, &dial, &error);
  g_assert_no_error (error);
}

/* @pattern: a URI with PORT for that of the callee */
static void
dial_host (Fixture *f, const char *pattern)
{
  g_autofree char *port = g_strdup_printf ("%u", f->callee->tls_port);
  g_auto (GStrv) parts = g_strsplit (pattern, "PORT", 2);
  g_autofree char *uri = g_strjoinv (port, parts);

  dial (f, uri);
}

static void
establish (Fixture *f, const char *pattern)
{
  guint n = f->callee->n_acked;

  dial_host (f, pattern);
  run_until (strstr (f->caller->heard->str, "answered") != NULL && f->callee->n_acked > n);
  g_assert_cmpstr (endpoint_heard (f->caller), ==, "answered");
  g_assert_cmpstr (endpoint_heard (f->callee), ==, "invite acked");
  g_assert_cmpstr (f->callee->transport, ==, "tls");
}

static void
hang_up (Fixture *f, Endpoint *who, Endpoint *other, SigSipCallId call)
{
  sig_sip_call_hangup (who->sip, call, NULL);
  run_until (strstr (who->heard->str, "ended") != NULL && strstr (other->heard->str, "ended") != NULL);
  g_assert_cmpstr (endpoint_heard (who), ==, "ended:local:0");
  g_assert_cmpstr (endpoint_heard (other), ==, "ended:bye:0");
}

/* At once: the stack by itself would wait 32 s. */
static void
expect_refused (Fixture *f, const char *pattern, const char *words)
{
  gint64 start = g_get_monotonic_time ();

  dial_host (f, pattern);
  run_until (strstr (f->caller->heard->str, "ended") != NULL);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 20 * G_USEC_PER_SEC);
  g_assert_cmpstr (endpoint_heard (f->caller), ==, "ended:failed:503");
  if (strstr (f->caller->phrase, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", f->caller->phrase, words);
  g_assert_cmpuint (f->callee->n_invites, ==, 0);
}

/* ---------------------------------------------------------------- calls */

static void
test_both_hang_up (void)
{
  g_auto (Fixture) f = { 0 };
  g_auto (SigSipDialogState) dialog = { 0 };

  fixture_init (&f);
  establish (&f, "sips:callee@localhost:PORT");
  g_assert_true (sig_sip_call_export (f.caller->sip, f.call, &dialog));
  g_assert_cmpstr (dialog.transport, ==, "tls");
  g_assert_true (g_str_has_prefix (dialog.local_contact, "<sips:"));
  hang_up (&f, f.caller, f.callee, f.call);
  establish (&f, "sip:callee@127.0.0.1:PORT;transport=tls");
  hang_up (&f, f.callee, f.caller, f.callee->call);
  establish (&f, "sip:callee@[::1]:PORT;transport=tls");
  hang_up (&f, f.callee, f.caller, f.callee->call);
}

/* What follows goes over the connection that the caller opened: it has no certificate that others take. */
static void
test_one_connection (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f);
  f.callee->auto_answer_reoffer = f.caller->auto_answer_reoffer = TRUE;
  establish (&f, "sip:callee@localhost:PORT;transport=tls");
  g_assert_true (sig_sip_call_reoffer (f.callee->sip, f.callee->call, OFFER));
  run_until (strstr (f.callee->heard->str, "reanswer:200") != NULL);
  g_assert_true (sig_sip_call_reoffer (f.caller->sip, f.call, OFFER));
  run_until (strstr (f.caller->heard->str, "reanswer:200") != NULL);
  g_assert_cmpuint (sig_sip_tls_n_connections (f.callee->sip->tls), ==, 1);
  endpoint_heard (f.caller);
  endpoint_heard (f.callee);
  hang_up (&f, f.callee, f.caller, f.callee->call);
}

/* Neither UDP nor TCP beside it. */
static void
test_tls_alone (void)
{
  g_auto (Fixture) f = { 0 };
  const EndpointOptions alone = { .bind = "both", .transports = SIG_SIP_TLS, .tls = &f.callee_config };
  g_autoptr (GError) error = NULL;

  fixture_init (&f);
  endpoint_free (f.callee);
  f.callee = endpoint_new (&alone);
  f.callee->auto_answer = TRUE;
  establish (&f, "sips:callee@localhost:PORT");
  hang_up (&f, f.callee, f.caller, f.callee->call);
  establish (&f, "sip:callee@[::1]:PORT;transport=tls");
  hang_up (&f, f.caller, f.callee, f.call);
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, f.callee->port);
  g_assert_cmpint (send (wire->fd, "x", 1, 0), ==, 1);
  run_once ();
  g_assert_cmpint (send (wire->fd, "x", 1, 0), ==, -1); /* ECONNREFUSED: nobody listens */
  SigSipDial plain = { .to_uri = "sip:callee@127.0.0.1;transport=tcp", .sdp = OFFER };
  g_assert_cmpuint (sig_sip_dial (f.callee->sip, &plain, &error), ==, 0);
  g_assert_cmpstr (error->message, ==, "the transport TCP is not enabled");
}

/* The library released the context of its listener with every connection. */
static void
test_many_connections (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f);
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (Wire) wire = wire_new (TRUE, i % 2 == 1, f.callee->tls_port);

      g_assert_true (wire_secure (wire, pair_context (NULL), NULL));
      run_until (sig_sip_tls_n_connections (f.callee->sip->tls) == 1);
      wire_free (g_steal_pointer (&wire));
      run_until (sig_sip_tls_n_connections (f.callee->sip->tls) == 0);
    }
}

/* ------------------------------------------------------------ who is trusted */

static void
test_wrong_host (void)
{
  g_auto (Fixture) f = { 0 };

  f.authority = authority_new ("Test authority");
  f.server = authority_issue (f.authority, "DNS:other.example,IP:192.0.2.7", -DAY_S, DAY_S);
  fixture_init (&f);
  expect_refused (&f, "sips:callee@localhost:PORT",
                  "no TLS connection to localhost: its certificate is for other.example, 192.0.2.7, not for "
                  "localhost");
  expect_refused (&f, "sip:callee@127.0.0.1:PORT;transport=tls",
                  "no TLS connection to 127.0.0.1: its certificate is for other.example, 192.0.2.7, not for "
                  "127.0.0.1");
  expect_refused (&f, "sip:callee@callee.example:PORT;transport=tls", "not for callee.example");
}

typedef struct
{
  int listener;
  SSL_CTX *context;
} Server;

/* A server beside us, whose bytes come at any moment. */
static gpointer
serve (gpointer data)
{
  const Server *server = data;
  int fd;

  while ((fd = accept (server->listener, NULL, NULL)) >= 0)
    {
      SSL *ssl = SSL_new (server->context);
      SSL_set_fd (ssl, fd);
      (void)SSL_accept (ssl);
      SSL_free (ssl);
      close (fd);
    }
  return NULL;
}

/* A step of a handshake that the library made by itself, just when bytes had come, was told to nobody. */
static void
test_refused_often (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f);
  g_auto (Pair) other = authority_issue (f.authority, "DNS:other.example", -DAY_S, DAY_S);
  g_autoptr (Wire) wire = wire_listen (TRUE);
  Server server = { .listener = wire->listener, .context = pair_context (&other) };
  g_autofree char *uri = g_strdup_printf ("sips:callee@localhost:%u", wire->port);
  fcntl (wire->listener, F_SETFL, 0);
  GThread *thread = g_thread_new ("server", serve, &server);
  for (guint i = 0; i < 400; i++)
    {
      dial (&f, uri);
      run_until (strstr (f.caller->heard->str, "ended") != NULL);
      g_assert_cmpstr (endpoint_heard (f.caller), ==, "ended:failed:503");
      g_assert_nonnull (strstr (f.caller->phrase, "not for localhost"));
    }
  shutdown (wire->listener, SHUT_RDWR);
  g_thread_join (thread);
  SSL_CTX_free (server.context);
}

static void
test_expired (void)
{
  g_auto (Fixture) f = { 0 };

  f.authority = authority_new ("Test authority");
  f.server = authority_issue (f.authority, names_of_loopback, -DAY_S, -60);
  fixture_init (&f);
  expect_refused (&f, "sips:callee@localhost:PORT",
                  "its certificate is not trusted: certificate has expired");
}

static void
test_unknown_authority (void)
{
  g_auto (Fixture) f = { 0 };
  g_autoptr (Authority) other = authority_new ("Test authority");

  f.caller_config.own.ca = other->ca;
  fixture_init (&f);
  expect_refused (&f, "sips:callee@localhost:PORT", "its certificate is not trusted: ");
}

static void
test_not_verified (void)
{
  g_auto (Fixture) f = { 0 };

  f.authority = authority_new ("Test authority");
  f.server = authority_issue (f.authority, "DNS:other.example", -DAY_S, -60);
  fixture_start (&f);
  establish (&f, "sips:callee@localhost:PORT");
  hang_up (&f, f.caller, f.callee, f.call);
}

/* RFC 5922 7.1 */
static void
test_sip_uri_in_certificate (void)
{
  g_auto (Fixture) f = { 0 };

  f.authority = authority_new ("Test authority");
  f.server = authority_issue (f.authority, "URI:sip:callee.example,DNS:gw1.example", -DAY_S, DAY_S);
  fixture_init (&f);
  establish (&f, "sip:callee@callee.example:PORT;transport=tls");
  hang_up (&f, f.caller, f.callee, f.call);
}

static void
test_nobody_listens (void)
{
  g_auto (Fixture) f = { 0 };
  g_autoptr (Wire) silent = wire_listen (FALSE); /* a port that TCP refuses */
  g_autofree char *uri = g_strdup_printf ("sips:callee@localhost:%u", silent->port);

  fixture_init (&f);
  dial (&f, uri);
  run_until (strstr (f.caller->heard->str, "ended") != NULL);
  g_assert_cmpstr (endpoint_heard (f.caller), ==, "ended:failed:503");
  g_assert_cmpstr (f.caller->phrase, ==, "no TLS connection to localhost: Connection refused");
}

static void
test_plain_server (void)
{
  g_auto (Fixture) f = { 0 };
  g_autoptr (Wire) wire = wire_listen (TRUE);
  g_autofree char *uri = g_strdup_printf ("sips:callee@localhost:%u", wire->port);

  fixture_init (&f);
  dial (&f, uri);
  run_until (wire_poll (wire) || wire->buffer->len > 0); /* a ClientHello, no message */
  wire_send (wire, "SIP/2.0 400 Bad Request\r\n\r\n");
  run_until (strstr (f.caller->heard->str, "ended") != NULL);
  g_assert_cmpstr (endpoint_heard (f.caller), ==, "ended:failed:503");
  g_assert_cmpstr (f.caller->phrase, ==, "no TLS connection to localhost: wrong version number");
}

static void
test_server_by_srv (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f);
  dns_server_add_srv (f.dns, "_sips._tcp.callee.example", 10, 0, 9, "gw0.example"); /* refuses */
  dns_server_add_srv (f.dns, "_sips._tcp.callee.example", 20, 0, f.callee->tls_port, "gw1.example");
  dns_server_add_a (f.dns, "gw0.example", "127.0.0.1");
  dns_server_add_a (f.dns, "gw1.example", "127.0.0.1");
  f.callee->auto_answer = TRUE;
  dial (&f, "sips:callee@callee.example");
  run_until (f.callee->n_acked == 1);
  endpoint_heard (f.caller);
  endpoint_heard (f.callee);
  hang_up (&f, f.callee, f.caller, f.callee->call);
}

/* ------------------------------------------------------- certificates of callers */

static void
test_caller_without_certificate (void)
{
  g_auto (Fixture) f = { 0 };

  f.authority = authority_new ("Test authority");
  f.callee_config = (SigSipTlsConfig){ .own.ca = f.authority->ca, .verify_callers = TRUE };
  fixture_init (&f);
  expect_refused (&f, "sips:callee@localhost:PORT",
                  "no TLS connection to localhost: the other side refused: certificate required");
}

static void
test_caller_with_certificate (void)
{
  g_auto (Fixture) f = { 0 };
  SigSipTlsPeer peer = { .host = "LocalHost" };

  f.authority = authority_new ("Test authority");
  f.client = authority_issue (f.authority, "DNS:client.example", -DAY_S, DAY_S);
  f.callee_config = (SigSipTlsConfig){ .own.ca = f.authority->ca, .verify_callers = TRUE };
  peer.files
      = (SigSipTlsFiles){ .cert = f.client.cert, .key = f.client.key, .ca = f.authority->ca, .verify = TRUE };
  f.caller_config = (SigSipTlsConfig){ .peers = &peer, .n_peers = 1 };
  fixture_init (&f);
  /* only where it is for */
  expect_refused (&f, "sip:callee@127.0.0.1:PORT;transport=tls", "refused");
  establish (&f, "sips:callee@localhost:PORT");
  hang_up (&f, f.callee, f.caller, f.callee->call);
}

/* A connection that was checked for one name carries no call to another one. */
static void
test_connection_of_another_name (void)
{
  g_auto (Fixture) f = { 0 };

  f.authority = authority_new ("Test authority");
  f.server = authority_issue (f.authority, "DNS:localhost", -DAY_S, DAY_S);
  fixture_init (&f);
  establish (&f, "sips:callee@localhost:PORT");
  SigSipCallId first = f.call;
  f.callee->n_invites = 0;
  expect_refused (&f, "sip:callee@callee.example:PORT;transport=tls", "not for callee.example");
  g_assert_cmpuint (sig_sip_tls_n_connections (f.caller->sip->tls), ==, 1);
  hang_up (&f, f.caller, f.callee, first);
}

/* ------------------------------------------------------------------ reading again */

static void
test_reload (void)
{
  g_auto (Fixture) f = { 0 };
  g_autoptr (GError) error = NULL;
  const char *file = NULL;

  f.authority = authority_new ("Test authority");
  f.server = authority_issue (f.authority, "DNS:localhost", -DAY_S, 2 * DAY_S);
  fixture_init (&f);
  gint64 expires_s = sig_sip_tls_expires (f.callee->sip, &file);
  g_assert_cmpstr (file, ==, f.server.cert);
  g_assert_cmpint (ABS (expires_s - g_get_real_time () / G_USEC_PER_SEC - 2 * DAY_S), <, 60);
  establish (&f, "sips:callee@localhost:PORT");
  SigSipCallId first = f.call, first_there = f.callee->call;

  authority_issue_over (f.authority, &f.server, "DNS:callee.example");
  g_assert_true (sig_sip_reload_tls (f.callee->sip, &f.callee_config, &error));
  g_assert_cmpint (sig_sip_tls_expires (f.callee->sip, &file), <, expires_s);
  /* a new connection sees the new one, and the call goes on over the old one */
  establish (&f, "sip:callee@callee.example:PORT;transport=tls");
  f.callee->auto_answer_reoffer = TRUE;
  g_assert_true (sig_sip_call_reoffer (f.caller->sip, first, OFFER));
  run_until (strstr (f.caller->heard->str, "reanswer:200") != NULL);
  endpoint_heard (f.caller);
  endpoint_heard (f.callee);
  g_assert_cmpuint (sig_sip_tls_n_connections (f.callee->sip->tls), ==, 2);
  hang_up (&f, f.callee, f.caller, first_there);
  hang_up (&f, f.caller, f.callee, f.call);
}

static void
test_reload_of_bad_files (void)
{
  g_auto (Fixture) f = { 0 };
  g_autoptr (GError) error = NULL;

  fixture_init (&f);
  g_auto (Pair) other = authority_issue (f.authority, names_of_loopback, -DAY_S, DAY_S);
  SigSipTlsConfig mixed = f.callee_config;
  mixed.own.key = other.key;
  g_assert_false (sig_sip_reload_tls (f.callee->sip, &mixed, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, other.key));
  g_clear_error (&error);
  mixed.own.cert = "/nowhere/cert.pem";
  g_assert_false (sig_sip_reload_tls (f.callee->sip, &mixed, &error));
  g_assert_cmpstr (error->message, ==,
                   "the SIP certificate cannot be read from /nowhere/cert.pem: No such file or directory");
  establish (&f, "sips:callee@localhost:PORT");
  hang_up (&f, f.caller, f.callee, f.call);
}

/* A configuration that is read again, or the API, names the first certificate or the first trunk with TLS. */
static void
test_begins_later (void)
{
  g_auto (Fixture) f = { .is_later = TRUE };
  g_autoptr (GError) error = NULL;
  const SigSipDial before = { .to_uri = "sips:callee@localhost", .sdp = OFFER };

  fixture_init (&f);
  g_assert_cmpuint (sig_sip_dial (f.caller->sip, &before, &error), ==, 0);
  g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_auto (Pair) other = authority_issue (f.authority, names_of_loopback, -DAY_S, DAY_S);
  SigSipTlsConfig mixed = f.callee_config;
  mixed.own.key = other.key;
  g_assert_false (sig_sip_reload_tls (f.callee->sip, &mixed, &error));
  g_assert_nonnull (strstr (error->message, other.key));
  g_clear_error (&error);

  g_assert_true (sig_sip_reload_tls (f.callee->sip, &f.callee_config, &error));
  g_assert_true (sig_sip_reload_tls (f.caller->sip, &f.caller_config, &error));
  establish (&f, "sips:callee@localhost:PORT");
  hang_up (&f, f.callee, f.caller, f.callee->call);
  establish (&f, "sip:callee@[::1]:PORT;transport=tls");
  hang_up (&f, f.caller, f.callee, f.call);
  /* and once more, which reads files alone */
  g_assert_true (sig_sip_reload_tls (f.callee->sip, &f.callee_config, &error));
}

static void
test_port_of_tls_is_taken (void)
{
  g_auto (Fixture) f = { .is_later = TRUE };
  g_autoptr (GError) error = NULL;

  fixture_init (&f);
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (f.callee->tls_port),
                                 .sin_addr = { htonl (INADDR_LOOPBACK) } };
  g_assert_cmpint (bind (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  g_assert_cmpint (listen (fd, 1), ==, 0);
  g_assert_false (sig_sip_reload_tls (f.callee->sip, &f.callee_config, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE);
  close (fd);
  g_clear_error (&error);
  g_assert_true (sig_sip_reload_tls (f.callee->sip, &f.callee_config, &error));
}

/* One address got its port, the other did not: both have it as soon as it can be had. */
static void
test_begins_in_part (void)
{
  g_auto (Fixture) f = { .is_later = TRUE };
  g_autoptr (GError) error = NULL;
  struct rlimit before;
  gboolean ok;

  fixture_init (&f);
  before = harness_leave_one_descriptor ();
  ok = sig_sip_reload_tls (f.callee->sip, &f.callee_config, &error);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &before), ==, 0);
  g_assert_false (ok);
  g_assert_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE);
  g_assert_nonnull (strstr (error->message, "on ::1 port"));
  g_assert_nonnull (strstr (error->message, "Too many open files; end what listens there"));
  g_assert_false (sig_sip_speaks_tls (f.callee->sip));
  g_clear_error (&error);
  g_assert_true (sig_sip_reload_tls (f.callee->sip, &f.callee_config, &error));
  g_assert_true (sig_sip_speaks_tls (f.callee->sip));
  g_assert_true (sig_sip_reload_tls (f.caller->sip, &f.caller_config, &error));
  establish (&f, "sip:callee@127.0.0.1:PORT;transport=tls");
  hang_up (&f, f.callee, f.caller, f.callee->call);
  establish (&f, "sip:callee@[::1]:PORT;transport=tls");
  hang_up (&f, f.caller, f.callee, f.call);
}

/* -------------------------------------------------------------------- the wire */

static void
test_versions (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f);
  for (int version = TLS1_VERSION; version <= TLS1_3_VERSION; version++)
    {
      g_autoptr (Wire) wire = wire_new (TRUE, FALSE, f.callee->tls_port);
      SSL_CTX *context = pair_context (NULL);
      SSL_CTX_set_security_level (context, 0);
      SSL_CTX_set_cipher_list (context, "ALL:@SECLEVEL=0");
      SSL_CTX_set_min_proto_version (context, version);
      SSL_CTX_set_max_proto_version (context, version);
      g_assert_cmpint (wire_secure (wire, context, NULL), ==, version >= TLS1_2_VERSION);
    }
}

static int
on_server_name (SSL *ssl, int *alert, void *seen)
{
  g_free (*(char **)seen);
  *(char **)seen = g_strdup (SSL_get_servername (ssl, TLSEXT_NAMETYPE_host_name));
  return SSL_TLSEXT_ERR_OK;
}

static void
test_server_name_is_sent (void)
{
  g_auto (Fixture) f = { 0 };
  g_autofree char *seen = NULL;

  fixture_init (&f);
  g_autoptr (Wire) wire = wire_listen (TRUE);
  SSL_CTX *context = pair_context (&f.server);
  SSL_CTX_set_tlsext_servername_callback (context, on_server_name);
  SSL_CTX_set_tlsext_servername_arg (context, &seen);
  wire_secure (wire, context, NULL);
  g_autofree char *uri = g_strdup_printf ("sip:callee@callee.example:%u;transport=tls", wire->port);
  dial (&f, uri);
  wire_expect (wire, "INVITE sip:callee@callee.example:");
  g_assert_cmpstr (seen, ==, "callee.example");
  g_assert_null (strstr (wire->last, "maddr"));
  g_autofree char *via = wire_header (wire, "Via");
  g_assert_true (g_str_has_prefix (via, "SIP/2.0/TLS 127.0.0.1:"));
  wire_answer (wire, "486 Busy Here", "t1", NULL, NULL);
  wire_expect (wire, "ACK ");
  run_until (strstr (f.caller->heard->str, "ended") != NULL);
}

static void
expect_bytes (Wire *wire, const char *bytes)
{
  char data[64] = "";

  for (gint64 end = g_get_monotonic_time () + PATIENCE_S * G_USEC_PER_SEC;
       *data == '\0' && g_get_monotonic_time () < end;)
    if (SSL_read (wire->ssl, data, sizeof data - 1) <= 0)
      run_once ();
  g_assert_cmpstr (data, ==, bytes);
}

/* RFC 5626 3.5.1 */
static void
test_keepalive (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f);
  g_autoptr (Wire) wire = wire_new (TRUE, FALSE, f.callee->tls_port);
  g_assert_true (wire_secure (wire, pair_context (NULL), "localhost"));
  wire_send (wire, "\r\n\r\n");
  expect_bytes (wire, "\r\n");
  g_autoptr (Dialog) dialog = dialog_new (wire);
  dialog_establish (dialog);
  g_assert_cmpstr (f.callee->transport, ==, "tls");
  wire_send (wire, "\r\n\r\n");
  expect_bytes (wire, "\r\n");
  /* together with a message */
  g_autofree char *text = g_strdup_printf (
      "\r\n\r\nOPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS "
      "127.0.0.1:%u;branch=z9hG4bKp;rport\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:x@127.0.0.1>\r\n"
      "Call-ID: ping\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
      wire->port);
  wire_send (wire, text);
  expect_bytes (wire, "\r\n");
  wire_expect (wire, "SIP/2.0 200");
  dialog_request (dialog, "BYE", NULL, NULL, NULL);
  wire_expect (wire, "SIP/2.0 200");
  run_until (f.callee->n_ended == 1);
}

/* A Via that lies about the way is dropped, so that nobody is taken for a peer with TLS. */
static void
test_transport_is_that_of_the_packets (void)
{
  static const char *const words[] = { "UDP", "TCP", "TLS" };
  g_auto (Fixture) f = { 0 };

  fixture_init (&f);
  for (guint way = 0; way < 3; way++)
    for (guint said = 0; said < 3; said++)
      {
        g_autoptr (Wire) wire = wire_new (way > 0, FALSE, way == 2 ? f.callee->tls_port : f.callee->port);
        g_autoptr (Dialog) dialog = dialog_new (wire);
        g_autofree char *via
            = g_strdup_printf ("Via: SIP/2.0/%s 127.0.0.1:%u;branch=z9hG4bK%u%u;rport\r\nContent-Type: "
                               "application/sdp\r\n",
                               words[said], wire->port, way, said);
        if (way == 2)
          g_assert_true (wire_secure (wire, pair_context (NULL), NULL));
        dialog_request (dialog, "INVITE", via, NULL, OFFER);
        if (way != said)
          {
            wire_nothing (wire, 30, NULL);
            continue;
          }
        wire_expect (wire, "SIP/2.0 200");
        g_assert_cmpint (g_ascii_strcasecmp (f.callee->transport, words[way]), ==, 0);
        dialog_learn (dialog);
        dialog_ack (dialog, NULL);
        run_until (strstr (f.callee->heard->str, "acked") != NULL);
        endpoint_heard (f.callee);
        sig_sip_call_hangup (f.callee->sip, f.callee->call, NULL);
        wire_expect (wire, "BYE ");
        wire_answer (wire, "200 OK", NULL, NULL, NULL);
        run_until (strstr (f.callee->heard->str, "ended") != NULL);
      }
}

/* The peer goes while the handshake is under way, or never begins one. */
static void
test_broken_handshakes (void)
{
  g_auto (Fixture) f = { 0 };

  fixture_init (&f);
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (Wire) wire = wire_new (TRUE, FALSE, f.callee->tls_port);
      if (i % 2 == 0)
        wire_send (wire, i % 4 == 0 ? "OPTIONS sip:x@127.0.0.1 SIP/2.0\r\n\r\n" : "\x16\x03\x01\x02");
      run_until (sig_sip_tls_n_connections (f.callee->sip->tls) == (i % 4 == 0 ? 0 : 1));
    }
  run_until (sig_sip_tls_n_connections (f.callee->sip->tls) == 0);
  establish (&f, "sips:callee@localhost:PORT");
  hang_up (&f, f.caller, f.callee, f.call);
}

static void
register_at (Fixture *f, const char *host, SigRegistrationState state)
{
  g_autofree char *uri = g_strdup_printf ("sip:%s:%u;transport=tls", host, f->callee->tls_port);
  const SigSipRegister what = { .name = "trunk", .registrar = uri, .user = "alice", .expires_s = 60 };
  SigSipRegisterState got;
  g_autoptr (GError) error = NULL;

  g_assert_true (sig_sip_register (f->caller->sip, &what, &error));
  g_assert_no_error (error);
  run_until (sig_sip_registered (f->caller->sip, "trunk", &got) && got.core.state == state);
}

/* Over TLS, with the certificate checked for the name of the registrar. */
static void
test_registration (void)
{
  g_auto (Fixture) f = { 0 };
  SigSipRegisterState state;

  fixture_init (&f);
  dns_server_add_a (f.dns, "other.example", "127.0.0.1");
  register_at (&f, "other.example", SIG_REGISTRATION_FAILED);
  g_assert_true (sig_sip_registered (f.caller->sip, "trunk", &state));
  g_assert_cmpint (state.core.problem, ==, SIG_REGISTRATION_NO_ANSWER);
  g_assert_nonnull (strstr (state.phrase, "other.example"));
  sig_sip_unregister (f.caller->sip, "trunk");
  register_at (&f, "callee.example", SIG_REGISTRATION_REGISTERED);
  g_assert_true (sig_sip_registered (f.caller->sip, "trunk", &state));
  g_assert_nonnull (strstr (state.contact, ";transport=tls;line="));
  register_at (&f, "localhost", SIG_REGISTRATION_REGISTERED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  cfg_log_set_level (CFG_LOG_ERROR); /* certificates are refused on purpose */
  g_test_add_func ("/signaling/sip/tls/both_hang_up", test_both_hang_up);
  g_test_add_func ("/signaling/sip/tls/one_connection", test_one_connection);
  g_test_add_func ("/signaling/sip/tls/tls_alone", test_tls_alone);
  g_test_add_func ("/signaling/sip/tls/many_connections", test_many_connections);
  g_test_add_func ("/signaling/sip/tls/wrong_host", test_wrong_host);
  g_test_add_func ("/signaling/sip/tls/refused_often", test_refused_often);
  g_test_add_func ("/signaling/sip/tls/expired", test_expired);
  g_test_add_func ("/signaling/sip/tls/unknown_authority", test_unknown_authority);
  g_test_add_func ("/signaling/sip/tls/not_verified", test_not_verified);
  g_test_add_func ("/signaling/sip/tls/sip_uri_in_certificate", test_sip_uri_in_certificate);
  g_test_add_func ("/signaling/sip/tls/nobody_listens", test_nobody_listens);
  g_test_add_func ("/signaling/sip/tls/plain_server", test_plain_server);
  g_test_add_func ("/signaling/sip/tls/server_by_srv", test_server_by_srv);
  g_test_add_func ("/signaling/sip/tls/caller_without_certificate", test_caller_without_certificate);
  g_test_add_func ("/signaling/sip/tls/caller_with_certificate", test_caller_with_certificate);
  g_test_add_func ("/signaling/sip/tls/connection_of_another_name", test_connection_of_another_name);
  g_test_add_func ("/signaling/sip/tls/reload", test_reload);
  g_test_add_func ("/signaling/sip/tls/reload_of_bad_files", test_reload_of_bad_files);
  g_test_add_func ("/signaling/sip/tls/begins_later", test_begins_later);
  g_test_add_func ("/signaling/sip/tls/port_is_taken", test_port_of_tls_is_taken);
  g_test_add_func ("/signaling/sip/tls/begins_in_part", test_begins_in_part);
  g_test_add_func ("/signaling/sip/tls/versions", test_versions);
  g_test_add_func ("/signaling/sip/tls/server_name_is_sent", test_server_name_is_sent);
  g_test_add_func ("/signaling/sip/tls/keepalive", test_keepalive);
  g_test_add_func ("/signaling/sip/tls/transport_is_that_of_the_packets",
                   test_transport_is_that_of_the_packets);
  g_test_add_func ("/signaling/sip/tls/broken_handshakes", test_broken_handshakes);
  g_test_add_func ("/signaling/sip/tls/registration", test_registration);
  return g_test_run ();
}
