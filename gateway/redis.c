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

/* "host", "host:port", "[::1]" or "[::1]:port". (transfer full): the host, without brackets */
static char *
split_address (const char *address, int *port)
{
  gboolean bracketed = address[0] == '[';
  gsize size = bracketed ? strcspn (address, "]") : strcspn (address, ":");
  const char *rest = address + size + (bracketed && address[size] == ']');

  *port = *rest == ':' ? (int)g_ascii_strtoull (rest + 1, NULL, 10) : 6379;
  return g_strndup (address + bracketed, size - (gsize)bracketed);
}

gboolean
gw_redis_ping (const CfgRedisSettings *settings, GError **error)
{
  int port;
  g_autofree char *host = split_address (settings->address, &port);
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
