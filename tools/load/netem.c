#include "tools/load/netem.h"

#include <string.h>

#define SLOTS 2048 /* of 1 ms; more than the longest delay */

typedef struct _Packet Packet;

struct _Packet
{
  Packet *next;
  LoadNetemFunc func;
  gpointer user;
  gsize length;
  guint8 data[MEDIA_PACKET_SIZE];
};

typedef struct
{
  Packet *first, *last;
} Slot;

struct _LoadNetem
{
  guint64 random;
  gint64 now_ms; /* slots up to this one are delivered; 0: not begun */
  Slot slots[SLOTS];
  Packet *spare;
};

LoadNetem *
load_netem_new (guint64 seed)
{
  LoadNetem *netem = g_new0 (LoadNetem, 1);

  netem->random = seed * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15) + 1;
  return netem;
}

static void
free_packets (Packet *packet)
{
  while (packet != NULL)
    {
      Packet *next = packet->next;

      g_free (packet);
      packet = next;
    }
}

void
load_netem_free (LoadNetem *netem)
{
  for (guint i = 0; i < SLOTS; i++)
    free_packets (netem->slots[i].first);
  free_packets (netem->spare);
  g_free (netem);
}

gboolean
load_netem_is_idle (const LoadNetemConfig *config)
{
  return config->loss <= 0 && config->delay_us <= 0 && config->jitter_us <= 0 && config->reorder <= 0
         && config->duplicate <= 0;
}

/* xorshift64*: 0 ≤ x < 1. */
static double
next_unit (LoadNetem *netem)
{
  netem->random ^= netem->random >> 12;
  netem->random ^= netem->random << 25;
  netem->random ^= netem->random >> 27;
  return (double)(netem->random * G_GUINT64_CONSTANT (0x2545f4914f6cdd1d) >> 32) / 4294967296.0;
}

/* Gilbert's model: a row ends with probability 1 / burst, and begins so often that the loss comes out; where
 * it cannot begin more often than after each packet that comes through, rows are longer. */
static gboolean
is_lost (LoadNetem *netem, const LoadNetemConfig *config, LoadPath *path)
{
  const double end = MIN (1 / MAX (config->burst, 1), (1 - config->loss) / config->loss);
  const double begin = config->loss * end / (1 - config->loss);

  path->losing = next_unit (netem) < (path->losing ? 1 - end : begin);
  return path->losing;
}

static void
enqueue (LoadNetem *netem, gint64 at_us, const guint8 *data, gsize length, LoadNetemFunc func, gpointer user)
{
  Packet *packet = netem->spare;
  Slot *slot
      = &netem->slots[CLAMP (at_us / CFG_US_PER_MS, netem->now_ms + 1, netem->now_ms + SLOTS - 1) % SLOTS];

  if (packet != NULL)
    netem->spare = packet->next;
  else
    packet = g_new (Packet, 1);
  packet->next = NULL;
  packet->func = func;
  packet->user = user;
  packet->length = MIN (length, MEDIA_PACKET_MAX_LENGTH);
  memcpy (packet->data, data, packet->length);
  if (slot->first == NULL)
    slot->first = packet;
  else
    slot->last->next = packet;
  slot->last = packet;
}

gboolean
load_netem_put (LoadNetem *netem, const LoadNetemConfig *config, LoadPath *path, const guint8 *data,
                gsize length, CfgMonotonic now, LoadNetemFunc func, gpointer user)
{
  const gint64 spread = config->jitter_us > 0 ? (gint64)(next_unit (netem) * (double)config->jitter_us) : 0;
  gint64 at_us = MAX (now.us + config->delay_us + spread, path->last_us);

  if (config->loss > 0 && is_lost (netem, config, path))
    {
      path->lost++;
      return FALSE;
    }
  if (netem->now_ms == 0)
    netem->now_ms = now.us / CFG_US_PER_MS;
  path->last_us = at_us;
  if (config->reorder > 0 && next_unit (netem) < config->reorder)
    {
      at_us += LOAD_NETEM_HOLD_MS * CFG_US_PER_MS;
      path->reordered++;
    }
  enqueue (netem, at_us, data, length, func, user);
  if (config->duplicate > 0 && next_unit (netem) < config->duplicate)
    {
      enqueue (netem, at_us, data, length, func, user);
      path->duplicated++;
    }
  return TRUE;
}

void
load_netem_advance (LoadNetem *netem, CfgMonotonic now)
{
  while (netem->now_ms != 0 && netem->now_ms < now.us / CFG_US_PER_MS)
    {
      Slot *slot = &netem->slots[++netem->now_ms % SLOTS];
      Packet *packet = slot->first;

      slot->first = NULL;
      while (packet != NULL)
        {
          Packet *next = packet->next;

          packet->func (packet->data, packet->length, now, packet->user);
          packet->next = netem->spare;
          netem->spare = packet;
          packet = next;
        }
    }
}
