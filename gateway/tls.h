/* SIP over TLS as configured: whose certificates for whom. */
#pragma once

#include "config/settings.h"
#include "signaling/sip/sip.h"

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

/** gw_tls_reload: for SIGHUP: reads the files that @settings name for the connections to come. FALSE with
 * @error: the old ones go on. @was_wanted: by the settings in force until now. */
gboolean gw_tls_reload (SigSip *sip, gboolean was_wanted, const CfgSettings *settings, GError **error);
/** gw_tls_log: when the first of our certificates expires, louder the sooner that is. */
void gw_tls_log (SigSip *sip);
/** gw_tls_metrics: the same as a metric. */
void gw_tls_metrics (SigSip *sip, GString *text);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GwTls, gw_tls_clear)
