#include "config/base/log_format.h"

#include <math.h>
#include <string.h>
#include <time.h>

static const char *const text_levels[] = { "DEBUG", "INFO ", "WARN ", "ERROR" };
static const char *const json_levels[] = { "debug", "info", "warn", "error" };

static void
append_time (GString *out, CfgWall wall)
{
  time_t seconds = (time_t)(wall.us / CFG_US_PER_S);
  struct tm utc;

  if (gmtime_r (&seconds, &utc) == NULL)
    memset (&utc, 0, sizeof utc);
  g_string_append_printf (out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900, utc.tm_mon + 1,
                          utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                          (int)(wall.us % CFG_US_PER_S / CFG_US_PER_MS));
}

/* Letters of any script pass; line separators, bidirectional overrides and other invisible characters do not,
 * for they make a terminal show something else than what is there. */
static gboolean
is_harmless (gunichar c)
{
  if (c < 0x80)
    return c >= 0x20 && c != 0x7f;
  return g_unichar_isprint (c) && !g_unichar_isspace (c);
}

static void
append_escaped_char (GString *out, gunichar c)
{
  switch (c)
    {
    case '\n':
      g_string_append (out, "\\n");
      break;
    case '\r':
      g_string_append (out, "\\r");
      break;
    case '\t':
      g_string_append (out, "\\t");
      break;
    case '"':
    case '\\':
      g_string_append_c (out, '\\');
      g_string_append_c (out, (char)c);
      break;
    default:
      if (is_harmless (c))
        g_string_append_unichar (out, c);
      else if (c < 0x10000)
        g_string_append_printf (out, "\\u%04x", c);
      else
        g_string_append_printf (out, "\\U%08x", c);
    }
}

/* How many bytes of @value to show: all, or as many whole characters as fit. */
static gsize
shown_size (const char *value, gboolean *cut)
{
  gsize size = strnlen (value, CFG_LOG_MAX_VALUE_BYTES + 1);

  *cut = size > CFG_LOG_MAX_VALUE_BYTES;
  if (!*cut)
    return size;
  size = CFG_LOG_MAX_VALUE_BYTES;
  /* Not in the middle of a character; a run of stray continuation bytes is cut where it is. */
  for (guint back = 0; back < 3 && ((guint8)value[size] & 0xc0) == 0x80; back++)
    size--;
  return size;
}

/* One character and what follows it; where the bytes are no UTF-8, one byte, and *valid is FALSE. */
static const char *
next_char (const char *at, const char *end, gunichar *c, gboolean *valid)
{
  gunichar decoded = g_utf8_get_char_validated (at, end - at);

  *valid = decoded != (gunichar)-1 && decoded != (gunichar)-2;
  *c = *valid ? decoded : (guint8)*at;
  return *valid ? g_utf8_next_char (at) : at + 1;
}

/* Nearly every value is of nearly only such bytes: they are copied in one piece. */
static gsize
plain_size (const char *at, const char *end)
{
  const char *stop = at;

  while (stop < end && *stop >= 0x20 && *stop < 0x7f && *stop != '"' && *stop != '\\')
    stop++;
  return (gsize)(stop - at);
}

void
cfg_log_append_escaped (GString *out, const char *value, gsize size)
{
  const char *end = value + size;

  for (const char *at = value; at < end;)
    {
      gsize n_plain = plain_size (at, end);
      gunichar c;
      gboolean valid;

      if (n_plain > 0)
        {
          g_string_append_len (out, at, (gssize)n_plain);
          at += n_plain;
          continue;
        }
      at = next_char (at, end, &c, &valid);
      if (valid)
        append_escaped_char (out, c);
      else
        g_string_append_printf (out, "\\x%02x", c);
    }
}

static gboolean
needs_quotes (const char *value, gsize size)
{
  const char *end = value + size;

  if (size == 0)
    return TRUE;
  for (const char *at = value; at < end;)
    {
      gsize n_plain = plain_size (at, end);
      gunichar c;
      gboolean valid;

      if (memchr (at, ' ', n_plain) != NULL || memchr (at, '=', n_plain) != NULL)
        return TRUE;
      at += n_plain;
      if (at == end)
        break;
      at = next_char (at, end, &c, &valid);
      if (!valid || !is_harmless (c) || c == '"' || c == '\\')
        return TRUE;
    }
  return FALSE;
}

static void
append_text_value (GString *out, const char *value)
{
  gboolean cut;
  gsize size = shown_size (value, &cut);
  gboolean quoted = needs_quotes (value, size);

  if (quoted)
    g_string_append_c (out, '"');
  cfg_log_append_escaped (out, value, size);
  if (cut)
    g_string_append (out, "…");
  if (quoted)
    g_string_append_c (out, '"');
}

static void
append_json_char (GString *out, gunichar c)
{
  if (c == '"' || c == '\\')
    {
      g_string_append_c (out, '\\');
      g_string_append_c (out, (char)c);
    }
  else if (c == '\n')
    g_string_append (out, "\\n");
  else if (is_harmless (c))
    g_string_append_unichar (out, c);
  else if (c < 0x10000)
    g_string_append_printf (out, "\\u%04x", c);
  else
    g_string_append_printf (out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                            0xdc00 + ((c - 0x10000) & 0x3ff));
}

