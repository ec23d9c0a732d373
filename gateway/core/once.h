/* Requests that must be done once although they are sent again: what was asked for under a key, and what came
 * of it. Bounded in number and in time. Pure: the time is given. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"

typedef struct _GwOnce GwOnce;

typedef enum
{
  GW_ONCE_NEW,   /* nobody asked before: do it */
  GW_ONCE_KNOWN, /* the same was asked for before */
  GW_ONCE_OTHER, /* something else was asked for under this key */
  GW_ONCE_FULL,  /* every entry is still being worked on */
} GwOnceVerdict;

/**
 * gw_once_new:
 * @max: entries held; the one that was finished first gives way
 * @lifetime_us: how long a finished entry is held
 * @free_value: for the values of entries that go
 */
GwOnce *gw_once_new (guint max, gint64 lifetime_us, GDestroyNotify free_value);
void gw_once_free (GwOnce *once);

/**
 * gw_once_claim:
 * @scope: whose key it is; the same key in another scope is another one
 * @digest: of what is asked for
 * @value: (transfer full): what a new entry holds; freed when there is one already, or no place
 * @id: (out): the entry of NEW and KNOWN
 */
GwOnceVerdict gw_once_claim (GwOnce *once, const char *scope, const char *key, const char *digest,
                             gpointer value, CfgMonotonic now, guint64 *id);
/** gw_once_value: (nullable): NULL when the entry is gone. */
gpointer gw_once_value (GwOnce *once, guint64 id);
/** gw_once_finish: from now on the entry may give way, and its lifetime runs. */
void gw_once_finish (GwOnce *once, guint64 id, CfgMonotonic now);
/** gw_once_forget: nothing came of it: the next one who asks is the first again. */
void gw_once_forget (GwOnce *once, guint64 id);
guint gw_once_size (const GwOnce *once);
