/* livekit.SIP: dispatch rules */
#include "gateway/entries.h"
#include "gateway/twirp_words.h"

#include <string.h>

#include "config/base/error.h"

static const struct
{
  const char *member, *type, *room; /* of SIPDispatchRule; our word; where the room's name is */
} rule_kinds[] = {
  { "dispatch_rule_direct", "direct", "room" },
  { "dispatch_rule_individual", "individual", "room_prefix" },
  { "dispatch_rule_callee", "callee", "room_prefix" },
};

/* A PIN is not shown: who writes back what stands for it keeps it, and an empty one takes it away. */
static void
take_pin (json_t *fields, json_t *kind)
{
  const char *pin = json_string_value (json_object_get (kind, "pin"));

  if (pin == NULL || *pin == '\0')
    json_object_set_new (fields, "pin", json_null ());
  else if (strcmp (pin, GW_TWIRP_HIDDEN) != 0)
    json_object_set_new (fields, "pin", json_string (pin));
}

/* Puts what @rule, a SIPDispatchRule, says into @fields. */
static void
take_rule (json_t *fields, json_t *rule)
{
  static const char *const names[] = { "room", "room_prefix", "randomize", NULL };

  for (gsize i = 0; i < G_N_ELEMENTS (rule_kinds); i++)
    {
      json_t *kind = json_object_get (rule, rule_kinds[i].member);
      json_t *room
          = json_object_get (kind, strcmp (rule_kinds[i].room, "room") == 0 ? "room_name" : "room_prefix");

      if (kind == NULL)
        continue;
      json_object_set_new (fields, "type", json_string (rule_kinds[i].type));
      if (json_string_length (room) > 0)
        json_object_set (fields, rule_kinds[i].room, room);
      if (json_is_true (json_object_get (kind, "randomize")))
        json_object_set_new (fields, "randomize", json_true ());
      if (json_is_true (json_object_get (kind, "no_randomness")))
        json_object_set_new (fields, "randomize", json_false ());
      take_pin (fields, kind);
      gw_twirp_replace_fields (fields, names);
      return;
    }
}

/* (nullable): NULL with @error */
static json_t *
rule_fields (json_t *info, GError **error)
{
  json_t *fields = json_copy (info);
  json_t *rule = json_incref (json_object_get (info, "rule"));
  json_t *room_config = json_object_get (fields, "room_config");

  if (!gw_twirp_take_media (fields, error))
    {
      json_decref (fields);
      json_decref (rule);
      return NULL;
    }
  gw_twirp_drop_empty (fields);
  gw_twirp_drop_foreign (fields);
  json_object_del (fields, "rule");
  gw_twirp_rename_member (fields, "trunk_ids", "trunks");
  gw_twirp_take_word (fields, "media_encryption", "SIP_MEDIA_ENCRYPT_");
  if (json_object_get (fields, "room_config") != NULL)
    {
      room_config = json_copy (room_config);
      json_object_del (room_config, "name");
      json_object_set_new (fields, "room_config", room_config);
    }
  take_rule (fields, rule);
  json_decref (rule);
  return fields;
}

json_t *
gw_twirp_create_rule (Gateway *gateway, json_t *in, GError **error)
{
  json_t *info = json_object_get (in, "dispatch_rule") != NULL ? json_object_get (in, "dispatch_rule") : in;
  json_t *rule = json_object_get (info, "rule"), *fields;

  if (json_object_size (rule) != 1)
    {
      g_set_error_literal (
          error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
          "rule: one of dispatch_rule_direct, dispatch_rule_individual and dispatch_rule_callee is "
          "required");
      return NULL;
    }
  if (!gw_twirp_check_new (info, "sip_dispatch_rule_id", error))
    return NULL;
  fields = rule_fields (info, error);
  if (fields != NULL)
    gw_twirp_name_it (fields);
  return fields;
}

static const CfgDispatchRuleSettings *
find_rule (Gateway *gateway, const char *id)
{
  for (gsize i = 0; i < gateway->settings->n_dispatch_rules; i++)
    if (g_strcmp0 (gateway->settings->dispatch_rules[i].id, id) == 0)
      return &gateway->settings->dispatch_rules[i];
  return NULL;
}

/* Those that are set to nothing go, the others are put to those that there are. */
static json_t *
merge_attributes (const CfgDispatchRuleSettings *rule, json_t *changes)
{
  json_t *all = json_object (), *value;
  const char *key;

  for (gsize i = 0; rule != NULL && i < rule->n_attributes; i++)
    json_object_set_new (all, rule->attributes[i].name, json_string (rule->attributes[i].value));
  json_object_foreach (changes, key, value)
  {
    if (json_string_length (value) > 0)
      json_object_set (all, key, value);
    else
      json_object_del (all, key);
  }
  return all;
}

/* Rules keep names of trunks, LiveKit's have ids. (transfer full): NULL-terminated */
static char **
trunk_ids_of (Gateway *gateway, const CfgDispatchRuleSettings *rule)
{
  g_autoptr (GStrvBuilder) ids = g_strv_builder_new ();

  for (char **name = rule != NULL ? rule->trunks : NULL; name != NULL && *name != NULL; name++)
    {
      const CfgTrunkSettings *trunk = cfg_settings_find_trunk (gateway->settings, *name);

      g_strv_builder_add (ids, trunk != NULL ? trunk->id : *name);
    }
  return g_strv_builder_end (ids);
}

