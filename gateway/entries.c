#include "gateway/entries.h"

#include <stdlib.h>
#include <string.h>

#include "config/base/clock.h"
#include "config/base/error.h"
#include "config/base/ids.h"
#include "config/base/log.h"
#include "config/settings_change.h"
#include "gateway/tls.h"

#define N_KINDS (GW_STORE_RULE + 1) /* those of the configuration */

typedef struct
{
  char *id;
  char *text; /* its JSON, with the id; in the store with its times as well */
  GwEntryTimes times;
  gboolean left_out; /* it does not go with the file */
} Entry;

struct _GwEntries
{
  GPtrArray *lists[N_KINDS];  /* of Entry* */
  GHashTable *by_id[N_KINDS]; /* char* id -> Entry*, of the lists */
  CfgSettings *merged;
  const CfgSettings *file;
  gboolean never_demo;
  GPtrArray *pending; /* of Change*, which are not on the disk yet, the oldest first */
};

static const struct
{
  const char *word, *id_prefix, *section;
} kinds[N_KINDS] = {
  [GW_STORE_TRUNK] = { "trunk", "ST_", "trunks" },
  [GW_STORE_RULE] = { "dispatch rule", "SDR_", "dispatch_rules" },
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_free (entry->id);
  g_free (entry->text);
  g_free (entry);
}

static Entry *
entry_new (const char *id, const char *text)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->id = g_strdup (id);
  entry->text = g_strdup (text);
  return entry;
}

static const char *const time_keys[] = { "created_us", "updated_us" };

/* @object: as the store has it; its times are taken out. */
static GwEntryTimes
take_times (json_t *object)
{
  gint64 us[G_N_ELEMENTS (time_keys)];

  for (gsize i = 0; i < G_N_ELEMENTS (time_keys); i++)
    {
      us[i] = json_integer_value (json_object_get (object, time_keys[i]));
      json_object_del (object, time_keys[i]);
    }
  return (GwEntryTimes){ { us[0] }, { us[1] } };
}

static char *dump (json_t *object);

static void
load (GwEntries *entries, GwStoreKind kind, const char *text)
{
  json_t *object = json_loads (text, 0, NULL);
  const char *id = json_string_value (json_object_get (object, "id"));
  const GwEntryTimes times = take_times (object);

  if (id != NULL)
    {
      g_autofree char *own = dump (object);
      Entry *entry = entry_new (id, own);

      entry->times = times;
      g_ptr_array_add (entries->lists[kind], entry);
      g_hash_table_replace (entries->by_id[kind], entry->id, entry);
    }
  json_decref (object);
}

GwEntries *
gw_entries_new (GwStore *store)
{
  GwEntries *entries = g_new0 (GwEntries, 1);

  entries->pending = g_ptr_array_new ();
  for (int kind = 0; kind < N_KINDS; kind++)
    {
      const GPtrArray *texts = gw_store_loaded (store, (GwStoreKind)kind);

      entries->lists[kind] = g_ptr_array_new_with_free_func (entry_free);
      entries->by_id[kind] = g_hash_table_new (g_str_hash, g_str_equal);
      for (guint i = 0; i < texts->len; i++)
        load (entries, (GwStoreKind)kind, g_ptr_array_index (texts, i));
    }
  return entries;
}

void
gw_entries_free (GwEntries *entries)
{
  if (entries == NULL)
    return;
  for (int kind = 0; kind < N_KINDS; kind++)
    {
      g_hash_table_unref (entries->by_id[kind]);
      g_ptr_array_unref (entries->lists[kind]);
    }
  g_ptr_array_unref (entries->pending);
  cfg_settings_free (entries->merged);
  g_free (entries);
}

/* ---- with the file ---- */

/* Texts that go together with the file, NULL-terminated: the array's last element is always NULL. */
typedef struct
{
  GPtrArray *lists[N_KINDS];
} Texts;

