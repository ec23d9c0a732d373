/* Extensions: the users of sip.registrar, and the phones that they have registered. In demo mode on loopback
 * everybody who registers is one.
 *
 *   REGISTER -> gateway/core/registrar.h -> OPTIONS from time to time (is the phone there?)
 *   a call to an extension rings all its phones: gateway/route.h from a phone, participant.create, REFER */
#pragma once

#include "gateway/api.h"
#include "gateway/core/registrar.h"
#include "signaling/sip/requests.h"

typedef struct _GwExtensions GwExtensions;

GwExtensions *gw_extensions_new (const CfgSettings *settings);
void gw_extensions_free (GwExtensions *extensions);
/** gw_extensions_tick: once a second. */
void gw_extensions_tick (Gateway *gateway, CfgMonotonic now);
/** gw_extensions_reloaded: users may have gone with the new settings: so do their phones. */
void gw_extensions_reloaded (Gateway *gateway);
void gw_extensions_metrics (Gateway *gateway, GString *text);

/* SigSipOps */
void gw_extensions_on_registration (gpointer gateway, const SigSipRegistration *registration,
                                    SigSipRegistrationAnswer *answer);

/** gw_extensions_registrar: where their phones are. */
GwRegistrar *gw_extensions_registrar (Gateway *gateway);
/** gw_extension_may_register: @user is configured; in demo mode: always. */
gboolean gw_extension_may_register (Gateway *gateway, const char *user);
/** gw_extension_exists: @user (nullable) is configured; in demo mode: has a phone. */
gboolean gw_extension_exists (Gateway *gateway, const char *user);
/** gw_extension_is_registered: it has a phone, reachable or not. */
gboolean gw_extension_is_registered (Gateway *gateway, const char *user);
/** gw_extension_is_available: a phone of it is not known to be silent. */
gboolean gw_extension_is_available (Gateway *gateway, const char *user);
/** gw_extension_of_uri: @call_to, a name or a URI with an address of ours, names an extension. (transfer
 * full) (nullable) */
char *gw_extension_of_uri (Gateway *gateway, const char *call_to);
/** gw_extension_caller: who calls: @username when it was proved to be an extension, in demo mode @from_user
 * when that has a phone. (nullable): somebody else. Owned by an argument. */
const char *gw_extension_caller (Gateway *gateway, const char *username, const char *from_user);
/** gw_extension_address: (transfer full): host:port of ours that phones of @local, an address of ours, know.
 */
char *gw_extension_address (Gateway *gateway, const char *local);

/* Whom to call. Texts are the store's: valid until it changes. */
typedef struct
{
  GArray *targets; /* of SigSipTarget; NULL: none */
  char *local;     /* numeric: the address of ours that reaches them */
} GwExtensionWay;

/** gw_extension_way: the phones of @user that answer, all when none is known to. FALSE with NOT_FOUND (no
 * such extension) or UNAVAILABLE (no phone is registered). */
gboolean gw_extension_way (Gateway *gateway, const char *user, GwExtensionWay *way, GError **error);
void gw_extension_way_clear (GwExtensionWay *way);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GwExtensionWay, gw_extension_way_clear)

/** gw_extension_send_message: @message goes to all phones of @user. Returns: 202, or the SIP status why not.
 */
int gw_extension_send_message (Gateway *gateway, const char *user, const char *from,
                               const SigSipMessage *message);

extern const GwMethod gw_registration_methods[];
