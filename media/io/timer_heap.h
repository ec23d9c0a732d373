/* The pump's timers: a binary heap of MediaPumpTimer, ordered by instant. Pure. */
#pragma once

#include <glib.h>

#include "media/io/pump.h"

typedef struct
{
  GPtrArray *timers; /* not owned; position 0 of the heap is index 0, a timer holds its index + 1 */
} MediaTimerHeap;

void media_timer_heap_init (MediaTimerHeap *heap);
void media_timer_heap_clear (MediaTimerHeap *heap);
/** media_timer_heap_set: adds @timer, or moves it when it is in already. */
void media_timer_heap_set (MediaTimerHeap *heap, MediaPumpTimer *timer, CfgMonotonic at);
/** media_timer_heap_remove: does nothing when it is not in. */
void media_timer_heap_remove (MediaTimerHeap *heap, MediaPumpTimer *timer);
/** media_timer_heap_first: the earliest, or NULL. */
MediaPumpTimer *media_timer_heap_first (const MediaTimerHeap *heap);
guint media_timer_heap_size (const MediaTimerHeap *heap);