static void
texts_clear (Texts *texts)
{
  for (int kind = 0; kind < N_KINDS; kind++)
    g_clear_pointer (&texts->lists[kind], g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Texts, texts_clear)

static void
texts_init (Texts *texts)
{
  for (int kind = 0; kind < N_KINDS; kind++)
    {
      texts->lists[kind] = g_ptr_array_new ();
      g_ptr_array_add (texts->lists[kind], NULL);
    }
}

static void
texts_add (Texts *texts, GwStoreKind kind, char *text)
{
  g_ptr_array_insert (texts->lists[kind], (int)texts->lists[kind]->len - 1, text);
}

static void
texts_remove_last (Texts *texts, GwStoreKind kind, guint n)
{
  g_ptr_array_remove_range (texts->lists[kind], texts->lists[kind]->len - 1 - n, n);
}

static CfgSettings *
try (const GwEntries *entries, const Texts *texts, GError **error)
{
  const CfgEntries all = {
    .trunks = (const char *const *)texts->lists[GW_STORE_TRUNK]->pdata,
    .dispatch_rules = (const char *const *)texts->lists[GW_STORE_RULE]->pdata,
    .never_demo = entries->never_demo,
  };

  return cfg_settings_with (entries->file, &all, error);
}

/* Adds the entries @from .. @to of @kind to @texts, but for those that do not fit: halves are tried until the
 * bad ones stand alone. */
static void
add_fitting (const GwEntries *entries, Texts *texts, GwStoreKind kind, guint from, guint to)
{
  g_autoptr (CfgSettings) settings = NULL;
  g_autoptr (GError) error = NULL;
  guint middle = from + (to - from) / 2;

  if (from == to)
    return;
  for (guint i = from; i < to; i++)
    {
      Entry *entry = g_ptr_array_index (entries->lists[kind], i);

      entry->left_out = FALSE;
      texts_add (texts, kind, entry->text);
    }
  settings = try (entries, texts, &error);
  if (settings != NULL)
    return;
  texts_remove_last (texts, kind, to - from);
  if (to - from == 1)
    {
      ((Entry *)g_ptr_array_index (entries->lists[kind], from))->left_out = TRUE;
      cfg_warn ("config", NULL,
                "An entry made through the API does not go with the configuration and is left out",
                CFG_STR ("kind", kinds[kind].word),
                CFG_STR ("id", ((Entry *)g_ptr_array_index (entries->lists[kind], from))->id),
                CFG_STR ("reason", error->message));
      return;
    }
  add_fitting (entries, texts, kind, from, middle);
  add_fitting (entries, texts, kind, middle, to);
}

const CfgSettings *
gw_entries_merge (GwEntries *entries, const CfgSettings *file, gboolean never_demo)
{
  g_auto (Texts) texts = { 0 };
  CfgSettings *merged;

  entries->file = file;
  entries->never_demo = never_demo;
  texts_init (&texts);
  for (int kind = 0; kind < N_KINDS; kind++)
    add_fitting (entries, &texts, (GwStoreKind)kind, 0, entries->lists[kind]->len);
  merged = try (entries, &texts, NULL);
  g_assert (merged != NULL); /* the file alone was read before */
  cfg_settings_free (entries->merged);
  entries->merged = merged;
  return merged;
}

/* ---- changes ---- */

typedef struct
{
  Gateway *gateway;
  GwStoreKind kind;
  char *id;
  char *text;    /* (nullable): NULL: it was removed */
  Entry *before; /* (nullable): to go back to */
  GwEntryDone done;
  gpointer user;
} Change;

static void
change_free (Change *change)
{
  g_free (change->id);
  g_free (change->text);
  g_clear_pointer (&change->before, entry_free);
  g_free (change);
}

static guint
index_of (const GPtrArray *list, const char *id)
{
  for (guint i = 0; i < list->len; i++)
    if (strcmp (((Entry *)g_ptr_array_index (list, i))->id, id) == 0)
      return i;
  return G_MAXUINT;
}

/* @entry: (transfer full) (nullable): NULL removes @id. Returns: (transfer full) (nullable): what was there.
 */
static Entry *
replace_entry (GwEntries *entries, GwStoreKind kind, const char *id, Entry *entry)
{
  GPtrArray *list = entries->lists[kind];
  guint i = index_of (list, id);
  Entry *before = NULL;

  g_hash_table_remove (entries->by_id[kind], id);
  if (entry != NULL)
    g_hash_table_insert (entries->by_id[kind], entry->id, entry);
  if (i == G_MAXUINT)
    {
      if (entry != NULL)
        g_ptr_array_add (list, entry);
      return NULL;
    }
  if (entry == NULL)
    return g_ptr_array_steal_index (list, i);
  before = g_ptr_array_index (list, i);
  g_ptr_array_index (list, i) = entry;
  return before;
}

/* A newer change of the same entry that fails too must not go back to what @failed wrote, but to what was
 * there before it. */
static void
hand_on (GwEntries *entries, Change *failed)
{
  for (guint i = 0; i < entries->pending->len; i++)
    {
      Change *newer = g_ptr_array_index (entries->pending, i);

      if (newer->kind != failed->kind || strcmp (newer->id, failed->id) != 0)
        continue;
      g_clear_pointer (&newer->before, entry_free);
      newer->before = g_steal_pointer (&failed->before);
      return;
    }
}

/* Unless something newer was written over it. */
static void
take_back (Change *change)
{
  GwEntries *entries = change->gateway->entries;
  GPtrArray *list = entries->lists[change->kind];
  guint i = index_of (list, change->id);
  const char *now = i != G_MAXUINT ? ((Entry *)g_ptr_array_index (list, i))->text : NULL;
  Entry *failed;

  if (g_strcmp0 (now, change->text) != 0)
    {
      hand_on (entries, change);
      return;
    }
  failed = replace_entry (entries, change->kind, change->id, g_steal_pointer (&change->before));
  g_clear_pointer (&failed, entry_free);
  gateway_set_settings (change->gateway, entries->file);
}

static void
on_written (gpointer user, const GError *error)
{
  Change *change = user;
  Gateway *gateway = change->gateway;

  g_ptr_array_remove (gateway->entries->pending, change);
  if (error != NULL)
    {
      take_back (change);
      cfg_error ("store", NULL, "A change was not written and is taken back",
                 CFG_STR ("kind", kinds[change->kind].word), CFG_STR ("id", change->id),
                 CFG_STR ("reason", error->message));
    }
  change->done (gateway, change->user, change->id, error);
  change_free (change);
}

/* (transfer full): as it is kept */
static char *
with_times (const Entry *entry)
{
  json_t *object = json_loads (entry->text, 0, NULL);
  char *text;

  json_object_set_new (object, time_keys[0], json_integer (entry->times.created.us));
  json_object_set_new (object, time_keys[1], json_integer (entry->times.updated.us));
  text = dump (object);
  json_decref (object);
  return text;
}

/* Returns: its id, until @done. */
static const char *
write_change (Gateway *gateway, GwStoreKind kind, const char *id, const char *text, Entry *before,
              GwEntryDone done, gpointer user)
{
  const Entry *entry = g_hash_table_lookup (gateway->entries->by_id[kind], id);
  g_autofree char *kept = entry != NULL ? with_times (entry) : NULL;
  Change *change = g_new0 (Change, 1);

  change->gateway = gateway;
  change->kind = kind;
  change->id = g_strdup (id);
  change->text = g_strdup (text);
  change->before = before;
  change->done = done;
  change->user = user;
  g_ptr_array_add (gateway->entries->pending, change);
  if (kept != NULL)
    gw_store_put (gateway->store, kind, id, kept, on_written, change);
  else
    gw_store_delete (gateway->store, kind, id, on_written, change);
  return change->id;
}

/* The id of what @id_or_name means among all settings. @is_ours: it can be changed here. */
static const char *
find (const Gateway *gateway, GwStoreKind kind, const char *id_or_name, gboolean *is_ours)
{
  const CfgSettings *settings = gateway->settings;

  for (gsize i = 0; kind == GW_STORE_TRUNK && i < settings->n_trunks; i++)
    if (strcmp (settings->trunks[i].id, id_or_name) == 0
        || strcmp (settings->trunks[i].name, id_or_name) == 0)
      {
        *is_ours = settings->trunks[i].line == 0;
        return settings->trunks[i].id;
      }
  for (gsize i = 0; kind == GW_STORE_RULE && i < settings->n_dispatch_rules; i++)
    if (strcmp (settings->dispatch_rules[i].id, id_or_name) == 0
        || g_strcmp0 (settings->dispatch_rules[i].name, id_or_name) == 0)
      {
        *is_ours = settings->dispatch_rules[i].line == 0;
        return settings->dispatch_rules[i].id;
      }
  /* One that is left out because it does not go with the file. */
  *is_ours = index_of (gateway->entries->lists[kind], id_or_name) != G_MAXUINT;
  return *is_ours ? id_or_name : NULL;
}

static const char *
find_ours (const Gateway *gateway, GwStoreKind kind, const char *id_or_name, GError **error)
{
  gboolean is_ours;
  const char *id = find (gateway, kind, id_or_name, &is_ours);

  if (id == NULL)
    g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "there is no %s \"%s\"", kinds[kind].word,
                 id_or_name);
  else if (!is_ours)
    g_set_error (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
                 "%s \"%s\" stands in the configuration file: change it there, then send SIGHUP",
                 kinds[kind].word, id_or_name);
  return id != NULL && is_ours ? id : NULL;
}

