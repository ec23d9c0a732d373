#include "media/io/timer_heap.h"

static MediaPumpTimer *
at_index (const MediaTimerHeap *heap, guint index)
{
  return g_ptr_array_index (heap->timers, index);
}

static void
place (MediaTimerHeap *heap, guint index, MediaPumpTimer *timer)
{
  heap->timers->pdata[index] = timer;
  timer->position = index + 1;
}

static void
sift_up (MediaTimerHeap *heap, guint index, MediaPumpTimer *timer)
{
  while (index > 0)
    {
      const guint parent = (index - 1) / 2;

      if (at_index (heap, parent)->at.us <= timer->at.us)
        break;
      place (heap, index, at_index (heap, parent));
      index = parent;
    }
  place (heap, index, timer);
}

static void
sift_down (MediaTimerHeap *heap, guint index, MediaPumpTimer *timer)
{
  const guint size = heap->timers->len;

  for (;;)
    {
      guint child = 2 * index + 1;

      if (child >= size)
        break;
      if (child + 1 < size && at_index (heap, child + 1)->at.us < at_index (heap, child)->at.us)
        child++;
      if (timer->at.us <= at_index (heap, child)->at.us)
        break;
      place (heap, index, at_index (heap, child));
      index = child;
    }
  place (heap, index, timer);
}

void
media_timer_heap_init (MediaTimerHeap *heap)
{
  heap->timers = g_ptr_array_new ();
}

void
media_timer_heap_clear (MediaTimerHeap *heap)
{
  g_ptr_array_unref (heap->timers);
}

void
media_timer_heap_set (MediaTimerHeap *heap, MediaPumpTimer *timer, CfgMonotonic at)
{
  const CfgMonotonic before = timer->at;

  timer->at = at;
  if (timer->position == 0)
    {
      g_ptr_array_add (heap->timers, timer);
      sift_up (heap, heap->timers->len - 1, timer);
    }
  else if (at.us < before.us)
    sift_up (heap, timer->position - 1, timer);
  else
    sift_down (heap, timer->position - 1, timer);
}

void
media_timer_heap_remove (MediaTimerHeap *heap, MediaPumpTimer *timer)
{
  MediaPumpTimer *last;
  guint index;

  if (timer->position == 0)
    return;
  index = timer->position - 1;
  timer->position = 0;
  last = at_index (heap, heap->timers->len - 1);
  g_ptr_array_set_size (heap->timers, (gint)heap->timers->len - 1);
  if (last == timer)
    return;
  if (index > 0 && last->at.us < at_index (heap, (index - 1) / 2)->at.us)
    sift_up (heap, index, last);
  else
    sift_down (heap, index, last);
}

MediaPumpTimer *
media_timer_heap_first (const MediaTimerHeap *heap)
{
  return heap->timers->len > 0 ? at_index (heap, 0) : NULL;
}

guint
media_timer_heap_size (const MediaTimerHeap *heap)
{
  return heap->timers->len;
}
