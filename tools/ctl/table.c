#include "tools/ctl/table.h"

#include <string.h>

#define MAX_COLUMNS    9  /* of a table that is not wide */
#define MAX_CELL_WIDTH 40 /* the same */
#define INDENT         2

/* The members that tell most, in the order of columns; the others follow as they come. */
static const char *const preferred[] = {
  "sip_call_id",
  "id",
  "sip_trunk_id",
  "sip_dispatch_rule_id",
  "name",
  "identity",
  "kind",
  "type",
  "status",
  "state",
  "direction",
  "from",
  "to",
  "room",
  "room_name",
  "room_prefix",
  "end.cause",
  "created_at",
  "ended_at",
  "numbers",
  "num_participants",
  "participant_identity",
  "trunk_id",
  "outbound_address",
};

/* ---- text ---- */

static gboolean
is_harmless (gunichar c)
{
  const GUnicodeType type = g_unichar_type (c);

  return type != G_UNICODE_CONTROL && type != G_UNICODE_FORMAT && type != G_UNICODE_UNASSIGNED
         && type != G_UNICODE_PRIVATE_USE && type != G_UNICODE_LINE_SEPARATOR
         && type != G_UNICODE_PARAGRAPH_SEPARATOR && type != G_UNICODE_SURROGATE;
}

void
ctl_append_printable (GString *out, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      const gunichar c = g_utf8_get_char (at);

      if (is_harmless (c))
        g_string_append_unichar (out, c);
      else if (c == '\n')
        g_string_append (out, "\\n");
      else if (c != '\r')
        g_string_append_printf (out, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
    }
}

/* Columns of a terminal that @text, printable, takes. */
static guint
width_of (const char *text)
{
  guint width = 0;

  for (; *text != '\0'; text = g_utf8_next_char (text))
    {
      const gunichar c = g_utf8_get_char (text);

      width += g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;
    }
  return width;
}

static void
pad (GString *out, guint width, guint wanted)
{
  for (; width < wanted; width++)
    g_string_append_c (out, ' ');
}

void
ctl_append_padded (GString *out, const char *text, guint width)
{
  const gsize before = out->len;

  ctl_append_printable (out, text);
  pad (out, width_of (out->str + before), width);
}

/* Cuts @cell to @width columns. */
static void
cut (GString *cell, guint width)
{
  const char *at = cell->str;
  guint used = 0;

  if (width_of (cell->str) <= width)
    return;
  for (; at[0] != '\0'; at = g_utf8_next_char (at))
    {
      used += g_unichar_iswide (g_utf8_get_char (at)) ? 2 : 1;
      if (used + 1 > width)
        break;
    }
  g_string_truncate (cell, (gsize)(at - cell->str));
  g_string_append (cell, "…");
}

/* ---- values in one line ---- */

static void append_list (GString *out, const json_t *list);

static void
append_value (GString *out, const json_t *value)
{
  char *text;

  if (json_is_string (value))
    ctl_append_printable (out, json_string_value (value));
  else if (json_is_true (value))
    g_string_append (out, "yes");
  else if (json_is_false (value))
    g_string_append (out, "no");
  else if (json_is_integer (value))
    g_string_append_printf (out, "%" JSON_INTEGER_FORMAT, json_integer_value (value));
  else if (json_is_real (value))
    g_string_append_printf (out, "%.6g", json_real_value (value));
  else if (json_is_array (value))
    append_list (out, value);
  else if (json_is_object (value))
    {
      text = json_dumps (value, JSON_COMPACT);
      ctl_append_printable (out, text);
      free (text);
    }
}

/* Members that count seconds since 1970. */
static gboolean
is_instant (const char *name, const json_t *value)
{
  static const char *const instants[] = { "creation_time", "joined_at", NULL };

  return g_strv_contains (instants, name) && json_integer_value (value) > 0;
}

/* The same instant in milliseconds, beside it: for programs. */
static gboolean
is_repeated (const json_t *object, const char *name)
{
  g_autofree char *base = g_str_has_suffix (name, "_ms") ? g_strndup (name, strlen (name) - 3) : NULL;

  return base != NULL && is_instant (base, json_object_get (object, base));
}

