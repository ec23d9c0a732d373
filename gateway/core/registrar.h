/* Where the phones of extensions can be reached (RFC 3261 10.3): the bindings of each user, with their expiry
 * and the order of the requests that made them. Pure: who may register was decided before, time is injected,
 * and asking the phones whether they are there (OPTIONS) is gateway/extensions.c's part.
 *
 * Bounded by GwRegistrarLimits; a request changes everything that it asks for, or nothing. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"

typedef struct _GwRegistrar GwRegistrar;

typedef struct
{
  guint min_expires_s, max_expires_s, default_expires_s; /* less is refused, more is cut */
  guint max_contacts;                                    /* of one user */
  guint max_users;
} GwRegistrarLimits;

typedef enum
{
  GW_REACH_UNKNOWN, /* never asked */
  GW_REACHABLE,
  GW_UNREACHABLE, /* did not answer the last time */
} GwReach;

/* One contact of one user. Texts are owned by the store. */
typedef struct
{
  guint64 id; /* of this binding, never used again */
  const char *user;
  char *uri, *key;
  char *send_to, *route; /* (nullable): as GwRegisterContact and GwRegister */
  char *call_id;
  guint32 cseq;
  char *source, *transport, *user_agent; /* user_agent: (nullable) */
  guint q_milli;
  CfgMonotonic expires;
  CfgWall since; /* the first REGISTER */
  GwReach reach;
  gint64 rtt_us;     /* of the last answer, -1: none yet */
  CfgMonotonic next; /* when to ask it again; is_asked: not before the answer */
  gboolean is_asked;
} GwBinding;

typedef struct
{
  const char *uri;
  const char *key;     /* equal for what counts as the same contact */
  const char *send_to; /* (nullable): URI that packets go to instead */
  int expires_s;       /* -1: not said */
  guint q_milli;
} GwRegisterContact;

typedef struct
{
  const char *call_id;
  guint32 cseq;
  gboolean removes_all;
  const GwRegisterContact *contacts;
  gsize n_contacts;
  int expires_s;      /* of the whole request, -1: not said */
  const char *route;  /* (nullable): Route header for requests to these contacts */
  const char *source; /* host:port */
  const char *transport;
  const char *user_agent; /* (nullable) */
} GwRegister;

GwRegistrar *gw_registrar_new (const GwRegistrarLimits *limits) G_GNUC_WARN_UNUSED_RESULT;
void gw_registrar_free (GwRegistrar *registrar);

/**
 * gw_registrar_take:
 * @request: copied
 *
 * A binding that another request of the same Call-ID made later than this one is not touched (500). A full
 * user gives up bindings whose phone does not answer.
 *
 * Returns: 200; 423 (interval too short: min_expires_s), 403 (too many contacts), 500 (out of order), 503
 * (too many users). With anything but 200 nothing has changed.
 */
int gw_registrar_take (GwRegistrar *registrar, const char *user, const GwRegister *request, CfgMonotonic now,
                       CfgWall wall);

/**
 * gw_registrar_restore: a binding of before a restart.
 * @like: user, texts, cseq, q_milli, expires and since; copied. `expires` is cut to the longest interval.
 *
 * It is asked at once whether its phone is there. Returns: FALSE: it is over, there already, or one too many.
 */
gboolean gw_registrar_restore (GwRegistrar *registrar, const GwBinding *like, CfgMonotonic now);

/** gw_registrar_bindings: of GwBinding, the highest q first and the newest of equal ones; NULL when there is
 * none. Valid until the next change. */
const GPtrArray *gw_registrar_bindings (const GwRegistrar *registrar, const char *user);
/** gw_registrar_find: (nullable): by its id. */
GwBinding *gw_registrar_find (const GwRegistrar *registrar, guint64 id);
/** gw_registrar_users: (transfer container): names, owned by the store, sorted. */
GPtrArray *gw_registrar_users (const GwRegistrar *registrar) G_GNUC_WARN_UNUSED_RESULT;
guint gw_registrar_n_users (const GwRegistrar *registrar);
guint gw_registrar_n_bindings (const GwRegistrar *registrar);

/** gw_registrar_remove: all bindings of @user, or the one with @uri (nullable). Returns: how many went. */
guint gw_registrar_remove (GwRegistrar *registrar, const char *user, const char *uri);

/** gw_registrar_expire: what is over at @now goes. Returns: (transfer full) (nullable): of char*, the users
 * who lost a binding. */
GPtrArray *gw_registrar_expire (GwRegistrar *registrar, CfgMonotonic now);

/** gw_registrar_due: at most @max bindings to be asked now; each is marked as asked. (transfer container)
 * (nullable) */
GPtrArray *gw_registrar_due (GwRegistrar *registrar, CfgMonotonic now, guint max);
/** gw_registrar_answered: the phone said something (@rtt_us), or not in time (-1). It is asked again at
 * @next. Returns: whether its reach changed; FALSE for a binding that is gone. */
gboolean gw_registrar_answered (GwRegistrar *registrar, guint64 id, gint64 rtt_us, CfgMonotonic next);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GwRegistrar, gw_registrar_free)
