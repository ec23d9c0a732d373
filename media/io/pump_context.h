/* A private GMainContext that the pump iterates only when it has something to do. For ice.c, and for nobody
 * else. Pump's thread.
 *
 * Its descriptors hang on an epoll descriptor of its own, which hangs on the pump's, so that the kernel tells
 * that one is readable and no poll over all of them is needed. A descriptor that media has claimed hangs on
 * the pump directly, and its owner says when a packet for libnice waits on it. */
#pragma once

#include <glib.h>

#include "media/io/pump.h"

typedef struct _MediaPumpContext MediaPumpContext;

/** media_pump_context_take: one with room for an agent. Returns: NULL with @error when descriptors ran out.
 */
MediaPumpContext *media_pump_context_take (MediaPump *pump, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** media_pump_context_release: an agent is gone entirely. */
void media_pump_context_release (MediaPumpContext *context);
GMainContext *media_pump_context_main (MediaPumpContext *context);
MediaPump *media_pump_context_pump (MediaPumpContext *context);

/** media_pump_context_touch: libnice was called from outside of its callbacks: its timers may be others now.
 */
void media_pump_context_touch (MediaPumpContext *context);
/** media_pump_context_opened: @fd was opened by libnice just now, maybe with the number of one closed before.
 */
void media_pump_context_opened (MediaPumpContext *context, int fd);
/** media_pump_context_claim: @fd is read by us from now on. */
void media_pump_context_claim (MediaPumpContext *context, int fd);
void media_pump_context_unclaim (MediaPumpContext *context, int fd);
/** media_pump_context_readable: the packet that waits on the claimed @fd is libnice's; read in this turn. */
void media_pump_context_readable (MediaPumpContext *context, int fd);

/* Between pump.c and pump_context.c. */

MediaPumpContext *media_pump_context_new (MediaPump *pump, GError **error);
void media_pump_context_free (MediaPumpContext *context);
guint media_pump_context_n_agents (const MediaPumpContext *context);
/** media_pump_context_run: iterates while something is ready, four rounds at most. Returns: how many
 * iterations dispatched anything. */
guint media_pump_context_run (MediaPumpContext *context);
/** media_pump_mark_context: to be run in this turn. */
void media_pump_mark_context (MediaPump *pump, MediaPumpContext *context);
MediaPumpContext *media_pump_find_context (MediaPump *pump, GError **error);
