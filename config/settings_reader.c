#include "config/settings_reader.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/log_format.h"
#include "config/base/words.h"
#include "config/settings.h"
#include "config/settings_yaml.h"

/* Values visited, aliases followed: a list of a thousand aliases to a list of a thousand numbers is refused.
 */
#define MAX_VISITED 100000
/* A message repeats this much of a value. */
#define MAX_SHOWN_BYTES 60

void
cfg_reader_init (CfgReader *reader, yaml_document_t *document, const char *file_name)
{
  *reader = (CfgReader){
    .document = document,
    .file_name = file_name,
    .path = g_string_new (NULL),
    .lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
    .n_left = MAX_VISITED,
    .warnings = g_ptr_array_new_with_free_func (g_free),
  };
}

void
cfg_reader_clear (CfgReader *reader)
{
  g_string_free (reader->path, TRUE);
  g_hash_table_unref (reader->lines);
  g_clear_pointer (&reader->warnings, g_ptr_array_unref);
  g_clear_error (&reader->error);
}

guint
cfg_reader_line (const CfgReader *reader, const char *path)
{
  g_autofree char *at = g_strdup (path);

  for (;;)
    {
      gpointer line;
      char *cut = MAX (strrchr (at, '.'), strrchr (at, '['));

      if (g_hash_table_lookup_extended (reader->lines, at, NULL, &line))
        return GPOINTER_TO_UINT (line);
      if (cut == NULL)
        return 1;
      *cut = '\0';
    }
}

gboolean
cfg_reader_was_given (const CfgReader *reader, const char *path)
{
  return g_hash_table_contains (reader->lines, path);
}

static char *
place_message (guint line, const char *file_name, const char *path, const char *sentence)
{
  if (line == 0)
    return g_strdup_printf ("%s%s%s", path, *path != '\0' ? ": " : "", sentence);
  return g_strdup_printf ("%s:%u: %s%s%s", file_name, line, path, *path != '\0' ? ": " : "", sentence);
}

static gboolean
fail_in_line (CfgReader *reader, guint line, const char *path, const char *sentence)
{
  g_autofree char *message = place_message (reader->in_entry ? 0 : line, reader->file_name, path, sentence);

  if (reader->error == NULL)
    reader->error = g_error_new_literal (CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, message);
  return FALSE;
}

gboolean
cfg_reader_fail_at (CfgReader *reader, const char *path, const char *format, ...)
{
  g_autofree char *sentence = NULL;
  va_list args;

  va_start (args, format);
  sentence = g_strdup_vprintf (format, args);
  va_end (args);
  return fail_in_line (reader, cfg_reader_line (reader, path), path, sentence);
}

void
cfg_reader_warn_at (CfgReader *reader, const char *path, const char *format, ...)
{
  g_autofree char *sentence = NULL;
  va_list args;

  va_start (args, format);
  sentence = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (reader->warnings,
                   place_message (cfg_reader_line (reader, path), reader->file_name, path, sentence));
}

static guint
node_line (const yaml_node_t *node)
{
  return (guint)node->start_mark.line + 1;
}

/* The text of a scalar for a message: escaped, and cut when long. */
static char *
show_scalar (const yaml_node_t *node)
{
  GString *shown = g_string_new (NULL);

  cfg_log_append_escaped (shown, (const char *)node->data.scalar.value,
                          MIN (node->data.scalar.length, MAX_SHOWN_BYTES));
  if (node->data.scalar.length > MAX_SHOWN_BYTES)
    g_string_append (shown, "…");
  return g_string_free (shown, FALSE);
}

/* What stands there instead of what was expected: `not "abc"`. */
static char *
describe_value (const yaml_node_t *node, gboolean is_secret)
{
  g_autofree char *shown = NULL;

  if (node->type == YAML_SEQUENCE_NODE)
    return g_strdup (", not a list");
  if (node->type == YAML_MAPPING_NODE)
    return g_strdup (", not a group of keys");
  if (is_secret)
    return g_strdup ("");
  shown = show_scalar (node);
  return g_strdup_printf (", not \"%s\"", shown);
}

gboolean
cfg_reader_fail_value (CfgReader *reader, const CfgKey *key, const yaml_node_t *node, const char *expected)
{
  g_autofree char *instead = describe_value (node, key->is_secret);
  g_autofree char *sentence = g_strdup_printf ("must be %s%s", expected, instead);

  return fail_in_line (reader, node_line (node), reader->path->str, sentence);
}

