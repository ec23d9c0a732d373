#include "config/base/host_list.h"

#include "config/base/address.h"

#include <string.h>

#define DEFAULT_PORT  5060
#define MAX_HOST_NAME 253

/* A pattern in its parts. */
typedef struct
{
  char host[MAX_HOST_NAME + 1]; /* without brackets, lower case, without a last dot */
  guint16 port;                 /* 0: any */
  gboolean is_range;
  CfgAddressRange range;
} Pattern;

static gboolean
copy_host (char out[MAX_HOST_NAME + 1], const char *host, gsize size)
{
  if (size > 1 && host[size - 1] == '.')
    size--;
  if (size == 0 || size > MAX_HOST_NAME)
    return FALSE;
  for (gsize i = 0; i < size; i++)
    out[i] = g_ascii_tolower (host[i]);
  out[size] = '\0';
  return TRUE;
}

static gboolean
is_name (const char *host)
{
  if (g_str_has_prefix (host, "*."))
    host += 2;
  for (const char *c = host; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && *c != '-' && *c != '.' && *c != '_')
      return FALSE;
  return *host != '\0' && *host != '.' && *host != '-';
}

static gboolean
read_port (const char *text, guint16 *port)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned (text, 10, 1, 65535, &number, NULL))
    return FALSE;
  *port = (guint16)number;
  return TRUE;
}

static gboolean
read_pattern (const char *text, Pattern *pattern)
{
  const char *colon = strchr (text, ':');
  const char *end;

  memset (pattern, 0, sizeof *pattern);
  if (cfg_address_range_parse (text, &pattern->range))
    {
      pattern->is_range = TRUE;
      return TRUE;
    }
  if (text[0] == '[')
    {
      end = strchr (text, ']');
      if (end == NULL || !copy_host (pattern->host, text + 1, (gsize)(end - text - 1)))
        return FALSE;
      pattern->is_range = cfg_address_range_parse (pattern->host, &pattern->range);
      return pattern->is_range && (end[1] == '\0' || (end[1] == ':' && read_port (end + 2, &pattern->port)));
    }
  end = colon != NULL ? colon : text + strlen (text);
  if (!copy_host (pattern->host, text, (gsize)(end - text))
      || (colon != NULL && !read_port (colon + 1, &pattern->port)))
    return FALSE;
  pattern->is_range
      = cfg_address_is_numeric (pattern->host) && cfg_address_range_parse (pattern->host, &pattern->range);
  return pattern->is_range || is_name (pattern->host);
}

gboolean
cfg_host_pattern_is_valid (const char *pattern)
{
  Pattern parts;

  return read_pattern (pattern, &parts);
}

gboolean
cfg_host_list_contains (const char *const *list, const char *host, guint16 port)
{
  char name[MAX_HOST_NAME + 1];
  gboolean is_numeric = cfg_address_is_numeric (host);

  if (!copy_host (name, host, strlen (host)))
    return FALSE;
  for (; list != NULL && *list != NULL; list++)
    {
      Pattern pattern;

      if (!read_pattern (*list, &pattern)
          || (pattern.port != 0 && pattern.port != (port != 0 ? port : DEFAULT_PORT)))
        continue;
      if (is_numeric ? pattern.is_range && cfg_address_range_contains (&pattern.range, host)
          : g_str_has_prefix (pattern.host, "*.")
              ? g_str_has_suffix (name, pattern.host + 1) && strlen (name) > strlen (pattern.host) - 1
              : !pattern.is_range && strcmp (pattern.host, name) == 0)
        return TRUE;
    }
  return FALSE;
}
