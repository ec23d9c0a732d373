/* livekit.SIP */
#include "gateway/twirp.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/ids.h"
#include "gateway/api.h"

/* ---- words ---- */

/* "SIP_TRANSPORT_UDP" -> "udp"; AUTO is NULL. */
static void
take_word (json_t *object, const char *name, const char *prefix)
{
  const char *word = json_string_value (json_object_get (object, name));
  g_autofree char *ours
      = word != NULL && g_str_has_prefix (word, prefix) ? g_ascii_strdown (word + strlen (prefix), -1) : NULL;

  if (ours == NULL || strcmp (ours, "auto") == 0)
    json_object_del (object, name);
  else
    json_object_set_new (object, name, json_string (ours));
}

static void
give_word (json_t *object, const char *name, const char *prefix)
{
  const char *word = json_string_value (json_object_get (object, name));
  g_autofree char *upper = word != NULL ? g_ascii_strup (word, -1) : NULL;
  g_autofree char *theirs = g_strconcat (prefix, upper, NULL);

  if (word != NULL)
    json_object_set_new (object, name, json_string (theirs));
}

static void
give_headers_word (json_t *object)
{
  const char *word = json_string_value (json_object_get (object, "include_headers"));

  if (g_strcmp0 (word, "none") == 0)
    json_object_set_new (object, "include_headers", json_string ("SIP_NO_HEADERS"));
  else if (g_strcmp0 (word, "x") == 0)
    json_object_set_new (object, "include_headers", json_string ("SIP_X_HEADERS"));
  else if (g_strcmp0 (word, "all") == 0)
    json_object_set_new (object, "include_headers", json_string ("SIP_ALL_HEADERS"));
}

static void
rename_member (json_t *object, const char *from, const char *to)
{
  json_t *value = json_object_get (object, from);

  if (value == NULL)
    return;
  json_object_set (object, to, value);
  json_object_del (object, from);
}

/* What an empty text or list means: not given. */
static void
drop_empty (json_t *object)
{
  const char *key;
  json_t *value;
  void *next;

  json_object_foreach_safe (object, next, key, value)
  {
    if ((json_is_string (value) && json_string_length (value) == 0)
        || (json_is_array (value) && json_array_size (value) == 0)
        || (json_is_object (value) && json_object_size (value) == 0))
      json_object_del (object, key);
  }
}

/* LiveKit's names need not be there. */
static void
name_it (json_t *object)
{
  g_autofree char *name = NULL;

  if (json_object_get (object, "name") != NULL)
    return;
  name = cfg_id_new ("unnamed-");
  json_object_set_new (object, "name", json_string (name));
}

/* A Duration becomes whole seconds, at least one. */
static void
take_duration (json_t *object, const char *name)
{
  double seconds = json_number_value (json_object_get (object, name));

  if (seconds > 0)
    json_object_set_new (object, name, json_integer ((json_int_t)MAX (seconds, 1.0)));
  else
    json_object_del (object, name);
}

/* ---- trunks ---- */

static const char *const not_ours[]
    = { "sip_trunk_id", "sip_dispatch_rule_id", "krisp_enabled", "destination_country", "room_preset", NULL };

static json_t *
trunk_fields (json_t *trunk)
{
  json_t *fields = json_copy (trunk);

  drop_empty (fields);
  for (const char *const *name = not_ours; *name != NULL; name++)
    json_object_del (fields, *name);
  rename_member (fields, "address", "outbound_address");
  take_word (fields, "transport", "SIP_TRANSPORT_");
  take_word (fields, "media_encryption", "SIP_MEDIA_ENCRYPT_");
  take_duration (fields, "ringing_timeout");
  take_duration (fields, "max_call_duration");
  return fields;
}

static json_t *
create_trunk (json_t *in, const char *direction, GError **error)
{
  json_t *trunk = json_object_get (in, "trunk"), *fields;

  if (trunk == NULL)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "trunk: is required");
      return NULL;
    }
  fields = trunk_fields (trunk);
  name_it (fields);
  json_object_set_new (fields, "direction", json_string (direction));
  return fields;
}