/* SIPDispatchRuleUpdate: what it does not name stays. */
static json_t *
updated_rule (Gateway *gateway, const CfgDispatchRuleSettings *rule, json_t *update, GError **error)
{
  g_auto (GStrv) before = trunk_ids_of (gateway, rule);
  json_t *fields = json_object (), *trunk_ids = json_object_get (update, "trunk_ids"), *list = NULL;

  gw_twirp_copy (update, fields,
                 (const char *const[]){ "name", "metadata", "media_encryption", "media", NULL });
  if (!gw_twirp_take_media (fields, error))
    {
      json_decref (fields);
      return NULL;
    }
  if (json_object_get (fields, "media_encryption") != NULL)
    gw_twirp_take_word (fields, "media_encryption", "SIP_MEDIA_ENCRYPT_");
  if (json_object_size (json_object_get (update, "attributes")) > 0)
    json_object_set_new (fields, "attributes",
                         merge_attributes (rule, json_object_get (update, "attributes")));
  if (trunk_ids != NULL)
    {
      list = gw_twirp_update_list (before, trunk_ids, error);
      if (list == NULL)
        {
          json_decref (fields);
          return NULL;
        }
      json_object_set_new (fields, "trunks", list);
    }
  take_rule (fields, json_object_get (update, "rule"));
  return fields;
}

json_t *
gw_twirp_update_rule (Gateway *gateway, json_t *in, GError **error)
{
  static const char *const names[]
      = { "trunks",      "metadata",          "numbers",          "inbound_numbers", "attributes",
          "room_config", "hide_phone_number", "media_encryption", "codecs",          NULL };
  const char *id = json_string_value (json_object_get (in, "sip_dispatch_rule_id"));
  json_t *replace = json_object_get (in, "replace"), *fields;

  if (!gw_twirp_check_action (in, "sip_dispatch_rule_id", error))
    return NULL;
  if (replace != NULL && json_object_size (json_object_get (replace, "rule")) != 1)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "rule: is required");
      return NULL;
    }
  if (replace != NULL)
    fields = rule_fields (replace, error);
  else
    fields = updated_rule (gateway, find_rule (gateway, id), json_object_get (in, "update"), error);
  if (replace != NULL && fields != NULL)
    fields = gw_twirp_replace_fields (fields, names);
  if (fields != NULL)
    json_object_set_new (fields, "sip_dispatch_rule_id", json_string (id));
  return fields;
}

static json_t *
livekit_rule (Gateway *gateway, json_t *rule)
{
  const char *type = json_string_value (json_object_get (rule, "type"));
  const CfgDispatchRuleSettings *settings
      = find_rule (gateway, json_string_value (json_object_get (rule, "sip_dispatch_rule_id")));
  gboolean has_pin = settings != NULL && settings->pin != NULL;
  json_t *out = json_copy (rule), *ids = json_array (), *name;
  size_t i;

  json_array_foreach (json_object_get (rule, "trunks"), i, name)
  {
    const CfgTrunkSettings *trunk = cfg_settings_find_trunk (gateway->settings, json_string_value (name));

    if (trunk != NULL)
      json_array_append_new (ids, json_string (trunk->id));
  }
  json_object_set_new (out, "trunk_ids", ids);
  gw_twirp_give_media (out);
  gw_twirp_give_word (out, "media_encryption", "SIP_MEDIA_ENCRYPT_");
  for (gsize k = 0; k < G_N_ELEMENTS (rule_kinds); k++)
    if (g_strcmp0 (type, rule_kinds[k].type) == 0)
      {
        const char *room = json_string_value (json_object_get (rule, rule_kinds[k].room));
        gboolean is_random = json_is_true (json_object_get (rule, "randomize"));

        json_object_set_new (
            out, "rule",
            json_pack ("{s:{s:s, s:s, s:b, s:b}}", rule_kinds[k].member,
                       strcmp (rule_kinds[k].room, "room") == 0 ? "room_name" : "room_prefix",
                       room != NULL ? room : "", "pin", has_pin ? GW_TWIRP_HIDDEN : "", "randomize",
                       is_random, "no_randomness", !is_random));
      }
  return out;
}

json_t *
gw_twirp_answer_rule (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  return livekit_rule (gateway, json_object_get (result, "dispatch_rule"));
}

json_t *
gw_twirp_answer_rules (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  json_t *items = json_array (), *rule;
  size_t i;

  json_array_foreach (json_object_get (result, "dispatch_rules"), i, rule)
  {
    json_t *out = livekit_rule (gateway, rule);

    if (gw_twirp_lists_meet (json_object_get (out, "trunk_ids"), json_object_get (in, "trunk_ids")))
      json_array_append (items, out);
    json_decref (out);
  }
  items = gw_twirp_pick (items, json_object_get (in, "dispatch_rule_ids"), "sip_dispatch_rule_id");
  return json_pack ("{s:o}", "items",
                    gw_twirp_cut_page (items, json_object_get (in, "page"), "sip_dispatch_rule_id"));
}

/* What is told of it when it is gone. */
json_t *
gw_twirp_delete_rule (Gateway *gateway, json_t *in, GError **error)
{
  const char *id = json_string_value (json_object_get (in, "sip_dispatch_rule_id"));
  json_t *told = id != NULL ? gw_entry_json (gateway, GW_STORE_RULE, id) : NULL;

  if (told == NULL)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "there is no dispatch rule \"%s\"",
                   id != NULL ? id : "");
      return NULL;
    }
  json_object_set_new (in, "deleted", livekit_rule (gateway, told));
  json_decref (told);
  return json_pack ("{s:s}", "sip_dispatch_rule_id", id);
}

json_t *
gw_twirp_answer_deleted_rule (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  return json_incref (json_object_get (in, "deleted"));
}
