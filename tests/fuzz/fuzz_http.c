/* Bytes of an HTTP client, through libwebsockets and our reading of requests, as far as the paths of the
 * gateway: whatever comes in, what is handed on is a whole request, and the connection ends.
 *
 * The token here is good but allows nothing: the body of a request of LiveKit's API is decoded, and then it
 * is refused. No method runs: those want the whole gateway, with its calls and sockets, and would leave
 * something behind from one input to the next. What they are given is the business of fuzz_params and
 * fuzz_twirp. */
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/twirp.h"
#include "signaling/web/web.h"

#define MAX_TURNS 2000

/* Of alice, until 2100. */
#define SECRET "0123456789abcdef0123456789abcdef"
#define TOKEN                                                                                                \
  "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJkZXZrZXkiLCJzdWIiOiJhbGljZSIsImV"                         \
  "4cCI6NDEwMjQ0NDgwMH0.1jzSi5EBQ7oo710y-XMLzKOjFGwBEfMMIVbcy-4ekT4"

static Gateway gateway;

static void
check_request (const SigWebRequest *request)
{
  g_assert_true (strcmp (request->method, "GET") == 0 || strcmp (request->method, "POST") == 0);
  g_assert_true (request->path[0] == '/' && g_utf8_validate (request->path, -1, NULL));
  g_assert_cmpuint (request->body[request->body_size], ==, '\0');
}

static int
on_open (gpointer owner, SigWebConnId conn, const SigWebRequest *request, const char **reason)
{
  check_request (request);
  *reason = "no";
  return request->token != NULL ? 0 : 401;
}

static void
on_message (gpointer owner, SigWebConnId conn, const char *text, gsize size)
{
  const char *at = text;

  /* NUL is a character of UTF-8, if none of GLib's. */
  while (!g_utf8_validate (at, (gssize)size - (at - text), &at))
    g_assert_cmpint (*at++, ==, '\0');
  sig_web_send (gateway.web, conn, text, size);
}

static void
on_closed (gpointer owner, SigWebConnId conn)
{
}

static void
on_http (gpointer owner, const SigWebRequest *request, SigWebResponse *response)
{
  check_request (request);
  if (gw_twirp_http (&gateway, request, response))
    {
      g_assert_false (response->later);
      g_assert_cmpint (response->status, >=, 400);
      g_assert_true (response->status != 401 || g_strcmp0 (request->token, TOKEN) != 0);
    }
}

static SigWeb *
server (void)
{
  static const SigWebOps ops = { on_open, on_message, on_closed, on_http };
  static const SigWebConfig config = { .bind = "127.0.0.1", .max_message_bytes = 20000 };
  static SigWeb *web;

  if (web != NULL)
    return web;
  gateway.settings = cfg_settings_new_default ();
  gateway.api_secret = (char *)SECRET;
  web = sig_web_new (&config, &ops, NULL, NULL);
  g_assert_nonnull (web);
  gateway.web = web;
  return web;
}

/* As much as the server reads; it may hang up before the end. */
static void
send_some (int fd, const guint8 *data, gsize size)
{
  for (gsize sent = 0, turns = 0; sent < size && turns < MAX_TURNS; turns++)
    {
      gssize n = send (fd, data + sent, size - sent, MSG_NOSIGNAL);

      if (n < 0 && errno != EAGAIN)
        return;
      sent += (gsize)MAX (n, 0);
      g_main_context_iteration (NULL, FALSE);
    }
}

/* From another address of loopback each time: the ports of one would be used up by connections that wait for
 * their end (TIME_WAIT). */
static int
connect_to (guint16 port)
{
  static guint32 n;
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (port) };
  struct sockaddr_in own = { .sin_family = AF_INET };
  const struct linger at_once = { 1, 0 }; /* leaves no port behind that waits */
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  own.sin_addr.s_addr = htonl ((INADDR_LOOPBACK & 0xff000000) | (0x10000 + n++ % 0x10000));
  g_assert_cmpint (bind (fd, (const struct sockaddr *)&own, sizeof own), ==, 0);
  setsockopt (fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  if (connect (fd, (const struct sockaddr *)&address, sizeof address) != 0)
    {
      g_assert_cmpint (errno, ==, EINTR); /* libFuzzer looks at its watch */
      close (fd);
      return connect_to (port);
    }
  fcntl (fd, F_SETFL, O_NONBLOCK);
  return fd;
}

