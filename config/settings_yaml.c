#include "config/settings_yaml.h"

#include <string.h>

#include "config/base/error.h"
#include "config/settings.h"

typedef struct
{
  const char *text;
  gsize len;
  const char *file_name;
} YamlInput;

static gboolean
fail (const YamlInput *input, gsize line, GError **error, const char *sentence)
{
  g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "%s:%" G_GSIZE_FORMAT ": %s", input->file_name,
               line, sentence);
  return FALSE;
}

static void
start_parser (yaml_parser_t *parser, const YamlInput *input)
{
  if (!yaml_parser_initialize (parser))
    g_error ("yaml: out of memory");
  /* Said, not guessed: a byte order mark of UTF-16 would let text in that nothing here expects. */
  yaml_parser_set_encoding (parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string (parser, (const unsigned char *)input->text, input->len);
}

/* Counted from the first byte: the reader's own errors carry an offset only. */
static gsize
line_of_offset (const YamlInput *input, gsize offset)
{
  gsize line = 1;

  for (gsize i = 0; i < MIN (offset, input->len); i++)
    line += input->text[i] == '\n';
  return line;
}

static gboolean
line_starts_with_tab (const YamlInput *input, gsize line)
{
  const char *at = input->text, *end = input->text + input->len;

  for (; line > 1 && at < end; line--)
    {
      const char *newline = memchr (at, '\n', (gsize)(end - at));

      at = newline != NULL ? newline + 1 : end;
    }
  while (at < end && *at == ' ')
    at++;
  return at < end && *at == '\t';
}

static gboolean
fail_with_problem (const YamlInput *input, const yaml_parser_t *parser, GError **error)
{
  g_autofree char *sentence = NULL;
  gsize line = parser->problem_mark.line + 1;

  if (parser->error == YAML_MEMORY_ERROR)
    g_error ("yaml: out of memory");
  if (parser->error == YAML_READER_ERROR)
    line = line_of_offset (input, parser->problem_offset);
  sentence
      = g_strdup_printf ("is not valid YAML: %s%s%s%s", parser->problem != NULL ? parser->problem : "?",
                         parser->context != NULL ? ", " : "", parser->context != NULL ? parser->context : "",
                         line_starts_with_tab (input, line) ? "; indent with spaces, not with a tab" : "");
  return fail (input, line, error, sentence);
}

typedef struct
{
  guint depth, n_nodes, n_anchors, n_aliases, n_documents;
} YamlSize;

/* Returns: what is wrong with the events so far, NULL when they are within bounds. */
static const char *
count_event (YamlSize *size, const yaml_event_t *event)
{
  const yaml_char_t *anchor = NULL;

  switch (event->type)
    {
    case YAML_DOCUMENT_START_EVENT:
      size->n_documents++;
      break;
    case YAML_ALIAS_EVENT:
      size->n_aliases++;
      break;
    case YAML_SCALAR_EVENT:
      size->n_nodes++;
      anchor = event->data.scalar.anchor;
      break;
    case YAML_SEQUENCE_START_EVENT:
      size->n_nodes++;
      size->depth++;
      anchor = event->data.sequence_start.anchor;
      break;
    case YAML_MAPPING_START_EVENT:
      size->n_nodes++;
      size->depth++;
      anchor = event->data.mapping_start.anchor;
      break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
      size->depth--;
      break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    default:
      break;
    }
  size->n_anchors += anchor != NULL;
  if (size->n_documents > 1)
    return "starts a second document; one file holds one document, remove the line \"---\"";
  if (size->depth > CFG_YAML_MAX_DEPTH)
    return "is nested too deeply; no key has more than a few levels below it";
  if (size->n_nodes > CFG_YAML_MAX_NODES)
    return "holds too many values for a configuration";
  if (size->n_anchors > CFG_YAML_MAX_ANCHORS || size->n_aliases > CFG_YAML_MAX_ALIASES)
    return "has too many anchors or aliases; write the values out";
  return NULL;
}

/* A pass over the events alone, which takes memory for the depth only, before the document is built. */
static gboolean
check_size (const YamlInput *input, GError **error)
{
  yaml_parser_t parser;
  YamlSize size = { 0 };
  gboolean ok = TRUE, ended = FALSE;

  start_parser (&parser, input);
  while (ok && !ended)
    {
      yaml_event_t event;
      const char *wrong;

      if (!yaml_parser_parse (&parser, &event))
        {
          ok = fail_with_problem (input, &parser, error);
          break;
        }
      wrong = count_event (&size, &event);
      if (wrong != NULL)
        ok = fail (input, event.start_mark.line + 1, error, wrong);
      ended = event.type == YAML_STREAM_END_EVENT;
      yaml_event_delete (&event);
    }
  yaml_parser_delete (&parser);
  return ok;
}

gboolean
cfg_yaml_load (const char *text, gsize len, const char *file_name, yaml_document_t *document, GError **error)
{
  const YamlInput input = { text, len, file_name };
  yaml_parser_t parser;
  gboolean ok;

  if (len > CFG_SETTINGS_MAX_FILE_BYTES)
    return fail (&input, 1, error, "the file is larger than 1 MB; that is no configuration");
  if (!check_size (&input, error))
    return FALSE;
  start_parser (&parser, &input);
  ok = yaml_parser_load (&parser, document);
  if (!ok)
    fail_with_problem (&input, &parser, error);
  yaml_parser_delete (&parser);
  return ok;
}

static yaml_node_t *
member_of (yaml_document_t *document, const yaml_node_t *node, const char *name, gsize size, guint *line)
{
  if (node->type != YAML_MAPPING_NODE)
    return NULL;
  for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
       pair++)
    {
      const yaml_node_t *key = yaml_document_get_node (document, pair->key);

      if (key == NULL || key->type != YAML_SCALAR_NODE || key->data.scalar.length != size
          || memcmp (key->data.scalar.value, name, size) != 0)
        continue;
      *line = (guint)key->start_mark.line + 1;
      return yaml_document_get_node (document, pair->value);
    }
  return NULL;
}

static yaml_node_t *
item_of (yaml_document_t *document, const yaml_node_t *node, guint64 index, guint *line)
{
  yaml_node_t *item;

  if (node->type != YAML_SEQUENCE_NODE
      || index >= (guint64)(node->data.sequence.items.top - node->data.sequence.items.start))
    return NULL;
  item = yaml_document_get_node (document, node->data.sequence.items.start[index]);
  if (item != NULL)
    *line = (guint)item->start_mark.line + 1;
  return item;
}

guint
cfg_yaml_line (yaml_document_t *document, const char *path)
{
  yaml_node_t *node = yaml_document_get_root_node (document);
  guint line = 0;

  while (node != NULL && *path != '\0')
    if (*path == '[')
      {
        char *end;
        guint64 index = g_ascii_strtoull (path + 1, &end, 10);

        node = *end == ']' ? item_of (document, node, index, &line) : NULL;
        path = *end == ']' ? end + 1 : end;
      }
    else
      {
        gsize size;

        path += *path == '.';
        size = strcspn (path, ".[");
        node = size > 0 ? member_of (document, node, path, size, &line) : NULL;
        path += size;
      }
  return node != NULL ? line : 0;
}