/* "needs trunks[3].auth_password" -> "needs auth_password": whoever made the entry knows no others. */
static char *
without_paths (const char *text, const char *section)
{
  g_autofree char *pattern = g_strdup_printf ("%s\\[[0-9]+\\]\\.", section);
  g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);

  return g_regex_replace_literal (regex, text, -1, 0, "", 0, NULL);
}

/* What an entry lacks altogether: "needs a name". (transfer full) (nullable) */
static char *
missing_field (const char *text)
{
  const char *at = g_str_has_prefix (text, "needs a ")    ? text + strlen ("needs a ")
                   : g_str_has_prefix (text, "needs an ") ? text + strlen ("needs an ")
                                                          : NULL;

  return at != NULL ? g_strndup (at, strcspn (at, " :,")) : NULL;
}

/* "trunks[3].numbers[0]: must be" -> "numbers[0]: must be", and the field "numbers"; "trunks[3].tls.ca: must
 * be" -> "tls.ca". */
static void
name_field (GError *error, const char *section, char **field)
{
  const char *end = strchr (error->message, ']');
  g_autofree char *rest = NULL;

  if (!g_str_has_prefix (error->message, section) || end == NULL)
    return;
  end += end[1] == '.' ? 2 : end[1] == ':' ? 3 : 1;
  rest = g_strdup (end);
  *field = end[-1] == '.' ? g_strndup (rest, strcspn (rest, "[:")) : missing_field (rest);
  g_free (error->message);
  error->message = without_paths (rest, section);
}

