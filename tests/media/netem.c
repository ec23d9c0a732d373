#include "tests/media/netem.h"

#include "tests/media/random.h"

#include <string.h>

typedef struct
{
  gint64 at_us;
  gsize size;
  guint8 data[1500];
} Packet;

struct _TestNetem
{
  TestNetemConfig config;
  TestRandom random;
  GQueue packets; /* of Packet, by arrival */
  gint64 last_us; /* newest arrival of those in order */
  gboolean losing;
  guint64 lost;
};

TestNetem *
test_netem_new (const TestNetemConfig *config)
{
  TestNetem *netem = g_new0 (TestNetem, 1);

  netem->config = *config;
  netem->random = test_random (config->seed);
  g_queue_init (&netem->packets);
  return netem;
}

void
test_netem_free (TestNetem *netem)
{
  if (netem == NULL)
    return;
  g_queue_clear_full (&netem->packets, g_free);
  g_free (netem);
}

/* Gilbert's model: a row ends with probability 1 / burst, and begins so often that @loss comes out. */
static gboolean
is_lost (TestNetem *netem)
{
  double end = 1 / MAX (netem->config.burst, 1);
  double begin = netem->config.loss < 1 ? netem->config.loss * end / (1 - netem->config.loss) : 1;

  netem->losing = test_random_unit (&netem->random) < (netem->losing ? 1 - end : begin);
  return netem->losing;
}

static void
enqueue (TestNetem *netem, const guint8 *data, gsize size, gint64 at_us)
{
  Packet *packet = g_new (Packet, 1);
  GList *link = netem->packets.tail;

  packet->at_us = at_us;
  packet->size = size;
  memcpy (packet->data, data, size);
  while (link != NULL && ((Packet *)link->data)->at_us > at_us)
    link = link->prev;
  if (link == NULL)
    g_queue_push_head (&netem->packets, packet);
  else
    g_queue_insert_after (&netem->packets, link, packet);
}

gboolean
test_netem_send (TestNetem *netem, const guint8 *data, gsize size, CfgMonotonic now)
{
  const TestNetemConfig *config = &netem->config;
  double spread = (test_random_unit (&netem->random) + test_random_unit (&netem->random)) / 2;
  gint64 at_us = now.us + config->delay_us + (gint64)(spread * (double)config->jitter_us);

  g_assert_cmpuint (size, <=, sizeof ((Packet *)0)->data);
  if (is_lost (netem))
    {
      netem->lost++;
      return FALSE;
    }
  if (config->spike_every_us > 0 && at_us % config->spike_every_us < config->spike_us)
    at_us += config->spike_us - at_us % config->spike_every_us;
  if (test_random_unit (&netem->random) < config->reordering)
    {
      enqueue (netem, data, size, at_us + config->reorder_us);
    }
  else
    {
      at_us = MAX (at_us, netem->last_us);
      netem->last_us = at_us;
      enqueue (netem, data, size, at_us);
    }
  if (test_random_unit (&netem->random) < config->duplicates)
    enqueue (netem, data, size, at_us + 1000);
  return TRUE;
}

gsize
test_netem_receive (TestNetem *netem, CfgMonotonic now, guint8 *data, CfgMonotonic *at)
{
  Packet *packet = g_queue_peek_head (&netem->packets);
  gsize size;

  if (packet == NULL || packet->at_us > now.us)
    return 0;
  packet = g_queue_pop_head (&netem->packets);
  size = packet->size;
  *at = (CfgMonotonic){ packet->at_us };
  memcpy (data, packet->data, size);
  g_free (packet);
  return size;
}

guint64
test_netem_lost (const TestNetem *netem)
{
  return netem->lost;
}
