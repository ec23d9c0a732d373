/* What happened to one call, or one session, and when: short entries of an event's name and JSON members. Its
 * size is bounded, for one and for all together: the first entries stay, and of what follows the latest ones.
 * Pure. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "config/base/clock.h"

#define GW_TIMELINE_BYTES       8192               /* of one */
#define GW_TIMELINE_HEAD_BYTES  3072               /* of these, the first entries: they stay */
#define GW_TIMELINE_TEXT_BYTES  160                /* of a text in it: a longer one is cut */
#define GW_TIMELINE_TOTAL_BYTES (64 * 1024 * 1024) /* of all; beyond, only ends are added */

/* What all of them take together; all zero at the start. It outlives them. */
typedef struct
{
  gsize bytes;
} GwTimelineBudget;

typedef struct _GwTimeline GwTimeline;

GwTimeline *gw_timeline_new (GwTimelineBudget *budget) G_GNUC_WARN_UNUSED_RESULT;
void gw_timeline_free (GwTimeline *timeline);

/**
 * gw_timeline_add:
 * @event: its name
 * @fields: (nullable): an object of texts, numbers and truth values; it is not kept
 * @is_end: the last of all: it is kept whatever there is already
 */
void gw_timeline_add (GwTimeline *timeline, CfgWall time, const char *event, const json_t *fields,
                      gboolean is_end);

/** gw_timeline_foreach: @entry: (transfer full): {event, ...}. Where entries were lost, one says how many:
 * {event: "omitted", count}. */
void gw_timeline_foreach (const GwTimeline *timeline,
                          void (*function) (gpointer user, CfgWall time, json_t *entry), gpointer user);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GwTimeline, gw_timeline_free)
