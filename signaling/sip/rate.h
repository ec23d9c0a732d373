/* A token bucket per source address in a table of bounded size: a scanner can neither fill the memory with
 * addresses nor hide behind many of them. Pure: time comes with the call. */
#pragma once

#include "config/base/clock.h"

#include <glib.h>

typedef struct _SigSipRate SigSipRate;

/* An IPv4 address as ::ffff:a.b.c.d, an IPv6 address with its last 64 bits zero: a /64 is one source. */
typedef struct
{
  guint8 bytes[16];
} SigSipSource;

/* For hash tables by source. */
guint sig_sip_source_hash (gconstpointer source);
gboolean sig_sip_source_equal (gconstpointer a, gconstpointer b);

/**
 * sig_sip_rate_new:
 * @per_second: tokens added each second, > 0
 * @burst: tokens of a source that was quiet, > 0
 * @max_sources: size of the table, > 0; sources beyond it share one bucket
 */
SigSipRate *sig_sip_rate_new (guint per_second, guint burst, guint max_sources) G_GNUC_WARN_UNUSED_RESULT;
void sig_sip_rate_free (SigSipRate *rate);

/** sig_sip_rate_take: takes one token of @source. Returns: FALSE when it has none left. */
gboolean sig_sip_rate_take (SigSipRate *rate, const SigSipSource *source, CfgMonotonic now);
/** sig_sip_rate_has: whether @source has a token left; takes none. */
gboolean sig_sip_rate_has (SigSipRate *rate, const SigSipSource *source, CfgMonotonic now);
/** sig_sip_rate_knows: whether @source has taken one, as far back as the table reaches. */
gboolean sig_sip_rate_knows (const SigSipRate *rate, const SigSipSource *source);
/** sig_sip_rate_n_sources: sources in the table, never more than its size. */
guint sig_sip_rate_n_sources (const SigSipRate *rate);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SigSipRate, sig_sip_rate_free)
