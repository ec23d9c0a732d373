/* A network between a load and the gateway: loss (single and in rows), delay and jitter, in steps of 1 ms; in
 * order but for those packets that are held up, and once but for those that come twice. One wheel for all
 * flows, so that a thousand of them cost no search. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"
#include "media/io/pump.h"

#define LOAD_NETEM_MAX_MS  1000
#define LOAD_NETEM_HOLD_MS 30 /* behind the next packet of 20 ms, or two of 10 */

typedef struct
{
  double loss;  /* 0–1 */
  double burst; /* mean length of a row of lost packets; below 1: 1; longer where the loss needs it */
  gint64 delay_us, jitter_us;
  double reorder;   /* 0–1: held up by LOAD_NETEM_HOLD_MS, which others do not wait for */
  double duplicate; /* 0–1 */
} LoadNetemConfig;

typedef struct _LoadNetem LoadNetem;

/* One flow in one direction; zero it. */
typedef struct
{
  gboolean losing;
  gint64 last_us;
  guint64 lost, reordered, duplicated;
} LoadPath;

/* A packet that came through; @data of MEDIA_PACKET_SIZE bytes may be worked in. */
typedef void (*LoadNetemFunc) (guint8 *data, gsize length, CfgMonotonic now, gpointer user);

/** load_netem_new: @seed decides what is lost. */
LoadNetem *load_netem_new (guint64 seed) G_GNUC_WARN_UNUSED_RESULT;
/** load_netem_free: what is on its way is forgotten. */
void load_netem_free (LoadNetem *netem);
/** load_netem_is_idle: @config changes nothing, so that packets need not go through here. */
gboolean load_netem_is_idle (const LoadNetemConfig *config);
/**
 * load_netem_put:
 * @path: of the packet, in order
 * @data: copied, MEDIA_PACKET_MAX_LENGTH at most
 * @func: called once with @user, from load_netem_advance
 *
 * Returns: FALSE when it was lost (and counted).
 */
gboolean load_netem_put (LoadNetem *netem, const LoadNetemConfig *config, LoadPath *path, const guint8 *data,
                         gsize length, CfgMonotonic now, LoadNetemFunc func, gpointer user);
/** load_netem_advance: delivers what has arrived by @now. To be called every millisecond. */
void load_netem_advance (LoadNetem *netem, CfgMonotonic now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LoadNetem, load_netem_free)
