#include "gateway/core/transfer.h"

#include <string.h>

static gboolean
is_loopback (const char *host)
{
  return g_ascii_strcasecmp (host, "localhost") == 0 || strcmp (host, "::1") == 0
         || (g_str_has_prefix (host, "127.") && strspn (host, "0123456789.") == strlen (host));
}

/* "host", "host:port" or "[v6]:port" names @host. */
static gboolean
is_host_of (const char *address, const char *host)
{
  gsize length;

  if (address == NULL)
    return FALSE;
  if (*address == '[')
    {
      address++;
      length = strcspn (address, "]");
    }
  else
    length = strcspn (address, ":");
  return length == strlen (host) && g_ascii_strncasecmp (address, host, length) == 0;
}

static GwTransferWay
refuse (const char **reason, const char *text)
{
  *reason = text;
  return GW_TRANSFER_REFUSED;
}

static GwTransferWay
by_trunk (const CfgTrunkSettings *trunk, const char *user, const char **reason)
{
  if (!(trunk->direction & CFG_TRUNK_OUTBOUND))
    return refuse (reason, "the call's trunk has no outbound_address to call the number through");
  return *user != '\0' ? GW_TRANSFER_BY_TRUNK : refuse (reason, "the target has no number");
}

GwTransferWay
gw_transfer_way (const GwTransferFacts *facts, const char **reason)
{
  const CfgTransferPolicy policy
      = facts->trunk != NULL ? facts->trunk->allow_transfer : CFG_TRANSFER_INTERNAL;
  gboolean is_number = facts->is_tel || facts->is_local;

  *reason = NULL;
  if (policy == CFG_TRANSFER_NONE)
    return refuse (reason, "allow_transfer of the call's trunk is none");
  if (facts->is_local && facts->is_extension)
    return GW_TRANSFER_EXTENSION;
  if (policy == CFG_TRANSFER_INTERNAL)
    {
      if (facts->is_demo_on_loopback && !is_number && is_loopback (facts->host))
        return GW_TRANSFER_BY_URI;
      return refuse (reason, facts->is_local
                                 ? "nobody is registered under that name"
                                 : "the target is outside: allow_transfer of the call's trunk would "
                                   "have to be trunk or any");
    }
  if (is_number || is_host_of (facts->trunk->outbound_address, facts->host))
    return by_trunk (facts->trunk, facts->user, reason);
  return policy == CFG_TRANSFER_ANY
             ? GW_TRANSFER_BY_URI
             : refuse (reason, "the target is not at the trunk: allow_transfer would have to be any");
}
