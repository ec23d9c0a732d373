/* Which hosts a list of the configuration names. Pure. */
#pragma once

#include <glib.h>

/** cfg_host_pattern_is_valid: TRUE for "host", "host:port", "*.domain", "address", "[address]:port" and
 * "address/bits". */
gboolean cfg_host_pattern_is_valid (const char *pattern);

/**
 * cfg_host_list_contains:
 * @list: (nullable): NULL-terminated patterns as above
 * @host: a name or a numeric address without brackets; names compare without case and without a last dot
 * @port: 0 is 5060; a pattern with a port fits that port only, one without fits all
 *
 * A name fits only a pattern that is a name: nothing is looked up, so that nobody can make a name mean
 * something else between the check and the call.
 */
gboolean cfg_host_list_contains (const char *const *list, const char *host, guint16 port);
