#include "signaling/core/info.h"

#include <string.h>

#define FLASH 16

static const char keys[] = "0123456789*#ABCD";

/* One key, or its number in RFC 4733: -1 for neither. */
static int
key_number (const char *text)
{
  const char upper = g_ascii_toupper (text[0]);
  const char *key = upper != '\0' ? strchr (keys, upper) : NULL;
  guint64 number;

  if (key != NULL && text[1] == '\0')
    return (int)(key - keys);
  if (strcmp (text, "!") == 0)
    return FLASH;
  return g_ascii_string_to_unsigned (text, 10, 0, FLASH, &number, NULL) ? (int)number : -1;
}

static SigInfo
make (int number, guint64 duration_ms)
{
  if (number < 0)
    return (SigInfo){ .kind = SIG_INFO_MALFORMED };
  if (number == FLASH)
    return (SigInfo){ .kind = SIG_INFO_NOTHING };
  return (SigInfo){
    .kind = SIG_INFO_DIGIT,
    .digit = keys[number],
    .duration_ms = (guint)CLAMP (duration_ms, 1, SIG_INFO_MAX_DURATION_MS),
  };
}

/* "Signal=5", "Signal = 5", "d=5", "Duration=160", one to a line. */
static SigInfo
parse_relay (const char *text)
{
  g_auto (GStrv) lines = g_strsplit_set (text, "\r\n", 32);
  guint64 duration_ms = SIG_INFO_DEFAULT_DURATION_MS;
  int number = -1;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *value = strchr (lines[i], '=');

      if (value == NULL)
        continue;
      *value++ = '\0';
      g_strstrip (lines[i]);
      g_strstrip (value);
      if (g_ascii_strcasecmp (lines[i], "Signal") == 0 || g_ascii_strcasecmp (lines[i], "d") == 0)
        number = key_number (value);
      else if (g_ascii_strcasecmp (lines[i], "Duration") == 0
               && !g_ascii_string_to_unsigned (value, 10, 1, G_MAXUINT32, &duration_ms, NULL))
        duration_ms = SIG_INFO_DEFAULT_DURATION_MS;
    }
  return make (number, duration_ms);
}

SigInfo
sig_info_parse (const char *content_type, const char *body, gsize size)
{
  gboolean is_relay, is_plain;

  if (body == NULL || size == 0)
    return (SigInfo){ .kind = SIG_INFO_NOTHING };
  if (content_type == NULL)
    return (SigInfo){ .kind = SIG_INFO_MALFORMED };
  if (g_ascii_strcasecmp (content_type, "application/media_control+xml") == 0
      || g_ascii_strcasecmp (content_type, "application/hook-flash") == 0)
    return (SigInfo){ .kind = SIG_INFO_NOTHING };
  is_relay = g_ascii_strcasecmp (content_type, "application/dtmf-relay") == 0
             || g_ascii_strcasecmp (content_type, "application/vnd.nortelnetworks.digits") == 0;
  is_plain = g_ascii_strcasecmp (content_type, "application/dtmf") == 0;
  if (!is_relay && !is_plain)
    return (SigInfo){ .kind = SIG_INFO_UNSUPPORTED };
  if (size > SIG_INFO_MAX_BYTES || memchr (body, '\0', size) != NULL)
    return (SigInfo){ .kind = SIG_INFO_MALFORMED };

  g_autofree char *text = g_strndup (body, size);
  if (is_relay || strchr (text, '=') != NULL) /* some write the long form under the short name */
    return parse_relay (text);
  return make (key_number (g_strstrip (text)), SIG_INFO_DEFAULT_DURATION_MS);
}

char *
sig_info_write (char digit, guint duration_ms)
{
  const char upper = g_ascii_toupper (digit);

  if (upper == '\0' || strchr (keys, upper) == NULL)
    return NULL;
  return g_strdup_printf ("Signal=%c\r\nDuration=%u\r\n", upper,
                          CLAMP (duration_ms, 1, SIG_INFO_MAX_DURATION_MS));
}