/* JSON that is YAML too, where the pairs of surrogates that stand for an emoji in JSON's ASCII are no
 * characters, and some characters are line breaks or not allowed. */
static char *
dump (json_t *object)
{
  char *plain = json_dumps (object, 0);
  GString *out = g_string_new (NULL);

  for (const char *at = plain; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);

      if ((c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe || c == 0xffff)
        g_string_append_printf (out, "\\u%04x", c);
      else
        g_string_append_unichar (out, c);
    }
  free (plain);
  return g_string_free (out, FALSE);
}

static json_t *
overlay (const GwEntries *entries, GwStoreKind kind, const char *id, json_t *fields)
{
  guint i = index_of (entries->lists[kind], id);
  json_t *object = i == G_MAXUINT
                       ? json_object ()
                       : json_loads (((Entry *)g_ptr_array_index (entries->lists[kind], i))->text, 0, NULL);
  const char *key;
  json_t *value;

  json_object_foreach (fields, key, value)
  {
    if (json_is_null (value))
      json_object_del (object, key);
    else
      json_object_set (object, key, value);
  }
  json_object_set_new (object, "id", json_string (id));
  return object;
}

static gboolean
any_is_left_out (const GwEntries *entries)
{
  for (int kind = 0; kind < N_KINDS; kind++)
    for (guint i = 0; i < entries->lists[kind]->len; i++)
      if (((const Entry *)g_ptr_array_index (entries->lists[kind], i))->left_out)
        return TRUE;
  return FALSE;
}

/* A thousand others are not read again for one. Returns: FALSE: nothing has changed: with @error it is wrong,
 * else that does not go. */
static gboolean
count_in_simply (Gateway *gateway, GwStoreKind kind, const char *id, const char *text, GError **error)
{
  const CfgChanged what = { .is_rule = kind == GW_STORE_RULE, .id = id, .text = text };
  GwEntries *entries = gateway->entries;
  g_autoptr (CfgChange) change
      = any_is_left_out (entries) ? NULL : cfg_change_new (entries->merged, &what, error);

  if (change == NULL || (kind == GW_STORE_TRUNK && !gw_tls_take (gateway, cfg_change_next (change), error)))
    return FALSE;
  cfg_change_apply (g_steal_pointer (&change), entries->merged);
  return TRUE;
}