/* A part, a turn of the loop, the rest: the first byte says where it is cut. */
static void
run (const guint8 *data, gsize size)
{
  SigWeb *web = server ();
  int fd = connect_to (sig_web_port (web));
  gsize cut = size > 0 ? size * data[0] / 256 : 0, turns = 0;
  char answer[4096];
  gssize n;

  if (size > 0)
    {
      send_some (fd, data + 1, MAX (cut, 1) - 1);
      g_main_context_iteration (NULL, FALSE);
      send_some (fd, data + MAX (cut, 1), size - MAX (cut, 1));
    }
  shutdown (fd, SHUT_WR);
  do
    {
      struct pollfd wait = { fd, POLLIN, 0 };

      while (g_main_context_iteration (NULL, FALSE))
        ;
      poll (&wait, 1, turns < 20 ? 0 : 1);
      n = recv (fd, answer, sizeof answer, 0);
    }
  while ((n > 0 || (n < 0 && errno == EAGAIN)) && ++turns < MAX_TURNS);
  g_assert_cmpuint (turns, <, MAX_TURNS); /* who says nothing more is not kept */
  close (fd);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

#define UPGRADE                                                                                              \
  "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"                    \
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

static const FuzzSeed seeds[] = {
  FUZZ_TEXT ("\x80GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
  FUZZ_TEXT ("\xffGET /readyz?access_token=a.b.c&x=%41%zz HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\n\r\n"),
  FUZZ_TEXT ("\xffPOST /twirp/livekit.SIP/ListSIPTrunk HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a.b.c\r\n"
             "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"),
  FUZZ_TEXT (
      "\xffPOST /twirp/livekit.SIP/CreateSIPParticipant HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " TOKEN
      "\r\nContent-Type: application/json\r\nContent-Length: 36\r\n\r\n{\"sip_call_to\":\"+1\",\"room_name\":"
      "\"a\"}"),
  FUZZ_TEXT (
      "\xffPOST /twirp/livekit.RoomService/CreateRoom HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " TOKEN
      "\r\nContent-Type: application/protobuf\r\nContent-Length: 3\r\n\r\n\x0a\x01"
      "a"),
  FUZZ_TEXT ("\xffGET /ws?access_token=" TOKEN " HTTP/1.1\r\n" UPGRADE "\x81\x85\x01\x02\x03\x04iome\x6e"),
  FUZZ_TEXT ("\x40POST /twirp/livekit.RoomService/%43reateRoom HTTP/1.1\r\nHost: a\r\nContent-Type: "
             "application/protobuf\r\nContent-Length: 3\r\n\r\n\x0a\x01\x61GET /%2e%2e/../ HTTP/1.1\r\nHost: "
             "a\r\n\r\n"),
  FUZZ_TEXT ("\xffPOST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
  FUZZ_TEXT ("\xffGET /ws?access_token=a HTTP/1.1\r\n" UPGRADE
             "\x81\x85\x01\x02\x03\x04iome\x6e\x88\x80\x00\x00\x00"
             "\x00"),
  FUZZ_TEXT ("\x30GET /ws HTTP/1.1\r\nSec-WebSocket-Protocol: switchroom, x\r\n" UPGRADE),
  FUZZ_TEXT ("\xffHEAD /app.js HTTP/1.0\r\nIf-None-Match: \"a\"\r\n\r\n"),
};

static const char *const words[] = { "GET ",
                                     "POST ",
                                     " HTTP/1.1\r\n",
                                     "\r\n",
                                     "Content-Length: ",
                                     "Transfer-Encoding: chunked\r\n",
                                     "Authorization: Bearer ",
                                     "access_token=",
                                     "/twirp/livekit.",
                                     "%00",
                                     "%2f",
                                     "\x81\x7e",
                                     NULL };

const FuzzTarget fuzz_target = { "http", run, seeds, G_N_ELEMENTS (seeds), NULL, words, 1000 };