gboolean
cfg_reader_is_null (const yaml_node_t *node)
{
  static const char *const words[] = { "", "~", "null", "Null", "NULL", NULL };

  return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE
         && g_strv_contains (words, (const char *)node->data.scalar.value);
}

/* Enters the value under @segment (".name" or "[3]"). Returns: the length to go back to with leave (). */
static gsize
enter (CfgReader *reader, const yaml_node_t *node, const char *segment)
{
  gsize before = reader->path->len;

  if (before == 0 && *segment == '.')
    segment++;
  g_string_append (reader->path, segment);
  g_hash_table_insert (reader->lines, g_strdup (reader->path->str),
                       GUINT_TO_POINTER (reader->in_entry ? 0 : node_line (node)));
  return before;
}

static void
leave (CfgReader *reader, gsize before)
{
  g_string_truncate (reader->path, before);
}

static gboolean
visit (CfgReader *reader, const yaml_node_t *node)
{
  if (reader->n_left == 0)
    return fail_in_line (reader, node_line (node), reader->path->str,
                         "holds too many values, aliases counted; write a shorter list");
  reader->n_left--;
  return TRUE;
}

/* --- keys ---------------------------------------------------------------------------------------------- */

/* A sentence that helps: the nearest key, or all of them. */
static char *
describe_unknown_key (const CfgKey *keys, const char *name)
{
  GString *all = g_string_new ("unknown key; known here: ");
  const char *nearest = NULL;
  guint nearest_distance = 3;

  for (const CfgKey *key = keys; key->name != NULL; key++)
    {
      guint distance = cfg_edit_distance (name, key->name);

      g_string_append_printf (all, "%s%s", key == keys ? "" : ", ", key->name);
      if (distance < nearest_distance && distance < strlen (key->name))
        {
          nearest = key->name;
          nearest_distance = distance;
        }
    }
  if (nearest != NULL)
    g_string_printf (all, "unknown key; did you mean \"%s\"?", nearest);
  return g_string_free (all, FALSE);
}

static gboolean
fail_key (CfgReader *reader, const yaml_node_t *name, const char *sentence)
{
  g_autofree char *shown = show_scalar (name);
  g_autofree char *path = g_strconcat (reader->path->str, reader->path->len > 0 ? "." : "", shown, NULL);

  return fail_in_line (reader, node_line (name), path, sentence);
}

static const CfgKey *
find_key (const CfgKey *keys, const yaml_node_t *name)
{
  for (const CfgKey *key = keys; key->name != NULL; key++)
    if (strlen (key->name) == name->data.scalar.length
        && memcmp (key->name, name->data.scalar.value, name->data.scalar.length) == 0)
      return key;
  return NULL;
}

static gboolean
reads_whole_object (const CfgKey *key)
{
  return key->read == cfg_read_section_list || key->read == cfg_read_api_keys || key->read == cfg_read_pairs;
}

static gboolean
read_value (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer object)
{
  g_autofree char *segment = g_strconcat (".", key->name, NULL);
  gsize before;
  gboolean ok;

  if (cfg_reader_is_null (node))
    return TRUE;
  before = enter (reader, node, segment);
  ok = visit (reader, node)
       && key->read (reader, key, node, reads_whole_object (key) ? object : (guint8 *)object + key->offset)
       && cfg_reader_check_supported (reader, node);
  leave (reader, before);
  return ok;
}

static gboolean
check_repeated (CfgReader *reader, const yaml_node_t *name, GHashTable *seen, const char *word)
{
  gpointer line = g_hash_table_lookup (seen, word);
  g_autofree char *sentence = NULL;

  if (line == NULL)
    {
      g_hash_table_insert (seen, g_strdup (word), GUINT_TO_POINTER (node_line (name)));
      return TRUE;
    }
  sentence = g_strdup_printf ("is given twice, first in line %u; remove one", GPOINTER_TO_UINT (line));
  return fail_key (reader, name, sentence);
}

