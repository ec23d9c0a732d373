/* Early dialogs of an INVITE of ours (RFC 3261 12.1.2, RFC 3262 4): one per To tag that a provisional answer
 * brought, so that the forks of a proxy neither mix their descriptions nor their reliable answers. NUA knows
 * one dialog per handle and would lose the others: the gate takes RSeq away from it (parser.c), and this file
 * sends the PRACKs and answers an UPDATE in an early dialog, on legs of its own, which end with the INVITE.
 */
#pragma once

#include "signaling/sip/internal.h"

/** sig_sip_early_hide_rseq: takes a reliable answer's number away from the stack, and keeps it in @sip. */
void sig_sip_early_hide_rseq (msg_t *message, sip_t *sip);
/**
 * sig_sip_early_progress: a provisional answer arrived; PRACK goes out for a reliable one.
 * @sdp: (nullable): its description
 * Returns: FALSE when nobody is to hear of it: a repetition, or a reliable one before its turn (RFC 3262 4).
 */
gboolean sig_sip_early_progress (SigSipCall *call, sip_t const *message, const char *sdp);
/** sig_sip_early_sdp: (nullable): the description of the early dialog with @tag: what a 2xx without one
 * means. */
const char *sig_sip_early_sdp (const SigSipCall *call, const char *tag);
/** sig_sip_early_confirmed: the 2xx arrived, its dialog is NUA's. What PRACK counted is counted there too. */
void sig_sip_early_confirmed (SigSipCall *call);
/** sig_sip_early_can_offer: @call has one early dialog, whose callee takes UPDATE, and the first offer and
 * its answer are through (RFC 3311 5.1). */
gboolean sig_sip_early_can_offer (SigSipCall *call);
/** sig_sip_early_offer: another offer, by UPDATE. FALSE when one is in the way. Its answer comes as
 * ops.reanswer; 491 when the call is answered before. */
gboolean sig_sip_early_offer (SigSipCall *call, const char *sdp);
/** sig_sip_early_free: ends them all, without a word. */
void sig_sip_early_free (SigSipCall *call);
/** sig_sip_early_respond: the owner's final answer to an UPDATE in an early dialog. @id: as the owner knows
 * it.
 * @sdp: (nullable). Returns: FALSE when there was none. */
gboolean sig_sip_early_respond (SigSip *sip, SigSipCallId id, int status, const char *phrase,
                                const char *sdp);
