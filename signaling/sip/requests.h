/* Requests beside the call: INFO with key presses, MESSAGE with text, inside of a call and, for MESSAGE,
 * outside of any. What belongs to no dialog is answered here on transactions of the agent, without a handle
 * of NUA (docs/decisions/0014-requests-outside-of-a-call.md). */
#pragma once

#include "signaling/sip/sip.h"

#define SIG_SIP_MAX_TEXT  16384 /* bytes of a MESSAGE */
#define SIG_SIP_MAX_SENDS 64    /* requests of ours that wait in one call */

/* A MESSAGE received (RFC 3428), valid during the ops call only. Strings are UTF-8, never NULL. */
struct _SigSipMessage
{
  SigSipCallId call; /* 0: it belongs to no call: the owner looks at who sends it, as for an INVITE */
  const char *call_id;
  const char *request_user, *request_host;
  const char *from_user, *from_host, *from_display;
  const char *source_address; /* the packet's source, numeric */
  guint16 source_port;
  const char *transport;
  const char *username;     /* (nullable): whom the sender has proved to be, where ops.access asked for it */
  const char *registration; /* (nullable): outside of calls: as SigSipInvite */
  const char *text;         /* up to SIG_SIP_MAX_TEXT bytes */
  const char *content_type; /* text/plain */
};

/**
 * SigSipSentFunc:
 * @status: of the final answer; 408 when none came, 0 when the call was over before
 *
 * Told once for each request that was accepted, from the main loop.
 */
typedef void (*SigSipSentFunc) (gpointer user, int status, const char *phrase);

/** sig_sip_call_send_info: @content_type with @body (signaling/core/info.h writes one). The requests of a
 * call go out one after the other, each when the one before it was answered. @done: (nullable). Returns:
 * FALSE when the call is gone or not answered yet, or too many wait: then @done is not told. */
gboolean sig_sip_call_send_info (SigSip *sip, SigSipCallId call, const char *content_type, const char *body,
                                 SigSipSentFunc done, gpointer user);
/** sig_sip_call_send_message: @text as text/plain. The rest as above. */
gboolean sig_sip_call_send_message (SigSip *sip, SigSipCallId call, const char *text, SigSipSentFunc done,
                                    gpointer user);
/** sig_sip_call_allows_message: the peer's Allow lists MESSAGE. */
gboolean sig_sip_call_allows_message (SigSip *sip, SigSipCallId call);
/** sig_sip_call_allows_info: it lists INFO, or there was no Allow. */
gboolean sig_sip_call_allows_info (SigSip *sip, SigSipCallId call);
