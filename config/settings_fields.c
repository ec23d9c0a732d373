#include "config/settings_fields.h"

#include "config/settings_schema.h"

static char **
word_names (const CfgWord *words)
{
  GPtrArray *names = g_ptr_array_new ();

  for (; words->word != NULL; words++)
    g_ptr_array_add (names, (char *)words->word);
  g_ptr_array_add (names, NULL);
  return (char **)g_ptr_array_free (names, FALSE);
}

static const char *
word_of (const CfgWord *words, int value)
{
  for (; words->word != NULL; words++)
    if (words->value == value)
      return words->word;
  return NULL;
}

static CfgFieldType
type_of (const CfgKey *key)
{
  static const struct
  {
    CfgReadFunc read;
    CfgFieldType type;
  } types[] = {
    { cfg_read_text, CFG_FIELD_TEXT },         { cfg_read_texts, CFG_FIELD_TEXTS },
    { cfg_read_bool, CFG_FIELD_BOOL },         { cfg_read_count, CFG_FIELD_COUNT },
    { cfg_read_duration, CFG_FIELD_DURATION }, { cfg_read_word, CFG_FIELD_WORD },
    { cfg_read_word_list, CFG_FIELD_WORDS },   { cfg_read_pairs, CFG_FIELD_PAIRS },
    { cfg_read_section, CFG_FIELD_SECTION },   { cfg_read_seconds, CFG_FIELD_SECONDS },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    if (types[i].read == key->read)
      return types[i].type;
  g_assert_not_reached (); /* a key of a new kind: it needs a row above */
}

static void
take_value (const CfgKey *key, gconstpointer object, CfgField *field)
{
  const guint8 *member = (const guint8 *)object + key->offset;

  switch (field->type)
    {
    case CFG_FIELD_TEXT:
      field->text = *(char *const *)(gconstpointer)member;
      field->is_set = field->text != NULL;
      break;
    case CFG_FIELD_TEXTS:
    case CFG_FIELD_WORDS:
      field->texts = *(char **const *)(gconstpointer)member;
      field->is_set = field->texts != NULL;
      break;
    case CFG_FIELD_BOOL:
      field->number = *(const gboolean *)(gconstpointer)member;
      field->is_set = TRUE;
      break;
    case CFG_FIELD_COUNT:
    case CFG_FIELD_SECONDS:
      field->number = *(const guint *)(gconstpointer)member;
      field->is_set = TRUE;
      break;
    case CFG_FIELD_DURATION:
      field->number = *(const gint64 *)(gconstpointer)member;
      field->is_set = TRUE;
      break;
    case CFG_FIELD_WORD:
      field->text = word_of (key->words, *(const int *)(gconstpointer)member);
      field->is_set = field->text != NULL;
      break;
    case CFG_FIELD_PAIRS:
      field->pairs = *(CfgPair *const *)(gconstpointer)member;
      field->n_pairs = *(const gsize *)(gconstpointer)((const guint8 *)object + key->count_offset);
      field->is_set = TRUE;
      break;
    case CFG_FIELD_SECTION:
      field->object = member;
      field->is_set = TRUE;
      break;
    default:
      g_assert_not_reached ();
    }
}

gboolean
cfg_field (const CfgKey *keys, guint index, gconstpointer object, CfgField *field)
{
  const CfgKey *key = keys;

  for (; index > 0 && key->name != NULL; index--)
    key++;
  *field = (CfgField){ 0 };
  if (key->name == NULL)
    return FALSE;
  field->name = key->name;
  field->type = type_of (key);
  field->is_secret = key->is_secret;
  field->expected = key->expected;
  field->min = key->min;
  field->max = key->max;
  field->keys = key->keys;
  if (key->words != NULL)
    field->words = word_names (key->words);
  if (object != NULL)
    take_value (key, object, field);
  return TRUE;
}

const CfgKey *
cfg_trunk_keys (void)
{
  return cfg_settings_key ("trunks")->keys;
}

const CfgKey *
cfg_rule_keys (void)
{
  return cfg_settings_key ("dispatch_rules")->keys;
}
