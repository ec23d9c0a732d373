/* Keepalives between the messages of a stream. */
#include "signaling/core/sip_framing.h"

#include <string.h>

static guint n_pings;

static SigSipKeepalive
feed (SigSipFraming *framing, const char *text)
{
  return sig_sip_framing_feed (framing, text, strlen (text), &n_pings);
}

static void
test_between_messages (void)
{
  SigSipFraming framing = { 0 };

  g_assert_cmpint (feed (&framing, "\r\n\r\n"), ==, SIG_SIP_PING);
  g_assert_cmpint (feed (&framing, "\r\n"), ==, SIG_SIP_PONG);
  g_assert_cmpint (feed (&framing, "\r\n\r\n\r\n"), ==, SIG_SIP_NO_KEEPALIVE);
  g_assert_cmpint (feed (&framing, "BYE sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n"), ==,
                   SIG_SIP_NO_KEEPALIVE);
  g_assert_cmpint (feed (&framing, "\r\n\r\n"), ==, SIG_SIP_PING);
}

/* Line ends of headers and bodies are none, wherever the stream is cut. */
static void
test_inside_of_messages (void)
{
  SigSipFraming framing = { 0 };

  g_assert_cmpint (feed (&framing, "MESSAGE sip:a SIP/2.0\r\nCONTENT-LENGTH : 8"), ==, SIG_SIP_NO_KEEPALIVE);
  g_assert_cmpint (feed (&framing, "\r\n\r\n"), ==, SIG_SIP_NO_KEEPALIVE); /* of the headers */
  g_assert_cmpint (feed (&framing, "\r\n\r\n"), ==, SIG_SIP_NO_KEEPALIVE); /* of the body */
  g_assert_cmpint (feed (&framing, "\r\n"), ==, SIG_SIP_NO_KEEPALIVE);
  g_assert_cmpint (feed (&framing, "\r\n"), ==, SIG_SIP_NO_KEEPALIVE);
  g_assert_cmpint (feed (&framing, "\r\n\r\n"), ==, SIG_SIP_PING);
  g_assert_cmpint (feed (&framing, "ACK sip:a SIP/2.0\nl:2\n\n"), ==, SIG_SIP_NO_KEEPALIVE);
  g_assert_cmpint (feed (&framing, "\r\n"), ==, SIG_SIP_NO_KEEPALIVE);
  g_assert_cmpint (feed (&framing, "\r\n"), ==, SIG_SIP_PONG);
}

/* Other headers that end so are no length, and a long line is not remembered. */
static void
test_other_headers (void)
{
  g_autofree char *name = g_strnfill (5000, 'x');
  g_autofree char *text
      = g_strdup_printf ("BYE sip:a SIP/2.0\r\nX-Content-Length: 9\r\nll: 7\r\n%s: 5\r\n\r\n", name);
  SigSipFraming framing = { 0 };

  g_assert_cmpint (feed (&framing, text), ==, SIG_SIP_NO_KEEPALIVE);
  g_assert_cmpint (feed (&framing, "\r\n\r\n"), ==, SIG_SIP_PING);
}

/* TLS and TCP put together what was sent apart. */
static void
test_together_with_messages (void)
{
  static const char message[] = "BYE sip:a SIP/2.0\r\nContent-Length: 2\r\n\r\n\r\n";
  g_autofree char *around = g_strconcat ("\r\n\r\n", message, "\r\n\r\n", message, NULL);
  SigSipFraming framing = { 0 };

  g_assert_cmpint (feed (&framing, message), ==, SIG_SIP_NO_KEEPALIVE);
  g_assert_cmpuint (n_pings, ==, 0);
  g_assert_cmpint (feed (&framing, around), ==, SIG_SIP_NO_KEEPALIVE);
  g_assert_cmpuint (n_pings, ==, 2);
  g_assert_cmpint (feed (&framing, "\r\n\r"), ==, SIG_SIP_NO_KEEPALIVE);
  g_assert_cmpuint (n_pings, ==, 0);
  g_assert_cmpint (feed (&framing, "\n"), ==, SIG_SIP_NO_KEEPALIVE);
  g_assert_cmpuint (n_pings, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sip_framing/between_messages", test_between_messages);
  g_test_add_func ("/signaling/sip_framing/inside_of_messages", test_inside_of_messages);
  g_test_add_func ("/signaling/sip_framing/other_headers", test_other_headers);
  g_test_add_func ("/signaling/sip_framing/together_with_messages", test_together_with_messages);
  return g_test_run ();
}
