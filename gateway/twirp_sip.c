/* livekit.SIP */
#include "gateway/entries.h"
#include "gateway/twirp_words.h"

#include <string.h>

#include "config/base/error.h"
#include "gateway/api.h"

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

/* ---- trunks ---- */

/* (nullable): NULL with @error */
static json_t *
trunk_fields (const Gateway *gateway, json_t *trunk, GError **error)
{
  json_t *fields = json_copy (trunk);

  if (!gw_twirp_take_media (fields, error) || !gw_twirp_take_realm (gateway, fields, error))
    {
      json_decref (fields);
      return NULL;
    }
  gw_twirp_drop_empty (fields);
  gw_twirp_drop_foreign (fields);
  gw_twirp_rename_member (fields, "address", "outbound_address");
  gw_twirp_take_word (fields, "transport", "SIP_TRANSPORT_");
  gw_twirp_take_word (fields, "media_encryption", "SIP_MEDIA_ENCRYPT_");
  gw_twirp_take_duration (fields, "ringing_timeout");
  gw_twirp_take_duration (fields, "max_call_duration");
  return fields;
}

static json_t *
create_trunk (const Gateway *gateway, json_t *in, const char *direction, GError **error)
{
  json_t *trunk = json_object_get (in, "trunk"), *fields;

  if (trunk == NULL)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "trunk: is required");
      return NULL;
    }
  if (!gw_twirp_check_new (trunk, "sip_trunk_id", error))
    return NULL;
  fields = trunk_fields (gateway, trunk, error);
  if (fields == NULL)
    return NULL;
  gw_twirp_name_it (fields);
  json_object_set_new (fields, "direction", json_string (direction));
  return fields;
}

static json_t *
create_inbound (Gateway *gateway, json_t *in, GError **error)
{
  return create_trunk (gateway, in, "inbound", error);
}

static json_t *
create_outbound (Gateway *gateway, json_t *in, GError **error)
{
  return create_trunk (gateway, in, "outbound", error);
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

/* (nullable): NULL with @error: there is none, or it does not serve @direction */
static const CfgTrunkSettings *
trunk_for (Gateway *gateway, json_t *in, CfgTrunkDirection direction, GError **error)
{
  const CfgTrunkSettings *trunk = trunk_of (gateway, in, error);

  if (trunk == NULL || (trunk->direction & direction))
    return trunk;
  g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "there is no %s trunk \"%s\"",
               direction == CFG_TRUNK_INBOUND ? "inbound" : "outbound", trunk->id);
  return NULL;
}

/* What the message of @direction does not have stays as it is: a trunk for both ways would lose its
 * allowed_addresses, and be open to everybody. */
static json_t *
replace_trunk (const Gateway *gateway, CfgTrunkDirection direction, json_t *trunk, GError **error)
{
  static const char *const inbound_names[]
      = { "allowed_addresses", "allowed_numbers", "ringing_timeout", "max_call_duration", NULL };
  static const char *const outbound_names[] = { "transport", "outbound_address", "from_host", NULL };
  static const char *const names[] = { "metadata",
                                       "numbers",
                                       "auth_username",
                                       "headers",
                                       "headers_to_attributes",
                                       "attributes_to_headers",
                                       "include_headers",
                                       "media_encryption",
                                       "codecs",
                                       NULL };

  json_t *fields = trunk_fields (gateway, trunk, error);

  if (fields == NULL)
    return NULL;
  /* Passwords are not shown, so whoever sends back what he read has none: the old one stays. */
  if (json_object_get (fields, "auth_username") == NULL)
    json_object_set_new (fields, "auth_password", json_null ());
  gw_twirp_replace_fields (fields, direction == CFG_TRUNK_INBOUND ? inbound_names : outbound_names);
  return gw_twirp_replace_fields (fields, names);
}

