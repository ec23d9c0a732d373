/* TLS of SIP: which certificate is shown, who is trusted, and what was wrong with a connection.
 *
 * The stack's own TLS takes one certificate without its chain from a directory, never reads it again, names
 * no server to the other side, checks no name, speaks TLS 1.0, loses the memory of each connection, and keeps
 * to itself why one failed, for 32 s. So it stays in charge of sockets and of reading and writing, and this
 * program's functions come in front of its (tls_stack.c): each connection gets its certificates and its rules
 * here (tls.c), before its handshake, and its failure is told at once. Files can be read again at any time:
 * new connections use the new ones, those that are up stay as they are.
 * docs/decisions/0016-tls-in-front-of-the-stack.md */
#pragma once

#include "signaling/sip/sip.h"

#include <openssl/ssl.h>

typedef struct _SigSipTls SigSipTls;

/* ---- tls.c: certificates and rules ---- */

/** sig_sip_tls_new: NULL with @error naming the file and what is wrong with it. */
SigSipTls *sig_sip_tls_new (const SigSipTlsConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void sig_sip_tls_free (SigSipTls *tls);
/** sig_sip_tls_load: for the connections to come; FALSE: nothing has changed. */
gboolean sig_sip_tls_load (SigSipTls *tls, const SigSipTlsConfig *config, GError **error);
/** sig_sip_tls_expiry: as sig_sip_tls_expires. */
gint64 sig_sip_tls_expiry (const SigSipTls *tls, const char **file);

/** sig_sip_tls_setup_accepted: @ssl, before its handshake, as that of a server. */
void sig_sip_tls_setup_accepted (SigSipTls *tls, SSL *ssl);
/** sig_sip_tls_setup_connecting: the same for a client that wants to reach @host, a name or an address
 * without brackets. */
void sig_sip_tls_setup_connecting (SigSipTls *tls, SSL *ssl, const char *host);
/** sig_sip_tls_expect: who was found to be @host says that it takes requests at @address, numeric: a
 * certificate for @host will do there. */
void sig_sip_tls_expect (SigSipTls *tls, const char *address, const char *host);
/** sig_sip_tls_forget: @address is called by itself: a certificate for it is asked for again. */
void sig_sip_tls_forget (SigSipTls *tls, const char *address);
/** sig_sip_tls_reason: (transfer full): in words, why the handshake gave @result. */
char *sig_sip_tls_reason (SSL *ssl, int result);

/* ---- tls_stack.c: the connections of the stack ---- */

/** sig_sip_tls_attach: the listeners of the stack that are made until the next call belong to @tls, NULL: to
 * nobody. */
void sig_sip_tls_attach (SigSipTls *tls);
/** sig_sip_tls_detach: no listener of the stack is left. */
void sig_sip_tls_detach (SigSipTls *tls);
/** sig_sip_tls_describe: (nullable): version and cipher of the connection with @host, numeric, and @port, as
 * in "TLSv1.3 TLS_AES_256_GCM_SHA384". */
const char *sig_sip_tls_describe (const SigSipTls *tls, const char *host, guint16 port);
/** sig_sip_tls_failure: (nullable): why the last connection to @host, as in the URI, did not come about just
 * now; NULL when it did, or when that is long ago. */
const char *sig_sip_tls_failure (const SigSipTls *tls, const char *host);
/** sig_sip_tls_n_connections: those that the stack has now, handshakes under way included. */
guint sig_sip_tls_n_connections (const SigSipTls *tls);
