/* What making, changing and deleting a trunk or a rule costs the main thread beside a thousand others. */
#include <glib.h>

#include "config/base/clock.h"
#include "gateway/entries.h"
#include "gateway/extensions.h"
#include "gateway/webhooks.h"

#define N_ENTRIES 990
#define N_CHANGES 100

typedef struct
{
  guint n_done;
  char *id;
} Changes;

static void
on_done (Gateway *gateway, gpointer user, const char *id, const GError *error)
{
  Changes *changes = user;

  g_assert_no_error (error);
  changes->n_done++;
  g_free (changes->id);
  changes->id = g_strdup (id);
}

static json_t *
trunk (guint i)
{
  g_autofree char *name = g_strdup_printf ("trunk-%u", i), *number = g_strdup_printf ("+4930%u", 10000 + i),
                  *address = g_strdup_printf ("10.%u.%u.0/24", i / 256, i % 256);

  return json_pack ("{s:s, s:s, s:[s], s:[s], s:s}", "name", name, "direction", "inbound", "numbers", number,
                    "allowed_addresses", address, "metadata", "of a customer");
}

static json_t *
rule (guint i)
{
  g_autofree char *name = g_strdup_printf ("rule-%u", i), *number = g_strdup_printf ("+4930%u", 10000 + i),
                  *room = g_strdup_printf ("room-%u", i);

  return json_pack ("{s:s, s:s, s:s, s:[s], s:[s]}", "name", name, "type", "direct", "room", room, "trunks",
                    "trunk-0", "numbers", number);
}

static double
change (Gateway *gateway, Changes *changes, GwStoreKind kind, const char *id, json_t *fields)
{
  const gint64 start = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;
  g_autofree char *field = NULL;
  gint64 end;

  if (fields != NULL)
    (void)!gw_entry_put (gateway, kind, id, fields, on_done, changes, &field, &error);
  else
    (void)!gw_entry_delete (gateway, kind, id, on_done, changes, &error);
  end = g_get_monotonic_time ();
  g_assert_no_error (error);
  json_decref (fields);
  return (double)(end - start) / 1000;
}

static void
wait_for (const Changes *changes, guint n)
{
  while (changes->n_done < n)
    g_main_context_iteration (NULL, TRUE);
}

static void
measure (Gateway *gateway, const char *title, GwStoreKind kind, json_t *(*make) (guint i))
{
  Changes changes = { 0 };
  double made = 0, changed = 0, deleted = 0;
  guint n = N_ENTRIES;

  for (guint i = 0; i < N_ENTRIES; i++)
    (void)change (gateway, &changes, kind, NULL, make (i));
  wait_for (&changes, n);
  for (guint i = 0; i < N_CHANGES; i++)
    {
      g_autofree char *id = NULL;

      made += change (gateway, &changes, kind, NULL, make (N_ENTRIES));
      wait_for (&changes, ++n);
      id = g_strdup (changes.id);
      changed += change (gateway, &changes, kind, id, json_pack ("{s:s}", "metadata", "another"));
      wait_for (&changes, ++n);
      deleted += change (gateway, &changes, kind, id, NULL);
      wait_for (&changes, ++n);
    }
  g_print ("%s beside %d: made %.2f ms, changed %.2f ms, deleted %.2f ms\n", title, N_ENTRIES,
           made / N_CHANGES, changed / N_CHANGES, deleted / N_CHANGES);
  g_free (changes.id);
}

int
main (void)
{
  const GwStoreConfig config = { .path = ":memory:" };
  CfgSettings *file = cfg_settings_new_default ();
  Gateway *gateway = g_new0 (Gateway, 1);

  gateway->extensions = gw_extensions_new (file);
  gateway->conns = g_hash_table_new (g_int64_hash, g_int64_equal);
  gateway->store = gw_store_open (&config, NULL);
  gateway->entries = gw_entries_new (gateway->store);
  gateway->settings = gw_entries_merge (gateway->entries, file, FALSE);
  measure (gateway, "trunk", GW_STORE_TRUNK, trunk);
  measure (gateway, "rule", GW_STORE_RULE, rule);
  gw_store_free (gateway->store);
  gw_entries_free (gateway->entries);
  gw_extensions_free (gateway->extensions);
  g_hash_table_unref (gateway->conns);
  gw_webhooks_free (gateway->webhooks);
  g_free (gateway->api_secret);
  g_free (gateway);
  cfg_settings_free (file);
  return 0;
}
