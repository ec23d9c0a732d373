#include "signaling/core/srv.h"

#include <stdlib.h>

/* By priority; the weightless first, as RFC 2782 wants them before the draw. */
static int
compare_srv (const void *a, const void *b)
{
  const SigSrv *x = a, *y = b;

  if (x->priority != y->priority)
    return x->priority < y->priority ? -1 : 1;
  return (x->weight > 0) - (y->weight > 0);
}

static gsize
draw (const SigSrv *records, gsize n, guint32 (*random) (guint32 max, gpointer user), gpointer user)
{
  guint32 sum = 0, running = 0;

  for (gsize i = 0; i < n; i++)
    sum += records[i].weight;
  guint32 pick = random (sum, user);
  for (gsize i = 0; i < n; i++)
    {
      running += records[i].weight;
      if (running >= pick)
        return i;
    }
  return n - 1;
}

void
sig_srv_order (SigSrv *records, gsize n, guint32 (*random) (guint32 max, gpointer user), gpointer user)
{
  qsort (records, n, sizeof *records, compare_srv);
  for (gsize first = 0; first < n; first++)
    {
      gsize same = first;

      while (same < n && records[same].priority == records[first].priority)
        same++;
      gsize picked = first + draw (records + first, same - first, random, user);
      SigSrv record = records[picked];
      for (gsize i = picked; i > first; i--)
        records[i] = records[i - 1];
      records[first] = record;
    }
}

static int
compare_naptr (const void *a, const void *b)
{
  const SigNaptr *x = a, *y = b;

  if (x->order != y->order)
    return x->order < y->order ? -1 : 1;
  return (x->preference > y->preference) - (x->preference < y->preference);
}

guint
sig_naptr_service (const SigNaptr *record)
{
  if (g_ascii_strcasecmp (record->service, "SIP+D2U") == 0)
    return SIG_NAPTR_UDP;
  if (g_ascii_strcasecmp (record->service, "SIP+D2T") == 0)
    return SIG_NAPTR_TCP;
  return 0;
}

gsize
sig_naptr_order (SigNaptr *records, gsize n, guint services)
{
  gsize kept = 0;

  qsort (records, n, sizeof *records, compare_naptr);
  for (gsize i = 0; i < n; i++)
    if (g_ascii_strcasecmp (records[i].flags, "s") == 0 && records[i].replacement[0] != '\0'
        && (sig_naptr_service (&records[i]) & services))
      records[kept++] = records[i];
  return kept;
}
