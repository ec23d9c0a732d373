/* What the other side of a TCP connection has taken. */
#pragma once

#include <glib.h>

/** sig_web_taken: bytes that were acknowledged in all (RFC 4898, tcpEStatsAppHCThruOctetsAcked); 0: not
 * known. */
guint64 sig_web_taken (int fd);
