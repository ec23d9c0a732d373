/* Apart from the rest: what libwebsockets includes has a struct tcp_info of its own, without this member. */
#include "signaling/web/web_taken.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

guint64
sig_web_taken (int fd)
{
  struct tcp_info info = { 0 };
  socklen_t size = sizeof info;

  if (getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
    return 0;
  return info.tcpi_bytes_acked;
}
