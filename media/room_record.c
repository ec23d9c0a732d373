/* What is recorded of a room. A recorder hears as a listener would who says nothing: who is chosen for the
 * mix, at the rate of its file. It takes no part in how anybody else is heard: who is forwarded stays so, and
 * is decoded for the file alone. */
#include "media/room_private.h"

#include <string.h>

void
media_room_record (MediaRoom *room, MediaRecorder *recorder)
{
  g_ptr_array_add (room->recorders, recorder);
  room->dirty = TRUE;
}

static void
remove_at (MediaRoom *room, guint index, MediaRecordEnd end)
{
  media_recorder_free (g_ptr_array_index (room->recorders, index), end);
  g_ptr_array_remove_index (room->recorders, index);
  room->dirty = TRUE;
}

void
media_room_stop_record (MediaRoom *room, MediaRecordId id, MediaRecordEnd end)
{
  for (guint i = 0; i < room->recorders->len; i++)
    if (((MediaRecorder *)g_ptr_array_index (room->recorders, i))->id == id)
      {
        remove_at (room, i, end);
        return;
      }
}

void
media_room_record_leg (MediaRoom *room, MediaRecordId id, MediaLegId leg)
{
  for (guint i = 0; i < room->recorders->len; i++)
    {
      MediaRecorder *recorder = g_ptr_array_index (room->recorders, i);

      if (recorder->id != id || recorder->leg == 0)
        continue;
      recorder->leg = leg;
      room->dirty = TRUE;
    }
}

void
media_room_end_records (MediaRoom *room)
{
  while (room->recorders->len > 0)
    remove_at (room, room->recorders->len - 1, MEDIA_RECORD_GONE);
}

void
media_room_route_recorders (MediaRoom *room)
{
  room->n_recording = 0;
  for (guint i = 0; i < room->recorders->len; i++)
    {
      const MediaRecorder *recorder = g_ptr_array_index (room->recorders, i);

      if (media_recorder_wants_mix (recorder))
        {
          room->n_recording++;
          room->rate_used[media_rate_index (recorder->rate_hz)] = TRUE;
        }
      room->max_rate_hz = MAX (room->max_rate_hz, recorder->rate_hz);
      for (guint k = 0; recorder->leg != 0 && k < room->sources->len; k++)
        {
          MediaSource *source = g_ptr_array_index (room->sources, k);

          if (source->leg->config.id == recorder->leg)
            source->recorded = TRUE;
        }
    }
}

/* All that @recorder's leg sends: nobody chooses, so nothing begins or ends suddenly but when it is muted, or
 * goes. Returns: FALSE when it sends nothing. */
static gboolean
take_leg (const MediaRoom *room, MediaRecorder *recorder, gint16 *pcm)
{
  const gsize samples = recorder->rate_hz / 1000 * MEDIA_FRAME_MS;
  gint32 sum[MEDIA_FRAME_SAMPLES_MAX] = { 0 };
  gboolean any = FALSE;

  for (guint i = 0; i < room->mixed->len; i++)
    {
      MediaSource *source = g_ptr_array_index (room->mixed, i);

      if (source->leg->config.id != recorder->leg)
        continue;
      source->in_file = !source->ending;
      memcpy (pcm, media_feed_pcm (source->feed, recorder->rate_hz), samples * sizeof *pcm);
      media_fade_pcm (pcm, samples, source->ending ? MEDIA_FADE_OUT : MEDIA_FADE_NONE);
      media_mixer_accumulate_moving (sum, pcm, samples, source->leg->was_q12, source->leg->gain_q12);
      any = TRUE;
    }
  for (guint i = 0; i < room->ghosts->len; i++)
    {
      const MediaGhost *ghost = &g_array_index (room->ghosts, MediaGhost, i);

      if (ghost->leg != recorder->leg)
        continue;
      memcpy (pcm, media_feed_pcm (ghost->feed, recorder->rate_hz), samples * sizeof *pcm);
      media_fade_pcm (pcm, samples, MEDIA_FADE_OUT);
      media_mixer_accumulate (sum, pcm, samples, ghost->gain_q12);
      any = TRUE;
    }
  if (any)
    media_limiter_apply (&recorder->limiters[0], sum, samples, pcm);
  return any;
}

/* On two channels: the leg that was named on the left, else phones. */
static gboolean
is_left (const MediaRecorder *recorder, const MediaLeg *leg)
{
  return recorder->leg != 0 ? leg->config.id == recorder->leg : leg->config.always_send;
}

/* The sum without those on the other side. Returns: FALSE when nobody is heard. */
static gboolean
take_side (const MediaRoom *room, MediaRecorder *recorder, gboolean left, gint16 *pcm)
{
  const guint r = media_rate_index (recorder->rate_hz);
  MediaMixerOverride others[MEDIA_ROOM_MIX_SPEAKERS_MAX];
  guint n_others = 0;

  for (guint i = 0; recorder->channels == 2 && i < room->n_chosen; i++)
    if (is_left (recorder, room->chosen[i]->leg) != left)
      others[n_others++] = (MediaMixerOverride){ .slot = (guint)room->chosen[i]->slot[r] };
  if (media_mixer_count (room->mixers[r]) == n_others)
    return FALSE;
  media_mixer_render (room->mixers[r], others, n_others, &recorder->limiters[left ? 0 : 1], pcm);
  return TRUE;
}

static gboolean
write_one (const MediaRoom *room, MediaRecorder *recorder, CfgMonotonic now, MediaRecordEnd *end)
{
  gint16 left[MEDIA_FRAME_SAMPLES_MAX], right[MEDIA_FRAME_SAMPLES_MAX];
  const gboolean any_left
      = recorder->leg != 0 ? take_leg (room, recorder, left) : take_side (room, recorder, TRUE, left);
  const gboolean any_right = recorder->channels == 2 && take_side (room, recorder, FALSE, right);

  return media_recorder_write (recorder, any_left ? left : NULL, any_right ? right : NULL, now, end);
}

void
media_room_write_records (MediaRoom *room, CfgMonotonic now)
{
  for (guint i = room->recorders->len; i-- > 0;)
    {
      MediaRecordEnd end;

      if (!write_one (room, g_ptr_array_index (room->recorders, i), now, &end))
        remove_at (room, i, end);
    }
}
