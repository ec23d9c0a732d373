/* What a transfer writes into headers and bodies: Refer-To (RFC 3515), Replaces (RFC 3891), Referred-By (RFC
 * 3892), Target-Dialog (RFC 4538), Subscription-State (RFC 6665) and message/sipfrag (RFC 3420). Pure, strict
 * and bounded: a text that does not follow the grammar is refused whole, nothing is guessed. */
#pragma once

#include <glib.h>

#define SIG_REFER_MAX_TEXT    2048 /* bytes of a header value */
#define SIG_REFER_MAX_HEADERS 16   /* in the headers part of a URI */

/* A dialog, as somebody outside of it names it. The tags are the receiver's view: `to_tag` is the local one
 * of the side that gets the Replaces header (RFC 3891 3). */
typedef struct
{
  char *call_id, *to_tag, *from_tag;
  gboolean early_only;
} SigReplaces;

typedef struct
{
  char *name, *value; /* unescaped; the name is a token, the value has no control characters */
} SigReferHeader;

typedef struct
{
  char *uri;    /* without its headers part and its method parameter; sip:, sips: or tel: */
  char *user;   /* of the URI, unescaped, without parameters; "" for none; the number of a tel: URI */
  char *host;   /* without brackets; "" for tel: */
  guint16 port; /* 0: none */
  gboolean is_tel;
  char *method; /* (nullable): the method parameter, upper case */
  gboolean has_replaces;
  SigReplaces replaces;
  SigReferHeader headers[SIG_REFER_MAX_HEADERS]; /* the others, in their order */
  guint n_headers;
} SigReferTo;

typedef struct
{
  gboolean is_active, is_pending, is_terminated; /* one of them; none: a state that nobody defined */
  char reason[32];                               /* "" for none */
  guint32 expires_s;                             /* 0: not said */
} SigSubscriptionState;

/**
 * sig_refer_to_parse:
 * @text: value of a Refer-To header: name-addr or addr-spec, untrusted
 * @result: (out): to be cleared, also after a failure
 *
 * Returns: FALSE with CFG_ERROR_INVALID_ARGUMENT when it is malformed or too long, CFG_ERROR_UNIMPLEMENTED
 * for a well-formed URI that is neither sip:, sips: nor tel:.
 */
gboolean sig_refer_to_parse (const char *text, SigReferTo *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void sig_refer_to_clear (SigReferTo *refer);

/** sig_replaces_parse: a value of a Replaces header; both tags are mandatory. INVALID_ARGUMENT else. */
gboolean sig_replaces_parse (const char *text, SigReplaces *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** sig_target_dialog_parse: a value of Target-Dialog: local-tag is our side's, as to_tag. */
gboolean sig_target_dialog_parse (const char *text, SigReplaces *result,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** sig_replaces_write: (transfer full) */
char *sig_replaces_write (const SigReplaces *replaces) G_GNUC_WARN_UNUSED_RESULT;
void sig_replaces_clear (SigReplaces *replaces);

/** sig_referred_by_uri: (transfer full) (nullable): the URI in a value of Referred-By; NULL: malformed. */
char *sig_referred_by_uri (const char *text) G_GNUC_WARN_UNUSED_RESULT;

/**
 * sig_transfer_target:
 * @text: what a user wrote: tel:, sip: or sips: URI, with <> or without, or a plain number or user
 * @host: (nullable): for a plain number: host, or host:port, of the other side
 * Returns: (transfer full) (nullable): the URI for Refer-To; NULL with CFG_ERROR_INVALID_ARGUMENT.
 */
char *sig_transfer_target (const char *text, const char *host, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * sig_sipfrag_parse:
 * @body: @size bytes, untrusted: a status line, with header lines after it or without
 * @phrase: (out) (transfer full): its reason phrase as UTF-8; untouched when FALSE is returned
 * Returns: FALSE when there is no SIP/2.0 status line of 100 to 699.
 */
gboolean sig_sipfrag_parse (const char *body, gsize size, int *status,
                            char **phrase) G_GNUC_WARN_UNUSED_RESULT;
/** sig_subscription_state_parse: FALSE when malformed; after a known state, parameters up to the first
 * malformed one count. */
gboolean sig_subscription_state_parse (const char *text,
                                       SigSubscriptionState *state) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SigReferTo, sig_refer_to_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SigReplaces, sig_replaces_clear)
