/* libjwt checks the signature; everything around it that decides is checked here, strictly: the shape of the
 * text (libjwt's base64 reader skips what it does not know), the algorithm, the issuer, the times. */
#include "signaling/core/token.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <jwt.h>

#include "config/base/error.h"

#define WEBHOOK_TOKEN_S       300
#define MAX_TOKEN_BYTES       16384
#define SKEW_S                10
#define HS256_SIGNATURE_CHARS 43 /* base64url of 32 bytes */

typedef struct jwt Jwt;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Jwt, jwt_free)
typedef json_t Json;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Json, json_decref)

static gboolean
refuse (GError **error, const char *text)
{
  g_set_error (error, CFG_ERROR, CFG_ERROR_UNAUTHENTICATED, "access token: %s", text);
  return FALSE;
}

/* Three parts of base64url without padding, the last as long as an HS256 signature (RFC 7515 3.1). */
static gboolean
check_shape (const char *jwt, GError **error)
{
  gsize size = strnlen (jwt, MAX_TOKEN_BYTES + 1), part = 0;
  guint dots = 0;

  if (size == 0)
    return refuse (error, "it is empty");
  if (size > MAX_TOKEN_BYTES)
    return refuse (error, "it is too long");
  for (gsize i = 0; i < size; i++)
    if (jwt[i] == '.')
      {
        if (part == 0)
          return refuse (error, "it is not a JWT");
        dots++;
        part = 0;
      }
    else if (g_ascii_isalnum (jwt[i]) || jwt[i] == '-' || jwt[i] == '_')
      part++;
    else
      return refuse (error, "it is not a JWT");
  if (dots != 2 || part != HS256_SIGNATURE_CHARS)
    return refuse (error, "it is not a JWT signed with HS256");
  return TRUE;
}

/* "alg" is compared as text: libjwt reads it without case and takes every algorithm that it knows. */
static gboolean
check_header (Jwt *parsed, GError **error)
{
  g_autofree char *crit = NULL;

  if (g_strcmp0 (jwt_get_header (parsed, "alg"), "HS256") != 0)
    return refuse (error, "its algorithm is not HS256");
  errno = 0;
  crit = jwt_get_headers_json (parsed, "crit");
  if (crit != NULL)
    return refuse (error, "it names critical extensions");
  return TRUE;
}

static gboolean
get_seconds (const json_t *claims, const char *name, gint64 *seconds)
{
  const json_t *value = json_object_get (claims, name);
  double real;

  if (json_is_integer (value))
    {
      *seconds = json_integer_value (value);
      return TRUE;
    }
  if (!json_is_real (value)) /* NumericDate may have a fraction (RFC 7519 2) */
    return FALSE;
  real = json_real_value (value);
  if (!(real > -1e15 && real < 1e15))
    return FALSE;
  *seconds = (gint64)real;
  return TRUE;
}

gboolean
sig_token_has_expired (const SigToken *token, CfgWall now)
{
  /* Written so that no claim can overflow. */
  return token->expires_s < now.us / CFG_US_PER_S - SKEW_S;
}

static gboolean
check_times (const json_t *claims, CfgWall now, SigToken *token, GError **error)
{
  gint64 now_s = now.us / CFG_US_PER_S, not_before;

  if (!get_seconds (claims, "exp", &token->expires_s))
    return refuse (error, "it has no exp");
  if (sig_token_has_expired (token, now))
    return refuse (error, "it has expired");
  if (json_object_get (claims, "nbf") == NULL)
    return TRUE;
  if (!get_seconds (claims, "nbf", &not_before))
    return refuse (error, "its nbf is not a time");
  if (not_before > now_s + SKEW_S)
    return refuse (error, "it is not valid yet");
  return TRUE;
}

static gboolean
get_bool (const json_t *grants, const char *name, gboolean otherwise)
{
  const json_t *value = json_object_get (grants, name);

  return json_is_boolean (value) ? json_is_true (value) : otherwise;
}

