/* What comes before the grammar: bytes, lines and small words. sofia never sees the text as it came: lines
 * that nobody needs are left out, and m= lines are checked word by word, since a format with a character
 * outside of its token set makes its parser allocate for ever. */
#include "signaling/core/sdp_private.h"

#include <string.h>

#include "config/base/error.h"
#include "signaling/core/sdp_codec.h"

gboolean
sig_sdp_refuse (GError **error, const char *format, ...)
{
  va_list args;
  g_autofree char *text = NULL;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "SDP: %s", text);
  return FALSE;
}

gboolean
sig_sdp_copy_text (char *out, gsize size, const char *text)
{
  if (strlen (text) >= size || !sig_sdp_text_is_clean (text))
    return FALSE;
  g_strlcpy (out, text, size);
  return TRUE;
}

gboolean
sig_sdp_parse_number (const char *text, gsize length, guint64 max, guint64 *out)
{
  char digits[24];

  if (length == 0 || length >= sizeof digits)
    return FALSE;
  memcpy (digits, text, length);
  digits[length] = '\0';
  return g_ascii_string_to_unsigned (digits, 10, 0, max, out, NULL);
}

gboolean
sig_sdp_check_bytes (const char *text, gsize size, GError **error)
{
  if (size == 0)
    return sig_sdp_refuse (error, "empty");
  if (size > SIG_SDP_MAX_BYTES)
    return sig_sdp_refuse (error, "longer than %d bytes", SIG_SDP_MAX_BYTES);
  for (gsize i = 0; i < size; i++)
    if ((g_ascii_iscntrl (text[i]) && text[i] != '\r' && text[i] != '\n' && text[i] != '\t')
        || text[i] == '\0')
      return sig_sdp_refuse (error, "control character 0x%02x at byte %" G_GSIZE_FORMAT,
                             (guint)(guint8)text[i], i);
  return TRUE;
}

static gboolean
is_port_word (const char *word)
{
  gsize digits = strspn (word, "0123456789");

  return digits > 0
         && (word[digits] == '\0'
             || (word[digits] == '/' && word[digits + 1] != '\0'
                 && strspn (word + digits + 1, "0123456789") == strlen (word + digits + 1)));
}

/* "m=audio 4000[/2] RTP/AVP 0 8" */
static gboolean
check_m_line (const char *line, GError **error)
{
  static const char protocol[] = "/ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._+*";
  const char *token = protocol + 1;
  g_auto (GStrv) words = g_strsplit (line + 2, " ", -1);
  guint n = 0;

  for (guint i = 0; words[i] != NULL; i++)
    {
      const char *word = words[i];

      if (*word == '\0')
        continue;
      if (n == 1 ? !is_port_word (word) : strspn (word, n == 2 ? protocol : token) != strlen (word))
        return sig_sdp_refuse (error, "an m= line is malformed");
      n++;
    }
  return n >= 4 ? TRUE : sig_sdp_refuse (error, "an m= line has no format");
}

char *
sig_sdp_essential_lines (const char *text, gsize size, GError **error)
{
  g_autofree char *copy = g_strndup (text, size);
  g_auto (GStrv) lines = g_strsplit_set (copy, "\r\n", -1);
  g_autoptr (GString) out = g_string_sized_new (size + 1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      const char *line = g_strchug (lines[i]);

      if (*line == '\0')
        continue;
      if (line[1] != '=' || !g_ascii_isalpha (line[0]))
        {
          sig_sdp_refuse (error, "a line does not begin with a type letter and =");
          return NULL;
        }
      if (line[0] == 'm' && !check_m_line (line, error))
        return NULL;
      if (strchr ("voscam", line[0]) != NULL)
        g_string_append_printf (out, "%s\r\n", line);
    }
  return g_string_free (g_steal_pointer (&out), FALSE);
}