/* Puts a ListUpdate to work. FALSE with @error. */
static gboolean
update_one_list (json_t *fields, const char *name, char *const *before, GError **error)
{
  json_t *update = json_object_get (fields, name);
  json_t *list = update != NULL ? gw_twirp_update_list (before, update, error) : NULL;

  if (list != NULL)
    json_object_set_new (fields, name, list);
  return update == NULL || list != NULL;
}

/* SIPInboundTrunkUpdate, SIPOutboundTrunkUpdate: what it does not name stays. */
static json_t *
updated_trunk (const Gateway *gateway, const CfgTrunkSettings *trunk, json_t *update, GError **error)
{
  json_t *fields = json_copy (update);
  const gboolean media_taken
      = gw_twirp_take_media (fields, error) && gw_twirp_take_realm (gateway, fields, error);

  gw_twirp_rename_member (fields, "address", "outbound_address");
  gw_twirp_drop_foreign (fields);
  if (json_object_get (fields, "transport") != NULL)
    {
      gw_twirp_take_word (fields, "transport", "SIP_TRANSPORT_");
      gw_twirp_replace_fields (fields, (const char *const[]){ "transport", NULL }); /* AUTO */
    }
  if (json_object_get (fields, "media_encryption") != NULL)
    gw_twirp_take_word (fields, "media_encryption", "SIP_MEDIA_ENCRYPT_");
  if (media_taken && update_one_list (fields, "numbers", trunk->numbers, error)
      && update_one_list (fields, "allowed_addresses", trunk->allowed_addresses, error)
      && update_one_list (fields, "allowed_numbers", trunk->allowed_numbers, error))
    return fields;
  json_decref (fields);
  return NULL;
}

static json_t *
update_trunk (Gateway *gateway, json_t *in, CfgTrunkDirection direction, GError **error)
{
  json_t *replace = json_object_get (in, "replace"), *fields;
  const CfgTrunkSettings *trunk;

  if (!gw_twirp_check_action (in, "sip_trunk_id", error))
    return NULL;
  trunk = trunk_for (gateway, in, direction, error);
  if (trunk == NULL)
    return NULL;
  fields = replace != NULL ? replace_trunk (gateway, direction, replace, error)
                           : updated_trunk (gateway, trunk, json_object_get (in, "update"), error);
  if (fields != NULL)
    json_object_set_new (fields, "sip_trunk_id", json_string (trunk->id));
  return fields;
}

static json_t *
update_inbound (Gateway *gateway, json_t *in, GError **error)
{
  return update_trunk (gateway, in, CFG_TRUNK_INBOUND, error);
}

static json_t *
update_outbound (Gateway *gateway, json_t *in, GError **error)
{
  return update_trunk (gateway, in, CFG_TRUNK_OUTBOUND, error);
}

static gboolean
serves (json_t *trunk, const char *direction)
{
  const char *of_trunk = json_string_value (json_object_get (trunk, "direction"));

  return g_strcmp0 (of_trunk, "both") == 0 || g_strcmp0 (of_trunk, direction) == 0;
}

/* A Duration that was never set is not there. */
static void
drop_zero (json_t *object, const char *name)
{
  if (json_number_value (json_object_get (object, name)) == 0)
    json_object_del (object, name);
}

static json_t *
livekit_trunk (const Gateway *gateway, json_t *trunk)
{
  json_t *out = json_copy (trunk);

  gw_twirp_give_media (out);
  if (serves (trunk, "inbound") && json_string_length (json_object_get (trunk, "auth_username")) > 0)
    json_object_set_new (out, "auth_realm", json_string (gateway->settings->sip.realm));

  drop_zero (out, "ringing_timeout");
  drop_zero (out, "max_call_duration");
  gw_twirp_rename_member (out, "outbound_address", "address");
  gw_twirp_give_word (out, "transport", "SIP_TRANSPORT_");
  gw_twirp_give_word (out, "media_encryption", "SIP_MEDIA_ENCRYPT_");
  give_headers_word (out);
  return out;
}

