#include "gateway/core/access.h"

#include "config/base/address.h"

static gboolean
is_listed (const CfgTrunkSettings *trunk, const char *address)
{
  for (char **text = trunk->allowed_addresses; *text != NULL; text++)
    {
      CfgAddressRange range;

      if (cfg_address_range_parse (*text, &range) && cfg_address_range_contains (&range, address))
        return TRUE;
    }
  return FALSE;
}

/* Some trunk names the source, not only everybody. */
static gboolean
is_of_a_trunk (const CfgSettings *settings, const char *address)
{
  for (gsize i = 0; i < settings->n_trunks; i++)
    if ((settings->trunks[i].direction & CFG_TRUNK_INBOUND) && is_listed (&settings->trunks[i], address))
      return TRUE;
  return FALSE;
}

GwAccess
gw_access_call (const CfgSettings *settings, const GwDispatchFacts *facts, const char *username,
                const char **password, GError **error)
{
  const CfgSipUser *user = cfg_settings_find_user (settings, username);
  gboolean says_extension = user != NULL || cfg_settings_find_user (settings, facts->caller) != NULL;
  GwAccess access = gw_dispatch_access (settings, facts, username, password, error);

  if (!settings->sip.registrar.enabled)
    return access;
  if (user == NULL && access != GW_ACCESS_REFUSED
      && (!says_extension || facts->registration != NULL || is_of_a_trunk (settings, facts->source_address)))
    return access;
  g_clear_error (error);
  if (user != NULL)
    *password = user->password;
  else if (access != GW_ACCESS_PASSWORD)
    *password = NULL;
  return GW_ACCESS_PASSWORD;
}

GwAccess
gw_access_register (const CfgSettings *settings, const char *username, const char **password)
{
  const CfgSipUser *user = cfg_settings_find_user (settings, username);

  *password = user != NULL ? user->password : NULL;
  return settings->demo ? GW_ACCESS_OPEN : GW_ACCESS_PASSWORD;
}