static json_t *
create_inbound (Gateway *gateway, json_t *in, GError **error)
{
  return create_trunk (in, "inbound", error);
}

static json_t *
create_outbound (Gateway *gateway, json_t *in, GError **error)
{
  return create_trunk (in, "outbound", error);
}

static void
add_text (json_t *list, const char *text)
{
  json_t *item;
  size_t i;

  json_array_foreach (list, i, item)
  {
    if (g_strcmp0 (json_string_value (item), text) == 0)
      return;
  }
  json_array_append_new (list, json_string (text));
}

static void
remove_text (json_t *list, const char *text)
{
  for (size_t i = json_array_size (list); i > 0; i--)
    if (g_strcmp0 (json_string_value (json_array_get (list, i - 1)), text) == 0)
      json_array_remove (list, i - 1);
}

/* ListUpdate: set or clear, then remove and add. */
static json_t *
update_list (char *const *before, json_t *update)
{
  json_t *list = json_array (), *item;
  size_t i;

  if (json_array_size (json_object_get (update, "set")) > 0)
    json_array_extend (list, json_object_get (update, "set"));
  else if (!json_is_true (json_object_get (update, "clear")))
    for (; before != NULL && *before != NULL; before++)
      json_array_append_new (list, json_string (*before));
  json_array_foreach (json_object_get (update, "remove"), i, item)
  {
    remove_text (list, json_string_value (item));
  }
  json_array_foreach (json_object_get (update, "add"), i, item)
  {
    add_text (list, json_string_value (item));
  }
  return list;
}

static const CfgTrunkSettings *
trunk_of (Gateway *gateway, json_t *in, GError **error)
{
  const char *id = json_string_value (json_object_get (in, "sip_trunk_id"));
  const CfgTrunkSettings *trunk = id != NULL ? cfg_settings_find_trunk (gateway->settings, id) : NULL;

  if (trunk == NULL)
    g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "there is no trunk \"%s\"", id != NULL ? id : "");
  return trunk;
}

/* Everything of the kind that the new one does not say goes back to its default. */
static json_t *
replace_fields (json_t *fields, const char *const *names)
{
  for (; *names != NULL; names++)
    if (json_object_get (fields, *names) == NULL)
      json_object_set_new (fields, *names, json_null ());
  return fields;
}

static json_t *
replace_trunk (json_t *trunk)
{
  static const char *const names[] = { "metadata",
                                       "numbers",
                                       "allowed_addresses",
                                       "allowed_numbers",
                                       "auth_username",
                                       "headers",
                                       "headers_to_attributes",
                                       "attributes_to_headers",
                                       "include_headers",
                                       "media_encryption",
                                       "transport",
                                       "outbound_address",
                                       "from_host",
                                       NULL };

  json_t *fields = trunk_fields (trunk);

  /* Passwords are not shown, so whoever sends back what he read has none: the old one stays. */
  if (json_object_get (fields, "auth_username") == NULL)
    json_object_set_new (fields, "auth_password", json_null ());
  return replace_fields (fields, names);
}

