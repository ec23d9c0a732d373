#include "config/settings_files.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "config/settings_yaml.h"

static void
say (GPtrArray *found, const char *key, const char *path, int code)
{
  g_ptr_array_add (found, g_strdup_printf ("%s: %s: %s", key, path, g_strerror (code)));
}

static void
check (GPtrArray *found, const char *key, const char *path)
{
  if (path != NULL && access (path, R_OK) != 0)
    say (found, key, path, errno);
}

static void
check_trunk (GPtrArray *found, const CfgTrunkSettings *trunk, gsize index)
{
  const char *const paths[] = { trunk->tls.cert, trunk->tls.key, trunk->tls.ca };
  const char *const names[G_N_ELEMENTS (paths)] = { "cert", "key", "ca" };

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *key = g_strdup_printf ("trunks[%" G_GSIZE_FORMAT "].tls.%s", index, names[i]);

      check (found, key, paths[i]);
    }
}

/* ---- what is written ---- */

/* Returns: FALSE when it was said that nothing can be made in @folder. */
static gboolean
check_folder (GPtrArray *found, const char *key, const char *folder)
{
  if (g_file_test (folder, G_FILE_TEST_EXISTS) && !g_file_test (folder, G_FILE_TEST_IS_DIR))
    say (found, key, folder, ENOTDIR);
  else if (access (folder, W_OK | X_OK) != 0)
    say (found, key, folder, errno);
  else
    return TRUE;
  return FALSE;
}

/* @needs_folder: files are made beside it, too */
static void
check_file (GPtrArray *found, const char *key, const char *path, int mode, gboolean needs_folder)
{
  g_autofree char *folder = g_path_get_dirname (path);
  gboolean exists = g_file_test (path, G_FILE_TEST_EXISTS);

  if ((needs_folder || !exists) && !check_folder (found, key, folder))
    return;
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    say (found, key, path, EISDIR);
  else if (exists && access (path, mode) != 0)
    say (found, key, path, errno);
}

/* What of it is missing is made with the first recording. */
static void
check_recordings (GPtrArray *found, const char *path)
{
  g_autofree char *at = g_strdup (path);

  while (!g_file_test (at, G_FILE_TEST_EXISTS) && strcmp (at, ".") != 0 && strcmp (at, "/") != 0)
    {
      char *above = g_path_get_dirname (at);

      g_free (at);
      at = above;
    }
  (void)check_folder (found, "recordings.path", at);
}

static void
check_written (GPtrArray *found, const CfgSettings *settings)
{
  const char *store = settings->storage.path;

  /* the default one may be missing: gateway/gateway.c does without it, and says so */
  if (strcmp (store, CFG_DEFAULT_STORAGE_PATH) != 0 && strcmp (store, ":memory:") != 0)
    check_file (found, "storage.path", store, R_OK | W_OK, TRUE);
  if (settings->recordings.path != NULL)
    check_recordings (found, settings->recordings.path);
  if (settings->logging.file != NULL)
    check_file (found, "logging.file", settings->logging.file, W_OK, FALSE);
}

/* ---- where it stands ---- */

static gboolean
load (const CfgSettings *settings, yaml_document_t *document)
{
  gsize size;
  const char *text = g_bytes_get_data (settings->source, &size);

  return cfg_yaml_load (text != NULL ? text : "", size, settings->source_name, document, NULL);
}

/* (transfer full) */
static char *
placed (const CfgSettings *settings, yaml_document_t *document, const char *message)
{
  const char *end = strstr (message, ": ");
  g_autofree char *key = end != NULL ? g_strndup (message, (gsize)(end - message)) : NULL;
  guint line = key != NULL ? cfg_yaml_line (document, key) : 0;

  return line > 0 ? g_strdup_printf ("%s:%u: %s", settings->source_name, line, message) : g_strdup (message);
}

char *
cfg_settings_place (const CfgSettings *settings, const char *message)
{
  yaml_document_t document;
  char *with_place;

  if (!load (settings, &document))
    return g_strdup (message);
  with_place = placed (settings, &document, message);
  yaml_document_delete (&document);
  return with_place;
}

static void
place_all (const CfgSettings *settings, GPtrArray *found)
{
  yaml_document_t document;

  if (found->len == 0 || !load (settings, &document))
    return;
  for (guint i = 0; i < found->len; i++)
    {
      char *message = found->pdata[i];

      found->pdata[i] = placed (settings, &document, message);
      g_free (message);
    }
  yaml_document_delete (&document);
}

char **
cfg_settings_unusable (const CfgSettings *settings)
{
  GPtrArray *found = g_ptr_array_new ();

  check (found, "http.tls.cert", settings->http.tls_cert);
  check (found, "http.tls.key", settings->http.tls_key);
  check (found, "sip.tls.cert", settings->sip.tls.cert);
  check (found, "sip.tls.key", settings->sip.tls.key);
  check (found, "sip.tls.ca", settings->sip.tls.ca);
  check (found, "sip.tls.files", settings->sip.tls.files);
  check (found, "media.files", settings->media.files);
  check (found, "prompts.pin_enter", settings->prompts.pin_enter);
  check (found, "prompts.pin_wrong", settings->prompts.pin_wrong);
  check (found, "prompts.pin_goodbye", settings->prompts.pin_goodbye);
  for (gsize i = 0; i < settings->n_trunks; i++)
    check_trunk (found, &settings->trunks[i], i);
  check_written (found, settings);
  place_all (settings, found);
  g_ptr_array_add (found, NULL);
  return (char **)g_ptr_array_free (found, FALSE);
}
