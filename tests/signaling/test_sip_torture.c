/* RFC 4475 and RFC 5118: tests/torture/messages.txt against the stack, over UDP and TCP, all to one endpoint;
 * after each of them a plain request is answered. */
#include "tests/signaling/sip_harness.h"
#include "tests/torture/torture.h"

#include <string.h>
#include <sys/socket.h>

#define QUIET_MS 30

static GPtrArray *messages;

static void
send_bytes (Wire *wire, GBytes *bytes)
{
  gsize size;
  const void *data = g_bytes_get_data (bytes, &size);

  g_assert_cmpint (send (wire->fd, data, size, MSG_NOSIGNAL), ==, size);
}

/* An OPTIONS of somebody else, and its answer. */
static void
check_alive (Endpoint *e)
{
  g_autoptr (Wire) wire = wire_new (FALSE, FALSE, e->port);
  g_autoptr (Dialog) dialog = dialog_new (wire);

  dialog_request (dialog, "OPTIONS", NULL, NULL, NULL);
  wire_expect (wire, "SIP/2.0 200");
}

/* (transfer full): the first final status within some time, "none" when there is none. The OPTIONS is handled
 * after what was sent before. */
static char *
take_answer (Endpoint *e, Wire *wire)
{
  gint64 deadline;

  check_alive (e);
  deadline = g_get_monotonic_time () + QUIET_MS * 1000;
  for (guint turns = 0; turns < 20 || g_get_monotonic_time () < deadline;
       turns++) /* the time may pass at once */
    {
      if (wire_poll (wire) && !g_str_has_prefix (wire->last, "SIP/2.0 1"))
        {
          g_assert_true (g_str_has_prefix (wire->last, "SIP/2.0 "));
          return g_strndup (wire->last + strlen ("SIP/2.0 "), 3);
        }
      run_once ();
    }
  return g_strdup ("none");
}

static void
check_message (Endpoint *e, const TortureMessage *message, gboolean is_tcp)
{
  g_autoptr (Wire) wire = wire_new (is_tcp, FALSE, e->port);
  g_autoptr (GBytes) bytes = torture_bytes (message, is_tcp);
  guint n_invites = e->n_invites;

  send_bytes (wire, bytes);
  g_autofree char *status = take_answer (e, wire);
  gboolean is_owners = e->n_invites > n_invites;
  g_test_message ("%s (%s) over %s: %s%s", message->name, message->section, is_tcp ? "TCP" : "UDP",
                  is_owners ? "owner " : "", status);
  if (is_owners)
    g_assert_cmpstr (status, ==, "486");
  if (!torture_expects (message, is_owners ? "owner" : status))
    {
      g_autofree char *right = g_strjoinv (" or ", message->answers);
      g_test_fail_printf ("%s over %s: %s instead of %s", message->name, is_tcp ? "TCP" : "UDP",
                          is_owners ? "asked the owner" : status, right);
    }
  if (g_str_equal (status, "501"))
    {
      g_autofree char *allow = wire_header (wire, "Allow");
      g_assert_nonnull (allow);
    }
}

static void
test_messages (gconstpointer transport)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .takes_register = TRUE });
  gboolean is_tcp = g_str_equal (transport, "tcp");

  e->auto_reject = 486;
  for (guint i = 0; i < messages->len; i++)
    {
      const TortureMessage *message = g_ptr_array_index (messages, i);
      if (is_tcp ? message->over_tcp : message->over_udp)
        check_message (e, message, is_tcp);
    }
}

/* Those that are not about lengths have the right one. */
static void
test_lengths (void)
{
  static const char *const liars[] = { "clerr", "ncl", "mcl01", "dblreq", NULL };

  for (guint i = 0; i < messages->len; i++)
    {
      const TortureMessage *message = g_ptr_array_index (messages, i);
      g_autoptr (GBytes) bytes = torture_bytes (message, FALSE);
      gsize size;
      const char *text = g_bytes_get_data (bytes, &size);
      const char *body = memmem (text, size, "\r\n\r\n", 4);
      g_assert_nonnull (body);
      g_autofree char *head = g_memdup2 (text, size);
      head[body - text] = '\0';
      for (char *nul = head; (nul = memchr (nul, '\0', (gsize)(head + (body - text) - nul))) != NULL;)
        *nul = '.';
      const char *length = strcasestr (head, "\r\nContent-Length");
      length = length != NULL ? length : strcasestr (head, "\r\nl:");
      if (g_strv_contains (liars, message->name))
        continue;
      g_assert_nonnull (length);
      if (g_ascii_strtoull (strchr (length, ':') + 1, NULL, 10) != size - (gsize)(body + 4 - text))
        g_test_fail_printf ("%s: the body has %zu octets", message->name, size - (gsize)(body + 4 - text));
    }
}

static const char *
heard_of (Endpoint *e, const char *name)
{
  for (guint i = 0; i < messages->len; i++)
    {
      const TortureMessage *message = g_ptr_array_index (messages, i);
      if (g_str_equal (message->name, name))
        check_message (e, message, FALSE);
    }
  return endpoint_heard (e);
}

/* Well-formed ones are understood, not only survived. */
static void
test_meaning (void)
{
  g_autoptr (Endpoint) e = endpoint_new (&(EndpointOptions){ .takes_register = TRUE });

  e->auto_reject = 486;
  g_assert_cmpstr (heard_of (e, "wsinv-call"), ==, "invite ended:local:486");
  g_assert_cmpstr (e->request_user, ==, "vivekg");
  g_assert_cmpstr (e->from_user, ==, "jdrosen");
  g_assert_cmpstr (e->from_display, ==, "J Rosenberg \\\"");
  g_assert_cmpstr (heard_of (e, "esc01"), ==, "invite ended:local:486");
  g_assert_cmpstr (e->request_user, ==, "sips:user@example.com");
  g_assert_cmpstr (e->from_user, ==, "I have spaces");
  g_assert_cmpstr (heard_of (e, "ipv4-mapped-ipv6"), ==, "invite ended:local:486");
  g_assert_nonnull (strstr (e->sdp, "IN IP6 ::ffff:192.0.2.2"));
  g_assert_cmpstr (heard_of (e, "dblreq"), ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  messages = torture_load (g_getenv ("TORTURE_MESSAGES"));
  g_test_add_func ("/signaling/sip/torture/lengths", test_lengths);
  g_test_add_data_func ("/signaling/sip/torture/udp", "udp", test_messages);
  g_test_add_data_func ("/signaling/sip/torture/tcp", "tcp", test_messages);
  g_test_add_func ("/signaling/sip/torture/meaning", test_meaning);
  int result = g_test_run ();
  g_ptr_array_unref (messages);
  return result;
}
