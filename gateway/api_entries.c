/* trunk.* and dispatch_rule.*: those of the configuration file and those made through the API. */
#include "gateway/api.h"
#include "gateway/trunk_health.h"

#include <string.h>

#include "config/base/clock.h"
#include "config/base/error.h"
#include "config/settings_fields.h"
#include "gateway/entries.h"
#include "gateway/events.h"
#include "gateway/trunks.h"

static json_t *
texts_json (char **texts)
{
  json_t *list = json_array ();

  for (; texts != NULL && *texts != NULL; texts++)
    json_array_append_new (list, json_string (*texts));
  return list;
}

static json_t *
pairs_json (const CfgField *field)
{
  json_t *object = json_object ();

  for (gsize i = 0; i < field->n_pairs; i++)
    json_object_set_new (object, field->pairs[i].name, json_string (field->pairs[i].value));
  return object;
}

static json_t *fields_json (const CfgKey *keys, gconstpointer object);

static json_t *
value_json (const CfgField *field)
{
  switch (field->type)
    {
    case CFG_FIELD_TEXT:
    case CFG_FIELD_WORD:
      return json_string (field->text);
    case CFG_FIELD_TEXTS:
    case CFG_FIELD_WORDS:
      return texts_json (field->texts);
    case CFG_FIELD_BOOL:
      return json_boolean (field->number);
    case CFG_FIELD_COUNT:
    case CFG_FIELD_SECONDS:
      return json_integer ((json_int_t)field->number);
    case CFG_FIELD_DURATION:
      return json_integer ((json_int_t)(field->number / CFG_US_PER_S));
    case CFG_FIELD_PAIRS:
      return pairs_json (field);
    case CFG_FIELD_SECTION:
      return fields_json (field->keys, field->object);
    default:
      g_assert_not_reached ();
    }
}

/* Secrets are not shown. */
static json_t *
fields_json (const CfgKey *keys, gconstpointer object)
{
  json_t *result = json_object ();
  CfgField field;

  for (guint i = 0; cfg_field (keys, i, object, &field); i++)
    {
      g_autofree char **words = field.words;

      if (field.is_set && !field.is_secret)
        json_object_set_new (result, field.name, value_json (&field));
    }
  return result;
}

/* One kind of entry, in the words of the API. */
typedef struct
{
  GwStoreKind kind;
  const char *id_name, *one, *all;
} Kind;

static const Kind trunks = { GW_STORE_TRUNK, "sip_trunk_id", "trunk", "trunks" };
static const Kind rules = { GW_STORE_RULE, "sip_dispatch_rule_id", "dispatch_rule", "dispatch_rules" };

static void
add_times (Gateway *gateway, const Kind *kind, json_t *object)
{
  const GwEntryTimes times
      = gw_entries_times (gateway->entries, kind->kind, json_string_value (json_object_get (object, "id")));
  g_autofree char *created = gw_time_text (times.created), *updated = gw_time_text (times.updated);

  if (times.created.us != 0)
    json_object_set_new (object, "created_at", json_string (created));
  if (times.updated.us != 0)
    json_object_set_new (object, "updated_at", json_string (updated));
}

/* The @index-th; NULL behind the last. */
static json_t *
entry_json (Gateway *gateway, const Kind *kind, gsize index)
{
  const CfgSettings *settings = gateway->settings;
  json_t *object;
  guint line;

  if (kind->kind == GW_STORE_TRUNK && index < settings->n_trunks)
    {
      object = fields_json (cfg_trunk_keys (), &settings->trunks[index]);
      line = settings->trunks[index].line;
      if (settings->trunks[index].register_)
        json_object_set_new (object, "registration",
                             gw_trunks_registration_json (gateway, &settings->trunks[index]));
    }
  else if (kind->kind == GW_STORE_RULE && index < settings->n_dispatch_rules)
    {
      object = fields_json (cfg_rule_keys (), &settings->dispatch_rules[index]);
      line = settings->dispatch_rules[index].line;
    }
  else
    return NULL;
  add_times (gateway, kind, object);
  json_object_set (object, kind->id_name, json_object_get (object, "id"));
  json_object_del (object, "id");
  json_object_set_new (object, "read_only", json_boolean (line > 0));
  return object;
}