static json_t *
update_trunk (Gateway *gateway, json_t *in, GError **error)
{
  const CfgTrunkSettings *trunk = trunk_of (gateway, in, error);
  json_t *update = json_object_get (in, "update"), *fields;

  if (trunk == NULL)
    return NULL;
  if (json_object_get (in, "replace") != NULL)
    fields = replace_trunk (json_object_get (in, "replace"));
  else
    {
      fields = update != NULL ? json_copy (update) : json_object ();
      if (json_object_get (fields, "numbers") != NULL)
        json_object_set_new (fields, "numbers",
                             update_list (trunk->numbers, json_object_get (fields, "numbers")));
      if (json_object_get (fields, "allowed_addresses") != NULL)
        json_object_set_new (
            fields, "allowed_addresses",
            update_list (trunk->allowed_addresses, json_object_get (fields, "allowed_addresses")));
      if (json_object_get (fields, "allowed_numbers") != NULL)
        json_object_set_new (
            fields, "allowed_numbers",
            update_list (trunk->allowed_numbers, json_object_get (fields, "allowed_numbers")));
      rename_member (fields, "address", "outbound_address");
      json_object_del (fields, "destination_country");
      if (json_object_get (fields, "transport") != NULL)
        {
          take_word (fields, "transport", "SIP_TRANSPORT_");
          replace_fields (fields, (const char *const[]){ "transport", NULL }); /* AUTO */
        }
      if (json_object_get (fields, "media_encryption") != NULL)
        take_word (fields, "media_encryption", "SIP_MEDIA_ENCRYPT_");
    }
  json_object_set_new (fields, "sip_trunk_id", json_string (trunk->id));
  return fields;
}

static gboolean
serves (json_t *trunk, const char *direction)
{
  const char *of_trunk = json_string_value (json_object_get (trunk, "direction"));

  return g_strcmp0 (of_trunk, "both") == 0 || g_strcmp0 (of_trunk, direction) == 0;
}

static json_t *
livekit_trunk (json_t *trunk)
{
  json_t *out = json_copy (trunk);

  rename_member (out, "outbound_address", "address");
  give_word (out, "transport", "SIP_TRANSPORT_");
  give_word (out, "media_encryption", "SIP_MEDIA_ENCRYPT_");
  give_headers_word (out);
  return out;
}

static json_t *
answer_trunk (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  return livekit_trunk (json_object_get (result, "trunk"));
}

static json_t *
find_by (json_t *list, const char *key, const char *wanted)
{
  json_t *item;
  size_t i;

  json_array_foreach (list, i, item)
  {
    if (g_strcmp0 (json_string_value (json_object_get (item, key)), wanted) == 0)
      return item;
  }
  return NULL;
}

static json_t *
answer_one (json_t *in, json_t *result, const char *direction, GError **error)
{
  const char *id = json_string_value (json_object_get (in, "sip_trunk_id"));
  json_t *trunk = find_by (json_object_get (result, "trunks"), "sip_trunk_id", id);

  if (trunk != NULL && serves (trunk, direction))
    return json_pack ("{s:o}", "trunk", livekit_trunk (trunk));
  g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "there is no %s trunk \"%s\"", direction,
               id != NULL ? id : "");
  return NULL;
}

static json_t *
answer_one_inbound (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  return answer_one (in, result, "inbound", error);
}

static json_t *
answer_one_outbound (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  return answer_one (in, result, "outbound", error);
}

/* One of @wanted is in @list; an empty one of either takes everything. */
static gboolean
lists_meet (json_t *list, json_t *wanted)
{
  json_t *item, *other;
  size_t i, j;

  if (json_array_size (wanted) == 0 || json_array_size (list) == 0)
    return TRUE;
  json_array_foreach (wanted, i, item)
  {
    json_array_foreach (list, j, other)
    {
      if (json_equal (item, other))
        return TRUE;
    }
  }
  return FALSE;
}

/* Pagination: those after after_id, limit of them. */
static json_t *
cut_page (json_t *items, json_t *page, const char *key)
{
  const char *after = json_string_value (json_object_get (page, "after_id"));
  json_int_t limit = json_integer_value (json_object_get (page, "limit"));
  json_t *list = json_array (), *item;
  gboolean begun = after == NULL || *after == '\0';
  size_t i;

  json_array_foreach (items, i, item)
  {
    if (begun && (limit <= 0 || (json_int_t)json_array_size (list) < limit))
      json_array_append (list, item);
    begun = begun || g_strcmp0 (json_string_value (json_object_get (item, key)), after) == 0;
  }
  json_decref (items);
  return list;
}

