#include "media/room_private.h"

#include <math.h>

#include "media/core/opus_rate.h"

#define SPEAKERS_EVERY_TICKS 5
/* Levels within so many dB are the same to whoever draws them. */
#define SPEAKERS_STEP_DB 3
/* Who speaks is told at once; only how loud, no more often than LiveKit's server does (400 ms). */
#define SPEAKERS_LEVEL_TICKS 20
/* Said again while it lasts: who came meanwhile must see it too. */
#define SPEAKERS_REPEAT_TICKS 50

MediaRoom *
media_room_new (const MediaRoomConfig *config, const MediaRoomOps *ops, gpointer user)
{
  MediaRoom *room = g_new0 (MediaRoom, 1);

  room->config = *config;
  if (room->config.mix_speakers == 0)
    room->config.mix_speakers = MEDIA_ROOM_MIX_SPEAKERS_DEFAULT;
  room->config.mix_speakers = MIN (room->config.mix_speakers, MEDIA_ROOM_MIX_SPEAKERS_MAX);
  if (room->config.opus_complexity == 0)
    room->config.opus_complexity = 5;
  room->ops = ops;
  room->user = user;
  room->legs = g_ptr_array_new ();
  room->sources = g_ptr_array_new ();
  room->mixed = g_ptr_array_new ();
  room->mixing = g_ptr_array_new ();
  room->watched = g_ptr_array_new ();
  room->plays = g_ptr_array_new_with_free_func ((GDestroyNotify)media_play_free);
  room->recorders = g_ptr_array_new ();
  room->playing = g_ptr_array_new ();
  room->dialling = g_ptr_array_new ();
  room->groups = g_ptr_array_new_with_free_func ((GDestroyNotify)media_mix_group_free);
  room->common = g_ptr_array_new ();
  room->ghosts = g_array_new (FALSE, FALSE, sizeof (MediaGhost));
  room->candidates = g_array_new (FALSE, TRUE, sizeof (MediaSpeakerCandidate));
  return room;
}

gssize
media_room_encode (MediaRoom *room, MediaEncoder *encoder, const gint16 *pcm, gsize samples, guint8 *out,
                   gsize capacity)
{
  return media_encode_metered (room != NULL ? room->config.meter : NULL, encoder, pcm, samples, out,
                               capacity);
}

/* FEC takes more bits with less effort. */
static void
set_effort (MediaEncoderConfig *config, guint rate_hz, int complexity)
{
  config->opus_complexity = complexity;
  if (!config->opus_limited)
    config->opus_bitrate = media_opus_bitrate (rate_hz, config->opus_fec, config->opus_loss_percent,
                                               media_opus_complexity (complexity));
}

/* Encoders of single sinks follow when they are used next. */
void
media_room_set_opus_complexity (MediaRoom *room, int complexity)
{
  room->config.opus_complexity = complexity;
  for (guint i = 0; i < room->groups->len; i++)
    {
      MediaMixGroup *group = g_ptr_array_index (room->groups, i);

      if (group->codec != MEDIA_CODEC_OPUS)
        continue;
      set_effort (&group->config, group->rate_hz, complexity);
      if (group->encoder != NULL)
        media_encoder_configure (group->encoder, &group->config);
    }
}

void
media_room_free (MediaRoom *room)
{
  g_assert (room->legs->len == 0);
  media_room_end_records (room);
  g_ptr_array_unref (room->legs);
  g_ptr_array_unref (room->sources);
  g_ptr_array_unref (room->mixed);
  g_ptr_array_unref (room->mixing);
  g_ptr_array_unref (room->watched);
  g_ptr_array_unref (room->plays);
  g_ptr_array_unref (room->recorders);
  g_ptr_array_unref (room->playing);
  g_ptr_array_unref (room->dialling);
  g_ptr_array_unref (room->groups);
  g_ptr_array_unref (room->common);
  g_array_unref (room->candidates);
  media_room_clear_ghosts (room);
  g_array_unref (room->ghosts);
  for (guint i = 0; i < MEDIA_N_RATES; i++)
    g_clear_pointer (&room->mixers[i], media_mixer_free);
  g_free (room);
}

