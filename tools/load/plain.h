/* Plain RTP or SDES-SRTP over UDP on loopback, for SIP calls and for Janus. */
#pragma once

#include "media/io/srtp.h"
#include "media/io/udp.h"
#include "tools/load/participant.h"

typedef struct _LoadPlain LoadPlain;

/** load_plain_new: @ip: to bind. Packets go to @participant, which outlives it. Returns: (transfer full):
 * NULL with @error. */
LoadPlain *load_plain_new (LoadParticipant *participant, const char *ip,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
void load_plain_free (LoadPlain *plain);
/** load_plain_port: of RTP. */
guint16 load_plain_port (const LoadPlain *plain);
/** load_plain_set_remote: FALSE when @ip is no literal. */
gboolean load_plain_set_remote (LoadPlain *plain, const char *ip, guint16 port) G_GNUC_WARN_UNUSED_RESULT;
/** load_plain_set_keys: SRTP from now on. */
gboolean load_plain_set_keys (LoadPlain *plain, const MediaSrtpKeys *local, const MediaSrtpKeys *remote,
                              GError **error);
void load_plain_send (LoadPlain *plain, guint8 *packet, gsize length);
