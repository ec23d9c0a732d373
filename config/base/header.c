#include "config/base/header.h"

#include <string.h>

#include "config/base/error.h"

static gboolean
invalid (GError **error, const char *text)
{
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, text);
  return FALSE;
}

static gboolean
is_token (const char *name)
{
  for (const char *c = name; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("-.!%*_+`'~", *c) == NULL)
      return FALSE;
  return *name != '\0';
}

/* Headers that make the dialog, the transaction or the body; with their compact forms. */
static gboolean
is_owned_by_stack (const char *name)
{
  static const char *const names[] = {
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Allow",
    "Allow-Events",
    "Authorization",
    "Call-ID",
    "Contact",
    "CSeq",
    "Date",
    "Expires",
    "Event",
    "From",
    "In-Reply-To",
    "Max-Forwards",
    "MIME-Version",
    "Min-Expires",
    "Min-SE",
    "Path",
    "Proxy-Require",
    "RAck",
    "Record-Route",
    "Refer-To",
    "Replaces",
    "Require",
    "RSeq",
    "Route",
    "Server",
    "Service-Route",
    "Session-Expires",
    "Supported",
    "Timestamp",
    "To",
    "Unsupported",
    "User-Agent",
    "Via",
    "Authentication-Info",
  };

  if (strlen (name) == 1) /* compact forms, whatever they stand for */
    return TRUE;
  if (g_ascii_strncasecmp (name, "Content-", 8) == 0 || g_ascii_strncasecmp (name, "Proxy-Auth", 10) == 0
      || g_ascii_strncasecmp (name, "Security-", 9) == 0 || g_ascii_strncasecmp (name, "SIP-", 4) == 0
      || g_ascii_strcasecmp (name, "WWW-Authenticate") == 0)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_ascii_strcasecmp (name, names[i]) == 0)
      return TRUE;
  return FALSE;
}

gboolean
cfg_header_check (const char *name, const char *value, GError **error)
{
  if (name == NULL || value == NULL)
    return invalid (error, "a header needs a name and a value");
  if (strlen (name) > CFG_HEADER_MAX_NAME || strlen (value) > CFG_HEADER_MAX_VALUE)
    return invalid (error, "the header is too long");
  if (!is_token (name))
    return invalid (error, "the name of the header has characters that are not allowed in it");
  for (const char *c = value; *c != '\0'; c++)
    if (((guchar)*c < ' ' && *c != '\t') || *c == 0x7f)
      return invalid (error, "the value of the header has line ends or control characters");
  if (!g_utf8_validate (value, -1, NULL))
    return invalid (error, "the value of the header is not UTF-8");
  if (is_owned_by_stack (name))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "the header %s cannot be set", name);
      return FALSE;
    }
  return TRUE;
}