/* Reads all of them. What is left out already does not stand in the way. */
static gboolean
count_in_with_all (Gateway *gateway, GwStoreKind kind, const char *id, const char *text, GError **error)
{
  GwEntries *entries = gateway->entries;
  g_auto (Texts) texts = { 0 };
  g_autoptr (CfgSettings) merged = NULL;
  gboolean found = FALSE;

  texts_init (&texts);
  for (int k = 0; k < N_KINDS; k++)
    for (guint i = 0; i < entries->lists[k]->len; i++)
      {
        Entry *entry = g_ptr_array_index (entries->lists[k], i);
        gboolean is_it = k == (int)kind && strcmp (entry->id, id) == 0;

        found = found || is_it;
        if (!is_it && !entry->left_out)
          texts_add (&texts, (GwStoreKind)k, entry->text);
        else if (is_it && text != NULL)
          texts_add (&texts, kind, (char *)text);
      }
  if (!found && text != NULL)
    texts_add (&texts, kind, (char *)text);
  merged = try (entries, &texts, error);
  if (merged == NULL || (kind == GW_STORE_TRUNK && !gw_tls_take (gateway, merged, error)))
    return FALSE;
  cfg_settings_free (entries->merged);
  entries->merged = g_steal_pointer (&merged);
  gateway->settings = entries->merged;
  return TRUE;
}

GwEntryTimes
gw_entries_times (const GwEntries *entries, GwStoreKind kind, const char *id)
{
  const Entry *entry = entries != NULL ? g_hash_table_lookup (entries->by_id[kind], id) : NULL;

  return entry != NULL ? entry->times : (GwEntryTimes){ 0 };
}

/* The entry that comes in the place of @before (nullable). */
static Entry *
successor (const Entry *before, const char *id, const char *text)
{
  const CfgWall now = cfg_wall_now ();
  Entry *entry = entry_new (id, text);

  entry->times.created = before != NULL ? before->times.created : now;
  entry->times.updated = now;
  return entry;
}

/* Makes the change count. Returns: FALSE with @error: nothing has changed. */
static gboolean
count_in (Gateway *gateway, GwStoreKind kind, const char *id, const char *text, Entry **before,
          GError **error)
{
  GwEntries *entries = gateway->entries;
  const gboolean was_demo = gateway->settings->demo;

  g_autoptr (GError) wrong = NULL;

  if (!count_in_simply (gateway, kind, id, text, &wrong)
      && (wrong != NULL || !count_in_with_all (gateway, kind, id, text, &wrong)))
    {
      g_propagate_error (error, g_steal_pointer (&wrong));
      return FALSE;
    }
  *before = replace_entry (entries, kind, id,
                           text != NULL ? successor (g_hash_table_lookup (entries->by_id[kind], id), id, text)
                                        : NULL);
  if (any_is_left_out (entries) /* which may go with the others now */ || was_demo != gateway->settings->demo)
    gateway_set_settings (gateway, entries->file);
  else
    gateway_follow_trunks (gateway);
  return TRUE;
}

const char *
gw_entry_put (Gateway *gateway, GwStoreKind kind, const char *wanted, json_t *fields, GwEntryDone done,
              gpointer user, char **field, GError **error)
{
  g_autofree char *id = NULL, *text = NULL;
  g_autoptr (GError) wrong = NULL;
  json_t *object;
  Entry *before;

  *field = NULL;
  if (wanted != NULL)
    {
      id = g_strdup (find_ours (gateway, kind, wanted, error));
      if (id == NULL)
        return NULL;
    }
  else
    id = cfg_id_new (kinds[kind].id_prefix);
  object = overlay (gateway->entries, kind, id, fields);
  text = dump (object);
  json_decref (object);
  if (!count_in (gateway, kind, id, text, &before, &wrong))
    {
      name_field (wrong, kinds[kind].section, field);
      g_propagate_error (error, g_steal_pointer (&wrong));
      return NULL;
    }
  return write_change (gateway, kind, id, text, before, done, user);
}

gboolean
gw_entry_delete (Gateway *gateway, GwStoreKind kind, const char *wanted, GwEntryDone done, gpointer user,
                 GError **error)
{
  g_autofree char *id = g_strdup (find_ours (gateway, kind, wanted, error));
  Entry *before;

  if (id == NULL)
    return FALSE;
  if (!count_in (gateway, kind, id, NULL, &before, NULL))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
                   "%s \"%s\" is named by a dispatch rule: change or delete that first", kinds[kind].word,
                   wanted);
      return FALSE;
    }
  write_change (gateway, kind, id, NULL, before, done, user);
  return TRUE;
}
