#include "gateway/core/once.h"

#include <string.h>

typedef struct
{
  guint64 id;
  char *name; /* scope and key */
  char *digest;
  gpointer value;
  gboolean is_finished;
  CfgMonotonic until;
} Entry;

struct _GwOnce
{
  GHashTable *by_name; /* char* -> Entry*, owned */
  GHashTable *by_id;   /* guint64* -> Entry* */
  GQueue finished;     /* Entry*, the oldest first */
  GDestroyNotify free_value;
  gint64 lifetime_us;
  guint max;
  guint64 last_id;
};

GwOnce *
gw_once_new (guint max, gint64 lifetime_us, GDestroyNotify free_value)
{
  GwOnce *once = g_new0 (GwOnce, 1);

  once->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  once->by_id = g_hash_table_new (g_int64_hash, g_int64_equal);
  once->max = max;
  once->lifetime_us = lifetime_us;
  once->free_value = free_value;
  return once;
}

static void
drop (GwOnce *once, Entry *entry)
{
  if (entry->is_finished)
    g_queue_remove (&once->finished, entry);
  g_hash_table_remove (once->by_name, entry->name);
  g_hash_table_remove (once->by_id, &entry->id);
  once->free_value (entry->value);
  g_free (entry->name);
  g_free (entry->digest);
  g_free (entry);
}

void
gw_once_free (GwOnce *once)
{
  g_autoptr (GList) entries = NULL;

  if (once == NULL)
    return;
  entries = g_hash_table_get_values (once->by_name);
  for (GList *entry = entries; entry != NULL; entry = entry->next)
    drop (once, entry->data);
  g_hash_table_unref (once->by_name);
  g_hash_table_unref (once->by_id);
  g_free (once);
}

/* What is too old goes, and the oldest one when there is no place. */
static void
make_place (GwOnce *once, CfgMonotonic now)
{
  Entry *oldest;

  while (
      (oldest = g_queue_peek_head (&once->finished)) != NULL
      && (cfg_monotonic_diff_us (now, oldest->until) >= 0 || g_hash_table_size (once->by_name) >= once->max))
    drop (once, oldest);
}

/* The length keeps "a" + "bc" and "ab" + "c" apart. */
static char *
name_of (const char *scope, const char *key)
{
  return g_strdup_printf ("%" G_GSIZE_FORMAT ":%s%s", strlen (scope), scope, key);
}

GwOnceVerdict
gw_once_claim (GwOnce *once, const char *scope, const char *key, const char *digest, gpointer value,
               CfgMonotonic now, guint64 *id)
{
  g_autofree char *name = name_of (scope, key);
  Entry *entry = g_hash_table_lookup (once->by_name, name);

  *id = 0;
  if (entry != NULL && entry->is_finished && cfg_monotonic_diff_us (now, entry->until) >= 0)
    {
      drop (once, entry);
      entry = NULL;
    }
  if (entry != NULL)
    {
      once->free_value (value);
      *id = entry->id;
      return strcmp (entry->digest, digest) == 0 ? GW_ONCE_KNOWN : GW_ONCE_OTHER;
    }
  make_place (once, now);
  if (g_hash_table_size (once->by_name) >= once->max)
    {
      once->free_value (value);
      return GW_ONCE_FULL;
    }
  entry = g_new0 (Entry, 1);
  entry->id = *id = ++once->last_id;
  entry->name = g_steal_pointer (&name);
  entry->digest = g_strdup (digest);
  entry->value = value;
  g_hash_table_insert (once->by_name, entry->name, entry);
  g_hash_table_insert (once->by_id, &entry->id, entry);
  return GW_ONCE_NEW;
}

gpointer
gw_once_value (GwOnce *once, guint64 id)
{
  const Entry *entry = g_hash_table_lookup (once->by_id, &id);

  return entry != NULL ? entry->value : NULL;
}

void
gw_once_finish (GwOnce *once, guint64 id, CfgMonotonic now)
{
  Entry *entry = g_hash_table_lookup (once->by_id, &id);

  if (entry == NULL || entry->is_finished)
    return;
  entry->is_finished = TRUE;
  entry->until = cfg_monotonic_add_us (now, once->lifetime_us);
  g_queue_push_tail (&once->finished, entry);
}

void
gw_once_forget (GwOnce *once, guint64 id)
{
  Entry *entry = g_hash_table_lookup (once->by_id, &id);

  if (entry != NULL)
    drop (once, entry);
}

guint
gw_once_size (const GwOnce *once)
{
  return g_hash_table_size (once->by_name);
}
