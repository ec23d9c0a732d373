/* Whether playout is too early or too late, and what to do about it. Part of the jitter buffer. Plain values;
 * zero-initialised is right.
 *
 * Too early (packets come late) is mended at once, in speech too. Too late is mended in pauses first, where
 * it is not heard, and in speech after a second or, if it is much too late, at once: a few periods of the
 * voice are left out each second, which makes it up to a third faster. */
#pragma once

#include "config/base/clock.h"

#include <glib.h>

#define MEDIA_JITTER_CONTROL_WINDOW 8 /* frames over which the smallest slack counts */

typedef struct
{
  gint64 slack_us[MEDIA_JITTER_CONTROL_WINDOW];
  gint64 held_us[MEDIA_JITTER_CONTROL_WINDOW];
  guint window;
  gint64 delay_us; /* smoothed */
  CfgMonotonic adjusted_at;
  gboolean shortens; /* is asking for it */
  gboolean too_late; /* so that speech is to be shortened */
  CfgMonotonic too_late_since;
} MediaJitterControl;

/* What to remove (> 0) or insert (< 0), in microseconds. */
typedef struct
{
  gint64 change_us;       /* whatever the frame holds */
  gint64 quiet_change_us; /* if it is so quiet that nobody hears it */
} MediaJitterChange;

/** media_jitter_control_forget: what was played before says nothing about what comes. */
void media_jitter_control_forget (MediaJitterControl *control);
/** media_jitter_control_played: a frame with @slack_us, after @held_us that the caller held decoded. */
void media_jitter_control_played (MediaJitterControl *control, gint64 slack_us, gint64 held_us);
/** media_jitter_control_decide: for the frame that was told of last. @target_us: the wanted slack. */
MediaJitterChange media_jitter_control_decide (MediaJitterControl *control, gint64 target_us, gint64 tick_us,
                                               CfgMonotonic now);
/** media_jitter_control_adjusted: something was removed or inserted. */
void media_jitter_control_adjusted (MediaJitterControl *control, CfgMonotonic now);
