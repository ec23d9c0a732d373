#include "config/settings_files.h"

#include <errno.h>
#include <unistd.h>

static void
check (GPtrArray *found, const char *key, const char *path)
{
  if (path != NULL && access (path, R_OK) != 0)
    g_ptr_array_add (found, g_strdup_printf ("%s: %s: %s", key, path, g_strerror (errno)));
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

char **
cfg_settings_unreadable (const CfgSettings *settings)
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
  g_ptr_array_add (found, NULL);
  return (char **)g_ptr_array_free (found, FALSE);
}
