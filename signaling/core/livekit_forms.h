/* Forms in which JSON of protobuf may have a value (the ProtoJSON format), besides the usual one. For
 * livekit.c only. Pure. */
#pragma once

#include <glib.h>
#include <jansson.h>

/** sig_livekit_base64: @text, of either alphabet of RFC 4648 and with its padding or without, in that of its
 * section 4 with padding. (transfer full) (nullable): NULL: it is no base64. */
char *sig_livekit_base64 (const char *text);

/* About 10,000 years: what google.protobuf.Duration takes. */
#define SIG_LIVEKIT_MAX_DURATION_S 315576000000.0

/** sig_livekit_parse_duration: "30s", "1.5s"; also a plain number. FALSE: @value is none. */
gboolean sig_livekit_parse_duration (const json_t *value, double *seconds);
/** sig_livekit_split_duration: both of one sign, rounded, so that what is read again is the same. */
void sig_livekit_split_duration (double duration, gint64 *seconds, int *nanos);
/** sig_livekit_duration: a number of seconds as "1.5s". (transfer full): null when @value is none. */
json_t *sig_livekit_duration (const json_t *value);

/** sig_livekit_parse_time: RFC 3339, to the microsecond. FALSE: @text (nullable) is none. */
gboolean sig_livekit_parse_time (const char *text, gint64 *seconds, int *nanos);
/** sig_livekit_time: the same the other way round. (transfer full): null outside of the years 1 to 9999. */
json_t *sig_livekit_time (gint64 seconds, int nanos);

/** sig_livekit_whole: a whole number written as 5, "5", 5.0 or 5e0. FALSE: @value is none. */
gboolean sig_livekit_whole (const json_t *value, gint64 *number);
