/* SIP over TLS as configured: whose certificates for whom. */
#pragma once

#include "gateway/gateway.h"

typedef struct
{
  SigSipTlsConfig config; /* its texts are those of the settings, but for the hosts of peers */
  SigSipTlsPeer *peers;
} GwTls;

/** gw_tls_is_wanted: there is a certificate, an authority that is trusted, or a trunk that calls out over
 * TLS. */
gboolean gw_tls_is_wanted (const CfgSettings *settings);
/** gw_tls_init: valid as long as @settings are. Trunks to the same host have the same files, which the
 * configuration has checked. */
void gw_tls_init (GwTls *tls, const CfgSettings *settings);
void gw_tls_clear (GwTls *tls);

/** gw_tls_started: the endpoint is up. */
void gw_tls_started (Gateway *gateway);
/** gw_tls_take: @settings, which may come into force next, name files that can be read, and from now on they
 * count. TRUE too when they want nothing else of TLS than the present ones. FALSE with @error: nothing has
 * changed. */
gboolean gw_tls_take (Gateway *gateway, const CfgSettings *settings, GError **error);
/** gw_tls_follow: the settings may be others: reads the files that they name for the connections to come, or
 * leaves the old ones in force and says so in the log. */
void gw_tls_follow (Gateway *gateway);
/** gw_tls_read_again: the next gw_tls_follow reads the files also when they are the same. */
void gw_tls_read_again (Gateway *gateway);
/** gw_tls_ask: @uri is about to be called: where it asks for TLS and nothing else did so far, it is begun,
 * with the authorities that this machine trusts; one address with it is enough. FALSE with @error: it cannot
 * be. */
gboolean gw_tls_ask (Gateway *gateway, const char *uri, GError **error);
/** gw_tls_log: when the first of our certificates expires, louder the sooner that is. */
void gw_tls_log (SigSip *sip);
/** gw_tls_metrics: the same as a metric. */
void gw_tls_metrics (SigSip *sip, GString *text);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GwTls, gw_tls_clear)
