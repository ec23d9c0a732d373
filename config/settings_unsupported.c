/* The keys whose feature this version does not have yet. They are part of the configuration's contract, so
 * they are known and refused with a clear sentence: a key that is silently ignored is a promise broken. A
 * feature that arrives deletes its rows here. */
#include "config/settings_reader.h"

#include <string.h>

#include "config/base/error.h"

typedef struct
{
  const char *path;    /* "[]" stands for any index */
  const char *feature; /* begins the sentence */
  const char
      *accepted; /* words that ask for nothing new, beside an empty value; nullable; "|" between them */
} CfgUnsupported;

static const CfgUnsupported cfg_settings_unsupported[] = {
  { "rtc.turn.url", "TURN", NULL },
  { "rtc.turn.username", "TURN", NULL },
  { "rtc.turn.password", "TURN", NULL },
};

static gboolean
path_matches (const char *pattern, const char *path)
{
  for (; *pattern != '\0'; pattern++, path++)
    {
      if (*pattern == ']')
        while (g_ascii_isdigit (*path))
          path++;
      if (*pattern != *path)
        return FALSE;
    }
  return *path == '\0';
}

static gboolean
asks_for_nothing (const yaml_node_t *node, const char *accepted)
{
  g_auto (GStrv) words = g_strsplit (accepted != NULL ? accepted : "", "|", -1);

  if (node->type == YAML_SEQUENCE_NODE)
    return node->data.sequence.items.top == node->data.sequence.items.start;
  if (node->type != YAML_SCALAR_NODE)
    return FALSE;
  if (node->data.scalar.length == 0)
    return TRUE;
  for (char **word = words; *word != NULL; word++)
    if (g_ascii_strcasecmp (*word, (const char *)node->data.scalar.value) == 0)
      return TRUE;
  return FALSE;
}

gboolean
cfg_reader_check_supported (CfgReader *reader, const yaml_node_t *node)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cfg_settings_unsupported); i++)
    {
      const CfgUnsupported *row = &cfg_settings_unsupported[i];

      if (!path_matches (row->path, reader->path->str) || asks_for_nothing (node, row->accepted))
        continue;
      cfg_reader_fail_at (reader, reader->path->str, "%s is not available in this version; remove the key",
                          row->feature);
      reader->error->code = CFG_ERROR_UNIMPLEMENTED;
      return FALSE;
    }
  return TRUE;
}
