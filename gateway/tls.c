#include "gateway/tls.h"

#include <string.h>

#include "config/base/clock.h"
#include "config/base/log.h"

#define DAY_S         (24 * 3600)
#define WARN_BEFORE_S (21 * DAY_S)

static gboolean
calls_over_tls (const CfgTrunkSettings *trunk)
{
  return (trunk->direction & CFG_TRUNK_OUTBOUND) && trunk->transport == CFG_SIP_TLS;
}

gboolean
gw_tls_is_wanted (const CfgSettings *settings)
{
  gboolean wanted = settings->sip.tls.cert != NULL || settings->sip.tls.ca != NULL
                    || (settings->sip.transports & CFG_SIP_TLS);

  for (gsize i = 0; !wanted && i < settings->n_trunks; i++)
    wanted = calls_over_tls (&settings->trunks[i]);
  return wanted;
}

static void
add_peer (GwTls *tls, const CfgTrunkSettings *trunk)
{
  SigSipTlsPeer *peer = &tls->peers[tls->config.n_peers++];

  peer->host = cfg_trunk_host (trunk);
  peer->files = (SigSipTlsFiles){
    .cert = trunk->tls.cert, .key = trunk->tls.key, .ca = trunk->tls.ca, .verify = trunk->tls.verify
  };
}

void
gw_tls_init (GwTls *tls, const CfgSettings *settings)
{
  tls->config = (SigSipTlsConfig){
    .own = { .cert = settings->sip.tls.cert,
             .key = settings->sip.tls.key,
             .ca = settings->sip.tls.ca,
             .verify = settings->sip.tls.verify },
    .verify_callers = settings->sip.tls.verify_callers,
  };
  tls->peers = g_new0 (SigSipTlsPeer, settings->n_trunks + 1);
  for (gsize i = 0; i < settings->n_trunks; i++)
    if (calls_over_tls (&settings->trunks[i]))
      add_peer (tls, &settings->trunks[i]);
  tls->config.peers = tls->peers;
}

void
gw_tls_clear (GwTls *tls)
{
  for (gsize i = 0; i < tls->config.n_peers; i++)
    g_free ((char *)tls->peers[i].host);
  g_clear_pointer (&tls->peers, g_free);
  memset (&tls->config, 0, sizeof tls->config);
}

gboolean
gw_tls_reload (SigSip *sip, gboolean was_wanted, const CfgSettings *settings, GError **error)
{
  g_auto (GwTls) tls = { 0 };

  if (!gw_tls_is_wanted (settings))
    {
      if (was_wanted)
        cfg_warn ("config", NULL, "SIP over TLS is not configured any more, but goes on until a restart");
      return TRUE;
    }
  gw_tls_init (&tls, settings);
  if (!sig_sip_reload_tls (sip, &tls.config, error))
    return FALSE;
  gw_tls_log (sip);
  return TRUE;
}

void
gw_tls_log (SigSip *sip)
{
  const char *file = NULL;
  gint64 expires_s = sig_sip_tls_expires (sip, &file);
  gint64 left_s = expires_s - cfg_wall_now ().us / G_USEC_PER_SEC;
  g_autoptr (GDateTime) date = g_date_time_new_from_unix_utc (expires_s);
  g_autofree char *text = date != NULL ? g_date_time_format_iso8601 (date) : NULL;

  if (file == NULL)
    return;
  if (left_s <= 0)
    cfg_error ("sip", NULL, "A SIP certificate has expired: nobody will trust it", CFG_STR ("file", file),
               CFG_STR ("expired", text));
  else if (left_s < WARN_BEFORE_S)
    cfg_warn ("sip", NULL, "A SIP certificate expires soon", CFG_STR ("file", file),
              CFG_INT ("days", left_s / DAY_S), CFG_STR ("expires", text));
  else
    cfg_info ("sip", NULL, "SIP certificates read", CFG_STR ("firstToExpire", file),
              CFG_STR ("expires", text));
}

void
gw_tls_metrics (SigSip *sip, GString *text)
{
  const char *file = NULL;
  gint64 expires_s = sig_sip_tls_expires (sip, &file);

  if (file != NULL)
    g_string_append_printf (
        text,
        "# HELP switchroom_sip_certificate_expiry_timestamp_seconds When the first of our "
        "SIP certificates expires.\n"
        "# TYPE switchroom_sip_certificate_expiry_timestamp_seconds gauge\n"
        "switchroom_sip_certificate_expiry_timestamp_seconds %" G_GINT64_FORMAT "\n",
        expires_s);
}
