#include "gateway/forwarding.h"

#include <string.h>

#include "config/base/log.h"
#include "gateway/call_private.h"
#include "gateway/extensions.h"

GArray *
gw_forwarding_on_redirected (gpointer data, SigSipCallId id, const char *uri)
{
  Gateway *gateway = data;
  GwCall *call = gw_call_by_sip (gateway, id);
  g_auto (GwExtensionWay) way = { 0 };

  if (call == NULL || call->extension == NULL)
    return NULL;
  const CfgLogContext context = gw_call_log_context (call);
  g_autofree char *user = gw_extension_of_uri (gateway, uri);
  if (user == NULL || !gw_extension_way (gateway, user, &way, NULL)
      || (strchr (way.local, ':') != NULL) != (strchr (call->v.announced_address, ':') != NULL))
    {
      cfg_info ("sip", &context, "Call not forwarded: no phone of an extension",
                CFG_STR ("from", call->extension), CFG_STR ("to", uri));
      return NULL;
    }
  cfg_info ("sip", &context, "Call forwarded by a phone", CFG_STR ("from", call->extension),
            CFG_STR ("to", user));
  return g_steal_pointer (&way.targets);
}