static char *
dup_string (const json_t *object, const char *name)
{
  return g_strdup (json_string_value (json_object_get (object, name)));
}

static gboolean
read_claims (const json_t *claims, SigToken *token, GError **error)
{
  const json_t *video = json_object_get (claims, "video"), *sip = json_object_get (claims, "sip");
  const json_t *sub = json_object_get (claims, "sub");

  if ((sub != NULL && !json_is_string (sub)) || (video != NULL && !json_is_object (video))
      || (sip != NULL && !json_is_object (sip)))
    return refuse (error, "sub, video or sip have the wrong type");
  token->identity = sub != NULL ? g_strdup (json_string_value (sub)) : g_strdup ("");
  token->name = dup_string (claims, "name");
  token->metadata = dup_string (claims, "metadata");
  token->room = dup_string (video, "room");
  token->room_join = get_bool (video, "roomJoin", FALSE);
  token->room_admin = get_bool (video, "roomAdmin", FALSE);
  token->room_create = get_bool (video, "roomCreate", FALSE);
  token->room_list = get_bool (video, "roomList", FALSE);
  token->can_publish = get_bool (video, "canPublish", TRUE);
  token->can_subscribe = get_bool (video, "canSubscribe", TRUE);
  token->sip_admin = get_bool (sip, "admin", FALSE);
  token->sip_call = get_bool (sip, "call", FALSE);
  return TRUE;
}

/* Reads the issuer of a token that is not trusted yet, to know which secret must have signed it. */
static char *
read_issuer (const char *jwt, GError **error)
{
  g_autoptr (Jwt) parsed = NULL;
  const char *issuer;

  if (jwt_decode (&parsed, jwt, NULL, 0) != 0 || parsed == NULL)
    {
      refuse (error, "it is not a JWT");
      return NULL;
    }
  if (!check_header (parsed, error))
    return NULL;
  issuer = jwt_get_grant (parsed, "iss");
  if (issuer == NULL || *issuer == '\0')
    {
      refuse (error, "it has no iss");
      return NULL;
    }
  return g_strdup (issuer);
}

/* Returns: (transfer full) (nullable): the claims, once the signature is right. */
static json_t *
verified_claims (const char *jwt, const char *secret, GError **error)
{
  g_autoptr (Jwt) parsed = NULL;
  g_autofree char *text = NULL;
  json_t *claims;

  if (jwt_decode (&parsed, jwt, (const unsigned char *)secret, (int)strlen (secret)) != 0 || parsed == NULL
      || jwt_get_alg (parsed) != JWT_ALG_HS256)
    {
      refuse (error, "its signature is wrong");
      return NULL;
    }
  text = jwt_get_grants_json (parsed, NULL);
  claims = text != NULL ? json_loads (text, JSON_REJECT_DUPLICATES, NULL) : NULL;
  if (claims == NULL)
    refuse (error, "its claims are not readable");
  return claims;
}

SigToken *
sig_token_verify (const char *jwt, CfgWall now, SigTokenSecretFunc secret, gpointer user, GError **error)
{
  g_autoptr (SigToken) token = g_new0 (SigToken, 1);
  g_autoptr (Json) claims = NULL;
  const char *key;

  if (!check_shape (jwt, error))
    return NULL;
  token->api_key = read_issuer (jwt, error);
  if (token->api_key == NULL)
    return NULL;
  key = secret (user, token->api_key);
  if (key == NULL || *key == '\0')
    {
      refuse (error, "its API key (iss) is not known");
      return NULL;
    }
  claims = verified_claims (jwt, key, error);
  if (claims == NULL || !check_times (claims, now, token, error) || !read_claims (claims, token, error))
    return NULL;
  return g_steal_pointer (&token);
}

static void
set_string (json_t *object, const char *name, const char *value)
{
  if (value != NULL && *value != '\0')
    json_object_set_new (object, name, json_string (value));
}

