/* What a trunk's keys for headers, identity and registration must be. */
#include "config/settings_schema.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/header.h"

#define ATTRIBUTE_MAX_BYTES 256

static gboolean
check_header (CfgReader *reader, const char *list, const CfgPair *pair, const char *name, const char *value)
{
  g_autofree char *path = g_strdup_printf ("%s.%s", list, pair->name);
  g_autoptr (GError) error = NULL;

  return cfg_header_check (name, value, &error) || cfg_reader_fail_at (reader, path, "%s", error->message);
}

static gboolean
check_attribute (CfgReader *reader, const char *list, const CfgPair *pair)
{
  g_autofree char *path = g_strdup_printf ("%s.%s", list, pair->name);

  if (pair->value[0] == '\0')
    return cfg_reader_fail_at (reader, path, "needs the name of an attribute");
  if (strlen (pair->value) > ATTRIBUTE_MAX_BYTES)
    return cfg_reader_fail_at (reader, path, "the name of the attribute is too long");
  if (g_str_has_prefix (pair->value, "sip."))
    return cfg_reader_fail_at (reader, path, "choose another name: attributes sip.* are the gateway's own");
  return TRUE;
}

static gboolean
check_maps (CfgReader *reader, const CfgTrunkSettings *trunk, const char *path)
{
  g_autofree char *headers = g_strconcat (path, ".headers", NULL),
                  *to_attributes = g_strconcat (path, ".headers_to_attributes", NULL),
                  *to_headers = g_strconcat (path, ".attributes_to_headers", NULL);

  for (gsize i = 0; i < trunk->n_headers; i++)
    if (!check_header (reader, headers, &trunk->headers[i], trunk->headers[i].name, trunk->headers[i].value))
      return FALSE;
  for (gsize i = 0; i < trunk->n_attributes_to_headers; i++)
    if (!check_header (reader, to_headers, &trunk->attributes_to_headers[i],
                       trunk->attributes_to_headers[i].value, ""))
      return FALSE;
  for (gsize i = 0; i < trunk->n_headers_to_attributes; i++)
    if (!check_attribute (reader, to_attributes, &trunk->headers_to_attributes[i]))
      return FALSE;
  return TRUE;
}

static gboolean
check_registration (CfgReader *reader, const CfgTrunkSettings *trunk, const char *path)
{
  g_autofree char *at = g_strconcat (path, ".register", NULL);

  if (!trunk->register_)
    return TRUE;
  if (!(trunk->direction & CFG_TRUNK_OUTBOUND))
    return cfg_reader_fail_at (reader, at, "needs an outbound_address to register at");
  if (cfg_trunk_account (trunk) == NULL)
    return cfg_reader_fail_at (reader, at, "needs auth_username or from_user: whom to register");
  return TRUE;
}

/* ---- files that a trunk of the API names ---- */

static gboolean
is_below (const char *directory, const char *file)
{
  g_auto (GStrv) parts = g_strsplit (file, "/", -1);
  gsize size = directory != NULL ? strlen (directory) : 0;

  while (size > 1 && directory[size - 1] == '/')
    size--;
  return size > 0 && strncmp (directory, file, size) == 0 && file[size] == '/'
         && !g_strv_contains ((const char *const *)parts, "..");
}

static gboolean
is_one_of (const char *file, const char *cert, const char *key, const char *ca)
{
  return g_strcmp0 (file, cert) == 0 || g_strcmp0 (file, key) == 0 || g_strcmp0 (file, ca) == 0;
}

static gboolean
may_name (const CfgSettings *settings, const char *file)
{
  const gboolean is_own
      = is_one_of (file, settings->sip.tls.cert, settings->sip.tls.key, settings->sip.tls.ca);

  if (file == NULL || is_own || is_below (settings->sip.tls.files, file))
    return TRUE;
  for (gsize i = 0; i < settings->n_trunks; i++)
    if (settings->trunks[i].line != 0
        && is_one_of (file, settings->trunks[i].tls.cert, settings->trunks[i].tls.key,
                      settings->trunks[i].tls.ca))
      return TRUE;
  return FALSE;
}

/* Who may make trunks may not have any file of this machine read for it. */
gboolean
cfg_check_trunk_files (CfgReader *reader, const CfgSettings *settings, const CfgTrunkSettings *trunk,
                       const char *path)
{
  g_autofree char *at = g_strconcat (path, ".tls", NULL);

  if (trunk->line != 0
      || (may_name (settings, trunk->tls.cert) && may_name (settings, trunk->tls.key)
          && may_name (settings, trunk->tls.ca)))
    return TRUE;
  return cfg_reader_fail_at (
      reader, at,
      "names a file that the configuration does not name: the API may use those and files "
      "below sip.tls.files");
}

gboolean
cfg_check_trunk_calls (CfgReader *reader, CfgTrunkSettings *trunk, const char *path)
{
  g_autofree char *trust = g_strconcat (path, ".trust_id_inbound", NULL);

  if (!cfg_reader_was_given (reader, trust))
    trunk->trust_id_inbound = trunk->allowed_addresses[0] != NULL || cfg_trunk_asks_for_password (trunk)
                              || (trunk->register_ && !(trunk->direction & CFG_TRUNK_INBOUND));
  return check_maps (reader, trunk, path) && check_registration (reader, trunk, path);
}
