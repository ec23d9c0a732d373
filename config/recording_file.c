#include "config/recording_file.h"

#include <string.h>

static gboolean
is_plain (const char *text)
{
  for (; *text != '\0'; text++)
    if ((guchar)*text < 0x20 || *text == 0x7f || *text == '\\')
      return FALSE;
  return TRUE;
}

static gboolean
parts_are_names (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, "/", -1);

  if (g_strv_length (parts) > CFG_RECORDING_FILE_PARTS)
    return FALSE;
  for (char **part = parts; *part != NULL; part++)
    if (**part == '\0' || **part == '.')
      return FALSE;
  return TRUE;
}

static gboolean
braces_are_known (const char *text)
{
  static const char *const words[] = { "room", "identity", "id", "date", "time", NULL };

  while ((text = strpbrk (text, "{}")) != NULL)
    {
      const char *end = strpbrk (text + 1, "{}");
      g_autofree char *word = end != NULL ? g_strndup (text + 1, (gsize)(end - text - 1)) : NULL;

      if (*text != '{' || word == NULL || *end != '}' || !g_strv_contains (words, word))
        return FALSE;
      text = end + 1;
    }
  return TRUE;
}

gboolean
cfg_is_recording_file (const char *text)
{
  return text[0] != '\0' && strlen (text) <= CFG_RECORDING_FILE_MAX && is_plain (text)
         && parts_are_names (text) && braces_are_known (text);
}
