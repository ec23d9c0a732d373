/* The client's half of digest authentication (RFC 3261 22, RFC 7616, RFC 8760), as a plug-in of the stack's
 * authenticator. The stack's own speaks MD5 only and gives up when a challenge names anything else as well;
 * this one knows MD5, SHA-256 and their -sess forms, takes the strongest that is offered and skips the rest.
 * As a plug-in it serves every request of a dialog: INVITE, re-INVITE and BYE. */
#pragma once

#include <glib.h>
#include <sofia-sip/msg_types.h>

/** sig_sip_digest_register: makes the plug-in the stack's handler of "Digest". Once per process. */
void sig_sip_digest_register (void);

/** sig_sip_digest_can_answer: a digest challenge with a realm and a nonce that we know the algorithm of. */
gboolean sig_sip_digest_can_answer (const msg_auth_t *challenge);

/**
 * sig_sip_digest_credentials:
 * Returns: (transfer full): @username and @password as NUTAG_AUTH() takes them. Both are encoded, since the
 * stack's format has no way to write a colon or a quote. They answer whatever realm asks.
 */
char *sig_sip_digest_credentials (const char *username, const char *password) G_GNUC_WARN_UNUSED_RESULT;
