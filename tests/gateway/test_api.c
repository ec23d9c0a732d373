/* The API's tables themselves: complete, and their examples true. */
#include <string.h>

#include "config/base/error.h"
#include "gateway/api.h"
#include "gateway/api_params.h"

static const CfgKey *
keys_of (const GwMethod *method)
{
  return method->keys != NULL ? method->keys () : NULL;
}

static gboolean
is_error_word (const char *word)
{
  for (int code = 0; code <= CFG_ERROR_UNAVAILABLE; code++)
    if (strcmp (cfg_error_word ((CfgErrorCode)code), word) == 0)
      return TRUE;
  return FALSE;
}

static void
test_methods_are_described (void)
{
  const GwMethod *method;

  for (guint i = 0; (method = gw_api_method (i)) != NULL; i++)
    {
      g_auto (GStrv) errors = g_strsplit (method->errors != NULL ? method->errors : "", " ", -1);

      g_test_message ("%s", method->name);
      g_assert_nonnull (method->doc);
      g_assert_nonnull (method->result);
      g_assert_nonnull (method->run);
      for (char **word = errors; *word != NULL; word++)
        g_assert_true (is_error_word (*word));
      for (const GwParam *param = method->params; param != NULL && param->name != NULL; param++)
        g_assert_true (param->doc != NULL && param->doc[0] != '\0');
      if (method->room_param != NULL)
        {
          gboolean is_known = FALSE;

          for (const GwParam *param = method->params; param != NULL && param->name != NULL; param++)
            is_known |= strcmp (param->name, method->room_param) == 0;
          g_assert_true (is_known);
        }
    }
}

/* Ids begin as those that the gateway makes do. */
static void
check_ids (const json_t *value)
{
  static const char *const made[]
      = { "EP_", "EV_", "PA_", "PB_", "RC_", "RM_", "SCL_", "SDR_", "ST_", "TR_" };
  const char *text = json_string_value (value), *key;
  gboolean is_known = FALSE;
  const json_t *item;
  size_t i;

  json_object_foreach ((json_t *)value, key, item) check_ids (item);
  json_array_foreach (value, i, item) check_ids (item);
  if (text == NULL || !g_regex_match_simple ("^[A-Z]+_[A-Za-z0-9]+$", text, 0, 0))
    return;
  for (i = 0; i < G_N_ELEMENTS (made); i++)
    is_known |= g_str_has_prefix (text, made[i]);
  if (!is_known && !g_regex_match_simple ("^[A-Z_]+$", text, 0, 0))
    g_error ("%s: no id begins like this", text);
}

static void
test_examples_are_true (void)
{
  const GwMethod *method;
  guint n = 0;

  for (guint i = 0; (method = gw_api_method (i)) != NULL; i++)
    {
      json_t *params = method->example != NULL ? json_loads (method->example, 0, NULL) : json_object ();
      json_t *answer = method->answer != NULL ? json_loads (method->answer, 0, NULL) : NULL;
      g_autofree char *field = NULL, *where = NULL;
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", method->name);
      if (method->example != NULL
          && !gw_params_check (method->params, keys_of (method), params, &field, &error))
        g_error ("%s: %s", method->name, error->message);
      g_assert_cmpint (method->answer != NULL, ==, answer != NULL);
      if (answer != NULL && !gw_fields_check (method->result, answer, &where))
        g_error ("%s: the answer is wrong at %s", method->name, where);
      check_ids (params);
      check_ids (answer);
      n += answer != NULL;
      json_decref (params);
      json_decref (answer);
    }
  g_assert_cmpuint (n, >=, 5);
}

static void
check_news (const GwNews *news)
{
  for (; news->name != NULL; news++)
    {
      json_t *example = news->example != NULL ? json_loads (news->example, 0, NULL) : NULL;
      g_autofree char *where = NULL;

      g_test_message ("%s", news->name);
      g_assert_cmpint (news->example != NULL, ==, example != NULL);
      if (example != NULL && !gw_fields_check (news->fields, example, &where))
        g_error ("%s: the example is wrong at %s", news->name, where);
      check_ids (example);
      json_decref (example);
    }
}

static void
test_news_are_true (void)
{
  check_news (gw_api_events);
  check_news (gw_api_notifications);
}

/* Every {"$ref": "#/$defs/NAME"} has its NAME; every object says what else it may have. */
static void
check_schema (const json_t *document, const json_t *value)
{
  const json_t *item;
  const char *key, *ref = json_string_value (json_object_get (value, "$ref"));
  size_t i;

  if (ref != NULL)
    {
      g_assert_true (g_str_has_prefix (ref, "#/$defs/"));
      g_assert_nonnull (json_object_get (json_object_get (document, "$defs"), ref + strlen ("#/$defs/")));
    }
  if (json_is_object (json_object_get (value, "properties"))
      && json_is_string (json_object_get (value, "type")))
    g_assert_nonnull (json_object_get (value, "additionalProperties"));
  json_object_foreach ((json_t *)value, key, item)
  {
    check_schema (document, item);
  }
  json_array_foreach (value, i, item)
  {
    check_schema (document, item);
  }
}

static void
test_schema_is_closed (void)
{
  json_t *document = gw_api_schema (), *methods = json_object_get (document, "methods");
  const GwMethod *method;
  guint n = 0;

  check_schema (document, document);
  for (; (method = gw_api_method (n)) != NULL; n++)
    g_assert_nonnull (json_object_get (json_object_get (methods, method->name), "result"));
  g_assert_cmpuint (json_object_size (methods), ==, n);
  json_decref (document);
}

/* ---- gw_fields_check ---- */