void
media_room_add (MediaRoom *room, MediaLeg *leg, CfgMonotonic now)
{
  g_assert (leg->room == NULL);
  leg->room = room;
  g_ptr_array_add (room->legs, leg);
  room->dirty = TRUE;
}

/* What routing wrote into the leg points at others: it goes at once, not with the next tick. */
static void
unroute_leg (MediaLeg *leg)
{
  for (guint i = 0; i < leg->n_sections; i++)
    {
      MediaSource *source = &leg->sections[i]->source;
      MediaSink *sink = &leg->sections[i]->sink;

      g_ptr_array_set_size (source->forward_to, 0);
      source->audible = FALSE;
      source->n_track_mixers = 0;
      source->recorded = FALSE;
      media_source_set_mixed (source, FALSE, 0);
      media_sink_unroute (sink);
      source->ending = FALSE;
    }
}

void
media_room_remove (MediaRoom *room, MediaLeg *leg, CfgMonotonic now)
{
  g_assert (leg->room == room);
  g_ptr_array_remove_fast (room->legs, leg);
  leg->room = NULL;
  for (guint i = 0; i < leg->n_sections; i++)
    {
      MediaSink *sink = &leg->sections[i]->sink;

      media_room_leave_ghost (room, &leg->sections[i]->source);
      /* Its decoder goes on in another room; that of Opus is better off with a new encoder. */
      if (sink->mode == MEDIA_SINK_MIXING && !sink->on_own && sink->mix_codec == MEDIA_CODEC_G722)
        media_room_leave_group (room, sink, now);
    }
  unroute_leg (leg);
  media_room_route (room);
}

guint
media_room_n_legs (const MediaRoom *room)
{
  return room->legs->len;
}

MediaLeg *
media_room_leg (const MediaRoom *room, guint index)
{
  return g_ptr_array_index (room->legs, index);
}

MediaRoom *
media_room_of (const MediaLeg *leg)
{
  return leg->room;
}

void
media_room_changed (MediaRoom *room)
{
  room->dirty = TRUE;
}

void
media_room_has_gaps (MediaRoom *room)
{
  room->fills = TRUE;
}

/* The scale of LiveKit's clients: linear in the sound pressure. */
static double
linear_level (guint8 level_dbov)
{
  return pow (10, -(double)level_dbov / 20);
}

/* In whatever order: it is that of the levels. */
static gboolean
same_tracks (const MediaRoom *room, const MediaSpeaker *speakers, guint n)
{
  if (n != room->n_told)
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      guint k = 0;

      while (k < n && room->told[k].track != speakers[i].track)
        k++;
      if (k == n)
        return FALSE;
    }
  return TRUE;
}

static gboolean
same_levels (const MediaRoom *room, const MediaSpeaker *speakers, const guint8 *levels, guint n)
{
  for (guint i = 0; i < n; i++)
    if (speakers[i].track != room->told[i].track
        || ABS ((gint)levels[i] - (gint)room->told_levels[i]) >= SPEAKERS_STEP_DB)
      return FALSE;
  return TRUE;
}

static gboolean
is_told (const MediaRoom *room, const MediaSpeaker *speakers, const guint8 *levels, guint n)
{
  const guint64 ago = room->ticks - room->told_at_tick;

  if (!same_tracks (room, speakers, n))
    return FALSE;
  return n == 0 || ago < SPEAKERS_LEVEL_TICKS
         || (ago < SPEAKERS_REPEAT_TICKS && same_levels (room, speakers, levels, n));
}

