/* Who calls, as an INVITE of ours says it: From, and where a trunk asks for them P-Asserted-Identity (RFC
 * 3325), Remote-Party-ID and Privacy (RFC 3323). Pure. */
#pragma once

#include <glib.h>

#include "config/settings.h"

typedef struct
{
  const CfgTrunkSettings *trunk; /* (nullable) */
  const char *number;            /* (nullable): the caller's */
  const char *host;              /* (nullable): of From; goes before the trunk's from_host */
  const char *display;           /* (nullable): any UTF-8 */
  const char *local_address;     /* numeric, of ours towards the callee */
  gboolean is_private;           /* the callee must not see the number */
} GwCallerFacts;

typedef struct
{
  char *from_uri;                    /* (nullable): nothing is known; not yet seen by sig_sip_check_uri */
  char *from_display;                /* (nullable) */
  char *asserted, *remote, *privacy; /* (nullable): values of the headers */
} GwCallerId;

/**
 * gw_caller_id:
 *
 * Without a number it is the trunk's account, at last "switchroom". The host is the registrar's for a trunk
 * that registers, else our address. With is_private From says nobody (RFC 3323 4.1.1.3), and the number goes
 * into the headers for the provider alone.
 */
void gw_caller_id (const GwCallerFacts *facts, GwCallerId *id);
void gw_caller_id_clear (GwCallerId *id);

/** gw_uri_host: (transfer full): "host", "host:port" or an IPv6 address without brackets, as a URI has it. */
char *gw_uri_host (const char *host) G_GNUC_WARN_UNUSED_RESULT;
/** gw_escape_user: (transfer full): as a user part of a URI (RFC 3261 25.1). */
char *gw_escape_user (const char *user) G_GNUC_WARN_UNUSED_RESULT;

/**
 * gw_tel_user: (transfer full) (nullable): the user part, escaped, for a `tel:` URI; with its phone-context
 * where the number is a local one (RFC 3261 19.1.6). NULL: @text is no tel: URI, or malformed.
 */
char *gw_tel_user (const char *text) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GwCallerId, gw_caller_id_clear)
