#include "signaling/sip/rate.h"

#include <string.h>

/* Tokens are counted in millionths, so that one microsecond at one token per second adds one unit. */
#define TOKEN G_GINT64_CONSTANT (1000000)

typedef struct
{
  SigSipSource source;
  gint64 level;
  CfgMonotonic at;
  GList link; /* in SigSipRate.recent, most recent first */
} Bucket;

struct _SigSipRate
{
  guint per_second;
  gint64 capacity;
  guint max_sources;
  GHashTable *buckets;
  GQueue recent;
  Bucket overflow;
};

guint
sig_sip_source_hash (gconstpointer data)
{
  const SigSipSource *source = data;
  guint32 hash = 2166136261u;

  for (gsize i = 0; i < sizeof source->bytes; i++)
    hash = (hash ^ source->bytes[i]) * 16777619u;
  return hash;
}

gboolean
sig_sip_source_equal (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, sizeof (SigSipSource)) == 0;
}

SigSipRate *
sig_sip_rate_new (guint per_second, guint burst, guint max_sources)
{
  g_assert (per_second > 0 && burst > 0 && max_sources > 0);

  SigSipRate *rate = g_new0 (SigSipRate, 1);
  rate->per_second = per_second;
  rate->capacity = burst * TOKEN;
  rate->max_sources = max_sources;
  rate->buckets = g_hash_table_new_full (sig_sip_source_hash, sig_sip_source_equal, NULL, g_free);
  g_queue_init (&rate->recent);
  rate->overflow.level = rate->capacity;
  return rate;
}

void
sig_sip_rate_free (SigSipRate *rate)
{
  if (rate == NULL)
    return;
  g_hash_table_destroy (rate->buckets);
  g_free (rate);
}

static gboolean
bucket_is_full (const SigSipRate *rate, const Bucket *bucket, CfgMonotonic now)
{
  gint64 missing = rate->capacity - bucket->level;

  return cfg_monotonic_diff_us (now, bucket->at) >= missing / rate->per_second;
}

/* A bucket that has filled up again says nothing any more: its place goes to a new source. */
static gboolean
make_room (SigSipRate *rate, CfgMonotonic now)
{
  if (g_hash_table_size (rate->buckets) < rate->max_sources)
    return TRUE;

  GList *last = g_queue_peek_tail_link (&rate->recent);
  Bucket *bucket = last->data;
  if (!bucket_is_full (rate, bucket, now))
    return FALSE;
  g_queue_unlink (&rate->recent, last);
  g_hash_table_remove (rate->buckets, &bucket->source);
  return TRUE;
}

static Bucket *
find_bucket (SigSipRate *rate, const SigSipSource *source, CfgMonotonic now)
{
  Bucket *bucket = g_hash_table_lookup (rate->buckets, source);

  if (bucket != NULL)
    {
      g_queue_unlink (&rate->recent, &bucket->link);
      g_queue_push_head_link (&rate->recent, &bucket->link);
      return bucket;
    }
  if (!make_room (rate, now))
    return &rate->overflow;

  bucket = g_new0 (Bucket, 1);
  bucket->source = *source;
  bucket->level = rate->capacity;
  bucket->at = now;
  bucket->link.data = bucket;
  g_hash_table_insert (rate->buckets, &bucket->source, bucket);
  g_queue_push_head_link (&rate->recent, &bucket->link);
  return bucket;
}

static void
fill (const SigSipRate *rate, Bucket *bucket, CfgMonotonic now)
{
  gint64 elapsed = cfg_monotonic_diff_us (now, bucket->at);

  if (bucket_is_full (rate, bucket, now))
    bucket->level = rate->capacity;
  else if (elapsed > 0)
    bucket->level += elapsed * rate->per_second;
  bucket->at = now;
}

gboolean
sig_sip_rate_take (SigSipRate *rate, const SigSipSource *source, CfgMonotonic now)
{
  Bucket *bucket = find_bucket (rate, source, now);

  fill (rate, bucket, now);
  if (bucket->level < TOKEN)
    return FALSE;
  bucket->level -= TOKEN;
  return TRUE;
}

/* A source that is not in the table is not put there. */
gboolean
sig_sip_rate_has (SigSipRate *rate, const SigSipSource *source, CfgMonotonic now)
{
  Bucket *bucket = g_hash_table_lookup (rate->buckets, source);

  if (bucket == NULL && g_hash_table_size (rate->buckets) < rate->max_sources)
    return TRUE;
  bucket = bucket != NULL ? bucket : &rate->overflow;
  fill (rate, bucket, now);
  return bucket->level >= TOKEN;
}

gboolean
sig_sip_rate_knows (const SigSipRate *rate, const SigSipSource *source)
{
  return g_hash_table_contains (rate->buckets, source);
}

guint
sig_sip_rate_n_sources (const SigSipRate *rate)
{
  return g_hash_table_size (rate->buckets);
}