static void
append_member_value (GString *out, const char *name, const json_t *value)
{
  g_autoptr (GDateTime) instant
      = is_instant (name, value) ? g_date_time_new_from_unix_utc (json_integer_value (value)) : NULL;
  g_autofree char *text = instant != NULL ? g_date_time_format_iso8601 (instant) : NULL;

  if (text != NULL)
    g_string_append (out, text);
  else
    append_value (out, value);
}

static void
append_list (GString *out, const json_t *list)
{
  for (size_t i = 0; i < json_array_size (list); i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      append_value (out, json_array_get (list, i));
    }
}

static gboolean
is_list_of_objects (const json_t *value)
{
  for (size_t i = 0; i < json_array_size (value); i++)
    if (!json_is_object (json_array_get (value, i)))
      return FALSE;
  return json_array_size (value) > 0;
}

/* A value that is worth a line or a column of its own: not null, not "", not {} and not []. */
static gboolean
says_something (const json_t *value)
{
  return !json_is_null (value) && !(json_is_string (value) && json_string_length (value) == 0)
         && !(json_is_array (value) && json_array_size (value) == 0)
         && !(json_is_object (value) && json_object_size (value) == 0);
}

/* ---- tables ---- */

static void
take_column (GPtrArray *columns, const char *name)
{
  if (!g_ptr_array_find_with_equal_func (columns, name, g_str_equal, NULL))
    g_ptr_array_add (columns, (gpointer)name);
}

/* The member @name of @row, or b of its member a for "a.b". */
static const json_t *
lookup (const json_t *row, const char *name)
{
  const char *dot = strchr (name, '.');
  g_autofree char *outer = dot != NULL ? g_strndup (name, (gsize)(dot - name)) : NULL;

  return dot != NULL ? json_object_get (json_object_get (row, outer), dot + 1) : json_object_get (row, name);
}

/* Names of the columns of @list; its own strings. */
static GPtrArray *
choose_columns (const json_t *list, gboolean wide)
{
  GPtrArray *columns = g_ptr_array_new ();
  json_t *row, *value;
  const char *name;
  size_t i;

  for (gsize p = 0; p < G_N_ELEMENTS (preferred); p++)
    json_array_foreach ((json_t *)list, i, row)
    {
      const json_t *found = lookup (row, preferred[p]);

      if (found != NULL && says_something (found))
        take_column (columns, preferred[p]);
    }
  json_array_foreach ((json_t *)list, i, row)
  {
    json_object_foreach (row, name, value)
    {
      if (says_something (value)
          && (wide || (!json_is_object (value) && !is_list_of_objects (value) && !is_repeated (row, name))))
        take_column (columns, name);
    }
  }
  if (!wide && columns->len > MAX_COLUMNS)
    g_ptr_array_set_size (columns, MAX_COLUMNS);
  return columns;
}

/* (transfer full) */
static char *
cell_text (const json_t *row, const char *column, gboolean wide)
{
  GString *cell = g_string_new (NULL);
  const json_t *value = lookup (row, column);

  if (value != NULL)
    append_member_value (cell, column, value);
  if (cell->len == 0)
    g_string_append_c (cell, '-');
  if (!wide)
    cut (cell, MAX_CELL_WIDTH);
  return g_string_free (cell, FALSE);
}

static void
end_line (GString *out)
{
  while (out->len > 0 && out->str[out->len - 1] == ' ')
    g_string_truncate (out, out->len - 1);
  g_string_append_c (out, '\n');
}

/* "end.cause" is the cause. */
static const char *
heading_of (const char *name)
{
  const char *dot = strchr (name, '.');

  return dot != NULL ? dot + 1 : name;
}

static void
append_heading (GString *out, const char *name, guint width)
{
  g_autofree char *upper = g_ascii_strup (heading_of (name), -1);

  g_strdelimit (upper, "_", ' ');
  ctl_append_padded (out, upper, width);
  g_string_append (out, "  ");
}

static void
append_table (GString *out, const json_t *list, guint indent, gboolean wide)
{
  g_autoptr (GPtrArray) columns = choose_columns (list, wide);
  g_autofree guint *widths = g_new0 (guint, columns->len + 1);
  const size_t n_rows = json_array_size (list);

  for (guint c = 0; c < columns->len; c++)
    {
      widths[c] = (guint)strlen (heading_of (columns->pdata[c]));
      for (size_t i = 0; i < n_rows; i++)
        {
          g_autofree char *cell = cell_text (json_array_get (list, i), columns->pdata[c], wide);

          widths[c] = MAX (widths[c], width_of (cell));
        }
    }
  pad (out, 0, indent);
  for (guint c = 0; c < columns->len; c++)
    append_heading (out, columns->pdata[c], widths[c]);
  end_line (out);
  for (size_t i = 0; i < n_rows; i++)
    {
      pad (out, 0, indent);
      for (guint c = 0; c < columns->len; c++)
        {
          g_autofree char *cell = cell_text (json_array_get (list, i), columns->pdata[c], wide);

          g_string_append (out, cell);
          pad (out, width_of (cell), widths[c] + 2);
        }
      end_line (out);
    }
}

