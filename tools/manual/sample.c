#include "tools/manual/sample.h"

#include <stdlib.h>
#include <string.h>

/* By the name of the parameter or member, in the object that is named or in any. */
static const struct
{
  const char *name, *json;
} values[] = {
  { "participant.name", "\"Phone +15550001\"" },
  { "participant.sid", "\"PA_9x2k4mQz7LpA\"" },
  { "room.sid", "\"RM_4k2m9dTz8WqE\"" },
  { "track.sid", "\"TR_h2p40cYv6NsG\"" },
  { "call_end.cause", "\"remote_bye\"" },
  { "speaker.sid", "\"PA_9x2k4mQz7LpA\"" },
  { "call.status", "\"active\"" },
  { "room.codecs", "[]" },
  { "access_token", "\"eyJhbGciOiJIUzI1NiJ9…\"" },
  { "attributes", "{\"sip.callStatus\": \"active\", \"sip.phoneNumber\": \"+15550001\"}" },
  { "candidate", "\"candidate:1 1 UDP 2130706431 192.0.2.1 20000 typ host\"" },
  { "codecs", "[\"opus\", \"PCMU\"]" },
  { "created_at", "\"2026-11-21T07:55:00.123Z\"" },
  { "creation_time", "1795247700" },
  { "creation_time_ms", "1795247700123" },
  { "departure_timeout", "20" },
  { "digits", "\"1w2#\"" },
  { "direction", "\"inbound\"" },
  { "disconnect_reason", "\"CLIENT_INITIATED\"" },
  { "empty_timeout", "300" },
  { "ended_at", "null" },
  { "epoch", "\"EP_q7Zt0PxVb2Lm\"" },
  { "errors", "[\"not_found\"]" },
  { "gain_db", "-6" },
  { "identity", "\"sip_+15550001\"" },
  { "joined_at", "1795247701" },
  { "joined_at_ms", "1795247701456" },
  { "kind", "\"SIP\"" },
  { "level", "0.42" },
  { "metadata", "\"\"" },
  { "name", "\"support\"" },
  { "participant_identity", "\"sip_+15550001\"" },
  { "participant_sid", "\"PA_9x2k4mQz7LpA\"" },
  { "play_id", "\"PB_f3kq81Wd5LtY\"" },
  { "q", "1.0" },
  { "read_only", "false" },
  { "reason", "\"hangup\"" },
  { "registered_at", "\"2026-11-21T07:55:00.123Z\"" },
  { "room_name", "\"support\"" },
  { "sdp", "\"v=0\\r\\no=- …\"" },
  { "sip_call_id", "\"SCL_v0m2x9Rk4TqB\"" },
  { "sip_call_to", "\"+15550001\"" },
  { "sip_dispatch_rule_id", "\"SDR_k2n8sYw3HdJc\"" },
  { "sip_trunk_id", "\"ST_t5b1gMx8PfVr\"" },
  { "source_address", "\"192.0.2.7:5060\"" },
  { "state", "\"ACTIVE\"" },
  { "status", "\"active\"" },
  { "text", "\"Good morning\"" },
  { "time", "\"2026-11-21T07:55:00.123Z\"" },
  { "to_room", "\"sales\"" },
  { "transfer_to", "\"tel:+15550002\"" },
  { "transport", "\"udp\"" },
  { "uri", "\"sip:alice@192.0.2.7:5060\"" },
  { "username", "\"alice\"" },
};

/* (nullable) (transfer full) */
static json_t *
find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (values); i++)
    if (strcmp (values[i].name, name) == 0)
      {
        json_t *value = json_loads (values[i].json, JSON_DECODE_ANY, NULL);

        g_assert (value != NULL);
        return value;
      }
  return NULL;
}

/* @owner: (nullable): the object that it is a member of */
static json_t *
value_of (const char *owner, const char *name)
{
  g_autofree char *own = g_strconcat (owner != NULL ? owner : "", ".", name, NULL);
  json_t *value = find (own);

  return value != NULL ? value : find (name);
}

static gboolean
is_word (const char *words, const json_t *value)
{
  g_auto (GStrv) list = g_strsplit (words, " ", -1);

  return json_is_string (value) && g_strv_contains ((const char *const *)list, json_string_value (value));
}

static json_t *
first_word (const char *words)
{
  const char *end = strchr (words, ' ');

  return end != NULL ? json_stringn (words, (gsize)(end - words)) : json_string (words);
}

/* Of the type, and with @words one of them. */
static json_t *
of_type (json_t *value, gboolean fits, const char *words, json_t *otherwise)
{
  if (value != NULL && fits && (words == NULL || is_word (words, value)))
    {
      json_decref (otherwise);
      return value;
    }
  json_decref (value);
  if (words == NULL)
    return otherwise;
  json_decref (otherwise);
  return first_word (words);
}

