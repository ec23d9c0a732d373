/* The bytes of a message before the stack's parser sees them. The transports hand what they have read to
 * msg_extract(), through the dynamic linker: this function of the same name comes first.
 *
 * - A datagram of a source that sends more of them than any peer with our limits could need is not read, nor
 * is one from an address that no host can have.
 * - Headers beyond a size, or a stream that has brought none of their end by then: the stack would read them
 *   one after the other, each in time that grows with their number.
 * - A NUL, which may stand in a quoted string (RFC 3261 25.1), ends a text for the stack, and a message with
 *   it: it becomes another character.
 *
 * What is whole is inspected (parser.c). What it reads in a stream is told to streams.h. */
#include "signaling/sip/internal.h"

#include "signaling/sip/drops.h"
#include "signaling/sip/streams.h"

#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_buffer.h>

#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>

#define EXPORTED __attribute__ ((visibility ("default")))

static int (*extract) (msg_t *message);

/** sig_sip_gate_open: the linker takes a file of a library only when something of it is called. */
void
sig_sip_gate_open (void)
{
  if (extract == NULL)
    *(void **)&extract = dlsym (RTLD_NEXT, "msg_extract");
  g_assert (extract != NULL);
}

/* Of the headers, with the line that ends them; the stack takes CR and LF alone for line ends as well.
 * Returns:
 * @size when the end is not there. */
static gsize
headers_length (const char *bytes, gsize size)
{
  for (gsize i = 0; i < size; i++)
    {
      gsize at = i;

      for (guint n_ends = 0; at < size && (bytes[at] == '\r' || bytes[at] == '\n');)
        {
          at += bytes[at] == '\r' && at + 1 < size && bytes[at + 1] == '\n' ? 2 : 1;
          if (++n_ends == 2)
            return at;
        }
      if (at > i)
        i = at - 1;
    }
  return size;
}

static guint
n_lines (const char *bytes, gsize size)
{
  guint n = 0;

  for (gsize i = 0; i < size; i++)
    n += bytes[i] == '\n' || (bytes[i] == '\r' && (i + 1 == size || bytes[i + 1] != '\n')) ? 1 : 0;
  return n;
}

/* Port 0 cannot be answered, a broadcast or a group sends nothing. */
static gboolean
is_possible_source (const su_sockaddr_t *address)
{
  guint32 v4;

  if (address->su_port == 0)
    return FALSE;
  if (address->su_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED (&address->su_sin6.sin6_addr))
    return !IN6_IS_ADDR_MULTICAST (&address->su_sin6.sin6_addr)
           && !IN6_IS_ADDR_UNSPECIFIED (&address->su_sin6.sin6_addr);
  if (address->su_family == AF_INET6)
    memcpy (&v4, address->su_sin6.sin6_addr.s6_addr + 12, sizeof v4);
  else
    v4 = address->su_sin.sin_addr.s_addr;
  v4 = g_ntohl (v4);
  return v4 >> 24 != 0 && v4 < 0xe0000000;
}

static gboolean
may_be_read (SigSip *sip, msg_t *message, gboolean is_stream)
{
  char *bytes = msg_buf_committed_data (message);
  gsize size = msg_buf_committed (message), read = msg_size (message), length;
  SigSipPeer peer;

  if (bytes == NULL || msg_get_flags (message, MSG_FLG_BODY | MSG_FLG_TRAILERS | MSG_FLG_COMPLETE) != 0)
    return TRUE;
  sig_sip_peer_from (msg_addr (message), &peer);
  if (!is_stream && !is_possible_source (msg_addr (message)))
    {
      sig_sip_drops_note (sip, SIG_SIP_DROP_SOURCE, peer.host);
      return FALSE;
    }
  if (!is_stream && sip->datagram_rate != NULL
      && !sig_sip_rate_take (sip->datagram_rate, &peer.source, cfg_monotonic_now ()))
    {
      sig_sip_drops_note (sip, SIG_SIP_DROP_FLOOD, peer.host);
      return FALSE;
    }
  length = headers_length (bytes, size);
  if (read + length > SIG_SIP_MAX_HEADERS || n_lines (bytes, length) > SIG_SIP_MAX_LINES)
    {
      sig_sip_drops_note (sip, SIG_SIP_DROP_OVERSIZED, peer.host);
      return FALSE;
    }
  for (char *nul = bytes; (nul = memchr (nul, '\0', (gsize)(bytes + length - nul))) != NULL;)
    *nul = '?';
  return TRUE;
}

/* Line ends before a message are nothing of it. */
static gboolean
has_begun (const msg_t *message)
{
  return msg_get_flags (message, MSG_FLG_HEADERS) != 0 || msg_buf_committed (message) > 0;
}

/* A datagram may end anywhere: the parser takes the end for that of the headers. */
static int
inspect (SigSip *sip, msg_t *message)
{
  sig_sip_inspect (sip, message);
  return msg_get_flags (message, MSG_FLG_ERROR) != 0 ? -1 : 1;
}

/* Nothing but line ends. */
static gboolean
is_blank (const msg_t *message)
{
  const char *bytes = msg_buf_committed_data (message);
  gsize size = msg_buf_committed (message), at = 0;

  while (at < size && g_ascii_isspace (bytes[at]))
    at++;
  return at == size;
}

/* RFC 3261 7.5. The stack skips them at the beginning of a connection only: behind another message that came
 * with them, and in a datagram, it takes that many bytes less for the first line. Shown nothing but line ends
 * it takes them away. */
static void
skip_line_ends (msg_t *message)
{
  char *bytes = msg_buf_committed_data (message);
  gsize size = msg_buf_committed (message), at = 0;

  while (at < size && (bytes[at] == '\r' || bytes[at] == '\n'))
    at++;
  if (at == 0 || at == size)
    return;
  char first = bytes[at];
  bytes[at] = '\0';
  (void)extract (message);
  bytes[at] = first;
}

static int
read_and_inspect (SigSip *sip, msg_t *message, gboolean is_stream)
{
  gboolean is_keepalive = is_blank (message);

  if (!is_keepalive && msg_get_flags (message, MSG_FLG_HEADERS) == 0)
    skip_line_ends (message);
  int result = extract (message);

  if (result > 0)
    return inspect (sip, message);
  if ((result < 0 || !is_stream) && !is_keepalive)
    sip->stats.n_malformed++;
  return result;
}

static int
refuse (msg_t *message)
{
  (void)msg_mark_as_complete (message, MSG_FLG_ERROR);
  return -1;
}

EXPORTED int
msg_extract (msg_t *message)
{
  SigSip *sip = sig_sip_endpoint_of (message);
  int family = msg_addr (message)->su_family, result;
  gboolean is_stream = msg_addrinfo (message)->ai_socktype == SOCK_STREAM;

  sig_sip_gate_open ();
  if (sip == NULL || (family != AF_INET && family != AF_INET6)) /* one of our own */
    return extract (message);
  if (may_be_read (sip, message, is_stream))
    result = read_and_inspect (sip, message, is_stream);
  else
    result = refuse (message);
  if (is_stream && result < 0) /* what follows is not read; the stack would forget it, not free it */
    msg_destroy (msg_next (message));
  if (is_stream && (result != 0 || has_begun (message)))
    sig_sip_streams_read (sip, message,
                          result > 0    ? SIG_SIP_STREAM_MESSAGE
                          : result == 0 ? SIG_SIP_STREAM_WAITS
                                        : SIG_SIP_STREAM_GARBAGE);
  return result;
}