static gboolean
read_pair (CfgReader *reader, const CfgKey *keys, const yaml_node_pair_t *pair, gpointer object,
           GHashTable *seen)
{
  yaml_node_t *name = yaml_document_get_node (reader->document, pair->key);
  yaml_node_t *value = yaml_document_get_node (reader->document, pair->value);
  const CfgKey *key;

  if (name->type != YAML_SCALAR_NODE)
    return fail_in_line (reader, node_line (name), reader->path->str,
                         "a key must be a word, as in `key: value`");
  key = find_key (keys, name);
  if (key == NULL)
    {
      g_autofree char *sentence = describe_unknown_key (keys, (const char *)name->data.scalar.value);

      return fail_key (reader, name, sentence);
    }
  return check_repeated (reader, name, seen, key->name) && read_value (reader, key, value, object);
}

gboolean
cfg_reader_mapping (CfgReader *reader, const CfgKey *keys, yaml_node_t *node, gpointer object)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  const CfgKey none = { 0 };

  if (node->type != YAML_MAPPING_NODE)
    return cfg_reader_fail_value (reader, &none, node, "a group of keys, as in `key: value`");
  for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
       pair++)
    if (!read_pair (reader, keys, pair, object, seen))
      return FALSE;
  return TRUE;
}

gboolean
cfg_read_section (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member)
{
  return cfg_reader_mapping (reader, key->keys, node, member);
}

/* --- lists --------------------------------------------------------------------------------------------- */

gboolean
cfg_reader_items (CfgReader *reader, const CfgKey *key, yaml_node_t *node, CfgReadFunc read, gpointer user)
{
  gsize n;

  if (node->type != YAML_SEQUENCE_NODE)
    return cfg_reader_fail_value (reader, key, node, "a list, as in [a, b]");
  n = (gsize)(node->data.sequence.items.top - node->data.sequence.items.start);
  if ((gint64)n < key->min)
    return fail_in_line (reader, node_line (node), reader->path->str,
                         "must name at least one; remove the key for the default");
  if ((gint64)n > key->max)
    {
      g_autofree char *sentence = g_strdup_printf (
          "has %" G_GSIZE_FORMAT " entries, at most %" G_GINT64_FORMAT " are possible", n, key->max);

      return fail_in_line (reader, node_line (node), reader->path->str, sentence);
    }
  for (gsize i = 0; i < n; i++)
    {
      yaml_node_t *item = yaml_document_get_node (reader->document, node->data.sequence.items.start[i]);
      char segment[32];
      gsize before;
      gboolean ok;

      g_snprintf (segment, sizeof segment, "[%" G_GSIZE_FORMAT "]", i);
      before = enter (reader, item, segment);
      ok = visit (reader, item) && read (reader, key, item, user);
      leave (reader, before);
      if (!ok)
        return FALSE;
    }
  return TRUE;
}

typedef struct
{
  guint8 *array;
  gsize *count;
} SectionList;

static gboolean
read_section_item (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer user)
{
  SectionList *list = user;
  gpointer item = list->array + *list->count * key->item_size;

  /* Counted before it is read: what a failed one already owns is freed with the rest. */
  ++*list->count;
  if (key->item_init != NULL)
    key->item_init (item);
  if (key->line_offset > 0)
    *(guint *)(gpointer)((guint8 *)item + key->line_offset) = reader->in_entry ? 0 : node_line (node);
  return cfg_reader_mapping (reader, key->keys, node, item);
}

/* One element more in an array that read_section_list made, or that is not there yet. */
static SectionList
grow_list (const CfgKey *key, gpointer object)
{
  gpointer *array = (gpointer *)(gpointer)((guint8 *)object + key->offset);
  SectionList list = { .count = (gsize *)(gpointer)((guint8 *)object + key->count_offset) };

  *array = g_realloc_n (*array, *list.count + 1, key->item_size);
  list.array = *array;
  memset (list.array + *list.count * key->item_size, 0, key->item_size);
  return list;
}

static gboolean
read_entry (CfgReader *reader, const CfgKey *key, gpointer object)
{
  yaml_node_t *root = yaml_document_get_root_node (reader->document);
  SectionList list;
  char segment[32];
  gsize before, before_item;
  gboolean ok;

  if (root == NULL)
    return cfg_reader_fail_at (reader, key->name, "an entry is empty");
  list = grow_list (key, object);
  g_snprintf (segment, sizeof segment, "[%" G_GSIZE_FORMAT "]", *list.count);
  before = enter (reader, root, key->name);
  before_item = enter (reader, root, segment);
  ok = visit (reader, root) && read_section_item (reader, key, root, &list);
  leave (reader, before_item);
  leave (reader, before);
  return ok;
}

