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

gboolean
cfg_check_trunk_calls (CfgReader *reader, CfgTrunkSettings *trunk, const char *path)
{
  g_autofree char *trust = g_strconcat (path, ".trust_id_inbound", NULL);

  if (!cfg_reader_was_given (reader, trust))
    trunk->trust_id_inbound = trunk->allowed_addresses[0] != NULL || cfg_trunk_asks_for_password (trunk)
                              || (trunk->register_ && !(trunk->direction & CFG_TRUNK_INBOUND));
  return check_maps (reader, trunk, path) && check_registration (reader, trunk, path);
}
