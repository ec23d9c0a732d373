/* Access tokens: JWT HS256 with LiveKit's claims (on libjwt). Pure: the time is given. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"

typedef struct
{
  char *api_key;  /* iss */
  char *identity; /* sub; "" when absent */
  char *name;     /* (nullable) */
  char *metadata; /* (nullable) */
  char *room;     /* video.room; (nullable) */
  gboolean room_join, room_admin, room_create, room_list;
  gboolean can_publish, can_subscribe; /* default TRUE, as LiveKit's */
  gboolean sip_admin, sip_call;
  gint64 expires_s; /* exp, seconds since 1970 */
} SigToken;

/* Looks up the secret of an API key; NULL when there is no such key. */
typedef const char *(*SigTokenSecretFunc) (gpointer user, const char *api_key);

/**
 * sig_token_verify:
 * @jwt: untrusted, any bytes, at most 16 kB are looked at
 *
 * Accepts HS256 only, an exp in the future and an nbf in the past (10 s of skew), a known iss. Trailing
 * bytes, other algorithms, `none` and oversized tokens are refused. Returns: (transfer full) (nullable): NULL
 * with CFG_ERROR_UNAUTHENTICATED; the text never repeats the token.
 */
SigToken *sig_token_verify (const char *jwt, CfgWall now, SigTokenSecretFunc secret, gpointer user,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** sig_token_has_expired: its exp and the skew are over. */
gboolean sig_token_has_expired (const SigToken *token, CfgWall now);

/** sig_token_for_all: one that may do everything. Its texts are borrowed: not to be freed. */
SigToken sig_token_for_all (const char *api_key, const char *identity, gint64 expires_s);
/** sig_token_mint: signs @token (its api_key and expires_s included) with @secret. (transfer full) */
char *sig_token_mint (const SigToken *token, const char *secret, CfgWall now) G_GNUC_WARN_UNUSED_RESULT;

/** sig_webhook_sign: a token that vouches for @body for five minutes, as LiveKit's webhooks have it: its
 * claim sha256 is the base64 of the body's SHA-256. (transfer full) */
char *sig_webhook_sign (const char *api_key, const char *secret, const char *body, gsize size, CfgWall now);

void sig_token_free (SigToken *token);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SigToken, sig_token_free)
