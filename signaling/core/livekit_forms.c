#include "signaling/core/livekit_forms.h"

#include <math.h>
#include <string.h>

#define MAX_EXACT 9007199254740992.0 /* 2^53: above it a double is not every whole number */

char *
sig_livekit_base64 (const char *text)
{
  gsize size = strlen (text), n = size;
  g_autofree char *out = NULL;

  while (n > 0 && size - n < 2 && text[n - 1] == '=')
    n--;
  if (n % 4 == 1 || (n < size && size % 4 != 0))
    return NULL;
  out = g_malloc (n + 4);
  for (gsize i = 0; i < n; i++)
    {
      out[i] = (char)(text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
      if (!g_ascii_isalnum (out[i]) && out[i] != '+' && out[i] != '/')
        return NULL;
    }
  while (n % 4 != 0)
    out[n++] = '=';
  out[n] = '\0';
  return g_steal_pointer (&out);
}

gboolean
sig_livekit_whole (const json_t *value, gint64 *number)
{
  const double real = json_real_value (value);

  if (json_is_string (value))
    return g_ascii_string_to_signed (json_string_value (value), 10, G_MININT64, G_MAXINT64, number, NULL);
  if (json_is_real (value) ? !(fabs (real) <= MAX_EXACT) || floor (real) != real : !json_is_integer (value))
    return FALSE;
  *number = json_is_real (value) ? (gint64)real : (gint64)json_integer_value (value);
  return TRUE;
}
