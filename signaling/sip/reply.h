/* What is wrong with a request that is not an INVITE, and how that is said; on a handle of NUA, or on a
 * transaction of the agent. */
#pragma once

#include "signaling/sip/internal.h"

typedef struct
{
  int status;         /* 0: nothing is wrong */
  const char *phrase; /* (nullable): lives for ever */
  const char *retry_after, *accept, *accept_encoding, *allow_events, *min_expires,
      *unsupported;   /* (nullable) */
  gboolean recv_info; /* an empty Recv-Info: no Info package is taken (RFC 6086 5.2.3) */
} SigSipReply;

#define SIG_SIP_REPLY_TAGS(reply)                                                                            \
  TAG_IF ((reply)->retry_after, SIPTAG_RETRY_AFTER_STR ((reply)->retry_after)),                              \
      TAG_IF ((reply)->accept, SIPTAG_ACCEPT_STR ((reply)->accept)),                                         \
      TAG_IF ((reply)->accept_encoding, SIPTAG_ACCEPT_ENCODING_STR ((reply)->accept_encoding)),              \
      TAG_IF ((reply)->allow_events, SIPTAG_ALLOW_EVENTS_STR ((reply)->allow_events)),                       \
      TAG_IF ((reply)->min_expires, SIPTAG_MIN_EXPIRES_STR ((reply)->min_expires)),                          \
      TAG_IF ((reply)->unsupported, SIPTAG_UNSUPPORTED_STR ((reply)->unsupported)),                          \
      TAG_IF ((reply)->recv_info, SIPTAG_UNKNOWN_STR ("Recv-Info: "))

/** sig_sip_reply_handle: to the request that @call got just now. */
void sig_sip_reply_handle (SigSipCall *call, const SigSipReply *reply);
/** sig_sip_reply_transaction: the transaction is given back to the agent. */
void sig_sip_reply_transaction (SigSipListener *listener, nta_incoming_t *irq, const SigSipReply *reply);

/** sig_sip_outside_check: what every request outside of a call must be: 481, 483, 503, or 0. */
SigSipReply sig_sip_outside_check (SigSip *sip, const SigSipPeer *peer, sip_t const *message);
/** sig_sip_text_check: whether the body of a MESSAGE is text that we take: 400, 413, 415, or 0. */
SigSipReply sig_sip_text_check (sip_t const *message);
/** sig_sip_header_value: (nullable): the value of an extension header. */
const char *sig_sip_header_value (sip_t const *message, const char *name);
