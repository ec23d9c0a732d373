#include "gateway/memory.h"

#include "config/base/memory.h"

/* Handshakes leave large holes: they are given back when no call has begun or ended for a moment, and now
 * and then where they never stop. */
#define TRIM_AFTER_S 4
#define TRIM_EVERY_S 30
/* NUA holds the transactions of a finished call for 32 s (RFC 3261 17.2.1: 64*T1). */
#define TIDY_AFTER_S 35

static gboolean
is_after (CfgMonotonic now, CfgMonotonic since, int seconds)
{
  return cfg_monotonic_diff_us (now, since) >= seconds * CFG_US_PER_S;
}

/* Another number after a call, session or connection has begun or ended. */
static guint64
changes_of (const Gateway *gateway)
{
  return (gateway->n_calls_total + gateway->last_track) << 24
         ^ (guint64)(g_hash_table_size (gateway->legs) << 12 ^ g_hash_table_size (gateway->conns));
}

static void
trim (GwMemory *memory, CfgMonotonic now)
{
  cfg_memory_trim ();
  memory->trimmed = now;
  memory->is_dirty = FALSE;
}

void
gw_memory_tick (Gateway *gateway, CfgMonotonic now)
{
  GwMemory *memory = &gateway->memory;
  const guint64 n = changes_of (gateway);

  if (n != memory->n_seen)
    {
      memory->changed = now;
      memory->is_dirty = TRUE;
    }
  if (n != memory->n_seen || g_hash_table_size (gateway->calls) > 0)
    {
      memory->last_call = now;
      memory->is_tidy = FALSE;
    }
  memory->n_seen = n;
  if (!memory->is_tidy && is_after (now, memory->last_call, TIDY_AFTER_S))
    {
      media_engine_tidy (gateway->media);
      cfg_memory_empty_cache ();
      memory->is_tidy = memory->is_dirty = TRUE;
      memory->changed = memory->trimmed = now; /* the workers may take a while */
    }
  else if (memory->is_dirty
           && (is_after (now, memory->changed, memory->is_tidy ? 1 : TRIM_AFTER_S)
               || is_after (now, memory->trimmed, TRIM_EVERY_S)))
    trim (memory, now);
}
