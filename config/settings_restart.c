/* What of the configuration counts at the start only: addresses, ports, sizes of what is made once. The rest
 * is asked for with each call, request and connection, so a file that is read again changes it at once. */
#include <string.h>

#include "config/settings_schema.h"

/* A section stands for all its keys. */
static const char *const restart_keys[] = {
  "http",
  "sip_port",
  "sip.bind",
  "sip.transports",
  "sip.external_address",
  "sip.tls.port",
  "sip.realm",
  "sip.digest_algorithms",
  "sip.registrar.min_expires",
  "sip.registrar.max_expires",
  "sip.registrar.max_contacts",
  "sip.user_agent",
  "rtp_port",
  "rtc",
  "media.workers",
  "media.opus_complexity",
  "media.mix_speakers",
  "media.timeout",
  "media.timeout_initial",
  "session_timer",
  "limits.invites_per_second_per_source",
  "limits.connections_per_source",
  "storage",
  "redis",
  "logging.format",
  "logging.file",
  "capture",
};

static gboolean
needs_restart (const char *path)
{
  for (gsize i = 0; i < G_N_ELEMENTS (restart_keys); i++)
    {
      gsize size = strlen (restart_keys[i]);

      if (strncmp (restart_keys[i], path, size) == 0 && (path[size] == '\0' || path[size] == '.'))
        return TRUE;
    }
  return FALSE;
}

#define VALUE(type, member) (*(const type *)(gconstpointer)(member))

static gboolean
is_same (const CfgKey *key, const guint8 *a, const guint8 *b)
{
  if (key->read == cfg_read_text)
    return g_strcmp0 (VALUE (char *, a), VALUE (char *, b)) == 0;
  if (key->read == cfg_read_texts || key->read == cfg_read_word_list)
    return g_strv_equal ((const char *const *)VALUE (char **, a), (const char *const *)VALUE (char **, b));
  if (key->read == cfg_read_port)
    return VALUE (guint16, a) == VALUE (guint16, b);
  if (key->read == cfg_read_real)
    return memcmp (a, b, sizeof (double)) == 0;
  if (key->read == cfg_read_duration)
    return VALUE (gint64, a) == VALUE (gint64, b);
  g_assert (key->read == cfg_read_bool || key->read == cfg_read_count || key->read == cfg_read_seconds
            || key->read == cfg_read_word || key->read == cfg_read_flags); /* a new kind needs a line above */
  return VALUE (guint, a) == VALUE (guint, b);
}

static void
compare (const CfgKey *keys, const char *prefix, const guint8 *a, const guint8 *b, GPtrArray *changed)
{
  for (; keys->name != NULL; keys++)
    {
      g_autofree char *path = g_strconcat (prefix, *prefix != '\0' ? "." : "", keys->name, NULL);

      if (keys->read == cfg_read_section)
        compare (keys->keys, path, a + keys->offset, b + keys->offset, changed);
      else if (needs_restart (path) && !is_same (keys, a + keys->offset, b + keys->offset))
        g_ptr_array_add (changed, g_steal_pointer (&path));
    }
}

char **
cfg_settings_restart_keys (const CfgSettings *started, const CfgSettings *now)
{
  GPtrArray *changed = g_ptr_array_new ();

  compare (cfg_settings_keys, "", (const guint8 *)started, (const guint8 *)now, changed);
  g_ptr_array_add (changed, NULL);
  return (char **)g_ptr_array_free (changed, FALSE);
}
