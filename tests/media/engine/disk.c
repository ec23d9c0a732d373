#include "disk.h"

#define TIMEOUT_S 30

static struct
{
  GMutex lock;
  GCond changed;
  gboolean stands;
  guint n_standing;
} disk;

void
test_disk_stand (gboolean stands)
{
  g_mutex_lock (&disk.lock);
  disk.stands = stands;
  g_cond_broadcast (&disk.changed);
  g_mutex_unlock (&disk.lock);
}

void
test_disk_wait (void)
{
  g_mutex_lock (&disk.lock);
  if (disk.stands)
    {
      disk.n_standing++;
      g_cond_broadcast (&disk.changed);
      while (disk.stands)
        g_cond_wait (&disk.changed, &disk.lock);
      disk.n_standing--;
    }
  g_mutex_unlock (&disk.lock);
}

guint
test_disk_n_standing (void)
{
  guint n;

  g_mutex_lock (&disk.lock);
  n = disk.n_standing;
  g_mutex_unlock (&disk.lock);
  return n;
}

void
test_disk_until (guint n)
{
  const gint64 until = g_get_monotonic_time () + TIMEOUT_S * G_TIME_SPAN_SECOND;

  g_mutex_lock (&disk.lock);
  while (disk.n_standing < n && g_cond_wait_until (&disk.changed, &disk.lock, until))
    ;
  g_assert_cmpuint (disk.n_standing, ==, n);
  g_mutex_unlock (&disk.lock);
}