/* With ids, one item for each of them, an empty one for those that are not there. */
static json_t *
pick (json_t *items, json_t *ids, const char *key)
{
  json_t *list, *id;
  size_t i;

  if (json_array_size (ids) == 0)
    return items;
  list = json_array ();
  json_array_foreach (ids, i, id)
  {
    json_t *item = find_by (items, key, json_string_value (id));

    json_array_append_new (list, item != NULL ? json_incref (item) : json_object ());
  }
  json_decref (items);
  return list;
}

static json_t *
answer_trunks (json_t *in, json_t *result, const char *direction)
{
  json_t *items = json_array (), *trunk;
  size_t i;

  json_array_foreach (json_object_get (result, "trunks"), i, trunk)
  {
    if (serves (trunk, direction)
        && lists_meet (json_object_get (trunk, "numbers"), json_object_get (in, "numbers")))
      json_array_append_new (items, livekit_trunk (trunk));
  }
  items = pick (items, json_object_get (in, "trunk_ids"), "sip_trunk_id");
  return json_pack ("{s:o}", "items", cut_page (items, json_object_get (in, "page"), "sip_trunk_id"));
}

static json_t *
answer_inbound (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  return answer_trunks (in, result, "inbound");
}

static json_t *
answer_outbound (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  return answer_trunks (in, result, "outbound");
}

/* The message of before there were two kinds. */
static json_t *
legacy_trunk (json_t *trunk)
{
  json_t *out = livekit_trunk (trunk);
  json_t *numbers = json_object_get (trunk, "numbers");

  json_object_set_new (out, "kind",
                       json_string (serves (trunk, "inbound") ? "TRUNK_INBOUND" : "TRUNK_OUTBOUND"));
  rename_member (out, "allowed_addresses", "inbound_addresses");
  rename_member (out, "address", "outbound_address");
  if (serves (trunk, "outbound"))
    {
      rename_member (out, "auth_username", "outbound_username");
      if (json_array_size (numbers) > 0)
        json_object_set (out, "outbound_number", json_array_get (numbers, 0));
    }
  else
    {
      rename_member (out, "auth_username", "inbound_username");
      rename_member (out, "numbers", "inbound_numbers");
    }
  return out;
}

static json_t *
answer_all (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  json_t *items = json_array (), *trunk;
  size_t i;

  json_array_foreach (json_object_get (result, "trunks"), i, trunk)
  {
    json_array_append_new (items, legacy_trunk (trunk));
  }
  return json_pack ("{s:o}", "items", cut_page (items, json_object_get (in, "page"), "sip_trunk_id"));
}

static json_t *
answer_id (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  return json_copy (result);
}

/* ---- dispatch rules ---- */

static const struct
{
  const char *member, *type, *room; /* of SIPDispatchRule; our word; where the room's name is */
} rule_kinds[] = {
  { "dispatch_rule_direct", "direct", "room" },
  { "dispatch_rule_individual", "individual", "room_prefix" },
  { "dispatch_rule_callee", "callee", "room_prefix" },
};

/* Puts what @rule, a SIPDispatchRule, says into @fields. */
static void
take_rule (json_t *fields, json_t *rule)
{
  /* A PIN is not shown either, so the old one stays: a rule must not open by being read and written. */
  static const char *const names[] = { "room", "room_prefix", NULL };

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
      if (json_string_length (json_object_get (kind, "pin")) > 0)
        json_object_set (fields, "pin", json_object_get (kind, "pin"));
      replace_fields (fields, names);
      return;
    }
}

static json_t *
rule_fields (json_t *info)
{
  json_t *fields = json_copy (info);
  json_t *rule = json_incref (json_object_get (info, "rule"));
  json_t *room_config = json_object_get (fields, "room_config");

  drop_empty (fields);
  for (const char *const *name = not_ours; *name != NULL; name++)
    json_object_del (fields, *name);
  json_object_del (fields, "rule");
  rename_member (fields, "trunk_ids", "trunks");
  take_word (fields, "media_encryption", "SIP_MEDIA_ENCRYPT_");
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

static json_t *
create_rule (Gateway *gateway, json_t *in, GError **error)
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
  fields = rule_fields (info);
  name_it (fields);
  return fields;
}

