/* The loop of a media worker: one epoll descriptor that all sockets of the thread hang on.
 *
 * Media never goes through a GMainContext, which polls and scans all its sources for each packet. libnice
 * needs one, though: its agents sit in private contexts of at most MEDIA_PUMP_AGENTS_PER_CONTEXT agents, and
 * the pump iterates such a context only when one of its timers is due, when one of its descriptors that
 * media has not taken over is readable, or when a STUN packet waits on a taken one.
 *
 * One turn: wait; packets; contexts with something to do; ticks that are due; messages for a millisecond and
 * one job; due timers. Media goes first: while more packets wait than a turn takes they are read before a
 * tick (one that is late waits for half of its lateness, 5 to 50 ms), and after messages and jobs they have
 * three times as long as those took, 10 ms at most.
 *
 * A pump may be created and filled on any thread. From its first turn on it belongs to the thread that turns
 * it; every function but media_pump_quit then asserts that thread. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"
#include "config/base/mailbox.h"

#define MEDIA_PUMP_TICK_US (20 * CFG_US_PER_MS)
/* Each STUN packet costs three iterations or so, of about 1.5 us per agent in the context; a context costs
 * two descriptors. */
#define MEDIA_PUMP_AGENTS_PER_CONTEXT 4
/* Size of every packet buffer that media/io hands to a callback, whatever the length of the packet in it: the
 * callee may work in it in place and append. Longer datagrams are dropped and counted. */
#define MEDIA_PACKET_SIZE       2048
#define MEDIA_PACKET_MAX_LENGTH 1600

typedef struct _MediaPump MediaPump;

/* @events: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP. @now: when the batch of events was taken. */
typedef void (*MediaPumpFdFunc) (guint32 events, CfgMonotonic now, gpointer user);
/* @missed: how many intervals were skipped because the thread was late (0 normally). A late pump first
 * catches up with MEDIA_PUMP_CATCH_UP_US back to back, and skips only what lies further back. Returns: in how
 * many intervals it is to be called again, at least 1: a worker with little to do is not woken for nothing.
 */
typedef guint (*MediaPumpTickFunc) (CfgMonotonic scheduled, guint missed, gpointer user);
#define MEDIA_PUMP_CATCH_UP_US (5 * MEDIA_PUMP_TICK_US)

typedef struct
{
  guint64 turns;
  guint64 events;
  guint64 stale_events;       /* for descriptors removed in the same turn */
  guint64 context_iterations; /* of libnice's contexts */
  guint64 ticks;
  guint64 ticks_missed;
  gint64 tick_lateness_us;     /* of the last tick, since the first one that it stands for was due */
  gint64 tick_lateness_max_us; /* since the start, or since media_pump_reset_lateness */
  guint n_fds;
  guint n_contexts;
} MediaPumpStats;

/** media_pump_new: Returns: (transfer full): NULL with @error when the kernel has no descriptor left. */
MediaPump *media_pump_new (GError **error) G_GNUC_WARN_UNUSED_RESULT;
/**
 * media_pump_free: turns the contexts until agents that are being closed are gone (2 s at most), then frees.
 * On the pump's thread. All descriptors must have been removed and all MediaIce closed before: asserted.
 */
void media_pump_free (MediaPump *pump);

/** media_pump_run: turns until media_pump_quit. */
void media_pump_run (MediaPump *pump);
/** media_pump_quit: makes media_pump_run return after the current turn. Any thread, also before run. */
void media_pump_quit (MediaPump *pump);
/**
 * media_pump_turn: one turn, waiting @timeout_ms at most (-1: without bound) for something to do.
 * Returns: TRUE when anything was done.
 */
gboolean media_pump_turn (MediaPump *pump, int timeout_ms);
/** media_pump_now: the instant of the current batch of events, without a system call. */
CfgMonotonic media_pump_now (const MediaPump *pump);
/** media_pump_quiet_at: at that instant nothing waited: what is read in this turn came after it. Normally
 * that is now; earlier where the thread had more to do, or was kept from it. */
CfgMonotonic media_pump_quiet_at (const MediaPump *pump);

/**
 * media_pump_add_fd:
 * @fd: owned by the caller, non-blocking; to be removed before it is closed
 * @events: EPOLLIN and/or EPOLLOUT, level-triggered
 *
 * Returns: an id that is never used again, or 0 with errno set when the kernel refuses.
 */
guint64 media_pump_add_fd (MediaPump *pump, int fd, guint32 events, MediaPumpFdFunc func,
                           gpointer user) G_GNUC_WARN_UNUSED_RESULT;
/**
 * media_pump_remove_fd: from now on the callback is not called any more, not even for an event taken already.
 * May be called inside any callback. An id that is 0 or gone is ignored.
 */
void media_pump_remove_fd (MediaPump *pump, guint64 id);

/** media_pump_set_tick: @func on a grid of @interval_us (a whole part of 20 ms), first after one; NULL stops
 * it. */
void media_pump_set_tick (MediaPump *pump, gint64 interval_us, MediaPumpTickFunc func, gpointer user);
/** media_pump_set_mailbox: dispatches @mailbox with @owner. @mailbox outlives the pump, or is unset with
 * NULL. */
void media_pump_set_mailbox (MediaPump *pump, CfgMailbox *mailbox, gpointer owner);

/* A one-shot timer, embedded in the object that it belongs to. Zero it, set func and user, then start. It may
 * be started again at any time (which moves it); it must be stopped before its memory goes away. Accuracy 1
 * ms. */
typedef struct
{
  void (*func) (CfgMonotonic now, gpointer user);
  gpointer user;
  /* the pump's own */
  CfgMonotonic at;
  guint position;
} MediaPumpTimer;

void media_pump_start_timer (MediaPump *pump, MediaPumpTimer *timer, CfgMonotonic at);
/** media_pump_stop_timer: does nothing when it is not running. */
void media_pump_stop_timer (MediaPump *pump, MediaPumpTimer *timer);

/* Work that is too long for a packet callback (a DTLS handshake step, 0.5 ms): a queue of which each turn
 * runs one. Embedded like a timer; zero it, set func and user. Queuing it twice queues it once. */
typedef struct _MediaPumpJob MediaPumpJob;
struct _MediaPumpJob
{
  void (*func) (CfgMonotonic now, gpointer user);
  gpointer user;
  /* the pump's own */
  GList link;
  gboolean queued;
};

void media_pump_queue_job (MediaPump *pump, MediaPumpJob *job);
void media_pump_cancel_job (MediaPump *pump, MediaPumpJob *job);

/** media_pump_get_stats: copies the counters. Pump's thread. */
void media_pump_get_stats (const MediaPump *pump, MediaPumpStats *stats);
void media_pump_reset_lateness (MediaPump *pump);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaPump, media_pump_free)
