/* Trunks made through the API when the disk takes nothing: they are again what they were. */
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "config/base/error.h"
#include "gateway/entries.h"
#include "gateway/extensions.h"
#include "gateway/webhooks.h"

typedef struct
{
  guint n_done, n_failed;
  char *id;
} Changes;

static void
on_done (Gateway *gateway, gpointer user, const char *id, const GError *error)
{
  Changes *changes = user;

  changes->n_done++;
  changes->n_failed += error != NULL;
  g_free (changes->id);
  changes->id = g_strdup (id);
}

static void
put (Gateway *gateway, Changes *changes, const char *id, json_t *fields)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *field = NULL;

  g_assert_true (gw_entry_put (gateway, GW_STORE_TRUNK, id, fields, on_done, changes, &field, &error));
  g_assert_no_error (error);
  json_decref (fields);
}

static void
wait_for (const Changes *changes, guint n)
{
  while (changes->n_done < n)
    g_main_context_iteration (NULL, TRUE);
}

/* Every later write fails. */
static void
fill_disk (struct rlimit *before)
{
  struct rlimit limit;

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, before), ==, 0);
  limit = *before;
  limit.rlim_cur = 1;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
}

static void
test_full_disk (void)
{
  g_autofree char *directory = g_dir_make_tmp ("entries-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "a.db", NULL);
  const GwStoreConfig config = { .path = path };
  CfgSettings *file = cfg_settings_new_default ();
  Gateway *gateway = g_new0 (Gateway, 1);
  Changes changes = { 0 };
  struct rlimit before;
  g_autofree char *id = NULL;

  gateway->extensions = gw_extensions_new (file);
  gateway->conns = g_hash_table_new (g_int64_hash, g_int64_equal);
  gateway->store = gw_store_open (&config, NULL);
  gateway->entries = gw_entries_new (gateway->store);
  gateway->settings = gw_entries_merge (gateway->entries, file, FALSE);
  put (gateway, &changes, NULL,
       json_pack ("{s:s, s:[s], s:s}", "name", "a", "numbers", "1", "metadata", "old"));
  wait_for (&changes, 1);
  g_assert_cmpuint (changes.n_failed, ==, 0);
  id = g_strdup (changes.id);
  fill_disk (&before);
  put (gateway, &changes, id, json_pack ("{s:s}", "metadata", "new"));
  put (gateway, &changes, id, json_pack ("{s:s}", "metadata", "newer"));
  put (gateway, &changes, NULL, json_pack ("{s:s, s:[s]}", "name", "b", "numbers", "2"));
  g_assert_cmpstr (cfg_settings_find_trunk (gateway->settings, id)->metadata, ==, "newer");
  wait_for (&changes, 4);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  g_assert_cmpuint (changes.n_failed, ==, 3);
  g_assert_cmpuint (gateway->settings->n_trunks, ==, 1);
  g_assert_cmpstr (cfg_settings_find_trunk (gateway->settings, id)->metadata, ==, "old");
  put (gateway, &changes, id, json_pack ("{s:s}", "name", "c"));
  wait_for (&changes, 5);
  g_assert_cmpuint (changes.n_failed, ==, 3);
  g_free (changes.id);
  gw_store_free (gateway->store);
  gw_entries_free (gateway->entries);
  gw_extensions_free (gateway->extensions);
  g_hash_table_unref (gateway->conns);
  gw_webhooks_free (gateway->webhooks);
  g_free (gateway->api_secret);
  g_free (gateway);
  cfg_settings_free (file);
  g_remove (path);
  g_rmdir (directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/entries/full-disk", test_full_disk);
  return g_test_run ();
}
