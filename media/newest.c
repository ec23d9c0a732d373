#include "media/newest.h"

#include <stdatomic.h>

struct _MediaNewest
{
  atomic_uint refs;
  _Atomic (gpointer) value;
  GDestroyNotify free_value;
};

MediaNewest *
media_newest_new (GDestroyNotify free_value)
{
  MediaNewest *newest = g_new0 (MediaNewest, 1);

  atomic_init (&newest->refs, 1);
  atomic_init (&newest->value, NULL);
  newest->free_value = free_value;
  return newest;
}

MediaNewest *
media_newest_ref (MediaNewest *newest)
{
  atomic_fetch_add_explicit (&newest->refs, 1, memory_order_relaxed);
  return newest;
}

void
media_newest_unref (MediaNewest *newest)
{
  gpointer value;

  if (atomic_fetch_sub_explicit (&newest->refs, 1, memory_order_acq_rel) != 1)
    return;
  value = atomic_load_explicit (&newest->value, memory_order_relaxed);
  if (value != NULL)
    newest->free_value (value);
  g_free (newest);
}

gboolean
media_newest_put (MediaNewest *newest, gpointer value)
{
  gpointer before = atomic_exchange_explicit (&newest->value, value, memory_order_acq_rel);

  if (before == NULL)
    return TRUE;
  newest->free_value (before);
  return FALSE;
}

gpointer
media_newest_take (MediaNewest *newest)
{
  return atomic_exchange_explicit (&newest->value, NULL, memory_order_acq_rel);
}