/* Of a trunk with qualify_interval. */
static void
add_health (Gateway *gateway, json_t *trunk)
{
  json_t *health
      = gw_trunk_health_json (gateway, json_string_value (json_object_get (trunk, "sip_trunk_id")));

  if (health != NULL)
    json_object_set_new (trunk, "health", health);
}

static json_t *
list_entries (Gateway *gateway, const Kind *kind)
{
  json_t *list = json_array (), *object;

  for (gsize i = 0; (object = entry_json (gateway, kind, i)) != NULL; i++)
    {
      if (kind->kind == GW_STORE_TRUNK)
        add_health (gateway, object);
      json_array_append_new (list, object);
    }
  return json_pack ("{s:o}", kind->all, list);
}

/* (transfer full): NULL when it is gone again */
static json_t *
find_entry (Gateway *gateway, const Kind *kind, const char *id)
{
  const CfgSettings *settings = gateway->settings;
  gsize i = 0;

  if (kind->kind == GW_STORE_TRUNK)
    while (i < settings->n_trunks && strcmp (settings->trunks[i].id, id) != 0)
      i++;
  else
    while (i < settings->n_dispatch_rules && strcmp (settings->dispatch_rules[i].id, id) != 0)
      i++;
  return entry_json (gateway, kind, i);
}

json_t *
gw_entry_json (Gateway *gateway, GwStoreKind kind, const char *id)
{
  return find_entry (gateway, kind == GW_STORE_TRUNK ? &trunks : &rules, id);
}

typedef struct
{
  GwRequest *request;
  const Kind *kind;
  json_t *object; /* as it was put, whatever becomes of it until it is on the disk; NULL: it was deleted */
} Waiting;

static Waiting *
wait_for (GwRequest *request, const Kind *kind)
{
  Waiting *waiting = g_new0 (Waiting, 1);

  waiting->request = gw_request_ref (request);
  waiting->kind = kind;
  return waiting;
}

static void
wait_no_more (Waiting *waiting)
{
  gw_request_unref (waiting->request);
  json_decref (waiting->object);
  g_free (waiting);
}

static void
on_done (Gateway *gateway, gpointer user, const char *id, const GError *error)
{
  Waiting *waiting = user;

  if (error != NULL)
    gw_request_fail (waiting->request, error);
  else
    gw_request_reply (waiting->request, waiting->object != NULL
                                            ? json_pack ("{s:O}", waiting->kind->one, waiting->object)
                                            : json_pack ("{s:s}", waiting->kind->id_name, id));
  wait_no_more (waiting);
}

static json_t *
put_entry (Gateway *gateway, GwRequest *request, const Kind *kind, const char *id, json_t *fields,
           GError **error)
{
  Waiting *waiting = wait_for (request, kind);
  g_autofree char *field = NULL;
  const char *put = gw_entry_put (gateway, kind->kind, id, fields, on_done, waiting, &field, error);

  if (put != NULL)
    {
      waiting->object = find_entry (gateway, kind, put);
      return NULL;
    }
  if (field != NULL)
    gw_request_set_error_data (request, "field", json_string (field));
  wait_no_more (waiting);
  return NULL;
}

static json_t *
update_entry (Gateway *gateway, GwRequest *request, const Kind *kind, json_t *params, GError **error)
{
  g_autofree char *id = g_strdup (gw_param_string (params, kind->id_name));

  json_object_del (params, kind->id_name);
  return put_entry (gateway, request, kind, id, params, error);
}

static json_t *
delete_entry (Gateway *gateway, GwRequest *request, const Kind *kind, json_t *params, GError **error)
{
  Waiting *waiting = wait_for (request, kind);

  if (!gw_entry_delete (gateway, kind->kind, gw_param_string (params, kind->id_name), on_done, waiting,
                        error))
    wait_no_more (waiting);
  return NULL;
}