static json_t *
update_rule (Gateway *gateway, json_t *in, GError **error)
{
  static const char *const names[] = { "trunks",      "metadata",          "inbound_numbers",  "attributes",
                                       "room_config", "hide_phone_number", "media_encryption", NULL };
  const char *id = json_string_value (json_object_get (in, "sip_dispatch_rule_id"));
  json_t *update = json_object_get (in, "update"), *fields = json_object ();
  const CfgDispatchRuleSettings *rule = NULL;

  for (gsize i = 0; i < gateway->settings->n_dispatch_rules; i++)
    if (g_strcmp0 (gateway->settings->dispatch_rules[i].id, id) == 0)
      rule = &gateway->settings->dispatch_rules[i];
  if (json_object_get (in, "replace") != NULL)
    {
      json_decref (fields);
      fields = replace_fields (rule_fields (json_object_get (in, "replace")), names);
    }
  else if (update != NULL)
    {
      gw_twirp_copy (update, fields,
                     (const char *const[]){ "name", "metadata", "attributes", "media_encryption", NULL });
      take_word (fields, "media_encryption", "SIP_MEDIA_ENCRYPT_");
      if (json_object_get (update, "trunk_ids") != NULL)
        json_object_set_new (
            fields, "trunks",
            update_list (rule != NULL ? rule->trunks : NULL, json_object_get (update, "trunk_ids")));
      take_rule (fields, json_object_get (update, "rule"));
    }
  json_object_set_new (fields, "sip_dispatch_rule_id", json_string (id != NULL ? id : ""));
  return fields;
}

static json_t *
livekit_rule (Gateway *gateway, json_t *rule)
{
  const char *type = json_string_value (json_object_get (rule, "type"));
  json_t *out = json_copy (rule), *ids = json_array (), *name;
  size_t i;

  json_array_foreach (json_object_get (rule, "trunks"), i, name)
  {
    const CfgTrunkSettings *trunk = cfg_settings_find_trunk (gateway->settings, json_string_value (name));

    if (trunk != NULL)
      json_array_append_new (ids, json_string (trunk->id));
  }
  json_object_set_new (out, "trunk_ids", ids);
  give_word (out, "media_encryption", "SIP_MEDIA_ENCRYPT_");
  for (gsize k = 0; k < G_N_ELEMENTS (rule_kinds); k++)
    if (g_strcmp0 (type, rule_kinds[k].type) == 0)
      {
        const char *room = json_string_value (json_object_get (rule, rule_kinds[k].room));

        json_object_set_new (
            out, "rule",
            json_pack ("{s:{s:s}}", rule_kinds[k].member,
                       strcmp (rule_kinds[k].room, "room") == 0 ? "room_name" : "room_prefix",
                       room != NULL ? room : ""));
      }
  return out;
}

static json_t *
answer_rule (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  return livekit_rule (gateway, json_object_get (result, "dispatch_rule"));
}

static json_t *
answer_rules (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  json_t *items = json_array (), *rule;
  size_t i;

  json_array_foreach (json_object_get (result, "dispatch_rules"), i, rule)
  {
    json_t *out = livekit_rule (gateway, rule);

    if (lists_meet (json_object_get (out, "trunk_ids"), json_object_get (in, "trunk_ids")))
      json_array_append (items, out);
    json_decref (out);
  }
  items = pick (items, json_object_get (in, "dispatch_rule_ids"), "sip_dispatch_rule_id");
  return json_pack ("{s:o}", "items", cut_page (items, json_object_get (in, "page"), "sip_dispatch_rule_id"));
}

/* ---- participants ---- */

