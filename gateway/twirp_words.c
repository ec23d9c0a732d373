#include "gateway/twirp_words.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/ids.h"
#include "signaling/core/jsonrpc.h"

/* "SIP_TRANSPORT_UDP" -> "udp"; AUTO is NULL. */
void
gw_twirp_take_word (json_t *object, const char *name, const char *prefix)
{
  const char *word = json_string_value (json_object_get (object, name));
  g_autofree char *ours
      = word != NULL && g_str_has_prefix (word, prefix) ? g_ascii_strdown (word + strlen (prefix), -1) : NULL;

  if (ours == NULL || strcmp (ours, "auto") == 0)
    json_object_del (object, name);
  else
    json_object_set_new (object, name, json_string (ours));
}

void
gw_twirp_give_word (json_t *object, const char *name, const char *prefix)
{
  const char *word = json_string_value (json_object_get (object, name));
  g_autofree char *upper = word != NULL ? g_ascii_strup (word, -1) : NULL;
  g_autofree char *theirs = g_strconcat (prefix, upper, NULL);

  if (word != NULL)
    json_object_set_new (object, name, json_string (theirs));
}

void
gw_twirp_rename_member (json_t *object, const char *from, const char *to)
{
  json_t *value = json_object_get (object, from);

  if (value == NULL)
    return;
  json_object_set (object, to, value);
  json_object_del (object, from);
}

/* What an empty text or list means: not given. */
void
gw_twirp_drop_empty (json_t *object)
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
void
gw_twirp_name_it (json_t *object)
{
  g_autofree char *name = NULL;

  if (json_object_get (object, "name") != NULL)
    return;
  name = cfg_id_new ("unnamed-");
  json_object_set_new (object, "name", json_string (name));
}

/* A Duration becomes whole seconds, at least one. */
void
gw_twirp_take_duration (json_t *object, const char *name)
{
  double seconds = json_number_value (json_object_get (object, name));

  if (seconds > 0)
    json_object_set_new (object, name, json_integer ((json_int_t)MAX (seconds, 1.0)));
  else
    json_object_del (object, name);
}

/* Everything of the kind that the new one does not say goes back to its default. */
json_t *
gw_twirp_replace_fields (json_t *fields, const char *const *names)
{
  for (; *names != NULL; names++)
    if (json_object_get (fields, *names) == NULL)
      json_object_set_new (fields, *names, json_null ());
  return fields;
}

static void
add_text (json_t *list, const char *text)
{
  if (!sig_json_list_has (list, text))
    json_array_append_new (list, json_string (text));
}

static void
remove_text (json_t *list, const char *text)
{
  for (size_t i = json_array_size (list); i > 0; i--)
    if (g_strcmp0 (json_string_value (json_array_get (list, i - 1)), text) == 0)
      json_array_remove (list, i - 1);
}

static gboolean
refuse_list (const char *why, GError **error)
{
  g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "a list: %s", why);
  return FALSE;
}

static gboolean
has_empty (json_t *list)
{
  json_t *item;
  size_t i;

  json_array_foreach (list, i, item)
  {
    if (json_string_length (item) == 0)
      return TRUE;
  }
  return FALSE;
}

/* As livekit/protocol checks a ListUpdate. */
static gboolean
check_list (json_t *update, GError **error)
{
  json_t *set = json_object_get (update, "set"), *add = json_object_get (update, "add"),
         *removed = json_object_get (update, "remove");
  gboolean changes = json_array_size (add) + json_array_size (removed) > 0;
  gboolean clears = json_is_true (json_object_get (update, "clear"));

  if (clears && (changes || json_array_size (set) > 0))
    return refuse_list ("it cannot be cleared and changed at the same time", error);
  if (changes && json_array_size (set) > 0)
    return refuse_list ("it cannot be set and changed at the same time", error);
  if (has_empty (set) || has_empty (add) || has_empty (removed))
    return refuse_list ("an element is empty", error);
  return TRUE;
}

json_t *
gw_twirp_update_list (char *const *before, json_t *update, GError **error)
{
  json_t *list, *item;
  size_t i;

  if (!check_list (update, error))
    return NULL;
  list = json_array ();
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

static gboolean
refuse (const char *name, const char *why, GError **error)
{
  g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "%s: %s", name, why);
  return FALSE;
}

gboolean
gw_twirp_check_action (json_t *in, const char *id_name, GError **error)
{
  json_t *replace = json_object_get (in, "replace");
  const char *id = json_string_value (json_object_get (in, id_name));
  const char *inside = json_string_value (json_object_get (replace, id_name));

  if (id == NULL || *id == '\0')
    return refuse (id_name, "is required", error);
  if ((replace != NULL) == (json_object_get (in, "update") != NULL))
    return refuse ("update", "either it or replace is required", error);
  if (inside != NULL && *inside != '\0' && strcmp (inside, id) != 0)
    return refuse (id_name, "is another one in replace", error);
  return TRUE;
}

gboolean
gw_twirp_check_new (json_t *info, const char *id_name, GError **error)
{
  return json_string_length (json_object_get (info, id_name)) == 0
         || refuse (id_name, "is made here: leave it out", error);
}

void
gw_twirp_drop_foreign (json_t *object)
{
  static const char *const names[]
      = { "sip_trunk_id", "sip_dispatch_rule_id", "krisp_enabled", "destination_country",
          "room_preset",  "created_at",           "updated_at" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    json_object_del (object, names[i]);
}

json_t *
gw_twirp_find_by (json_t *list, const char *key, const char *wanted)
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

/* One of @wanted is in @list; an empty one of either takes everything. */
gboolean
gw_twirp_lists_meet (json_t *list, json_t *wanted)
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
json_t *
gw_twirp_cut_page (json_t *items, json_t *page, const char *key)
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
json_t *
gw_twirp_pick (json_t *items, json_t *ids, const char *key)
{
  json_t *list, *id;
  size_t i;

  if (json_array_size (ids) == 0)
    return items;
  list = json_array ();
  json_array_foreach (ids, i, id)
  {
    json_t *item = gw_twirp_find_by (items, key, json_string_value (id));

    json_array_append_new (list, item != NULL ? json_incref (item) : json_object ());
  }
  json_decref (items);
  return list;
}
