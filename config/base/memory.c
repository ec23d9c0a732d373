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

static gpointer
free_blocks (gpointer data)
{
  gpointer *blocks = data;

  for (guint i = 0; i < N_CACHED; i++)
    free (blocks[i]);
  return NULL;
}

/* Taken out of this thread's cache and freed by another one, whose cache ends with it, they reach the heap.
 */
void
cfg_memory_empty_cache (void)
{
  gpointer blocks[N_CACHED];
  GThread *thread;

  for (guint i = 0; i < N_CACHED; i++)
    blocks[i] = malloc (CACHED_FIRST + i / CACHED_BLOCKS * CACHED_STEP);
  thread = g_thread_try_new ("memory", free_blocks, blocks, NULL);
  if (thread != NULL)
    g_thread_join (thread);
  else
    (void)free_blocks (blocks);
}

void
cfg_memory_trim (void)
{
  malloc_trim (0);
}
