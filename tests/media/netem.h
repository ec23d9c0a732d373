/* A network in a test: loss (single and in bursts), delay, jitter, spikes, reordering and duplicates, all
 * from one seed, with the time given. Packets are small messages of any kind. */
#pragma once

#include "config/base/clock.h"

#include <glib.h>

typedef struct _TestNetem TestNetem;

typedef struct
{
  guint64 seed;
  double loss;       /* 0–1: part of all packets */
  double burst;      /* mean length of a row of lost packets; below 1: 1 */
  double duplicates; /* 0–1 */
  double reordering; /* 0–1: so many are held back by reorder_us and overtaken */
  gint64 reorder_us;
  gint64 delay_us;       /* of every packet */
  gint64 jitter_us;      /* 0…this on top, triangular; order is kept */
  gint64 spike_every_us; /* 0: none; so often the network stands still … */
  gint64 spike_us;       /* … for so long, then delivers what it held */
} TestNetemConfig;

TestNetem *test_netem_new (const TestNetemConfig *config);
void test_netem_free (TestNetem *netem);
/** test_netem_send: one packet of up to 1500 octets. Returns: FALSE when the network lost it. */
gboolean test_netem_send (TestNetem *netem, const guint8 *data, gsize size, CfgMonotonic now);
/**
 * test_netem_receive:
 * @data: (out): 1500 octets
 * @at: (out): when it arrived
 * Returns: the size of the next packet that arrived up to @now; 0: none.
 */
gsize test_netem_receive (TestNetem *netem, CfgMonotonic now, guint8 *data, CfgMonotonic *at);
/** test_netem_lost: packets lost so far. */
guint64 test_netem_lost (const TestNetem *netem);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestNetem, test_netem_free)
