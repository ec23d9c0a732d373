/* server.*: the gateway about itself. */
#include "gateway/api.h"

#include "gateway/api_params.h"
#include "gateway/events.h"
#include "signaling/core/jsonrpc.h"
#include "gateway/overload.h"

static json_t *
server_info (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  g_autofree char *started = gw_time_text (gateway->started_wall);
  g_autofree char *url = NULL;
  json_t *codecs = json_array ();
  const char *address = gateway_sip_address (gateway);

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
          list, json_pack ("{s:i, s:i, s:f, s:f, s:f, s:i, s:s?, s:I, s:I, s:I}", "rooms", (int)stats.n_rooms,
                           "legs", (int)stats.n_legs, "load", stats.load, "tick_late_ms", stats.tick_late_ms,
                           "tick_late_p99_ms", stats.tick_late_p99_ms, "opus_complexity",
                           (int)stats.opus_complexity, "refusing", gw_load_worker_refusing (gateway, i),
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
  return json_pack ("{s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "rooms",
                    (int)g_hash_table_size (gateway->rooms), "calls", (int)g_hash_table_size (gateway->calls),
                    "sessions", (int)g_hash_table_size (gateway->sessions), "connections",
                    (int)g_hash_table_size (gateway->conns), "calls_total",
                    (json_int_t)gateway->n_calls_total, "calls_failed", (json_int_t)gateway->n_calls_failed,
                    "invites", (json_int_t)sip.n_invites, "sip_refused", (json_int_t)sip.n_refused,
                    "sip_malformed", (json_int_t)sip.n_malformed, "main", gw_load_json (gateway), "process",
                    gw_load_process_json (gateway), "workers", workers_json (gateway));
}

static json_t *
server_methods (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  /* Always the same, and long: a request must not cost the main thread milliseconds. */
  static char *text;

  if (text == NULL)
    text = sig_json_dump (gw_api_schema (), NULL);
  gw_request_reply_text (request, g_strdup (text));
  return NULL;
}

static const GwField info_result[] = {
  { "name", GW_FIELD_STRING, 0, "Switchroom.", .words = "Switchroom" },
  { "version", GW_FIELD_STRING, 0, "Of the program." },
  { "epoch", GW_FIELD_STRING, 0, "Another one after each start; event numbers count within it." },
  { "started_at", GW_FIELD_TIME, 0, "When it was started." },
  { "ws_url", GW_FIELD_STRING, 0, "Where clients connect." },
  { "status", GW_FIELD_STRING, 0, "draining: it takes no new calls.", .words = "serving draining" },
  { "sip_port", GW_FIELD_INT, 0, "Where phones call." },
  { "sip_address", GW_FIELD_STRING, GW_FIELD_NULL,
    "And at which address; null: SIP listens on all of them, and sip.external_address is not set." },
  { "demo", GW_FIELD_BOOL, 0, "A call to any name is taken into the room of that name." },
  { "codecs", GW_FIELD_STRING, GW_FIELD_LIST, "Those it takes, the preferred one first." },
  { NULL },
};
static const GwField main_fields[] = {
  { "load", GW_FIELD_REAL, 0, "Share of a core that the main thread uses, 0 to 1." },
  { "late_ms", GW_FIELD_REAL, 0, "How late it came to its work." },
  { "refusing", GW_FIELD_STRING, GW_FIELD_NULL,
    "Which limit makes the gateway refuse new calls; null: none." },
  { NULL },
};
static const GwShape main_shape = { "main_thread", "The thread that signals.", main_fields };
static const GwField process_fields[] = {
  { "load", GW_FIELD_REAL, 0, "Share of its cores that all threads together use, 0 to 1." },
  { "cores", GW_FIELD_REAL, 0, "How many it may use; a quota may make it a fraction." },
  { "cores_busy", GW_FIELD_REAL, 0,
    "Share of them that is used by anybody, 0 to 1; niced programs left out." },
  { "refusing", GW_FIELD_STRING, GW_FIELD_NULL, "Which limit they are above; null: none." },
  { NULL },
};
static const GwShape process_shape = { "process", "The process and the cores it runs on.", process_fields };
static const GwField worker_fields[] = {
  { "rooms", GW_FIELD_INT, 0, "Rooms that live on it." },
  { "legs", GW_FIELD_INT, 0, "Media legs of theirs." },
  { "load", GW_FIELD_REAL, 0, "Share of a core that it uses, 0 to 1." },
  { "tick_late_ms", GW_FIELD_REAL, 0, "How late its last ticks were." },
  { "tick_late_p99_ms", GW_FIELD_REAL, 0, "How late 99 of 100 of them were at most." },
  { "opus_complexity", GW_FIELD_INT, 0,
    "Effort of its Opus encoders now, 0 to 10: below media.opus_complexity while it is nearly full." },
  { "refusing", GW_FIELD_STRING, GW_FIELD_NULL, "Which limit makes it take no more rooms; null: none." },
  { "packets_in", GW_FIELD_INT, 0, "RTP packets that came." },
  { "packets_out", GW_FIELD_INT, 0, "RTP packets that were sent." },
  { "strangers", GW_FIELD_INT, 0, "Packets that were nobody's." },
  { NULL },
};
static const GwShape worker_shape = { "worker", "A media worker.", worker_fields };
static const GwField stats_result[] = {
  { "rooms", GW_FIELD_INT, 0, "Rooms that are there." },
  { "calls", GW_FIELD_INT, 0, "SIP calls that are up, or are ending." },
  { "sessions", GW_FIELD_INT, 0, "WebRTC sessions." },
  { "connections", GW_FIELD_INT, 0, "WebSockets." },
  { "calls_total", GW_FIELD_INT, 0, "Calls since the start." },
  { "calls_failed", GW_FIELD_INT, 0, "Those of them that were never answered." },
  { "invites", GW_FIELD_INT, 0, "INVITEs that came." },
  { "sip_refused", GW_FIELD_INT, 0, "SIP messages refused, by limits and rules." },
  { "sip_malformed", GW_FIELD_INT, 0, "SIP messages that could not be read." },
  { "main", GW_FIELD_OBJECT, 0, "The main thread.", &main_shape },
  { "process", GW_FIELD_OBJECT, 0, "All threads together.", &process_shape },
  { "workers", GW_FIELD_OBJECT, GW_FIELD_LIST, "The media workers.", &worker_shape },
  { NULL },
};
static const GwField described_fields[] = {
  { "description", GW_FIELD_STRING, 0, "What it does." },
  { "grant", GW_FIELD_STRING, GW_FIELD_OPTIONAL, "Of a method: what the token must have." },
  { "params", GW_FIELD_ANY, 0, "JSON Schema of the parameters." },
  { "result", GW_FIELD_ANY, GW_FIELD_OPTIONAL, "Of a method: JSON Schema of the result." },
  { "errors", GW_FIELD_STRING, GW_FIELD_OPTIONAL | GW_FIELD_LIST,
    "Of a method: words that error.data.code may have." },
  { NULL },
};
static const GwShape described_shape
    = { "described", "A method, an event or a notification.", described_fields };
static const GwField described_map_fields[] = {
  { GW_FIELD_REST, GW_FIELD_OBJECT, GW_FIELD_OPTIONAL, "By name.", &described_shape },
  { NULL },
};
static const GwShape described_map_shape = { "described_by_name", "Several of them.", described_map_fields };
static const GwField methods_result[] = {
  { "methods", GW_FIELD_OBJECT, 0, "Every method.", &described_map_shape },
  { "events", GW_FIELD_OBJECT, 0, "Every event; params are those of the notification event.",
    &described_map_shape },
  { "notifications", GW_FIELD_OBJECT, 0, "Other notifications.", &described_map_shape },
  { "error", GW_FIELD_ANY, 0, "JSON Schema of error.data." },
  { "$defs", GW_FIELD_ANY, 0, "The objects that the schemas refer to as #/$defs/NAME." },
  { NULL },
};

const GwMethod gw_server_methods[] = {
  { "server.info", GW_GRANT_ANY, NULL, server_info, NULL, "Version, start, codecs.", .result = info_result,
    .answer = "{\"name\": \"Switchroom\", \"version\": \"0.1.0\", \"epoch\": \"EP_7c0\", \"started_at\": "
              "\"2026-11-21T07:55:00.123Z\", \"ws_url\": \"ws://localhost:7880\", \"status\": \"serving\", "
              "\"sip_port\": 5060, \"sip_address\": \"127.0.0.1\", \"demo\": true, \"codecs\": [\"opus\", "
              "\"G722\", \"PCMU\", \"PCMA\"]}" },
  { "server.stats", GW_GRANT_ANY, NULL, server_stats, NULL,
    "Rooms, calls, sessions and the media workers' load.", .result = stats_result },
  { "server.methods", GW_GRANT_ANY, NULL, server_methods, NULL,
    "Every method, event and notification with their JSON Schemas: what this manual is made of.",
    .result = methods_result,
    .more = "To check an answer, put `$defs` into the schema of its `result`:\n`{\"$defs\": …, "
            "…methods[name].result}`." },
  { NULL },
};
