/* The values of the settings: texts, words, truth values, numbers and durations. */
#include "config/settings_reader.h"

#include <math.h>
#include <string.h>

#include "config/base/clock.h"

/* --- texts --------------------------------------------------------------------------------------------- */

/* Returns: (transfer full): the scalar's text; NULL with an error. */
static char *
take_text (CfgReader *reader, const CfgKey *key, const yaml_node_t *node)
{
  const char *expected = key->expected != NULL ? key->expected : "a text";
  const char *text = (const char *)node->data.scalar.value;
  gboolean counts_items
      = key->read == cfg_read_texts || key->read == cfg_read_api_keys || key->read == cfg_read_pairs;
  gsize max = key->max > 0 && !counts_items ? (gsize)key->max : 1024;

  if (node->type != YAML_SCALAR_NODE)
    {
      cfg_reader_fail_value (reader, key, node, expected);
      return NULL;
    }
  if (node->data.scalar.length > max)
    {
      cfg_reader_fail_value (reader, key, node, "shorter");
      return NULL;
    }
  /* Texts end up in headers and log lines; NUL would cut them short without a word. */
  for (gsize i = 0; i < node->data.scalar.length; i++)
    if ((guchar)text[i] < 0x20 || text[i] == 0x7f)
      {
        cfg_reader_fail_value (reader, key, node, "one line without control characters");
        return NULL;
      }
  if (*text != '\0' && key->check != NULL && !key->check (text))
    {
      cfg_reader_fail_value (reader, key, node, expected);
      return NULL;
    }
  return g_strdup (text);
}

gboolean
cfg_read_text (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member)
{
  char **out = member;
  char *text = take_text (reader, key, node);

  if (text == NULL)
    return FALSE;
  /* Given empty is the same as not given. */
  if (*text == '\0' && key->read != cfg_read_api_keys)
    {
      g_free (text);
      return TRUE;
    }
  g_free (*out);
  *out = text;
  return TRUE;
}

static gboolean
read_text_item (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer user)
{
  char *text = take_text (reader, key, node);

  if (text == NULL)
    return FALSE;
  if (*text == '\0')
    {
      g_free (text);
      return cfg_reader_fail_value (reader, key, node, key->expected != NULL ? key->expected : "a text");
    }
  g_ptr_array_add (user, text);
  return TRUE;
}

/* Replaces the member by the items that @read added to an array, or leaves it on failure. */
static gboolean
read_text_array (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member, CfgReadFunc read)
{
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_free);
  char ***out = member;

  if (!cfg_reader_items (reader, key, node, read, items))
    return FALSE;
  g_ptr_array_add (items, NULL);
  g_strfreev (*out);
  *out = (char **)g_ptr_array_steal (items, NULL);
  return TRUE;
}

gboolean
cfg_read_texts (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member)
{
  return read_text_array (reader, key, node, member, read_text_item);
}

/* --- words --------------------------------------------------------------------------------------------- */

/* "a, b or c" */
static char *
list_words (const CfgWord *words)
{
  GString *list = g_string_new (NULL);

  for (const CfgWord *word = words; word->word != NULL; word++)
    {
      const char *separator = word == words ? "" : word[1].word == NULL ? " or " : ", ";

      g_string_append_printf (list, "%s%s", separator, word->word);
    }
  return g_string_free (list, FALSE);
}

static const CfgWord *
find_word (CfgReader *reader, const CfgKey *key, const yaml_node_t *node)
{
  g_autofree char *expected = NULL;

  if (node->type == YAML_SCALAR_NODE
      && strlen ((const char *)node->data.scalar.value) == node->data.scalar.length)
    for (const CfgWord *word = key->words; word->word != NULL; word++)
      if (g_ascii_strcasecmp (word->word, (const char *)node->data.scalar.value) == 0)
        return word;
  expected = list_words (key->words);
  cfg_reader_fail_value (reader, key, node, expected);
  return NULL;
}

gboolean
cfg_read_word (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member)
{
  const CfgWord *word;

  /* Given empty is the same as not given, for words too. */
  if (node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0)
    return TRUE;
  word = find_word (reader, key, node);
  if (word == NULL)
    return FALSE;
  memcpy (member, &word->value, sizeof word->value);
  return TRUE;
}

static gboolean
read_flag_item (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer user)
{
  const CfgWord *word = find_word (reader, key, node);

  if (word == NULL)
    return FALSE;
  *(int *)user |= word->value;
  return TRUE;
}

gboolean
cfg_read_flags (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member)
{
  int flags = 0;

  if (!cfg_reader_items (reader, key, node, read_flag_item, &flags))
    return FALSE;
  memcpy (member, &flags, sizeof flags);
  return TRUE;
}

static gboolean
read_word_item (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer user)
{
  const CfgWord *word = find_word (reader, key, node);

  if (word == NULL)
    return FALSE;
  if (g_ptr_array_find_with_equal_func (user, word->word, g_str_equal, NULL))
    return cfg_reader_fail_at (reader, reader->path->str, "\"%s\" is in the list already; remove one",
                               word->word);
  g_ptr_array_add (user, g_strdup (word->word));
  return TRUE;
}

