/* What happens to SIP messages that are kept or sent elsewhere: secrets are masked, and HEP 3 packets are
 * written. Pure. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"

#define SIG_HEP_OVERHEAD 256 /* bytes that a HEP packet has beside the message, the password not counted */

/**
 * sig_capture_mask:
 * @text: (inout): a SIP message of @size bytes, any content; changed in place, its length stays
 *
 * Puts 'x' over what must not be read: the `response` of Authorization and Proxy-Authorization, passwords in
 * SIP URIs of the head, keys of `a=crypto` lines, and the digits of INFO bodies that carry DTMF. The size
 * stays, so that Content-Length is still right.
 */
void sig_capture_mask (char *text, gsize size);

typedef struct
{
  const char *source_address, *destination_address; /* numeric, one family */
  guint16 source_port, destination_port;
  gboolean is_udp;
  CfgWall time;
  guint32 node_id;
  const char *password;       /* (nullable) */
  const char *correlation_id; /* (nullable) */
  const char *payload;
  gsize size;
} SigHepPacket;

/**
 * sig_hep_write:
 * @buffer: (out): room for @capacity bytes
 *
 * Writes @packet as HEP 3 (the EEP specification: header "HEP3", chunks of vendor 0).
 *
 * Returns: the number of bytes; 0 when it does not fit, or an address is not numeric.
 */
gsize sig_hep_write (const SigHepPacket *packet, guint8 *buffer, gsize capacity) G_GNUC_WARN_UNUSED_RESULT;