static json_t *
sample_param (const GwParam *param)
{
  json_t *value = value_of (NULL, param->name);

  switch (param->type)
    {
    case GW_PARAM_STRING:
    case GW_PARAM_TEXT:
      return of_type (value, json_is_string (value), param->words, json_string ("…"));
    case GW_PARAM_INT:
      return of_type (value, json_is_integer (value), NULL, json_integer (MAX (param->min, 1)));
    case GW_PARAM_REAL:
      return of_type (value, json_is_number (value), NULL, json_integer (param->min));
    case GW_PARAM_BOOL:
      return of_type (value, json_is_boolean (value), NULL, json_true ());
    case GW_PARAM_OBJECT:
      return of_type (value, json_is_object (value), NULL, json_object ());
    case GW_PARAM_LIST:
      return of_type (value, json_is_array (value), NULL, json_array ());
    default:
      g_assert_not_reached ();
    }
}

json_t *
sample_params (const GwMethod *method)
{
  json_t *params = json_object ();

  for (const GwParam *param = method->params; param != NULL && param->name != NULL; param++)
    if (param->required)
      json_object_set_new (params, param->name, sample_param (param));
  return params;
}

static json_t *sample_object (const GwField *fields, const char *owner);

static json_t *
sample_one (const GwField *field, const char *owner)
{
  json_t *value = field->flags & GW_FIELD_LIST ? NULL : value_of (owner, field->name);

  if (json_is_null (value) && (field->flags & GW_FIELD_NULL))
    return value;
  switch (field->type)
    {
    case GW_FIELD_STRING:
      return of_type (value, json_is_string (value), field->words, json_string ("…"));
    case GW_FIELD_TIME:
      return of_type (value, json_is_string (value), NULL, json_string ("2026-11-21T07:55:00.123Z"));
    case GW_FIELD_INT:
      return of_type (value, json_is_integer (value), NULL, json_integer (0));
    case GW_FIELD_REAL:
      return of_type (value, json_is_number (value), NULL, json_real (0));
    case GW_FIELD_BOOL:
      return of_type (value, json_is_boolean (value), NULL, json_false ());
    case GW_FIELD_OBJECT:
      json_decref (value);
      return sample_object (field->shape->fields, field->shape->name);
    case GW_FIELD_MAP:
      return of_type (value, json_is_object (value), NULL, json_object ());
    case GW_FIELD_ANY:
      return value != NULL ? value : json_object ();
    default:
      g_assert_not_reached ();
    }
}

static json_t *
sample_field (const GwField *field, const char *owner)
{
  json_t *whole = field->flags & GW_FIELD_LIST ? value_of (owner, field->name) : NULL;

  if (!(field->flags & GW_FIELD_LIST))
    return sample_one (field, owner);
  if (json_is_array (whole))
    return whole;
  json_decref (whole);
  return json_pack ("[o]", sample_one (field, owner));
}

static json_t *
sample_object (const GwField *fields, const char *owner)
{
  json_t *object = json_object ();

  for (const GwField *field = fields; field->name != NULL; field++)
    if (!(field->flags & GW_FIELD_OPTIONAL))
      json_object_set_new (object, field->name, sample_field (field, owner));
  return object;
}

json_t *
sample_fields (const GwField *fields)
{
  return sample_object (fields, NULL);
}

static void append_value (GString *text, json_t *value, guint indent);

static void
append_members (GString *text, json_t *value, guint indent)
{
  const gboolean is_object = json_is_object (value);
  const char *name, *comma = "";
  json_t *member;
  size_t i;

  g_string_append_c (text, is_object ? '{' : '[');
  json_object_foreach (value, name, member)
  {
    g_string_append_printf (text, "%s\n%*s\"%s\": ", comma, (int)indent + 2, "", name);
    append_value (text, member, indent + 2);
    comma = ",";
  }
  json_array_foreach (value, i, member)
  {
    g_string_append_printf (text, "%s\n%*s", comma, (int)indent + 2, "");
    append_value (text, member, indent + 2);
    comma = ",";
  }
  g_string_append_printf (text, "\n%*s%c", (int)indent, "", is_object ? '}' : ']');
}

static void
append_value (GString *text, json_t *value, guint indent)
{
  char *line = json_dumps (value, JSON_ENCODE_ANY);

  if (strlen (line) + indent <= SAMPLE_COLUMNS || (!json_is_object (value) && !json_is_array (value)))
    g_string_append (text, line);
  else
    append_members (text, value, indent);
  free (line);
}

void
sample_append (GString *text, json_t *value)
{
  append_value (text, value, 0);
  g_string_append_c (text, '\n');
  json_decref (value);
}
