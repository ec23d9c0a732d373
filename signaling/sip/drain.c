/* Datagrams, several for each turn of the main loop. The stack reads one and goes back to the loop, which
 * asks every descriptor again before the next: with a hundred connections open that is most of what a small
 * packet costs, and a burst runs over the socket's buffer. The stack reads through tport_recv_event(), by way
 * of the dynamic linker, and asks for the size of what waits with su_getmsgsize(): these come first.
 *
 * Of a stream it would read all that waits, into the buffer of one message, and take that for a message which
 * is too large: a proxy whose calls all come over one connection got 413, and lost the connection, as soon as
 * a few dozen requests waited. It is told of a piece; the rest is there when the loop looks next. */
#include "signaling/sip/internal.h"

#include <sofia-sip/tport.h>

#include <dlfcn.h>
#include <sys/socket.h>

#define EXPORTED __attribute__ ((visibility ("default")))
#define AT_ONCE  32 /* then the others have their turn */
#define PIECE    16384

static int last_fd = -1;

static issize_t (*size_of_next) (su_socket_t fd);

void tport_recv_event (tport_t *tport);

/** sig_sip_drain_init: only makes the linker take this file. */
void
sig_sip_drain_init (void)
{
}

static gboolean
is_stream (su_socket_t fd)
{
  int type = 0;
  socklen_t size = sizeof type;

  return getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

EXPORTED issize_t
su_getmsgsize (su_socket_t fd)
{
  if (size_of_next == NULL)
    *(void **)&size_of_next = dlsym (RTLD_NEXT, "su_getmsgsize");
  g_assert (size_of_next != NULL);
  last_fd = fd;
  issize_t size = size_of_next (fd);
  return size > PIECE && is_stream (fd) ? PIECE : size;
}

EXPORTED void
tport_recv_event (tport_t *tport)
{
  static void (*read_one) (tport_t *);

  if (read_one == NULL)
    *(void **)&read_one = dlsym (RTLD_NEXT, "tport_recv_event");
  g_assert (read_one != NULL);
  last_fd = -1;
  read_one (tport);
  if (last_fd < 0 || !tport_is_dgram (tport))
    return;
  for (guint i = 1, fd = (guint)last_fd; i < AT_ONCE && size_of_next ((int)fd) > 0; i++)
    read_one (tport);
}
