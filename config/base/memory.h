/* Memory that was freed and is not given back by itself: glibc keeps it, each thread some of it for itself.
 */
#pragma once

/** cfg_memory_empty_cache: what the calling thread freed last, and the allocator keeps for this thread alone,
 * goes back to the heap, whoever allocated it, and the free end of this thread's heap to the system. Takes a
 * tenth of a millisecond, and waits for a thread: for an idle moment. */
void cfg_memory_empty_cache (void);
/** cfg_memory_trim: whole pages that are free go back to the system. Any thread; takes about a microsecond
 * for each of them. */
void cfg_memory_trim (void);
