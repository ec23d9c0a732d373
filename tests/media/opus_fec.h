/* Whether an Opus packet of one frame carries the one before once more. */
#pragma once

#include <glib.h>

/** test_opus_has_fec: the LBRR flag of a mono packet's first frame (RFC 6716 4.2.3): the bit after the VAD
 * flags, one for each 20 ms; FALSE for CELT, which has none. */
static inline gboolean
test_opus_has_fec (const guint8 *payload, gsize size)
{
  static const guint vad_flags[] = { 1, 1, 2, 3 }; /* 10, 20, 40, 60 ms */
  const guint config = size > 1 ? payload[0] >> 3 : 31;

  if (config >= 16 || (payload[0] & 3) != 0)
    return FALSE;
  return (payload[1] >> (7 - (config < 12 ? vad_flags[config & 3] : 1)) & 1) != 0;
}