static json_t *
create_participant (Gateway *gateway, json_t *in, GError **error)
{
  json_t *params = json_copy (in), *trunk = json_object_get (in, "trunk");

  drop_empty (params);
  json_object_del (params, "krisp_enabled");
  if (json_is_true (json_object_get (params, "play_ringtone")))
    json_object_set_new (params, "play_dialtone", json_true ());
  json_object_del (params, "play_ringtone");
  take_duration (params, "ringing_timeout");
  take_duration (params, "max_call_duration");
  take_word (params, "media_encryption", "SIP_MEDIA_ENCRYPT_");
  if (json_object_get (in, "display_name") != NULL)
    json_object_set (params, "display_name", json_object_get (in, "display_name"));
  if (json_object_size (trunk) > 0)
    {
      trunk = json_copy (trunk);
      drop_empty (trunk);
      json_object_del (trunk, "destination_country");
      take_word (trunk, "transport", "SIP_TRANSPORT_");
      json_object_set_new (params, "trunk", trunk);
    }
  return params;
}

static json_t *
transfer_params (Gateway *gateway, json_t *in, GError **error)
{
  json_t *params = json_copy (in);

  drop_empty (params);
  take_duration (params, "ringing_timeout");
  return params;
}

const GwTwirpMethod gw_twirp_sip_methods[] = {
  { "CreateSIPInboundTrunk", "CreateSIPInboundTrunkRequest", "SIPInboundTrunkInfo", "trunk.create",
    create_inbound, answer_trunk },
  { "CreateSIPOutboundTrunk", "CreateSIPOutboundTrunkRequest", "SIPOutboundTrunkInfo", "trunk.create",
    create_outbound, answer_trunk },
  { "UpdateSIPInboundTrunk", "UpdateSIPInboundTrunkRequest", "SIPInboundTrunkInfo", "trunk.update",
    update_trunk, answer_trunk },
  { "UpdateSIPOutboundTrunk", "UpdateSIPOutboundTrunkRequest", "SIPOutboundTrunkInfo", "trunk.update",
    update_trunk, answer_trunk },
  { "GetSIPInboundTrunk", "GetSIPInboundTrunkRequest", "GetSIPInboundTrunkResponse", "trunk.list",
    gw_twirp_nothing, answer_one_inbound },
  { "GetSIPOutboundTrunk", "GetSIPOutboundTrunkRequest", "GetSIPOutboundTrunkResponse", "trunk.list",
    gw_twirp_nothing, answer_one_outbound },
  { "ListSIPInboundTrunk", "ListSIPInboundTrunkRequest", "ListSIPInboundTrunkResponse", "trunk.list",
    gw_twirp_nothing, answer_inbound },
  { "ListSIPOutboundTrunk", "ListSIPOutboundTrunkRequest", "ListSIPOutboundTrunkResponse", "trunk.list",
    gw_twirp_nothing, answer_outbound },
  { "ListSIPTrunk", "ListSIPTrunkRequest", "ListSIPTrunkResponse", "trunk.list", gw_twirp_nothing,
    answer_all },
  { "DeleteSIPTrunk", "DeleteSIPTrunkRequest", "SIPTrunkInfo", "trunk.delete", gw_twirp_same, answer_id },
  { "CreateSIPDispatchRule", "CreateSIPDispatchRuleRequest", "SIPDispatchRuleInfo", "dispatch_rule.create",
    create_rule, answer_rule },
  { "UpdateSIPDispatchRule", "UpdateSIPDispatchRuleRequest", "SIPDispatchRuleInfo", "dispatch_rule.update",
    update_rule, answer_rule },
  { "ListSIPDispatchRule", "ListSIPDispatchRuleRequest", "ListSIPDispatchRuleResponse", "dispatch_rule.list",
    gw_twirp_nothing, answer_rules },
  { "DeleteSIPDispatchRule", "DeleteSIPDispatchRuleRequest", "SIPDispatchRuleInfo", "dispatch_rule.delete",
    gw_twirp_same, answer_id },
  { "CreateSIPParticipant", "CreateSIPParticipantRequest", "SIPParticipantInfo", "participant.create",
    create_participant, answer_id },
  { "TransferSIPParticipant", "TransferSIPParticipantRequest", "Empty", "participant.transfer",
    transfer_params, NULL },
  { NULL },
};
