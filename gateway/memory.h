/* Pages of freed memory, given back to the system. */
#pragma once

#include <glib.h>

/** gw_memory_give_back: what the calling thread freed leaves the allocator where whole pages are empty. Takes
 * about a millisecond per 10 MB of heap: for an idle moment. */
void gw_memory_give_back (void);
