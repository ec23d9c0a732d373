#include "media/core/jitter_control.h"

#define WINDOW         MEDIA_JITTER_CONTROL_WINDOW
#define SLACK_LOW_US   (3 * CFG_US_PER_MS)  /* below the target by so much: lengthen */
#define SLACK_HIGH_US  (2 * CFG_US_PER_MS)  /* above the target by a tick and so much: shorten */
#define HURRY_US       (30 * CFG_US_PER_MS) /* by a tick and so much: shorten often */
#define WASTE_US       (4 * CFG_US_PER_MS)  /* held decoded in vain for so much: shorten */
#define QUICK_WINDOW   2
#define WASTE_QUIET_US 500
#define PAUSE_US       (200 * CFG_US_PER_MS)
#define HURRY_PAUSE_US (40 * CFG_US_PER_MS)
#define PATIENCE_US    (1500 * CFG_US_PER_MS) /* a pause in the speech is waited for so long */

void
media_jitter_control_forget (MediaJitterControl *control)
{
  control->window = 0;
  control->too_late = FALSE;
  control->shortens = FALSE;
}

void
media_jitter_control_played (MediaJitterControl *control, gint64 slack_us, gint64 held_us)
{
  const guint at = control->window % WINDOW;

  control->slack_us[at] = slack_us;
  control->held_us[at] = held_us;
  control->window = control->window + 1 >= 2 * WINDOW ? WINDOW : control->window + 1;
  control->delay_us += (slack_us + held_us - control->delay_us) / 8;
}

/* Much too late: each frame that is quiet is shortened, and every other one that is not. */
static MediaJitterChange
hurry (const MediaJitterControl *control, gint64 change_us, CfgMonotonic now)
{
  MediaJitterChange change = { 0 };

  if (change_us <= HURRY_US)
    return change;
  change.quiet_change_us = change_us;
  if (cfg_monotonic_diff_us (now, control->adjusted_at) >= HURRY_PAUSE_US)
    change.change_us = change_us;
  return change;
}

/* In speech, a little too late is mended after a while. */
static gboolean
has_waited (MediaJitterControl *control, gboolean too_late, CfgMonotonic now)
{
  /* Too soon after a change to say that it is not. */
  if (!too_late && control->window < WINDOW)
    return FALSE;
  if (too_late && !control->too_late)
    control->too_late_since = now;
  control->too_late = too_late;
  return too_late && cfg_monotonic_diff_us (now, control->too_late_since) >= PATIENCE_US;
}

static gint64
smallest_of (const gint64 *values, guint n)
{
  gint64 smallest = values[0];

  for (guint i = 1; i < n; i++)
    smallest = MIN (smallest, values[i]);
  return smallest;
}

MediaJitterChange
media_jitter_control_decide (MediaJitterControl *control, gint64 target_us, gint64 tick_us, CfgMonotonic now)
{
  /* What is cut out takes a tick off the slack and gives the rest back as what is held: no further than to
   * the target, which moves the more the larger it is. */
  const gint64 least_us = target_us + tick_us + target_us / 8 - SLACK_LOW_US;
  const gboolean paused = cfg_monotonic_diff_us (now, control->adjusted_at) < PAUSE_US;
  const guint n = MIN (control->window, WINDOW);
  MediaJitterChange change = { 0 };
  gint64 slack_us, waste_us;
  gboolean waited;

  if (n < (control->shortens ? QUICK_WINDOW : WINDOW))
    return n > 0 ? hurry (control, control->slack_us[n - 1] - target_us - tick_us, now) : change;
  slack_us = smallest_of (control->slack_us, n);
  waste_us = n < WINDOW || slack_us < target_us - SLACK_LOW_US ? 0 : smallest_of (control->held_us, n);
  if (slack_us > target_us + tick_us + HURRY_US)
    return hurry (control, slack_us - target_us - tick_us, now);
  waited = has_waited (control, waste_us > WASTE_US || slack_us > target_us + tick_us + SLACK_HIGH_US, now);
  control->shortens = slack_us > least_us || waste_us > WASTE_QUIET_US;
  if (control->shortens)
    {
      change.quiet_change_us = slack_us > least_us ? MIN (slack_us - target_us, tick_us) : waste_us;
      if (waited && !paused)
        change.change_us = slack_us > target_us + tick_us + SLACK_HIGH_US ? change.quiet_change_us
                           : waste_us > WASTE_US                          ? waste_us
                                                                          : 0;
    }
  else if (slack_us < target_us - SLACK_LOW_US && !paused)
    change = (MediaJitterChange){ .change_us = -tick_us, .quiet_change_us = -tick_us };
  return change;
}

void
media_jitter_control_adjusted (MediaJitterControl *control, CfgMonotonic now)
{
  control->adjusted_at = now;
  control->window = 0;
}
