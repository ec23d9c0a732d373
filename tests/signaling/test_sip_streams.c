/* What strangers may do over TCP: too many connections, nothing, too little at a time, too much, and no SIP.
 */
#include "tests/signaling/sip_harness.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define OPTIONS                                                                                              \
  "OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:%u;branch=z9hG4bK%u;rport\r\n"              \
  "From: <sip:a@127.0.0.1>;tag=%u\r\nTo: <sip:x@127.0.0.1>\r\nCall-ID: s%u\r\nCSeq: 1 OPTIONS\r\n"           \
  "Max-Forwards: 70\r\n%sContent-Length: 0\r\n\r\n"

/* (transfer full): an OPTIONS of its own. @headers: whole lines */
static char *
options (const Wire *wire, const char *headers)
{
  static guint n;

  n++;
  return g_strdup_printf (OPTIONS, wire->port, n, n, n, headers);
}

static void
check_answered (Wire *wire)
{
  g_autofree char *text = options (wire, "");

  wire_send (wire, text);
  wire_expect (wire, "SIP/2.0 200");
}

static gboolean
is_closed (Wire *wire)
{
  char byte;
  gssize got = recv (wire->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

  return got == 0 || (got < 0 && errno != EAGAIN);
}

/* Until the connection is closed; whatever comes before is thrown away. */
static void
expect_closed (Wire *wire)
{
  char bytes[4096];

  for (gint64 deadline = g_get_monotonic_time () + PATIENCE_S * G_USEC_PER_SEC; !is_closed (wire);)
    {
      (void)!recv (wire->fd, bytes, sizeof bytes, MSG_DONTWAIT);
      run_once ();
      if (g_get_monotonic_time () > deadline)
        g_error ("the connection is still open after %d s", PATIENCE_S);
    }
}

/* More requests than one message may have bytes wait in the connection: each is answered. The kernel lets so
 * much wait only after some rounds, so they grow. */
static void
test_backlog (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ 0 });
  g_autoptr (Wire) wire = wire_new (TRUE, FALSE, e->port);
  int waiting_bytes = 512 * 1024;

  g_assert_no_errno (setsockopt (wire->fd, SOL_SOCKET, SO_SNDBUF, &waiting_bytes, sizeof waiting_bytes));
  for (gsize size = 16384; size <= 256 * 1024; size *= 2)
    {
      g_autoptr (GString) all = g_string_new (NULL);
      guint n = 0;

      for (; all->len < size; n++)
        {
          g_autofree char *text
              = options (wire, "X-Filler: 01234567890123456789012345678901234567890123456789\r\n");
          g_string_append (all, text);
        }
      wire_send (wire, all->str);
      for (guint i = 0; i < n; i++)
        wire_expect (wire, "SIP/2.0 200");
    }
  g_assert_false (is_closed (wire));
}

static guint64
n_dropped (Endpoint *e, SigSipDrop why)
{
  SigSipStats stats;

  sig_sip_get_stats (e->sip, &stats);
  return stats.n_dropped[why];
}

static guint
n_connections (Endpoint *e)
{
  SigSipStats stats;

  sig_sip_get_stats (e->sip, &stats);
  return stats.n_connections;
}

static Endpoint *
impatient (void)
{
  return endpoint_new (&(EndpointOptions){
      .connections_per_source = 4, .message_timeout_ms = 1000, .silence_timeout_ms = 1000 });
}

/* Those that have brought a message count whole, others may take half of the places. */
static void
test_connections (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .connections_per_source = 4 });
  g_autoptr (GPtrArray) wires = g_ptr_array_new_with_free_func ((GDestroyNotify)wire_free);

  for (guint i = 0; i < 3; i++)
    g_ptr_array_add (wires, wire_new (TRUE, FALSE, e->port));
  expect_closed (g_ptr_array_index (wires, 2)); /* the third that is silent */
  g_assert_cmpuint (n_dropped (e, SIG_SIP_DROP_CONNECTIONS), ==, 1);
  run_until (n_connections (e) == 2);
  for (guint i = 0; i < 2; i++)
    check_answered (g_ptr_array_index (wires, i));
  for (guint i = 0; i < 2; i++)
    {
      g_ptr_array_add (wires, wire_new (TRUE, FALSE, e->port));
      check_answered (g_ptr_array_index (wires, wires->len - 1));
    }
  g_ptr_array_add (wires, wire_new (TRUE, FALSE, e->port));
  expect_closed (g_ptr_array_index (wires, wires->len - 1)); /* the fifth */
  g_assert_cmpuint (n_dropped (e, SIG_SIP_DROP_CONNECTIONS), ==, 2);
  check_answered (g_ptr_array_index (wires, 0));

  /* one that is closed leaves its place */
  g_ptr_array_set_size (wires, 3);
  run_until (n_connections (e) == 2);
  g_autoptr (Wire) next = wire_new (TRUE, FALSE, e->port);
  check_answered (next);
}