static json_t *
answer_trunk (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  return livekit_trunk (gateway, json_object_get (result, "trunk"));
}

/* By its id or its name, as everywhere. */
static json_t *
answer_one (Gateway *gateway, json_t *in, json_t *result, CfgTrunkDirection direction, GError **error)
{
  const CfgTrunkSettings *trunk = trunk_for (gateway, in, direction, error);

  if (trunk == NULL)
    return NULL;
  return json_pack ("{s:o}", "trunk",
                    livekit_trunk (gateway, gw_twirp_find_by (json_object_get (result, "trunks"),
                                                              "sip_trunk_id", trunk->id)));
}

static json_t *
answer_one_inbound (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  return answer_one (gateway, in, result, CFG_TRUNK_INBOUND, error);
}

static json_t *
answer_one_outbound (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  return answer_one (gateway, in, result, CFG_TRUNK_OUTBOUND, error);
}

static json_t *
answer_trunks (const Gateway *gateway, json_t *in, json_t *result, const char *direction)
{
  json_t *items = json_array (), *trunk;
  size_t i;

  json_array_foreach (json_object_get (result, "trunks"), i, trunk)
  {
    if (serves (trunk, direction)
        && gw_twirp_lists_meet (json_object_get (trunk, "numbers"), json_object_get (in, "numbers")))
      json_array_append_new (items, livekit_trunk (gateway, trunk));
  }
  items = gw_twirp_pick (items, json_object_get (in, "trunk_ids"), "sip_trunk_id");
  return json_pack ("{s:o}", "items",
                    gw_twirp_cut_page (items, json_object_get (in, "page"), "sip_trunk_id"));
}

static json_t *
answer_inbound (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  return answer_trunks (gateway, in, result, "inbound");
}

static json_t *
answer_outbound (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  return answer_trunks (gateway, in, result, "outbound");
}

/* The message of before there were two kinds. */
json_t *
gw_twirp_legacy_trunk (const Gateway *gateway, json_t *trunk)
{
  json_t *out = livekit_trunk (gateway, trunk);
  json_t *numbers = json_object_get (trunk, "numbers");

  json_object_set_new (out, "kind",
                       json_string (serves (trunk, "inbound") ? "TRUNK_INBOUND" : "TRUNK_OUTBOUND"));
  gw_twirp_rename_member (out, "allowed_addresses", "inbound_addresses");
  gw_twirp_rename_member (out, "address", "outbound_address");
  if (serves (trunk, "outbound"))
    {
      gw_twirp_rename_member (out, "auth_username", "outbound_username");
      if (json_array_size (numbers) > 0)
        json_object_set (out, "outbound_number", json_array_get (numbers, 0));
    }
  else
    {
      gw_twirp_rename_member (out, "auth_username", "inbound_username");
      gw_twirp_rename_member (out, "numbers", "inbound_numbers");
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
    json_array_append_new (items, gw_twirp_legacy_trunk (gateway, trunk));
  }
  return json_pack ("{s:o}", "items",
                    gw_twirp_cut_page (items, json_object_get (in, "page"), "sip_trunk_id"));
}

/* What is told of it when it is gone. */
static json_t *
delete_trunk (Gateway *gateway, json_t *in, GError **error)
{
  const CfgTrunkSettings *trunk = trunk_of (gateway, in, error);
  json_t *told;

  if (trunk == NULL)
    return NULL;
  told = gw_entry_json (gateway, GW_STORE_TRUNK, trunk->id);
  json_object_set_new (in, "deleted", gw_twirp_legacy_trunk (gateway, told));
  json_decref (told);
  return json_pack ("{s:s}", "sip_trunk_id", trunk->id);
}

static json_t *
answer_deleted_trunk (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  return json_incref (json_object_get (in, "deleted"));
}