#define METHODS(kind)                                                                                        \
  static json_t *kind##_create (Gateway *gateway, GwRequest *request, json_t *params, GError **error)        \
  {                                                                                                          \
    return put_entry (gateway, request, &kind, NULL, params, error);                                         \
  }                                                                                                          \
  static json_t *kind##_update (Gateway *gateway, GwRequest *request, json_t *params, GError **error)        \
  {                                                                                                          \
    return update_entry (gateway, request, &kind, params, error);                                            \
  }                                                                                                          \
  static json_t *kind##_delete (Gateway *gateway, GwRequest *request, json_t *params, GError **error)        \
  {                                                                                                          \
    return delete_entry (gateway, request, &kind, params, error);                                            \
  }                                                                                                          \
  static json_t *kind##_list (Gateway *gateway, GwRequest *request, json_t *params, GError **error)          \
  {                                                                                                          \
    return list_entries (gateway, &kind);                                                                    \
  }

METHODS (trunks)
METHODS (rules)

static const GwParam trunk_id[] = {
  { "sip_trunk_id", { "id", "trunk_id" }, GW_PARAM_STRING, TRUE, "Id (ST_...) or name of the trunk." },
  { NULL },
};
static const GwParam rule_id[] = {
  { "sip_dispatch_rule_id", { "id", "rule_id" }, GW_PARAM_STRING, TRUE, "Id (SDR_...) or name of the rule." },
  { NULL },
};

static const GwField registration_fields[] = {
  { "state", GW_FIELD_STRING, 0, "How far it is.",
    .words = "off registering registered failed unregistering" },
  { "registered_since", GW_FIELD_TIME, GW_FIELD_NULL, "Since when without a break." },
  { "expires_at", GW_FIELD_TIME, GW_FIELD_NULL, "When it ends unless it is refreshed." },
  { "next_try_at", GW_FIELD_TIME, GW_FIELD_NULL,
    "When we shall act; null: we wait for an answer, or never." },
  { "server", GW_FIELD_STRING, GW_FIELD_NULL, "Which server answered." },
  { "contact", GW_FIELD_STRING, GW_FIELD_NULL, "Where we said we can be reached." },
  { "seen_as", GW_FIELD_STRING, GW_FIELD_OPTIONAL,
    "The address that the server sees when a NAT is between." },
  { "failures", GW_FIELD_INT, 0, "How often it failed in a row." },
  { "sip_status_code", GW_FIELD_INT, GW_FIELD_OPTIONAL, "The last answer." },
  { "sip_status", GW_FIELD_STRING, GW_FIELD_OPTIONAL, "Its phrase." },
  { "error", GW_FIELD_STRING, GW_FIELD_OPTIONAL, "What to do about it." },
  { NULL },
};
static const GwShape registration_shape
    = { "trunk_registration", "Our registration at a provider.", registration_fields };
static const GwField health_fields[] = {
  { "state", GW_FIELD_STRING, 0, "reachable: some server answered OPTIONS, whatever it said.",
    .words = "unknown reachable unreachable" },
  { "rtt_ms", GW_FIELD_REAL, GW_FIELD_NULL, "How fast it answered." },
  { "sip_status_code", GW_FIELD_INT, GW_FIELD_NULL, "What it answered." },
  { "reason", GW_FIELD_STRING, GW_FIELD_NULL, "Why it is unreachable." },
  { "since", GW_FIELD_TIME, GW_FIELD_NULL, "Since when it is so." },
  { NULL },
};
static const GwShape health_shape = { "trunk_health", "Whether a trunk's server answers.", health_fields };
#define CREATED                                                                                              \
  {                                                                                                          \
    "created_at", GW_FIELD_TIME, GW_FIELD_OPTIONAL, "When it was made through the API."                      \
  }
#define UPDATED                                                                                              \
  {                                                                                                          \
    "updated_at", GW_FIELD_TIME, GW_FIELD_OPTIONAL, "When it was changed last."                              \
  }
static const GwField trunk_fields[] = {
  { "sip_trunk_id", GW_FIELD_STRING, 0, "Id, ST_..." },
  { "read_only", GW_FIELD_BOOL, 0, "It is one of the configuration file." },
  CREATED,
  UPDATED,
  { "registration", GW_FIELD_OBJECT, GW_FIELD_OPTIONAL, "With register: how it stands.",
    &registration_shape },
  { "health", GW_FIELD_OBJECT, GW_FIELD_OPTIONAL, "Of trunk.list, with qualify_interval.", &health_shape },
  { NULL },
};
static const GwShape trunk_shape
    = { "trunk", "A trunk: the keys of CONFIGURATION.md that are set, without secrets.", trunk_fields,
        cfg_trunk_keys };
