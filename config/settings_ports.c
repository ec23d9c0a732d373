/* Two listeners cannot have one port. */
#include "config/settings_schema.h"

#include <string.h>

static gboolean
is_any (const char *address)
{
  return strcmp (address, "0.0.0.0") == 0 || strcmp (address, "::") == 0;
}

/* For sure: an address written in two ways may pass, the start finds it. */
static gboolean
meet (const char *a, const char *b)
{
  if (strcmp (a, b) == 0)
    return TRUE;
  return (is_any (a) || is_any (b)) && (strchr (a, ':') != NULL) == (strchr (b, ':') != NULL);
}

static gboolean
meets_sip (const CfgSettings *settings, const char *address)
{
  char *const *bind = settings->sip.bind;

  if (bind[0] == NULL) /* demo mode with --open: all of them as well */
    return !settings->demo || meet (address, "127.0.0.1");
  for (; *bind != NULL; bind++)
    if (meet (address, *bind))
      return TRUE;
  return FALSE;
}

gboolean
cfg_check_ports (CfgReader *reader, const CfgSettings *settings)
{
  const CfgSipSettings *sip = &settings->sip;
  const guint16 tcp = sip->transports & CFG_SIP_TCP ? settings->sip_port : 0;
  const guint16 tls = sip->tls.cert != NULL ? sip->tls.port : 0;
  const char *given = cfg_reader_was_given (reader, "http.port") ? "http.port" : NULL;

  if (tls != 0 && tls == tcp)
    return cfg_reader_fail_at (reader,
                               cfg_reader_was_given (reader, "sip.tls.port") ? "sip.tls.port" : "sip_port",
                               "SIP over TCP and over TLS cannot both have port %u; take another", tls);
  if (settings->http.port == 0 || (settings->http.port != tcp && settings->http.port != tls)
      || !meets_sip (settings, settings->http.bind))
    return TRUE;
  if (given == NULL)
    given = settings->http.port == tcp ? "sip_port" : "sip.tls.port";
  return cfg_reader_fail_at (reader, given, "HTTP and SIP over %s cannot both have port %u; take another",
                             settings->http.port == tcp ? "TCP" : "TLS", settings->http.port);
}
