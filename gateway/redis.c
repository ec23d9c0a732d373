#include "gateway/redis.h"

#include <hiredis/hiredis.h>
#include <string.h>

#include "config/base/error.h"

static gboolean
is_ok (redisReply *reply)
{
  gboolean ok = reply != NULL && reply->type == REDIS_REPLY_STATUS;

  if (reply != NULL)
    freeReplyObject (reply);
  return ok;
}

static gboolean
log_in (redisContext *redis, const CfgRedisSettings *settings)
{
  if (settings->password == NULL)
    return TRUE;
  if (settings->username != NULL)
    return is_ok (redisCommand (redis, "AUTH %s %s", settings->username, settings->password));
  return is_ok (redisCommand (redis, "AUTH %s", settings->password));
}

gboolean
gw_redis_ping (const CfgRedisSettings *settings, GError **error)
{
  const char *colon = strrchr (settings->address, ':');
  g_autofree char *host = g_strndup (settings->address, colon != NULL ? (gsize)(colon - settings->address)
                                                                      : strlen (settings->address));
  int port = colon != NULL ? (int)g_ascii_strtoull (colon + 1, NULL, 10) : 6379;
  const struct timeval timeout = { .tv_sec = 2 };
  redisContext *redis = redisConnectWithTimeout (host, port, timeout);
  gboolean ok;

  ok = redis != NULL && redis->err == 0 && redisSetTimeout (redis, timeout) == REDIS_OK
       && log_in (redis, settings) && is_ok (redisCommand (redis, "PING"));
  if (!ok)
    g_set_error (
        error, CFG_ERROR, CFG_ERROR_UNAVAILABLE,
        "redis.address: %s does not answer (%s): start Redis, correct the address and password, or run "
        "without it with --standalone",
        settings->address, redis != NULL && redis->err != 0 ? redis->errstr : "refused");
  if (redis != NULL)
    redisFree (redis);
  return ok;
}
