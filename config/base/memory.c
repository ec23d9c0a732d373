#include "config/base/memory.h"

#include <malloc.h>
#include <stdlib.h>

#include <glib.h>

/* A thread of glibc's keeps the last blocks that it freed for itself: of each of 64 sizes up to 1032 bytes,
 * in steps of 16, up to seven. To the heap they count as used, and wherever a burst of calls left them, each
 * holds a page. */
#define CACHED_SIZES  64
#define CACHED_STEP   16
#define CACHED_FIRST  24
#define CACHED_BLOCKS 7
#define N_CACHED      (CACHED_SIZES * CACHED_BLOCKS)
/* With a free end of 4 kB it is enough to be looked at, and too little to get pages of its own. */
#define LOOKING_BYTES (60 * 1024)
#define USUAL_BYTES   (128 * 1024) /* glibc's, of both */

typedef struct
{
  GMutex taken; /* held until all blocks are there */
  gpointer blocks[N_CACHED];
} Cached;

static gpointer
free_blocks (gpointer data)
{
  Cached *cached = data;

  g_mutex_lock (&cached->taken);
  for (guint i = 0; i < N_CACHED; i++)
    free (cached->blocks[i]);
  g_mutex_unlock (&cached->taken);
  return NULL;
}

/* malloc_trim leaves alone what is free at the end of a heap that is not the main one. A large block that is
 * freed makes the allocator look at the end of that thread's heap, and for this moment all of it is worth
 * giving back. */
static void
trim_end (void)
{
  static GMutex lock;
  void *volatile block;

  g_mutex_lock (&lock);
  mallopt (M_TRIM_THRESHOLD, 0);
  mallopt (M_TOP_PAD, 0);
  block = malloc (LOOKING_BYTES);
  free (block);
  mallopt (M_TRIM_THRESHOLD, USUAL_BYTES);
  mallopt (M_TOP_PAD, USUAL_BYTES);
  g_mutex_unlock (&lock);
}

/* Taken out of this thread's cache and freed by another one, whose cache ends with it, they reach the heap.
 * The other thread is there first: what it takes itself would lie behind the blocks, and stay. */
void
cfg_memory_empty_cache (void)
{
  Cached cached;
  GThread *thread;

  g_mutex_init (&cached.taken);
  g_mutex_lock (&cached.taken);
  thread = g_thread_try_new ("memory", free_blocks, &cached, NULL);
  for (guint i = 0; i < N_CACHED && thread != NULL; i++)
    cached.blocks[i] = malloc (CACHED_FIRST + i / CACHED_BLOCKS * CACHED_STEP);
  g_mutex_unlock (&cached.taken);
  if (thread != NULL)
    g_thread_join (thread);
  g_mutex_clear (&cached.taken);
  trim_end ();
}

void
cfg_memory_trim (void)
{
  malloc_trim (0);
}
