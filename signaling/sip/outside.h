/* Requests of ours that belong to no call: OPTIONS, to ask whether a registered phone is there, and MESSAGE.
 * Transactions of the agent, without a handle of NUA. */
#pragma once

#include "signaling/sip/requests.h"
#include "signaling/sip/sip.h"

#define SIG_SIP_MAX_OUTSIDE 2000 /* on their way at the same time */

typedef struct
{
  SigSipTarget target;
  const char *to_uri;       /* of To, as sig_sip_check_uri takes it */
  const char *from_uri;     /* (nullable): default sip:switchroom@<local address> */
  const char *from_display; /* (nullable) */
  const char *text;         /* (nullable): NULL: OPTIONS; else MESSAGE with this text/plain */
  guint patience_ms;        /* 0: 64 x T1 */
} SigSipOutside;

/**
 * sig_sip_send_outside:
 * @done: as SigSipSentFunc: a final answer of the peer whatever it says, 408 when none came or nothing could
 * be sent. Not told any more once the endpoint shuts down
 * @destroy: (nullable): for @user, always called once when this returned TRUE
 *
 * Returns: FALSE when it cannot be made, or too many are on their way.
 */
gboolean sig_sip_send_outside (SigSip *sip, const SigSipOutside *request, SigSipSentFunc done, gpointer user,
                               GDestroyNotify destroy);

/** sig_sip_send_outside_over: the same without a look at the URIs: send_to may be a sig_sip_tls_url. */
gboolean sig_sip_send_outside_over (SigSip *sip, const SigSipOutside *request, SigSipSentFunc done,
                                    gpointer user, GDestroyNotify destroy);
