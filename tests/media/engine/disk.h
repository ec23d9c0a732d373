/* A disk that stands still when a test says so: who waits for it is held up until it goes on. */
#pragma once

#include <glib.h>

/** test_disk_stand: from now on; FALSE: all who wait go on. */
void test_disk_stand (gboolean stands);
/** test_disk_wait: as long as it stands still. Any thread. */
void test_disk_wait (void);
/** test_disk_n_standing: how many are waiting. */
guint test_disk_n_standing (void);
/** test_disk_until: waits until @n are waiting, asserted. */
void test_disk_until (guint n);
