/* How long a token is good for its connection, and server.authenticate. */
#include "gateway/api.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/log.h"
#include "gateway/events.h"
#include "gateway/reach.h"

#define CLOSE_CODE      4401 /* of the range for applications; as HTTP's 401 */
#define TOKEN_MAX_BYTES 16384
#define MAX_TIME_S      253402300799 /* the year 9999: later ones cannot be written */

char *
gw_api_auth_sum (Gateway *gateway, const SigToken *token)
{
  const char *secret = gateway_secret (gateway, token->api_key);

  return secret != NULL ? g_compute_checksum_for_string (G_CHECKSUM_SHA256, secret, -1) : NULL;
}

static void
close_conn (Gateway *gateway, const GwConn *conn, const char *reason)
{
  cfg_info ("api", NULL, "Closed a connection", CFG_STR ("identity", conn->token->identity),
            CFG_STR ("reason", reason));
  sig_web_close (gateway->web, conn->id, CLOSE_CODE, reason);
}

void
gw_api_auth_tick (Gateway *gateway)
{
  const CfgWall now = cfg_wall_now ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, gateway->conns);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      GwConn *conn = value;

      gw_reach_tick (gateway, conn, cfg_monotonic_now ());
      if (conn->is_closing || !sig_token_has_expired (conn->token, now))
        continue;
      if (conn->session != NULL) /* a participant watches its room, no others, and no calls */
        {
          if (!conn->was_cut)
            gw_reach_token_changed (gateway, conn, "token_expired");
          conn->was_cut = TRUE;
          continue;
        }
      conn->is_closing = TRUE;
      close_conn (gateway, conn, "the token has expired");
    }
}

void
gw_api_auth_reload (Gateway *gateway)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, gateway->conns);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      GwConn *conn = value;
      g_autofree char *sum = gw_api_auth_sum (gateway, conn->token);

      if (conn->is_closing || g_strcmp0 (sum, conn->secret_sum) == 0)
        continue;
      conn->is_closing = TRUE;
      close_conn (gateway, conn, "the API key is not known any more");
    }
}

/* Another token must not make somebody else of who is connected: what was watched and joined goes on. */
static gboolean
is_same_client (const SigToken *token, const SigToken *other, GError **error)
{
  if (strcmp (token->identity, other->identity) == 0 && g_strcmp0 (token->room, other->room) == 0)
    return TRUE;
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED,
                       "the token must have the same sub and the same room as the one before");
  return FALSE;
}

static json_t *
authenticate (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  GwConn *conn = gw_request_conn (request);
  g_autoptr (SigToken) token = sig_token_verify (gw_param_string (params, "access_token"), cfg_wall_now (),
                                                 gateway_secret, gateway, error);
  g_autofree char *expires = NULL;

  if (token == NULL || !is_same_client (conn->token, token, error))
    return NULL;
  sig_token_free (conn->token);
  conn->token = g_steal_pointer (&token);
  g_free (conn->secret_sum);
  conn->secret_sum = gw_api_auth_sum (gateway, conn->token);
  conn->was_cut = FALSE;
  gw_reach_token_changed (gateway, conn, "permission");
  expires = gw_time_text ((CfgWall){ MIN (conn->token->expires_s, MAX_TIME_S) * CFG_US_PER_S });
  return json_pack ("{s:s, s:s}", "identity", conn->token->identity, "expires_at", expires);
}

static const GwParam authenticate_params[] = {
  { "access_token", { "token" }, GW_PARAM_STRING, TRUE, "The new token.", 0, TOKEN_MAX_BYTES },
  { NULL },
};
static const GwField authenticate_result[] = {
  { "identity", GW_FIELD_STRING, 0, "The token's sub." },
  { "expires_at", GW_FIELD_TIME, 0, "The token's exp." },
  { NULL },
};

const GwMethod gw_auth_methods[] = {
  { "server.authenticate", GW_GRANT_ANY, NULL, authenticate, authenticate_params,
    "Gives this connection another token before the old one expires.", .result = authenticate_result,
    .more = "It must have the same `sub` and the same room. Its grants count from the next request on. What "
            "is watched\n"
            "stays watched as far as it allows that: `room.watch_ended` tells of the rest." },
  { NULL },
};
