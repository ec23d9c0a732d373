/* LiveKit's SIPMediaConfig as ours, and what of LiveKit's requests is refused: what would have been done
 * there and cannot be done here is said, what has no meaning here is left out (decision 21). */
#include "gateway/twirp_words.h"

#include <string.h>

#include "config/base/error.h"
#include "signaling/core/jsonrpc.h"

/* ---- refused ---- */

static const struct
{
  const char *message; /* the request */
  const char *member;  /* with its way there */
  const char *why;
} refusals[] = {
  { "CreateRoomRequest", "egress", "room.record and `record` of trunks and rules record" },
  { "CreateRoomRequest", "agents", "agents are not sent from here: participant_joined tells of calls" },
  { "RoomParticipantIdentity", "revoke_token_ts", "tokens end by their `exp`, and cannot be revoked" },
  { "CreateSIPParticipantRequest", "sip_request_uri", "sip_call_to is the address that is called" },
  { "CreateSIPParticipantRequest", "sip_to_header", "To is the address that is called" },
  { "CreateSIPParticipantRequest", "sip_from_header", "sip_number, display_name and from_host make From" },
  { "CreateSIPParticipantRequest", "to_user_override", "To is the address that is called" },
  { "CreateSIPDispatchRuleRequest", "room_config.egress", "`record` of trunks and rules records" },
  { "CreateSIPDispatchRuleRequest", "room_config.agents", "agents are not sent from here" },
  { "CreateSIPDispatchRuleRequest", "dispatch_rule.room_config.egress",
    "`record` of trunks and rules records" },
  { "CreateSIPDispatchRuleRequest", "dispatch_rule.room_config.agents", "agents are not sent from here" },
  { "UpdateSIPDispatchRuleRequest", "replace.room_config.egress", "`record` of trunks and rules records" },
  { "UpdateSIPDispatchRuleRequest", "replace.room_config.agents", "agents are not sent from here" },
};

/* Takes what @path names out of @message. (transfer full) (nullable) */
static json_t *
take_member (json_t *message, const char *path)
{
  g_auto (GStrv) names = g_strsplit (path, ".", -1);
  char **name = names;
  json_t *member;

  for (; name[1] != NULL; name++)
    message = json_object_get (message, *name);
  member = json_incref (json_object_get (message, *name));
  json_object_del (message, *name);
  return member;
}

static gboolean
says_something (const json_t *value)
{
  return json_is_object (value) || json_is_true (value) || json_string_length (value) > 0
         || json_array_size (value) > 0 || json_integer_value (value) != 0;
}

gboolean
gw_twirp_takes (const GwTwirpMethod *method, json_t *in, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      json_auto_t *member
          = strcmp (refusals[i].message, method->in) == 0 ? take_member (in, refusals[i].member) : NULL;

      if (member == NULL || !says_something (member))
        continue;
      g_set_error (error, CFG_ERROR, CFG_ERROR_UNIMPLEMENTED, "%s: %s", refusals[i].member, refusals[i].why);
      return FALSE;
    }
  return TRUE;
}

/* ---- media ---- */

static const char *const known[] = { "opus", "G722", "PCMU", "PCMA" };

/* Those of @given that there are, once each, in its order. (transfer full) */
static json_t *
known_codecs (json_t *given)
{
  json_t *list = json_array (), *codec;
  size_t i;

  json_array_foreach (given, i, codec)
  {
    const char *name = json_string_value (json_object_get (codec, "name"));

    for (gsize k = 0; name != NULL && k < G_N_ELEMENTS (known); k++)
      if (g_ascii_strcasecmp (name, known[k]) == 0 && !sig_json_list_has (list, known[k]))
        json_array_append_new (list, json_string (known[k]));
  }
  return list;
}

static gboolean
take_codecs (json_t *fields, json_t *media, GError **error)
{
  const gboolean only = json_is_true (json_object_get (media, "only_listed_codecs"));
  json_t *codecs = known_codecs (json_object_get (media, "codecs"));

  if (only && json_array_size (codecs) == 0)
    {
      json_decref (codecs);
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                           "media.codecs: none of them is known; there are opus, G722, PCMU and PCMA");
      return FALSE;
    }
  for (gsize i = 0; json_array_size (codecs) > 0 && !only && i < G_N_ELEMENTS (known); i++)
    if (!sig_json_list_has (codecs, known[i]))
      json_array_append_new (codecs, json_string (known[i]));
  if (json_array_size (codecs) > 0)
    json_object_set (fields, "codecs", codecs);
  json_decref (codecs);
  return TRUE;
}

gboolean
gw_twirp_take_media (json_t *fields, GError **error)
{
  json_t *media = json_object_get (fields, "media");
  gboolean taken = TRUE;

  if (json_number_value (json_object_get (media, "media_timeout")) > 0)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_UNIMPLEMENTED,
                           "media.media_timeout: media.timeout of the configuration is for all calls");
      return FALSE;
    }
  if (json_object_get (media, "encryption") != NULL)
    json_object_set (fields, "media_encryption", json_object_get (media, "encryption"));
  if (media != NULL)
    taken = take_codecs (fields, media, error);
  json_object_del (fields, "media");
  return taken;
}

void
gw_twirp_give_media (json_t *object)
{
  json_t *list, *name;
  size_t i;

  if (json_array_size (json_object_get (object, "codecs")) == 0)
    return;
  list = json_array ();
  json_array_foreach (json_object_get (object, "codecs"), i, name)
  {
    json_array_append_new (list, json_pack ("{s:O}", "name", name));
  }
  json_object_set_new (object, "media", json_pack ("{s:b, s:o}", "only_listed_codecs", TRUE, "codecs", list));
}

gboolean
gw_twirp_take_realm (const Gateway *gateway, json_t *fields, GError **error)
{
  const char *realm = json_string_value (json_object_get (fields, "auth_realm"));

  if (realm != NULL && *realm != '\0' && strcmp (realm, gateway->settings->sip.realm) != 0)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_UNIMPLEMENTED,
                   "auth_realm: callers are challenged for sip.realm of the configuration, \"%s\"",
                   gateway->settings->sip.realm);
      return FALSE;
    }
  json_object_del (fields, "auth_realm");
  return TRUE;
}