static void
append_json_string (GString *out, const char *value)
{
  gboolean cut;
  gsize size = shown_size (value, &cut);
  const char *end = value + size;

  g_string_append_c (out, '"');
  for (const char *at = value; at < end;)
    {
      gsize n_plain = plain_size (at, end);
      gunichar c;
      gboolean valid;

      if (n_plain > 0)
        {
          g_string_append_len (out, at, (gssize)n_plain);
          at += n_plain;
          continue;
        }
      at = next_char (at, end, &c, &valid);
      append_json_char (out, valid ? c : 0xfffd);
    }
  if (cut)
    g_string_append (out, "…");
  g_string_append_c (out, '"');
}

/* To hundredths: they are seconds, milliseconds, per cent, shares. */
static void
append_real (GString *out, double real, const char *otherwise)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (isfinite (real))
    g_string_append (out, g_ascii_formatd (text, sizeof text, "%.10g", floor (real * 100 + 0.5) / 100));
  else
    g_string_append (out, otherwise);
}

/* Keys are constants of the program, but for a few that are made from a header's name. */
static void
append_key (GString *out, const char *key)
{
  for (const char *at = key; *at != '\0'; at++)
    g_string_append_c (out, g_ascii_isalnum (*at) || strchr ("._-", *at) != NULL ? *at : '_');
}

static void
append_text_field (GString *out, const CfgLogField *field)
{
  append_key (out, field->key);
  g_string_append_c (out, '=');
  switch (field->type)
    {
    case CFG_LOG_FIELD_STRING:
      append_text_value (out, field->string);
      break;
    case CFG_LOG_FIELD_INT:
      g_string_append_printf (out, "%" G_GINT64_FORMAT, field->integer);
      break;
    case CFG_LOG_FIELD_DOUBLE:
      append_real (out, field->real, "nan");
      break;
    case CFG_LOG_FIELD_BOOL:
      g_string_append (out, field->integer ? "true" : "false");
      break;
    case CFG_LOG_FIELD_END:
    default:
      g_assert_not_reached ();
    }
}

static void
append_json_field (GString *out, const CfgLogField *field)
{
  g_string_append (out, ",\"");
  append_key (out, field->key);
  g_string_append (out, "\":");
  switch (field->type)
    {
    case CFG_LOG_FIELD_STRING:
      append_json_string (out, field->string);
      break;
    case CFG_LOG_FIELD_INT:
      g_string_append_printf (out, "%" G_GINT64_FORMAT, field->integer);
      break;
    case CFG_LOG_FIELD_DOUBLE:
      append_real (out, field->real, "null");
      break;
    case CFG_LOG_FIELD_BOOL:
      g_string_append (out, field->integer ? "true" : "false");
      break;
    case CFG_LOG_FIELD_END:
    default:
      g_assert_not_reached ();
    }
}

typedef void (*AppendField) (GString *out, const CfgLogField *field);

static void
append_fields (GString *out, AppendField append, const char *separator, const CfgLogLine *line)
{
  const CfgLogContext none = { 0 };
  const CfgLogContext *context = line->context != NULL ? line->context : &none;
  const CfgLogField about[] = {
    CFG_STR ("callID", context->call_id),
    CFG_STR ("room", context->room),
    CFG_STR ("participant", context->participant),
    { .type = CFG_LOG_FIELD_END },
  };
  const CfgLogField *const lists[] = { about, line->fields };

  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    for (const CfgLogField *field = lists[i]; field->type != CFG_LOG_FIELD_END; field++)
      {
        if (field->type == CFG_LOG_FIELD_STRING && field->string == NULL)
          continue;
        g_string_append (out, separator);
        append (out, field);
      }
}

static void
format_text (GString *out, const CfgLogLine *line)
{
  gsize end_of_event;
  gboolean cut;
  gsize event_size = shown_size (line->event, &cut);

  append_time (out, line->time);
  g_string_append_printf (out, " %s %s  ", text_levels[line->level], line->component);
  cfg_log_append_escaped (out, line->event, event_size);
  if (cut)
    g_string_append (out, "…");
  end_of_event = out->len;
  append_fields (out, append_text_field, " ", line);
  if (out->len > end_of_event)
    g_string_insert_c (out, (gssize)end_of_event, ' ');
}

static void
format_json (GString *out, const CfgLogLine *line)
{
  g_string_append (out, "{\"time\":\"");
  append_time (out, line->time);
  g_string_append_printf (out, "\",\"level\":\"%s\",\"component\":", json_levels[line->level]);
  append_json_string (out, line->component);
  g_string_append (out, ",\"event\":");
  append_json_string (out, line->event);
  append_fields (out, append_json_field, "", line);
  g_string_append_c (out, '}');
}

void
cfg_log_format_line (GString *out, CfgLogFormat format, const CfgLogLine *line)
{
  if (format == CFG_LOG_JSON)
    format_json (out, line);
  else
    format_text (out, line);
  g_string_append_c (out, '\n');
}
