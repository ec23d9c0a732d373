/* Encoders that many share: one for all who hear the same mix in the same way, and how a listener's decoder
 * gets from one encoder to the next. */
#include "media/room_private.h"

/* An encoder that nobody used for 30 s gives its memory back. */
#define GROUP_IDLE_TICKS (30 * 1000 / MEDIA_FRAME_MS)

void
media_mix_group_free (MediaMixGroup *group)
{
  g_clear_pointer (&group->encoder, media_encoder_free);
  g_free (group);
}

static gboolean
same_encoding (const MediaEncoderConfig *a, const MediaEncoderConfig *b)
{
  return a->opus_bitrate == b->opus_bitrate && a->opus_limited == b->opus_limited
         && a->opus_fec == b->opus_fec && a->opus_loss_percent == b->opus_loss_percent
         && a->opus_dtx == b->opus_dtx;
}

MediaMixGroup *
media_room_find_group (const MediaRoom *room, const MediaSink *sink, MediaEncoderConfig *config)
{
  media_sink_encoder_config (sink, sink->mix_codec, sink->mix_rate_hz, room->config.opus_complexity, config);
  for (guint i = 0; i < room->groups->len; i++)
    {
      MediaMixGroup *group = g_ptr_array_index (room->groups, i);

      if (group->codec == sink->mix_codec && group->rate_hz == sink->mix_rate_hz
          && same_encoding (&group->config, config))
        return group;
    }
  return NULL;
}

MediaMixGroup *
media_room_group_for (MediaRoom *room, const MediaSink *sink)
{
  MediaEncoderConfig config;
  MediaMixGroup *group = media_room_find_group (room, sink, &config);

  if (group != NULL)
    return group;
  group = g_new0 (MediaMixGroup, 1);
  group->serial = ++room->n_groups;
  group->codec = sink->mix_codec;
  group->rate_hz = sink->mix_rate_hz;
  group->config = config;
  g_ptr_array_add (room->groups, group);
  return group;
}

/* Nobody heard its last frame. */
gboolean
media_room_group_is_idle (const MediaRoom *room, const MediaMixGroup *group)
{
  return group->used_tick + 1 < room->ticks;
}

/* The one that @sink's decoder has heard so far. (nullable) */
static MediaMixGroup *
heard_group (const MediaRoom *room, const MediaSink *sink)
{
  for (guint i = 0; sink->heard_group != 0 && i < room->groups->len; i++)
    {
      MediaMixGroup *group = g_ptr_array_index (room->groups, i);

      if (group->serial == sink->heard_group)
        return group->encoder != NULL ? group : NULL;
    }
  return NULL;
}

void
media_room_leave_group (MediaRoom *room, MediaSink *sink, CfgMonotonic now)
{
  MediaMixGroup *group = heard_group (room, sink);

  sink->on_own = TRUE;
  sink->own_ticks = 0;
  if (group == NULL || media_sink_ptime_ms (sink) != MEDIA_FRAME_MS)
    return;
  if (group->n_listeners == 1 && group->listener == sink && group->used_tick + 1 == room->ticks)
    media_sink_adopt_encoder (sink, g_steal_pointer (&group->encoder), &group->config, now);
  else
    media_sink_leave_group (sink, sink->mix_codec, sink->mix_rate_hz, room->config.opus_complexity,
                            group->encoder, now);
}

/* Nobody else hears the group: what @sink had alone is the group's from here on. */
static gboolean
bring_encoder (MediaMixGroup *group, MediaSink *sink)
{
  if (!sink->on_own || sink->encoder == NULL
      || media_encoder_get_codec (sink->encoder) != media_codec_get (group->codec)
      || media_encoder_get_sample_rate (sink->encoder) != group->rate_hz)
    return FALSE;
  g_clear_pointer (&group->encoder, media_encoder_free);
  group->encoder = g_steal_pointer (&sink->encoder);
  return TRUE;
}

/* @sink's decoder hears the group's encoder go on where the one before was, as far as one state fits the
 * other, and after whatever silence it heard meanwhile. */
void
media_room_begin_group (MediaRoom *room, MediaMixGroup *group, MediaSink *sink)
{
  const MediaMixGroup *before = heard_group (room, sink);
  const MediaEncoder *from = sink->on_own ? sink->encoder : before != NULL ? before->encoder : NULL;
  const gboolean is_new = group->encoder == NULL;

  group->begun_tick = room->ticks;
  if (!bring_encoder (group, sink))
    {
      if (is_new)
        group->encoder = media_encoder_new (media_codec_get (group->codec), &group->config, NULL);
      /* A decoder that has heard nothing fits a new one. */
      if (group->encoder != NULL && from != group->encoder
          && (from != NULL || !is_new || sink->silent_units > 0))
        media_encoder_continue (group->encoder, from);
    }
  if (group->encoder == NULL)
    return;
  if (sink->silent_units > 0)
    media_encoder_pass (group->encoder, sink->silent_units);
  media_encoder_configure (group->encoder, &group->config);
}

/* What all who hear @group do; NONE if not all do the same. Who comes while the others go waits for a frame.
 */
MediaFade
media_mix_group_fade (const MediaMixGroup *group)
{
  return group->n_fading_in == group->n_members                         ? MEDIA_FADE_IN
         : group->n_fading_in + group->n_fading_out == group->n_members ? MEDIA_FADE_OUT
                                                                        : MEDIA_FADE_NONE;
}

/* Others heard its last frame, or hear the present one. */
static gboolean
is_busy (const MediaRoom *room, const MediaMixGroup *group, const MediaSink *sink)
{
  /* Those who come to a new rate do so within two ticks. */
  if (sink->fade == MEDIA_FADE_IN && group->begun_tick + 1 == room->ticks)
    return FALSE;
  return group->used_tick == room->ticks ? group->begun_tick != room->ticks
                                         : !media_room_group_is_idle (room, group);
}

/* @sink's decoder follows another encoder than @group's, or it goes while others stay. */
gboolean
media_room_goes_apart (const MediaRoom *room, const MediaSink *sink, const MediaMixGroup *group)
{
  if (room->n_apart >= MEDIA_ROOM_APART_MAX || !media_codec_has_memory (media_codec_get (group->codec)))
    return FALSE;
  if (sink->fade == MEDIA_FADE_OUT)
    return media_mix_group_fade (group) != MEDIA_FADE_OUT;
  return sink->heard_group != 0 && sink->heard_group != group->serial && sink->silent_units == 0
         && is_busy (room, group, sink);
}

void
media_room_drop_idle_groups (MediaRoom *room)
{
  for (guint i = room->groups->len; i-- > 0;)
    {
      const MediaMixGroup *group = g_ptr_array_index (room->groups, i);

      if (room->ticks - group->used_tick > GROUP_IDLE_TICKS)
        g_ptr_array_remove_index_fast (room->groups, i);
    }
}