static json_t *
answer_id (Gateway *gateway, json_t *in, json_t *result, GError **error)
{
  return json_copy (result);
}

/* ---- participants ---- */

static json_t *
create_participant (Gateway *gateway, json_t *in, GError **error)
{
  json_t *params = json_copy (in), *trunk = json_object_get (in, "trunk");

  if (!gw_twirp_take_media (params, error))
    {
      json_decref (params);
      return NULL;
    }
  gw_twirp_drop_empty (params);
  json_object_del (params, "krisp_enabled");
  if (json_is_true (json_object_get (params, "play_ringtone")))
    json_object_set_new (params, "play_dialtone", json_true ());
  json_object_del (params, "play_ringtone");
  gw_twirp_take_duration (params, "ringing_timeout");
  gw_twirp_take_duration (params, "max_call_duration");
  gw_twirp_take_word (params, "media_encryption", "SIP_MEDIA_ENCRYPT_");
  if (json_object_get (in, "display_name") != NULL)
    json_object_set (params, "display_name", json_object_get (in, "display_name"));
  if (json_object_size (trunk) > 0)
    {
      trunk = json_copy (trunk);
      gw_twirp_drop_empty (trunk);
      json_object_del (trunk, "destination_country");
      gw_twirp_take_word (trunk, "transport", "SIP_TRANSPORT_");
      json_object_set_new (params, "trunk", trunk);
    }
  return params;
}

static json_t *
transfer_params (Gateway *gateway, json_t *in, GError **error)
{
  json_t *params = json_copy (in);

  gw_twirp_drop_empty (params);
  gw_twirp_take_duration (params, "ringing_timeout");
  return params;
}

const GwTwirpMethod gw_twirp_sip_methods[] = {
  { "CreateSIPInboundTrunk", "CreateSIPInboundTrunkRequest", "SIPInboundTrunkInfo", "trunk.create",
    create_inbound, answer_trunk },
  { "CreateSIPOutboundTrunk", "CreateSIPOutboundTrunkRequest", "SIPOutboundTrunkInfo", "trunk.create",
    create_outbound, answer_trunk },
  { "UpdateSIPInboundTrunk", "UpdateSIPInboundTrunkRequest", "SIPInboundTrunkInfo", "trunk.update",
    update_inbound, answer_trunk },
  { "UpdateSIPOutboundTrunk", "UpdateSIPOutboundTrunkRequest", "SIPOutboundTrunkInfo", "trunk.update",
    update_outbound, answer_trunk },
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
  { "DeleteSIPTrunk", "DeleteSIPTrunkRequest", "SIPTrunkInfo", "trunk.delete", delete_trunk,
    answer_deleted_trunk },
  { "CreateSIPDispatchRule", "CreateSIPDispatchRuleRequest", "SIPDispatchRuleInfo", "dispatch_rule.create",
    gw_twirp_create_rule, gw_twirp_answer_rule },
  { "UpdateSIPDispatchRule", "UpdateSIPDispatchRuleRequest", "SIPDispatchRuleInfo", "dispatch_rule.update",
    gw_twirp_update_rule, gw_twirp_answer_rule },
  { "ListSIPDispatchRule", "ListSIPDispatchRuleRequest", "ListSIPDispatchRuleResponse", "dispatch_rule.list",
    gw_twirp_nothing, gw_twirp_answer_rules },
  { "DeleteSIPDispatchRule", "DeleteSIPDispatchRuleRequest", "SIPDispatchRuleInfo", "dispatch_rule.delete",
    gw_twirp_delete_rule, gw_twirp_answer_deleted_rule },
  { "CreateSIPParticipant", "CreateSIPParticipantRequest", "SIPParticipantInfo", "participant.create",
    create_participant, answer_id },
  { "TransferSIPParticipant", "TransferSIPParticipantRequest", "Empty", "participant.transfer",
    transfer_params, NULL },
  { NULL },
};