static void
test_silence (void)
{
  g_autoptr (Endpoint) e = impatient ();
  g_autoptr (Wire) silent = wire_new (TRUE, FALSE, e->port);
  g_autoptr (Wire) speaks = wire_new (TRUE, FALSE, e->port);

  check_answered (speaks);
  expect_closed (silent);
  g_assert_cmpuint (n_dropped (e, SIG_SIP_DROP_SILENT), ==, 1);
  run_for_ms (1300);
  check_answered (speaks); /* which says nothing for longer than that */
  run_until (n_connections (e) == 1);
}

/* Keepalives alone do not make a connection one of SIP; after a message they are answered for as long as they
 * come, and begin no message. */
static void
test_keepalives (void)
{
  g_autoptr (Endpoint) e = impatient ();
  g_autoptr (Wire) pings = wire_new (TRUE, FALSE, e->port);
  g_autoptr (Wire) speaks = wire_new (TRUE, FALSE, e->port);
  char pong[8];
  gssize n;

  check_answered (speaks);
  wire_send (pings, "\r\n\r\n");
  for (guint i = 0; i < 4; i++)
    {
      wire_send (speaks, i % 2 == 0 ? "\r\n\r\n" : "\r\n\r\n\r\n\r\n\r\n\r\n");
      run_for_ms (200);
      n = -1;
      run_until (n >= 2 || (n = recv (speaks->fd, pong, sizeof pong, MSG_DONTWAIT)) >= 2);
    }
  expect_closed (pings);
  check_answered (speaks);
  g_assert_cmpuint (n_dropped (e, SIG_SIP_DROP_SLOW), ==, 0);
}

/* A byte at a time: each is in time, the message is not. */
static void
test_slow_message (void)
{
  g_autoptr (Endpoint) e = impatient ();
  g_autoptr (Wire) wire = wire_new (TRUE, FALSE, e->port);
  g_autofree char *text = options (wire, "");
  guint at = 0;

  check_answered (wire);
  for (gint64 deadline = g_get_monotonic_time () + PATIENCE_S * G_USEC_PER_SEC; !is_closed (wire);)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      if (at < 100)
        (void)!send (wire->fd, text + at++, 1, MSG_NOSIGNAL);
      run_for_ms (20);
    }
  g_assert_cmpuint (n_dropped (e, SIG_SIP_DROP_SLOW), ==, 1);
  run_until (n_connections (e) == 0);
}

/* The rest of a body that is promised and never comes. */
static void
test_missing_body (void)
{
  g_autoptr (Endpoint) e = impatient ();
  g_autoptr (Wire) wire = wire_new (TRUE, FALSE, e->port);
  g_autofree char *text = options (wire, "Content-Type: text/plain\r\nContent-Length: 5000\r\n");
  char *lie = strstr (text, "Content-Length: 0\r\n");

  memcpy (lie, "X-Was-a-Length: 0\r\n", strlen ("X-Was-a-Length: 0"));
  wire_send (wire, text);
  expect_closed (wire);
  g_assert_cmpuint (n_dropped (e, SIG_SIP_DROP_SLOW), ==, 1);
}

/* Whole messages in one piece, in pieces, and without their end: what comes after what cannot be read is not
 * read, and the connection is closed. */
static void
test_pipeline (void)
{
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  g_autoptr (Wire) wire = wire_new (TRUE, FALSE, e->port);
  g_autofree char *first = options (wire, ""), *second = options (wire, ""), *third = options (wire, "");
  g_autofree char *text
      = g_strconcat (first, "\r\n\r\n", second, "\x01\x02garbage without end\r\n\r\n", third, NULL);

  wire_send (wire, text);
  wire_expect (wire, "SIP/2.0 200");
  wire_expect (wire, "SIP/2.0 200");
  expect_closed (wire);
  g_assert_cmpuint (n_dropped (e, SIG_SIP_DROP_GARBAGE), ==, 1);
}

/* RFC 3261 7.5: line ends before a message are nothing of it; in a datagram they are no ping either. */
static void
test_line_ends_first (void)
{
  static const char *const ends[] = { "\r\n", "\r\n\r\n", "\n", "\r\n\r\n\r\n\r\n\r\n" };
  g_autoptr (Endpoint) e = endpoint_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
      g_autofree char *request = options (wire, ""), *text = g_strconcat (ends[i], request, NULL);

      strstr (text, "/TCP ")[1] = 'U';
      strstr (text, "/UCP ")[2] = 'D';
      wire_send (wire, text);
      wire_expect (wire, "SIP/2.0 200");
    }
}