static const GwField inner_fields[] = {
  { "word", GW_FIELD_STRING, GW_FIELD_NULL, "", .words = "red green" },
  { NULL },
};
static const GwShape inner_shape = { "inner", "", inner_fields };
static const GwField outer_fields[] = {
  { "count", GW_FIELD_INT, 0, "" },
  { "when", GW_FIELD_TIME, GW_FIELD_OPTIONAL | GW_FIELD_NULL, "" },
  { "inner", GW_FIELD_OBJECT, GW_FIELD_OPTIONAL | GW_FIELD_LIST, "", &inner_shape },
  { "map", GW_FIELD_MAP, GW_FIELD_OPTIONAL, "" },
  { NULL },
};

static const struct
{
  const char *json, *where; /* where NULL: right */
} rows[] = {
  { "{\"count\": 1}", NULL },
  { "{\"count\": 1, \"when\": null, \"inner\": [{\"word\": \"red\"}, {\"word\": null}], \"map\": {\"a\": "
    "\"b\"}}",
    NULL },
  { "{}", "count" },
  { "{\"count\": 1.5}", "count" },
  { "{\"count\": null}", "count" },
  { "{\"count\": 1, \"colour\": 1}", "colour" },
  { "{\"count\": 1, \"when\": \"yesterday\"}", "when" },
  { "{\"count\": 1, \"inner\": {\"word\": \"red\"}}", "inner" },
  { "{\"count\": 1, \"inner\": [{\"word\": \"blue\"}]}", "inner.word" },
  { "{\"count\": 1, \"inner\": [{}]}", "inner.word" },
  { "{\"count\": 1, \"map\": {\"a\": 1}}", "map.a" },
};

static void
test_fields_check (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      json_t *object = json_loads (rows[i].json, 0, NULL);
      g_autofree char *where = NULL;

      g_test_message ("%s", rows[i].json);
      g_assert_cmpint (gw_fields_check (outer_fields, object, &where), ==, rows[i].where == NULL);
      g_assert_cmpstr (where, ==, rows[i].where);
      json_decref (object);
    }
}

/* ---- grants ---- */

#define ALL        ((1 << (GW_GRANT_SIP_ADMIN + 1)) - 1)
#define BIT(grant) (1 << GW_GRANT_##grant)

static const struct
{
  const char *what;
  SigToken token;
  guint allowed; /* without a room, or for room "a" */
} tokens[] = {
  { "nothing", { .room = NULL }, BIT (ANY) },
  { "roomJoin", { .room_join = TRUE }, BIT (ANY) | BIT (ROOM_JOIN) },
  { "roomAdmin", { .room_admin = TRUE }, BIT (ANY) | BIT (ROOM_JOIN) | BIT (ROOM_ADMIN) | BIT (SIP_READ) },
  { "roomCreate", { .room_create = TRUE }, BIT (ANY) | BIT (ROOM_CREATE) },
  { "roomList", { .room_list = TRUE }, BIT (ANY) | BIT (ROOM_LIST) },
  { "sip.call", { .sip_call = TRUE }, BIT (ANY) | BIT (SIP_CALL) | BIT (SIP_READ) },
  { "sip.admin", { .sip_admin = TRUE }, BIT (ANY) | BIT (SIP_CALL) | BIT (SIP_READ) | BIT (SIP_ADMIN) },
  { "roomAdmin, sip.call",
    { .room_admin = TRUE, .sip_call = TRUE },
    BIT (ANY) | BIT (ROOM_JOIN) | BIT (ROOM_ADMIN) | BIT (SIP_CALL) | BIT (SIP_READ) | BIT (SIP_TRANSFER) },
  { "everything for room a",
    { .room = (char *)"a",
      .room_join = TRUE,
      .room_admin = TRUE,
      .room_create = TRUE,
      .room_list = TRUE,
      .sip_call = TRUE,
      .sip_admin = TRUE },
    ALL & ~BIT (SIP_ADMIN) },
};

static void
test_grants (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (tokens); i++)
    for (int grant = 0; grant <= GW_GRANT_SIP_ADMIN; grant++)
      {
        SigToken token = tokens[i].token;
        gboolean outlives = grant == GW_GRANT_ANY || grant == GW_GRANT_ROOM_JOIN;
        gboolean allowed = (tokens[i].allowed & (1U << grant)) != 0;
        g_autoptr (GError) error = NULL;

        g_test_message ("%s: %s", tokens[i].what, gw_grant_words ((GwGrant)grant));
        g_assert_cmpint (gw_token_allows (&token, (GwGrant)grant, NULL, NULL), ==, allowed && outlives);
        token.expires_s = G_MAXINT64;
        g_assert_cmpint (gw_token_allows (&token, (GwGrant)grant, NULL, &error), ==, allowed);
        g_assert_cmpint (gw_token_allows (&token, (GwGrant)grant, "a", NULL), ==, allowed);
        g_assert_cmpint (gw_token_allows (&token, (GwGrant)grant, "b", NULL), ==,
                         allowed && token.room == NULL);
        g_assert_cmpint (error == NULL, ==, allowed);
        if (!allowed)
          g_assert_error (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/api/methods_are_described", test_methods_are_described);
  g_test_add_func ("/gateway/api/examples_are_true", test_examples_are_true);
  g_test_add_func ("/gateway/api/news_are_true", test_news_are_true);
  g_test_add_func ("/gateway/api/schema_is_closed", test_schema_is_closed);
  g_test_add_func ("/gateway/api/grants", test_grants);
  g_test_add_func ("/gateway/api/fields_check", test_fields_check);
  return g_test_run ();
}
