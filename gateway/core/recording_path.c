#include "gateway/core/recording_path.h"

#include <string.h>

#include "config/base/error.h"
#include "config/recording_file.h"

#define WORD_MAX 80 /* bytes of a name in a name: a file's has 255 */

static void
append_safe (GString *path, const char *text)
{
  const gsize begin = path->len;

  for (; *text != '\0' && path->len - begin < WORD_MAX; text++)
    g_string_append_c (path, g_ascii_isalnum (*text) || strchr ("-_+@=.", *text) != NULL ? *text : '_');
  if (path->len == begin)
    g_string_append_c (path, '_');
  /* Neither hidden nor a step up. */
  if (path->str[begin] == '.' && (begin == 0 || path->str[begin - 1] == '/'))
    path->str[begin] = '_';
}

static void
append_word (GString *path, const char *word, gsize length, const GwRecordingFacts *facts)
{
  g_autoptr (GDateTime) at = g_date_time_new_from_unix_utc (facts->at.us / CFG_US_PER_S);
  g_autofree char *name = g_strndup (word, length);
  g_autofree char *time = NULL;

  if (strcmp (name, "date") == 0 || strcmp (name, "time") == 0)
    time = g_date_time_format (at, name[0] == 'd' ? "%Y-%m-%d" : "%H-%M-%S");
  append_safe (path, time != NULL                 ? time
                     : strcmp (name, "room") == 0 ? facts->room
                     : strcmp (name, "id") == 0   ? facts->id
                     : facts->identity != NULL    ? facts->identity
                                                  : "all");
}

char *
gw_recording_path (const char *template, const GwRecordingFacts *facts, const char *extension, GError **error)
{
  g_autofree char *dotted = g_strconcat (".", extension, NULL);
  g_autoptr (GString) path = NULL;

  if (!cfg_is_recording_file (template))
    {
      g_set_error_literal (
          error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
          "file: must be a path below recordings.path, without names that begin with a dot, in "
          "which {room}, {identity}, {id}, {date} and {time} may stand");
      return NULL;
    }
  path = g_string_new (NULL);
  while (*template != '\0')
    {
      const gsize plain = strcspn (template, "{");
      const gsize word = template[plain] != '\0' ? strcspn (template + plain, "}") : 0;

      g_string_append_len (path, template, (gssize)plain);
      if (word > 0)
        append_word (path, template + plain + 1, word - 1, facts);
      template += plain + (word > 0 ? word + 1 : 0);
    }
  if (!g_str_has_suffix (path->str, dotted))
    g_string_append (path, dotted);
  return g_string_free (g_steal_pointer (&path), FALSE);
}
