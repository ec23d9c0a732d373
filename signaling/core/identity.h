/* Who calls, and for whom it was meant, as the headers of networks say it: P-Asserted-Identity and Privacy:
 * id (RFC 3325), Privacy (RFC 3323), Remote-Party-ID (draft-ietf-sip-privacy-04), Diversion (RFC 5806) and
 * History-Info (RFC 7044). Pure and bounded: what is malformed is as if it were not there. Whether any of it
 * is believed is the owner's decision. */
#pragma once

#include <glib.h>

#include "config/base/header.h"

#define SIG_IDENTITY_MAX_TEXT 2048 /* bytes of a header's value that are looked at */

/* Texts are UTF-8 without control characters, never NULL after reading. */
typedef struct
{
  char *display; /* without quotes, "" for none */
  char *user;    /* unescaped, without parameters; of a telephone number without separators; "" for none */
  char *host;    /* without brackets; "" of a tel: URI */
  gboolean is_tel;
} SigIdentity;

typedef struct
{
  gboolean has_asserted, has_diverter;
  SigIdentity asserted;   /* P-Asserted-Identity; without one Remote-Party-ID of the calling party */
  SigIdentity diverter;   /* who sent the call on last: Diversion, without one History-Info */
  char *diversion_reason; /* (nullable): "no-answer", "user-busy", "unconditional" ... (RFC 5806 9) */
  gboolean is_private;    /* nobody who is called shall see who calls */
  gboolean is_diverter_private;
} SigIdentities;

/** sig_identities_read: @headers: of one message, in their order. @out: to be cleared */
void sig_identities_read (const CfgHeader *headers, gsize n_headers, SigIdentities *out);
void sig_identities_clear (SigIdentities *identities);

/** sig_identity_tells_caller: @name is a header that says who calls: not for anybody when is_private. */
gboolean sig_identity_tells_caller (const char *name);

/**
 * sig_name_addr_parse:
 * @text: a list of name-addr or addr-spec (RFC 3261 25.1), with sip:, sips: or tel:
 * @parameters: (out) (optional) (transfer full): behind the address, "" for none
 * Returns: (nullable): where the next element begins; NULL: there is none, or this one is malformed and @out
 * is all NULL
 */
const char *sig_name_addr_parse (const char *text, SigIdentity *out, char **parameters);
void sig_identity_clear (SigIdentity *identity);

/** sig_name_addr_write: (transfer full): `"Display" <uri>`. @display: (nullable): any UTF-8; what cannot
 * stand in a header is a space */
char *sig_name_addr_write (const char *display, const char *uri) G_GNUC_WARN_UNUSED_RESULT;

/** sig_plain_number: (transfer full): a telephone number without its visual separators (RFC 3966 3): (-.).
 * What is none stays. */
char *sig_plain_number (const char *number) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SigIdentities, sig_identities_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SigIdentity, sig_identity_clear)