gboolean
cfg_reader_entry (CfgReader *reader, const CfgKey *key, const char *text, gpointer object)
{
  yaml_document_t *outer = reader->document, document;
  gsize *count = (gsize *)(gpointer)((guint8 *)object + key->count_offset);
  gboolean ok;

  reader->in_entry = TRUE;
  if ((gint64)*count >= key->max)
    ok = cfg_reader_fail_at (reader, key->name, "has %" G_GSIZE_FORMAT " entries, more are not possible",
                             *count);
  else if (!cfg_yaml_load (text, strlen (text), key->name, &document, &reader->error))
    ok = FALSE;
  else
    {
      reader->document = &document;
      reader->n_left = MAX_VISITED;
      ok = read_entry (reader, key, object);
      reader->document = outer;
      yaml_document_delete (&document);
    }
  reader->in_entry = FALSE;
  return ok;
}

/* Makes the array for @n elements and leaves the count at 0. */
static SectionList
start_list (const CfgKey *key, gpointer object, gsize n)
{
  gpointer *array = (gpointer *)(gpointer)((guint8 *)object + key->offset);
  SectionList list = { .count = (gsize *)(gpointer)((guint8 *)object + key->count_offset) };

  g_assert (*array == NULL);
  *array = g_malloc0_n (MAX (n, 1), key->item_size);
  list.array = *array;
  return list;
}

gboolean
cfg_read_section_list (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer object)
{
  gsize n = 0;
  SectionList list;

  if (node->type == YAML_SEQUENCE_NODE)
    n = (gsize)(node->data.sequence.items.top - node->data.sequence.items.start);
  list = start_list (key, object, (gsize)MIN ((gint64)n, key->max));
  return cfg_reader_items (reader, key, node, read_section_item, &list);
}

/* One "name: value" of a mapping of free names. */
static gboolean
read_named_text (CfgReader *reader, const CfgKey *key, const yaml_node_pair_t *pair, const char *expected,
                 CfgPair *out)
{
  yaml_node_t *name = yaml_document_get_node (reader->document, pair->key);
  yaml_node_t *value = yaml_document_get_node (reader->document, pair->value);
  g_autofree char *segment = NULL, *sentence = NULL;
  gsize before;
  gboolean ok;

  if (name->type != YAML_SCALAR_NODE || name->data.scalar.length == 0)
    {
      sentence = g_strconcat ("must be ", expected, NULL);
      return fail_in_line (reader, node_line (name), reader->path->str, sentence);
    }
  if (!cfg_read_text (reader, key, name, &out->name))
    return FALSE;
  segment = g_strconcat (".", out->name, NULL);
  before = enter (reader, value, segment);
  ok = visit (reader, value) && cfg_read_text (reader, key, value, &out->value);
  if (ok && key->read == cfg_read_api_keys && (cfg_reader_is_null (value) || *out->value == '\0'))
    ok = cfg_reader_fail_at (reader, reader->path->str, "needs a secret");
  if (ok && out->value == NULL)
    out->value = g_strdup ("");
  leave (reader, before);
  return ok;
}

static gboolean
read_pairs (CfgReader *reader, const CfgKey *key, yaml_node_t *node, const char *expected, gpointer object)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  SectionList list;
  gsize n;

  if (node->type != YAML_MAPPING_NODE)
    return cfg_reader_fail_value (reader, key, node, expected);
  n = (gsize)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
  if ((gint64)n > key->max)
    return fail_in_line (reader, node_line (node), reader->path->str, "has too many of them");
  list = start_list (key, object, n);
  for (gsize i = 0; i < n; i++)
    {
      const yaml_node_pair_t *pair = &node->data.mapping.pairs.start[i];
      CfgPair *item = (CfgPair *)(gpointer)list.array + i;

      ++*list.count;
      if (!read_named_text (reader, key, pair, expected, item)
          || !check_repeated (reader, yaml_document_get_node (reader->document, pair->key), seen, item->name))
        return FALSE;
    }
  return TRUE;
}

G_STATIC_ASSERT (sizeof (CfgApiKey) == sizeof (CfgPair)
                 && G_STRUCT_OFFSET (CfgApiKey, secret) == G_STRUCT_OFFSET (CfgPair, value));

gboolean
cfg_read_api_keys (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer object)
{
  return read_pairs (reader, key, node, "names with secrets, as in `name: secret`", object);
}

gboolean
cfg_read_pairs (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer object)
{
  return read_pairs (reader, key, node, "names with values, as in `name: value`", object);
}
