/* SIP messages as a pcap file that Wireshark opens: every message in one IP packet of its own, with the real
 * addresses and times. The packets are made up: what came by TCP or TLS stands there as a UDP datagram too,
 * in the clear, so that its ports tell who spoke and nothing of a stream is missing. Pure. */
#pragma once

#include <glib.h>

#include "gateway/core/trace.h"

/** gw_pcap_new: the header of a file (libpcap's format 2.4, microseconds, LINKTYPE_RAW). (transfer full) */
GByteArray *gw_pcap_new (void) G_GNUC_WARN_UNUSED_RESULT;

/**
 * gw_pcap_add:
 * @message: its addresses are "address:port" or "[address]:port"; one that is no address becomes 0.0.0.0:0. A
 * text that no IP packet holds is cut, which the record says.
 */
void gw_pcap_add (GByteArray *file, const GwTraceMessage *message);