/* ---- objects ---- */

static void append_object (GString *out, const json_t *object, guint indent, gboolean wide);

/* Text of several lines, each below the other. */
static void
append_block (GString *out, const char *text, guint indent)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (char **line = lines; *line != NULL; line++)
    if (line[0][0] != '\0' || line[1] != NULL)
      {
        pad (out, 0, indent);
        ctl_append_printable (out, *line);
        end_line (out);
      }
}

static void
append_member (GString *out, const char *name, const json_t *value, guint indent, guint width, gboolean wide)
{
  const gboolean is_text = json_is_string (value) && strchr (json_string_value (value), '\n') != NULL;

  pad (out, 0, indent);
  if (json_is_object (value) || is_text || is_list_of_objects (value))
    {
      ctl_append_printable (out, name);
      g_string_append (out, ":\n");
      if (is_text)
        append_block (out, json_string_value (value), indent + INDENT);
      else if (json_is_object (value))
        append_object (out, value, indent + INDENT, wide);
      else
        append_table (out, value, indent + INDENT, wide);
      return;
    }
  ctl_append_padded (out, name, width);
  g_string_append (out, "  ");
  append_member_value (out, name, value);
  end_line (out);
}

static void
append_object (GString *out, const json_t *object, guint indent, gboolean wide)
{
  guint width = 0;
  const char *name;
  json_t *value;

  json_object_foreach ((json_t *)object, name, value)
  {
    if (says_something (value) && !json_is_object (value) && (wide || !is_repeated (object, name)))
      width = MAX (width, width_of (name));
  }
  json_object_foreach ((json_t *)object, name, value)
  {
    if (says_something (value) && (wide || !is_repeated (object, name)))
      append_member (out, name, value, indent, width, wide);
  }
}

/* ---- results ---- */

/* The one thing that an answer is about: {"room": {...}} is about the room. */
static const json_t *
only_member (const json_t *result)
{
  void *first = json_object_size (result) == 1 ? json_object_iter ((json_t *)result) : NULL;

  return first != NULL ? json_object_iter_value (first) : NULL;
}

static void
append_named_list (GString *out, const char *name, const json_t *list, gboolean alone, gboolean wide)
{
  if (json_array_size (list) == 0)
    {
      g_string_append (out, "No ");
      ctl_append_printable (out, name);
      g_string_append (out, ".\n");
      return;
    }
  if (!alone)
    {
      ctl_append_printable (out, name);
      g_string_append (out, ":\n");
    }
  append_table (out, list, alone ? 0 : INDENT, wide);
}

char *
ctl_print_result (const json_t *result, gboolean wide)
{
  g_autoptr (GString) out = g_string_new (NULL);
  json_auto_t *rest = json_object ();
  const json_t *only = only_member (result);
  gboolean more = FALSE; /* than lists is to be said */
  guint n_lists = 0;
  const char *name;
  json_t *value;

  if (!json_is_object (result))
    append_value (out, result);
  else if (json_is_object (only))
    append_object (out, only, 0, wide);
  else
    {
      json_object_foreach ((json_t *)result, name, value)
      {
        if (is_list_of_objects (value) || (json_is_array (value) && json_array_size (value) == 0))
          n_lists++;
        else
          {
            json_object_set (rest, name, value);
            more = more || says_something (value);
          }
      }
      json_object_foreach ((json_t *)result, name, value)
      {
        if (json_object_get (rest, name) == NULL)
          append_named_list (out, name, value, n_lists == 1 && !more, wide);
      }
      append_object (out, rest, 0, wide);
    }
  if (out->len == 0)
    g_string_append (out, "Done.\n");
  if (out->str[out->len - 1] != '\n')
    g_string_append_c (out, '\n');
  return g_string_free (g_steal_pointer (&out), FALSE);
}
