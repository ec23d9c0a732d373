/* server.*: the gateway about itself. */
#include "gateway/api.h"

#include "gateway/api_params.h"
#include "gateway/events.h"
#include "gateway/overload.h"

static json_t *
server_info (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  g_autofree char *started = gw_time_text (gateway->started_wall);
  g_autofree char *url = NULL;
  json_t *codecs = json_array ();
  const char *address = gateway->settings->sip.external_address;

  if (address == NULL)
    address = gateway->settings->sip.bind[0] != NULL ? gateway->settings->sip.bind[0]
              : gateway->loopback_only               ? "127.0.0.1"
                                                     : NULL;
  if (gateway->settings->ws_url != NULL)
    url = g_strdup (gateway->settings->ws_url);
  else
    url = g_strdup_printf ("%s://localhost:%u", sig_web_is_tls (gateway->web) ? "wss" : "ws",
                           sig_web_port (gateway->web));
  for (char **codec = gateway->settings->media.codecs; *codec != NULL; codec++)
    json_array_append_new (codecs, json_string (*codec));
  return json_pack ("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s?, s:b, s:o}", "name", "Switchroom", "version",
                    SWITCHROOM_VERSION, "epoch", gateway->epoch, "started_at", started, "ws_url", url,
                    "status", gateway->draining ? "draining" : "serving", "sip_port",
                    (int)gateway->settings->sip_port, "sip_address", address, "demo", gateway->settings->demo,
                    "codecs", codecs);
}

static json_t *
workers_json (Gateway *gateway)
{
  json_t *list = json_array ();

  for (guint i = 0; i < media_engine_n_workers (gateway->media); i++)
    {
      MediaWorkerStats stats;

      media_engine_worker_stats (gateway->media, i, &stats);
      json_array_append_new (
          list, json_pack ("{s:i, s:i, s:f, s:f, s:f, s:s?, s:I, s:I, s:I}", "rooms", (int)stats.n_rooms, "legs",
                           (int)stats.n_legs, "load", stats.load, "tick_late_ms", stats.tick_late_ms,
                           "tick_late_p99_ms", stats.tick_late_p99_ms, "refusing",
                           gw_load_worker_refusing (gateway, i),
                           "packets_in", (json_int_t)stats.packets_in, "packets_out",
                           (json_int_t)stats.packets_out, "strangers", (json_int_t)stats.strangers));
    }
  return list;
}

static json_t *
server_stats (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  SigSipStats sip = { 0 };

  sig_sip_get_stats (gateway->sip, &sip);
  return json_pack ("{s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "rooms",
                    (int)g_hash_table_size (gateway->rooms), "calls", (int)g_hash_table_size (gateway->calls),
                    "sessions", (int)g_hash_table_size (gateway->sessions), "connections",
                    (int)g_hash_table_size (gateway->conns), "calls_total",
                    (json_int_t)gateway->n_calls_total, "calls_failed", (json_int_t)gateway->n_calls_failed,
                    "invites", (json_int_t)sip.n_invites, "sip_refused", (json_int_t)sip.n_refused,
                    "sip_malformed", (json_int_t)sip.n_malformed, "main", gw_load_json (gateway), "workers",
                    workers_json (gateway));
}

static json_t *
server_methods (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  json_t *methods = json_object ();
  const GwMethod *method;

  for (guint i = 0; (method = gw_api_method (i)) != NULL; i++)
    json_object_set_new (
        methods, method->name,
        json_pack ("{s:s, s:o}", "description", method->doc, "params",
                   gw_params_schema (method->params, method->keys != NULL ? method->keys () : NULL)));
  return json_pack ("{s:o}", "methods", methods);
}

const GwMethod gw_server_methods[] = {
  { "server.info", GW_GRANT_ANY, NULL, server_info, NULL, "Version, start, codecs." },
  { "server.stats", GW_GRANT_ANY, NULL, server_stats, NULL,
    "Rooms, calls, sessions and the media workers' load." },
  { "server.methods", GW_GRANT_ANY, NULL, server_methods, NULL,
    "Every method with the JSON Schema of its parameters." },
  { NULL },
};
