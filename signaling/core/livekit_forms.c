#include "signaling/core/livekit_forms.h"

#include <math.h>
#include <string.h>

#define NANOS_PER_S 1000000000
#define MAX_EXACT   9007199254740992.0 /* 2^53: above it a double is not every whole number */

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
sig_livekit_parse_duration (const json_t *value, double *seconds)
{
  char *end = NULL;

  *seconds = json_number_value (value);
  if (json_is_string (value))
    {
      *seconds = g_ascii_strtod (json_string_value (value), &end);
      if (end == json_string_value (value) || strcmp (end, "s") != 0)
        return FALSE;
    }
  return (json_is_string (value) || json_is_number (value)) && isfinite (*seconds)
         && fabs (*seconds) <= SIG_LIVEKIT_MAX_DURATION_S;
}

void
sig_livekit_split_duration (double duration, gint64 *seconds, int *nanos)
{
  double rest;

  *seconds = (gint64)duration;
  rest = (duration - (double)*seconds) * NANOS_PER_S;
  *nanos = (int)(rest + (rest < 0 ? -0.5 : 0.5));
  if (ABS (*nanos) == NANOS_PER_S)
    {
      *seconds += *nanos < 0 ? -1 : 1;
      *nanos = 0;
    }
}

json_t *
sig_livekit_duration (const json_t *value)
{
  gint64 seconds;
  int nanos;
  gsize size;
  char text[64];

  if (!json_is_number (value))
    return json_null ();
  sig_livekit_split_duration (json_number_value (value), &seconds, &nanos);
  size = (gsize)g_snprintf (text, sizeof text, "%s%" G_GINT64_FORMAT ".%09d",
                            seconds < 0 || nanos < 0 ? "-" : "", ABS (seconds), ABS (nanos));
  while (text[size - 1] == '0')
    size--;
  if (text[size - 1] == '.')
    size--;
  text[size++] = 's';
  return json_stringn (text, size);
}

gboolean
sig_livekit_parse_time (const char *text, gint64 *seconds, int *nanos)
{
  g_autoptr (GDateTime) time = text != NULL ? g_date_time_new_from_iso8601 (text, NULL) : NULL;

  if (time == NULL)
    return FALSE;
  *seconds = g_date_time_to_unix (time);
  *nanos = g_date_time_get_microsecond (time) * 1000;
  return TRUE;
}

json_t *
sig_livekit_time (gint64 seconds, int nanos)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (seconds);
  g_autofree char *text = time != NULL ? g_date_time_format (time, "%Y-%m-%dT%H:%M:%S") : NULL;
  g_autofree char *whole = NULL;

  if (text == NULL || nanos < 0 || nanos > 999999999)
    return json_null ();
  whole = nanos == 0 ? g_strconcat (text, "Z", NULL) : g_strdup_printf ("%s.%09dZ", text, nanos);
  return json_string (whole);
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