static void
test_garbage (void)
{
  static const char *const garbage[]
      = { "GET / HTTP/1.1\r\nHost: x\r\n\r\n",      "\x16\x03\x01\x02\r\n\r\n", "hello\r\n\r\n",
          "SIP/2.0 99999999999999999999 x\r\n\r\n", "OPTIONS\r\n\r\n",          ": : :\r\n:\r\n\r\n" };
  g_autoptr (Endpoint) e = endpoint_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (garbage); i++)
    {
      g_autoptr (Wire) wire = wire_new (TRUE, FALSE, e->port);
      g_test_message ("%s", garbage[i]);
      wire_send (wire, garbage[i]);
      expect_closed (wire);
    }
  run_until (n_connections (e) == 0);
  g_autoptr (Wire) wire = wire_new (TRUE, FALSE, e->port);
  check_answered (wire);
}

/* (transfer full): headers of that many octets, in lines of @line octets */
static char *
padding (gsize size, gsize line)
{
  GString *out = g_string_new (NULL);

  while (out->len < size)
    {
      g_string_append (out, "X-P: ");
      for (gsize i = strlen ("X-P: \r\n"); i < line; i++)
        g_string_append_c (out, 'p');
      g_string_append (out, "\r\n");
    }
  return g_string_free (out, FALSE);
}

static void
test_headers (gconstpointer transport)
{
  gboolean is_tcp = g_str_equal (transport, "tcp");
  g_autoptr (Endpoint) e = endpoint_new (NULL);
  static const struct
  {
    gsize size, line;
    gboolean is_fine;
  } cases[] = { { 12000, 1000, TRUE }, { 12000, 40, TRUE }, { 20000, 1000, FALSE },
                { 8000, 8, FALSE },    { 60000, 8, FALSE }, { 200000, 50000, FALSE } };
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Wire) wire = wire_new (is_tcp, FALSE, e->port);
      g_autofree char *lines = padding (cases[i].size, cases[i].line);
      g_autofree char *text = options (wire, lines);
      g_autoptr (Wire) other = wire_new (is_tcp, FALSE, e->port);

      if (!is_tcp)
        {
          char *via = strstr (text, "/TCP") + 1;
          for (gsize k = 0; k < 3; k++)
            via[k] = "UDP"[k];
          if (cases[i].size > 60000)
            continue;
        }
      if (is_tcp)
        (void)!send (wire->fd, text, strlen (text), MSG_NOSIGNAL | MSG_DONTWAIT);
      else
        wire_send (wire, text);
      if (cases[i].is_fine)
        wire_expect (wire, "SIP/2.0 200");
      else if (is_tcp)
        expect_closed (wire);
      else
        wire_nothing (wire, 50, NULL);
      n += cases[i].is_fine || cases[i].size > 60000 ? 0 : 1; /* the stack refuses those itself */
      if (is_tcp)
        check_answered (other);
      g_assert_cmpuint (n_dropped (e, SIG_SIP_DROP_OVERSIZED), >=, n);
    }
}

/* A message larger than what is taken at all, with small headers. */
static void
test_large_body (void)
{
  g_autoptr (Endpoint) e = impatient ();
  g_autoptr (Wire) wire = wire_new (TRUE, FALSE, e->port);
  g_autofree char *text = options (wire, "Content-Type: text/plain\r\nContent-Length: 4000000\r\n");
  g_autofree char *body = g_strnfill (100000, 'b');
  char *lie = strstr (text, "Content-Length: 0\r\n");

  memcpy (lie, "X-Was-a-Length: 0\r\n", strlen ("X-Was-a-Length: 0"));
  wire_send (wire, text);
  (void)!send (wire->fd, body, strlen (body), MSG_NOSIGNAL | MSG_DONTWAIT);
  expect_closed (wire);
  g_autoptr (Wire) other = wire_new (TRUE, FALSE, e->port);
  check_answered (other);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sip/streams/connections", test_connections);
  g_test_add_func ("/signaling/sip/streams/backlog", test_backlog);
  g_test_add_func ("/signaling/sip/streams/silence", test_silence);
  g_test_add_func ("/signaling/sip/streams/keepalives", test_keepalives);
  g_test_add_func ("/signaling/sip/streams/slow_message", test_slow_message);
  g_test_add_func ("/signaling/sip/streams/missing_body", test_missing_body);
  g_test_add_func ("/signaling/sip/streams/pipeline", test_pipeline);
  g_test_add_func ("/signaling/sip/streams/line_ends_first", test_line_ends_first);
  g_test_add_func ("/signaling/sip/streams/garbage", test_garbage);
  g_test_add_data_func ("/signaling/sip/streams/headers_tcp", "tcp", test_headers);
  g_test_add_data_func ("/signaling/sip/streams/headers_udp", "udp", test_headers);
  g_test_add_func ("/signaling/sip/streams/large_body", test_large_body);
  return g_test_run ();
}