static void
set_true (json_t *object, const char *name, gboolean value)
{
  if (value)
    json_object_set_new (object, name, json_true ());
}

static json_t *
claims_of (const SigToken *token, CfgWall now)
{
  json_t *claims = json_object (), *video = json_object (), *sip = json_object ();
  gint64 now_s = now.us / CFG_US_PER_S;

  set_string (claims, "iss", token->api_key);
  set_string (claims, "sub", token->identity);
  set_string (claims, "name", token->name);
  set_string (claims, "metadata", token->metadata);
  json_object_set_new (claims, "nbf", json_integer (now_s));
  json_object_set_new (claims, "exp", json_integer (token->expires_s));
  set_string (video, "room", token->room);
  set_true (video, "roomJoin", token->room_join);
  set_true (video, "roomAdmin", token->room_admin);
  set_true (video, "roomCreate", token->room_create);
  set_true (video, "roomList", token->room_list);
  json_object_set_new (video, "canPublish", json_boolean (token->can_publish));
  json_object_set_new (video, "canSubscribe", json_boolean (token->can_subscribe));
  json_object_set_new (claims, "video", video);
  set_true (sip, "admin", token->sip_admin);
  set_true (sip, "call", token->sip_call);
  if (json_object_size (sip) > 0)
    json_object_set_new (claims, "sip", sip);
  else
    json_decref (sip);
  return claims;
}

static char *
sign (json_t *claims, const char *secret)
{
  g_autoptr (Jwt) jwt = NULL;
  char *text = json_dumps (claims, JSON_COMPACT), *encoded, *result;

  g_assert (text != NULL);
  if (jwt_new (&jwt) != 0 || jwt_add_grants_json (jwt, text) != 0
      || jwt_set_alg (jwt, JWT_ALG_HS256, (const unsigned char *)secret, (int)strlen (secret)) != 0)
    g_error ("a token cannot be made"); /* out of memory, or an empty secret: our own mistake */
  encoded = jwt_encode_str (jwt);
  g_assert (encoded != NULL);
  result = g_strdup (encoded);
  free (encoded);
  free (text);
  return result;
}

SigToken
sig_token_for_all (const char *api_key, const char *identity, gint64 expires_s)
{
  return (SigToken){
    .api_key = (char *)api_key,
    .identity = (char *)identity,
    .room_join = TRUE,
    .room_admin = TRUE,
    .room_create = TRUE,
    .room_list = TRUE,
    .can_publish = TRUE,
    .can_subscribe = TRUE,
    .sip_admin = TRUE,
    .sip_call = TRUE,
    .expires_s = expires_s,
  };
}

char *
sig_token_mint (const SigToken *token, const char *secret, CfgWall now)
{
  g_autoptr (Json) claims = claims_of (token, now);

  return sign (claims, secret);
}

char *
sig_webhook_sign (const char *api_key, const char *secret, const char *body, gsize size, CfgWall now)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *hash = NULL;
  g_autoptr (Json) claims = NULL;
  guint8 digest[32];
  gsize digest_size = sizeof digest;

  g_checksum_update (sum, (const guchar *)body, (gssize)size);
  g_checksum_get_digest (sum, digest, &digest_size);
  hash = g_base64_encode (digest, digest_size);
  claims = json_pack ("{s:s, s:I, s:I, s:s}", "iss", api_key, "nbf", (json_int_t)(now.us / CFG_US_PER_S),
                      "exp", (json_int_t)(now.us / CFG_US_PER_S) + WEBHOOK_TOKEN_S, "sha256", hash);
  return sign (claims, secret);
}

void
sig_token_free (SigToken *token)
{
  if (token == NULL)
    return;
  g_free (token->api_key);
  g_free (token->identity);
  g_free (token->name);
  g_free (token->metadata);
  g_free (token->room);
  g_free (token);
}