static void
tell_speakers (MediaRoom *room, CfgMonotonic now)
{
  MediaSpeaker speakers[MEDIA_ROOM_MAX_SPEAKERS];
  guint8 levels[MEDIA_ROOM_MAX_SPEAKERS];
  guint order[MEDIA_ROOM_MAX_SPEAKERS];
  guint n_ranked, n = 0;

  g_array_set_size (room->candidates, room->sources->len);
  for (guint i = 0; i < room->sources->len; i++)
    {
      const MediaSource *source = g_ptr_array_index (room->sources, i);

      g_array_index (room->candidates, MediaSpeakerCandidate, i)
          = (MediaSpeakerCandidate){ .speech = &source->speech, .chosen = source->chosen };
    }
  n_ranked = media_speakers_rank ((const MediaSpeakerCandidate *)(gconstpointer)room->candidates->data,
                                  room->candidates->len, now, order, MEDIA_ROOM_MAX_SPEAKERS);
  for (guint i = 0; i < n_ranked; i++)
    {
      const MediaSource *source = g_ptr_array_index (room->sources, order[i]);

      if (source->track == 0)
        continue;
      levels[n] = media_speech_level (&source->speech, now);
      speakers[n] = (MediaSpeaker){ .track = source->track, .level = linear_level (levels[n]) };
      n++;
    }
  if (is_told (room, speakers, levels, n))
    return;
  room->told_at_tick = room->ticks;
  room->n_told = n;
  for (guint i = 0; i < n; i++)
    {
      room->told[i] = speakers[i];
      room->told_levels[i] = levels[i];
    }
  if (room->ops != NULL)
    room->ops->speakers (room->user, room->config.id, room->told, n);
}

void
media_room_tell_speakers (MediaRoom *room, gboolean tell)
{
  if (tell && room->is_unheard)
    room->n_told = 0; /* who asks anew does not know what was told before */
  room->is_unheard = !tell;
  if (!room->dirty)
    media_room_route_levels (room);
}

static gboolean
has_nothing_to_do (const MediaRoom *room)
{
  return !room->dirty
         && room->plays->len + room->playing->len + room->dialling->len + room->mixing->len
                    + room->recorders->len + room->ghosts->len + room->n_fading
                == 0;
}

static void
fill_gaps (MediaRoom *room, CfgMonotonic now)
{
  if (!room->fills)
    return;
  room->fills = FALSE;
  for (guint i = 0; i < room->watched->len; i++)
    {
      MediaSink *sink = g_ptr_array_index (room->watched, i);

      if (!sink->filling)
        continue;
      media_sink_silence (sink, sink->codec, now);
      room->fills = TRUE;
    }
}

gboolean
media_room_is_at_rest (const MediaRoom *room)
{
  return room->still && !room->fills;
}

static gboolean
count_tick (MediaRoom *room)
{
  return ++room->ticks % SPEAKERS_EVERY_TICKS == 0 && !room->config.isolated && !room->is_unheard;
}

void
media_room_tick_late (MediaRoom *room, CfgMonotonic now)
{
  /* Of a mix the time is lost: its encoders go on with the next tick as if this one had not been. */
  const gboolean tells = room->still && count_tick (room);

  if (room->dirty)
    media_room_route (room);
  if (tells)
    tell_speakers (room, now);
  fill_gaps (room, now);
}

void
media_room_tick (MediaRoom *room, CfgMonotonic now)
{
  const gboolean tells = count_tick (room);

  /* Most rooms of phones forward, and there are hundreds. */
  if (room->still && !room->dirty)
    {
      if (tells)
        tell_speakers (room, now);
      fill_gaps (room, now);
      return;
    }
  if (room->dirty || (room->route_at_tick != 0 && room->ticks >= room->route_at_tick))
    media_room_route (room);
  media_room_advance_plays (room);
  media_room_turn_digits (room, now);
  if (room->dirty)
    media_room_route (room);
  if (tells)
    tell_speakers (room, now);
  fill_gaps (room, now);
  if (room->mixing->len > 0 || room->recorders->len > 0)
    media_room_mix (room, now);
  media_room_end_fades (room);
  room->still = has_nothing_to_do (room);
}

void
media_room_get_stats (const MediaRoom *room, MediaRoomStats *stats)
{
  *stats = room->stats;
}