static const GwField rule_fields[] = {
  { "sip_dispatch_rule_id", GW_FIELD_STRING, 0, "Id, SDR_..." },
  { "read_only", GW_FIELD_BOOL, 0, "It is one of the configuration file." },
  CREATED,
  UPDATED,
  { NULL },
};
static const GwShape rule_shape
    = { "dispatch_rule", "A dispatch rule: the keys of CONFIGURATION.md that are set, without its PIN.",
        rule_fields, cfg_rule_keys };
static const GwField trunk_result[] = {
  { "trunk", GW_FIELD_OBJECT, 0, "The trunk.", &trunk_shape },
  { NULL },
};
static const GwField trunks_result[] = {
  { "trunks", GW_FIELD_OBJECT, GW_FIELD_LIST, "All trunks.", &trunk_shape },
  { NULL },
};
static const GwField trunk_id_result[] = {
  { "sip_trunk_id", GW_FIELD_STRING, 0, "The one that is gone." },
  { NULL },
};
static const GwField rule_result[] = {
  { "dispatch_rule", GW_FIELD_OBJECT, 0, "The rule.", &rule_shape },
  { NULL },
};
static const GwField rules_result[] = {
  { "dispatch_rules", GW_FIELD_OBJECT, GW_FIELD_LIST, "All rules.", &rule_shape },
  { NULL },
};
static const GwField rule_id_result[] = {
  { "sip_dispatch_rule_id", GW_FIELD_STRING, 0, "The one that is gone." },
  { NULL },
};

#define WRITE_ERRORS "already_exists failed_precondition unavailable resource_exhausted"

const GwMethod gw_entry_methods[] = {
  { "trunk.create", GW_GRANT_SIP_ADMIN, NULL, trunks_create, NULL,
    "Makes a trunk, with the keys of the configuration. It counts at once, and is kept over restarts.",
    cfg_trunk_keys, .result = trunk_result, .errors = WRITE_ERRORS,
    .example
    = "{\"name\": \"acme\", \"outbound_address\": \"sip.example.com\", \"numbers\": [\"+15550001\"], "
      "\"auth_username\": \"acme\", \"auth_password\": \"…\"}",
    .more = "It is on the disk when it is answered." },
  { "trunk.update", GW_GRANT_SIP_ADMIN, NULL, trunks_update, trunk_id,
    "Changes what is given of a trunk that was made through the API; null goes back to the default.",
    cfg_trunk_keys, .result = trunk_result, .errors = "not_found " WRITE_ERRORS },
  { "trunk.list", GW_GRANT_SIP_ADMIN, NULL, trunks_list, NULL,
    "All trunks; read_only: those of the configuration file.", .result = trunks_result },
  { "trunk.delete", GW_GRANT_SIP_ADMIN, NULL, trunks_delete, trunk_id,
    "Removes a trunk that was made through the API. Calls that are up go on.", .result = trunk_id_result,
    .errors = "not_found " WRITE_ERRORS, .more = "A trunk that a rule names stays." },
  { "dispatch_rule.create", GW_GRANT_SIP_ADMIN, NULL, rules_create, NULL,
    "Makes a dispatch rule, with the keys of the configuration.", cfg_rule_keys, .result = rule_result,
    .errors = WRITE_ERRORS, .example = "{\"name\": \"lobby\", \"type\": \"direct\", \"room\": \"lobby\"}" },
  { "dispatch_rule.update", GW_GRANT_SIP_ADMIN, NULL, rules_update, rule_id,
    "Changes what is given of a rule that was made through the API; null goes back to the default.",
    cfg_rule_keys, .result = rule_result, .errors = "not_found " WRITE_ERRORS },
  { "dispatch_rule.list", GW_GRANT_SIP_ADMIN, NULL, rules_list, NULL,
    "All dispatch rules, in the order in which they are asked.", .result = rules_result },
  { "dispatch_rule.delete", GW_GRANT_SIP_ADMIN, NULL, rules_delete, rule_id,
    "Removes a rule that was made through the API.", .result = rule_id_result,
    .errors = "not_found " WRITE_ERRORS },
  { NULL },
};
