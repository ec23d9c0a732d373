#include "gateway/tls.h"

#include "gateway/core/metric_text.h"

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

static void
append (GString *out, const char *host, const SigSipTlsFiles *files)
{
  g_string_append_printf (out, "%s|%s|%s|%s|%d\n", host, files->cert != NULL ? files->cert : "",
                          files->key != NULL ? files->key : "", files->ca != NULL ? files->ca : "",
                          files->verify);
}

void
gw_tls_clear (GwTls *tls)
{
  for (gsize i = 0; i < tls->config.n_peers; i++)
    g_free ((char *)tls->peers[i].host);
  g_clear_pointer (&tls->peers, g_free);
  memset (&tls->config, 0, sizeof tls->config);
}

/* (transfer full) (nullable): all that decides about connections but the content of files; NULL: no TLS. */
static char *
describe (const Gateway *gateway, const CfgSettings *settings)
{
  g_auto (GwTls) tls = { 0 };
  GString *out = g_string_new (NULL);

  if (!gateway->tls_asked && !gw_tls_is_wanted (settings))
    return g_string_free (out, TRUE);
  gw_tls_init (&tls, settings);
  append (out, "", &tls.config.own);
  for (gsize i = 0; i < tls.config.n_peers; i++)
    append (out, tls.peers[i].host, &tls.peers[i].files);
  g_string_append_c (out, tls.config.verify_callers ? '1' : '0');
  return g_string_free (out, FALSE);
}

static gboolean
reload (Gateway *gateway, const CfgSettings *settings, GError **error)
{
  g_auto (GwTls) tls = { 0 };

  gw_tls_init (&tls, settings);
  if (!sig_sip_reload_tls (gateway->sip, &tls.config, error))
    return FALSE;
  gw_tls_log (gateway->sip);
  return TRUE;
}

gboolean
gw_tls_take (Gateway *gateway, const CfgSettings *settings, GError **error)
{
  g_autofree char *wanted = describe (gateway, settings), *now = describe (gateway, gateway->settings);

  if (wanted == NULL || g_strcmp0 (wanted, gateway->tls_in_force) == 0 || g_strcmp0 (wanted, now) == 0)
    return TRUE;
  if (!reload (gateway, settings, error))
    return FALSE;
  g_free (gateway->tls_in_force);
  gateway->tls_in_force = g_steal_pointer (&wanted);
  return TRUE;
}

gboolean
gw_tls_ask (Gateway *gateway, const char *uri, GError **error)
{
  g_autoptr (GError) wrong = NULL;

  if (!sig_sip_is_tls (uri) || sig_sip_has_tls (gateway->sip))
    return TRUE;
  if (!reload (gateway, gateway->settings, &wrong))
    {
      if (!sig_sip_has_tls (gateway->sip))
        {
          g_propagate_error (error, g_steal_pointer (&wrong));
          return FALSE;
        }
      cfg_warn ("sip", NULL, "SIP over TLS has begun on some addresses only",
                CFG_STR ("reason", wrong->message));
    }
  gateway->tls_asked = TRUE;
  g_free (gateway->tls_in_force);
  gateway->tls_in_force = describe (gateway, gateway->settings);
  return TRUE;
}

void
gw_tls_started (Gateway *gateway)
{
  gateway->tls_in_force = describe (gateway, gateway->settings);
  gw_tls_log (gateway->sip);
}

void
gw_tls_read_again (Gateway *gateway)
{
  gateway->tls_is_old = TRUE;
}

void
gw_tls_follow (Gateway *gateway)
{
  const gboolean always = gateway->tls_is_old;
  g_autofree char *wanted = describe (gateway, gateway->settings);
  g_autoptr (GError) error = NULL;

  gateway->tls_is_old = FALSE;
  if (!always && g_strcmp0 (wanted, gateway->tls_in_force) == 0)
    return;
  if (wanted == NULL && gateway->tls_in_force != NULL)
    cfg_warn ("config", NULL, "SIP over TLS is not configured any more, but goes on until a restart");
  else if (wanted != NULL && !reload (gateway, gateway->settings, &error))
    {
      cfg_error ("config", NULL,
                 sig_sip_speaks_tls (gateway->sip)
                     ? "The SIP certificates were not read again, the old ones go on"
                     : "There is no SIP over TLS",
                 CFG_STR ("reason", error->message));
      return; /* it is tried again with the next change */
    }
  g_free (gateway->tls_in_force);
  gateway->tls_in_force = g_steal_pointer (&wanted);
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

  gw_metric_head (text, "sip_certificate_expiry_timestamp_seconds", "gauge",
                  "When the first of our SIP certificates expires.");
  if (file != NULL)
    gw_metric_sample (text, "sip_certificate_expiry_timestamp_seconds", "", (double)expires_s);
}
