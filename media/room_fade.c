/* No step where a mix begins or ends for a listener, or somebody in it: who is muted or leaves while he is
 * heard goes out with one more frame, and so does a mix that gives way to packets that are forwarded. These
 * are what their sender made of them: what is forwarded begins and ends as it comes. */
#include "media/room_private.h"

#include <string.h>

#define FADE_IN_PART 4 /* of a frame */
/* What an encoder looks ahead by (Opus: 6.5 ms) comes out with the frame after the last one, and so not at
 * all where that is another's. */
#define FADE_OUT_PART 2

void
media_fade_pcm (gint16 *pcm, gsize samples, MediaFade fade)
{
  const gsize n = fade == MEDIA_FADE_IN ? samples / FADE_IN_PART : samples / FADE_OUT_PART;

  if (fade == MEDIA_FADE_NONE)
    return;
  for (gsize i = 0; i < n; i++)
    pcm[i] = (gint16)(pcm[i] * (gint32)(fade == MEDIA_FADE_IN ? i : n - 1 - i) / (gint32)n);
  if (fade == MEDIA_FADE_OUT)
    memset (pcm + n, 0, (samples - n) * sizeof *pcm);
}

void
media_room_leave_ghost (MediaRoom *room, MediaSource *source)
{
  const MediaLeg *leg = source->leg;
  MediaGhost ghost = { .leg = leg->config.id, .heard = source->chosen, .gain_q12 = leg->gain_q12 };

  if (!(source->chosen || source->in_file) || source->feed == NULL
      || room->ghosts->len >= MEDIA_ROOM_MIX_SPEAKERS_MAX)
    return;
  ghost.n_gains = leg->n_gains;
  ghost.gains = g_memdup2 (leg->gains, leg->n_gains * sizeof *leg->gains);
  ghost.feed = media_source_take_feed (source);
  g_array_append_val (room->ghosts, ghost);
}

gint32
media_room_ghost_gain (const MediaGhost *ghost, MediaLegId listener)
{
  if (ghost->leg == listener)
    return 0;
  for (guint i = 0; i < ghost->n_gains; i++)
    if (ghost->gains[i].listener == listener)
      return ghost->gains[i].gain_q12;
  return ghost->gain_q12;
}

void
media_room_clear_ghosts (MediaRoom *room)
{
  for (guint i = 0; i < room->ghosts->len; i++)
    {
      MediaGhost *ghost = &g_array_index (room->ghosts, MediaGhost, i);

      media_feed_free (ghost->feed);
      g_free (ghost->gains);
    }
  g_array_set_size (room->ghosts, 0);
}

gboolean
media_room_ends_softly (const MediaSink *sink)
{
  return sink->mode == MEDIA_SINK_MIXING && sink->have_codec && sink->silent_ticks == 0 && !sink->faded
         && sink->fade != MEDIA_FADE_IN;
}

void
media_room_route_fade (MediaRoom *room, MediaSink *sink, gboolean was_mixing, gboolean leaves)
{
  if (leaves)
    sink->fade = MEDIA_FADE_OUT;
  else if (!was_mixing || sink->faded)
    sink->fade = MEDIA_FADE_IN;
  else if (sink->fade == MEDIA_FADE_OUT)
    sink->fade = MEDIA_FADE_NONE;
  sink->faded = FALSE;
  room->n_fading += sink->fade != MEDIA_FADE_NONE;
}

void
media_room_end_fades (MediaRoom *room)
{
  media_room_clear_ghosts (room);
  if (room->n_fading == 0)
    return;
  room->n_fading = 0;
  for (guint i = 0; i < room->mixing->len; i++)
    {
      MediaSink *sink = g_ptr_array_index (room->mixing, i);

      sink->faded = sink->fade == MEDIA_FADE_OUT;
      room->dirty |= sink->faded;
      sink->fade = MEDIA_FADE_NONE;
      sink->join_from = 0;
    }
  for (guint i = 0; i < room->mixed->len; i++)
    {
      MediaSource *source = g_ptr_array_index (room->mixed, i);

      if (!source->ending)
        continue;
      /* Also where nobody was left to hear the frame, or it would end with each tick. */
      source->chosen = source->in_file = FALSE;
      room->dirty = TRUE;
    }
}