gboolean
cfg_read_word_list (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member)
{
  return read_text_array (reader, key, node, member, read_word_item);
}

/* --- numbers ------------------------------------------------------------------------------------------- */

/* A number may stand in quotes; what is given empty counts as not given. */
static gboolean
is_scalar (const yaml_node_t *node)
{
  return node->type == YAML_SCALAR_NODE
         && strlen ((const char *)node->data.scalar.value) == node->data.scalar.length;
}

static const char *
scalar_text (const yaml_node_t *node)
{
  return is_scalar (node) ? (const char *)node->data.scalar.value : "";
}

gboolean
cfg_read_bool (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member)
{
  static const CfgWord words[] = { { "true", TRUE }, { "yes", TRUE },  { "on", TRUE }, { "false", FALSE },
                                   { "no", FALSE },  { "off", FALSE }, { NULL, 0 } };

  for (const CfgWord *word = words; word->word != NULL; word++)
    if (g_ascii_strcasecmp (word->word, scalar_text (node)) == 0)
      {
        *(gboolean *)member = word->value;
        return TRUE;
      }
  return cfg_reader_fail_value (reader, key, node, "true or false");
}

/* Returns: FALSE with an error unless the value is a decimal number from min to max. */
static gboolean
read_integer (CfgReader *reader, const CfgKey *key, const yaml_node_t *node, gint64 *out)
{
  g_autofree char *expected = NULL;

  if (g_ascii_string_to_signed (scalar_text (node), 10, key->min, key->max, out, NULL))
    return TRUE;
  expected
      = g_strdup_printf ("a number between %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT, key->min, key->max);
  return cfg_reader_fail_value (reader, key, node, expected);
}

gboolean
cfg_read_port (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member)
{
  gint64 number = 0;

  if (!read_integer (reader, key, node, &number))
    return FALSE;
  *(guint16 *)member = (guint16)number;
  return TRUE;
}

gboolean
cfg_read_count (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member)
{
  gint64 number = 0;

  if (!read_integer (reader, key, node, &number))
    return FALSE;
  *(guint *)member = (guint)number;
  return TRUE;
}

gboolean
cfg_read_real (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member)
{
  const char *text = scalar_text (node);
  char *end = NULL;
  double number = g_ascii_strtod (text, &end);
  g_autofree char *expected = NULL;

  /* strtod also knows hexadecimal, infinity and leading space; a person means none of them. */
  if (*text != '\0' && text[strspn (text, "0123456789.")] == '\0' && *end == '\0'
      && number >= (double)key->min && number <= (double)key->max)
    {
      *(double *)member = number;
      return TRUE;
    }
  expected = g_strdup_printf ("a number between %" G_GINT64_FORMAT ".0 and %" G_GINT64_FORMAT ".0", key->min,
                              key->max);
  return cfg_reader_fail_value (reader, key, node, expected);
}

/* "90", "90s", "5m", "1h", "500ms". Returns: FALSE when @text is none of them or out of 0 … @max_s. */
static gboolean
parse_duration (const char *text, gint64 max_s, gint64 *us)
{
  static const struct
  {
    const char *unit;
    gint64 us;
  } units[] = { { "", CFG_US_PER_S },
                { "ms", CFG_US_PER_MS },
                { "s", CFG_US_PER_S },
                { "m", 60 * CFG_US_PER_S },
                { "h", 3600 * CFG_US_PER_S } };
  gsize n_digits = strspn (text, "0123456789");
  g_autofree char *digits = g_strndup (text, n_digits);
  guint64 number;

  if (!g_ascii_string_to_unsigned (digits, 10, 0, G_MAXINT, &number, NULL))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (units); i++)
    if (strcmp (text + n_digits, units[i].unit) == 0)
      {
        *us = (gint64)number * units[i].us;
        return *us <= max_s * CFG_US_PER_S;
      }
  return FALSE;
}

gboolean
cfg_read_seconds (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member)
{
  gint64 us = 0;
  g_autofree char *expected = NULL;

  if (parse_duration (scalar_text (node), key->max, &us) && us % CFG_US_PER_S == 0
      && us >= key->min * CFG_US_PER_S)
    {
      *(guint *)member = (guint)(us / CFG_US_PER_S);
      return TRUE;
    }
  expected = g_strdup_printf ("a number of seconds between %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT,
                              key->min, key->max);
  return cfg_reader_fail_value (reader, key, node, expected);
}

gboolean
cfg_read_duration (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member)
{
  gint64 us = 0;

  if (!parse_duration (scalar_text (node), key->max, &us))
    return cfg_reader_fail_value (reader, key, node,
                                  "a duration such as 60s, 5m or 1h, at most 24h; 0 turns it off");
  *(gint64 *)member = us;
  return TRUE;
}
