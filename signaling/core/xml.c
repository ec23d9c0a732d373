#include "signaling/core/xml.h"

#include <string.h>

#define MAX_TEXT 1024

/* XML 1.0, 2.2: Char. */
static gboolean
is_char (gunichar c)
{
  return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0xd7ff) || (c >= 0xe000 && c <= 0xfffd)
         || c >= 0x10000;
}

static void
append_char (GString *out, gunichar c)
{
  switch (c)
    {
    case '&':
      g_string_append (out, "&amp;");
      break;
    case '<':
      g_string_append (out, "&lt;");
      break;
    case '>':
      g_string_append (out, "&gt;");
      break;
    case '"':
      g_string_append (out, "&quot;");
      break;
    case '\'':
      g_string_append (out, "&apos;");
      break;
    case '\t':
    case '\n':
    case '\r':
      g_string_append_printf (out, "&#%u;", c); /* kept in attributes too */
      break;
    default:
      g_string_append_unichar (out, is_char (c) ? c : 0xfffd);
      break;
    }
}

void
sig_xml_append (GString *out, const char *text, gsize max_bytes)
{
  if (text == NULL)
    return;

  g_autofree char *valid = g_utf8_make_valid (text, (gssize)strnlen (text, max_bytes));
  for (const char *c = valid; *c != '\0'; c = g_utf8_next_char (c))
    append_char (out, g_utf8_get_char (c));
}

void
sig_xml_element (GString *out, const char *name, const char *text)
{
  if (text == NULL)
    return;
  g_string_append_printf (out, "<%s>", name);
  sig_xml_append (out, text, MAX_TEXT);
  g_string_append_printf (out, "</%s>", name);
}

void
sig_xml_attribute (GString *out, const char *name, const char *text)
{
  if (text == NULL)
    return;
  g_string_append_printf (out, " %s=\"", name);
  sig_xml_append (out, text, MAX_TEXT);
  g_string_append_c (out, '"');
}
