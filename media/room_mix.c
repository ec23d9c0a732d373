/* One tick of a room's mix: decode those who speak, sum them once per rate, encode once for all who hear the
 * same and once for each who hears something of his own. */
#include "media/room_private.h"

#include <string.h>

#define EXTRAS_MAX   (2 * MEDIA_PLAYS_MAX) /* as many go out as begin */
#define LINGER_TICKS (3 * 1000 / MEDIA_FRAME_MS)
#define QUIET_LEVEL  50 /* -dBov */
#define JOIN_MS      5
/* A choice takes less time than memory takes to come. */
#define CHOICES_AHEAD 8

/* ---- what the next ones of a list will need is fetched while this one has its turn ---- */

static void
expect_source (const GPtrArray *sources, guint i)
{
  if (i + 2 < sources->len)
    {
      const MediaSource *source = g_ptr_array_index (sources, i + 2);

      media_prefetch (&source->speech, sizeof *source - G_STRUCT_OFFSET (MediaSource, speech));
    }
  if (i + 1 < sources->len)
    media_feed_expect (((const MediaSource *)g_ptr_array_index (sources, i + 1))->feed);
}

/* What a frame for the sink after @i will need. */
static void
expect_sink (const GPtrArray *sinks, guint i)
{
  MediaSink *sink;

  if (i + 2 < sinks->len)
    {
      sink = g_ptr_array_index (sinks, i + 2);
      media_prefetch (&sink->trail, MEDIA_TRAIL_HEAD);
    }
  if (i + 1 >= sinks->len)
    return;
  sink = g_ptr_array_index (sinks, i + 1);
  if (!media_trail_follow (&sink->trail))
    media_sink_expect (sink, sink->mix_codec, &sink->trail);
}

/* The same while it is only asked what to make for each: nearly all get the frame that all others get, later.
 */
static void
expect_choice (const GPtrArray *sinks, guint i)
{
  if (i + CHOICES_AHEAD < sinks->len)
    media_prefetch (g_ptr_array_index (sinks, i + CHOICES_AHEAD), MEDIA_CACHE_LINE);
  if (i + 1 < sinks->len && !((const MediaSink *)g_ptr_array_index (sinks, i + 1))->is_common)
    expect_sink (sinks, i);
}

/* Its packets alone say that it is silent, those too that still wait to be played, and nobody hears it. */
static gboolean
is_surely_silent (const MediaSource *source, CfgMonotonic now)
{
  return source->n_tiny >= MEDIA_SOURCE_TINY_RUN
         && cfg_monotonic_diff_us (now, source->long_at) > MEDIA_SOURCE_TINY_US && !source->chosen
         && !source->recorded && !source->ending && !source->spoke;
}

/* Sources whose level only decoding tells are decoded before the choice, unless they are surely silent, so
 * that a first syllable is not cut; the others after it and only if chosen. */
static void
choose_and_decode (MediaRoom *room, CfgMonotonic now)
{
  MediaSpeakerCandidate *candidates;

  g_array_set_size (room->candidates, room->mixed->len);
  candidates = (MediaSpeakerCandidate *)(gpointer)room->candidates->data;
  for (guint i = 0; i < room->mixed->len; i++)
    {
      MediaSource *source = g_ptr_array_index (room->mixed, i);

      expect_source (room->mixed, i);
      if (!source->levels_arrive)
        {
          const gboolean silent = is_surely_silent (source, now);

          media_feed_advance (source->feed, now, !silent);
          source->level = silent ? MEDIA_LEVEL_SILENCE : media_feed_level (source->feed);
          media_speech_update (&source->speech, source->level, now);
          room->stats.n_decoding += !silent;
        }
      candidates[i] = (MediaSpeakerCandidate){ .speech = &source->speech, .chosen = source->chosen };
    }
  media_speakers_choose (candidates, room->mixed->len, room->config.mix_speakers, now);
  for (guint i = 0; room->n_fading > 0 && i < room->mixed->len; i++)
    candidates[i].chosen
        = candidates[i].chosen && !((MediaSource *)g_ptr_array_index (room->mixed, i))->ending;
  for (guint i = 0; i < room->mixed->len; i++)
    {
      MediaSource *source = g_ptr_array_index (room->mixed, i);
      const gboolean heard = source->chosen || candidates[i].chosen;
      const gboolean speaks = source->n_track_mixers > 0 && media_speech_is_active (&source->speech, now);
      /* One frame more: to go out with. */
      const gboolean wanted = heard || source->recorded || source->ending || speaks || source->spoke;

      source->fade = source->chosen == candidates[i].chosen ? MEDIA_FADE_NONE
                     : source->chosen                       ? MEDIA_FADE_OUT
                                                            : MEDIA_FADE_IN;
      source->chosen = candidates[i].chosen;
      source->spoke = speaks;
      if (source->levels_arrive)
        {
          media_feed_advance (source->feed, now, wanted);
          room->stats.n_decoding += wanted;
        }
      if (heard && room->n_chosen < MEDIA_ROOM_MIX_SPEAKERS_MAX)
        room->chosen[room->n_chosen++] = source;
    }
  room->stats.decodes += room->stats.n_decoding;
}

static guint
add_source (MediaMixer *mixer, const MediaSource *source, guint rate_hz)
{
  const gint16 *pcm = media_feed_pcm (source->feed, rate_hz);

  if (source->fade == MEDIA_FADE_NONE && source->leg->was_q12 != source->leg->gain_q12)
    return media_mixer_add_moving (mixer, pcm, source->leg->was_q12, source->leg->gain_q12);
  if (source->fade == MEDIA_FADE_NONE)
    return media_mixer_add (mixer, pcm, source->leg->gain_q12);
  return media_mixer_add_faded (mixer, pcm, source->leg->gain_q12, source->fade == MEDIA_FADE_IN);
}

static void
sum (MediaRoom *room)
{
  for (guint r = 0; r < MEDIA_N_RATES; r++)
    {
      if (!room->rate_used[r])
        continue;
      if (room->mixers[r] == NULL)
        room->mixers[r] = media_mixer_new (media_rate_hz (r) / 1000 * MEDIA_FRAME_MS);
      media_mixer_begin (room->mixers[r]);
      for (guint i = 0; i < room->n_chosen; i++)
        {
          MediaSource *source = room->chosen[i];

          source->slot[r] = (gint)add_source (room->mixers[r], source, media_rate_hz (r));
        }
      for (guint i = 0; i < room->ghosts->len; i++)
        {
          MediaGhost *ghost = &g_array_index (room->ghosts, MediaGhost, i);

          if (ghost->heard)
            ghost->slot[r] = (gint)media_mixer_add_faded (
                room->mixers[r], media_feed_pcm (ghost->feed, media_rate_hz (r)), ghost->gain_q12, FALSE);
        }
      for (guint i = 0; i < room->plays->len; i++)
        {
          MediaPlay *play = g_ptr_array_index (room->plays, i);

          if (media_play_sounds (play))
            media_mixer_add (room->mixers[r], media_play_pcm (play, media_rate_hz (r)),
                             media_play_gain_q12 (play));
        }
    }
}

static void
count_fading (MediaRoom *room)
{
  for (guint i = 0; i < room->groups->len; i++)
    {
      MediaMixGroup *group = g_ptr_array_index (room->groups, i);

      group->n_members = group->n_fading_in = group->n_fading_out = 0;
    }
  for (guint i = 0; i < room->common->len; i++)
    {
      const MediaSink *sink = g_ptr_array_index (room->common, i);
      MediaMixGroup *group = media_room_group_for (room, sink);

      group->n_members++;
      group->n_fading_in += sink->fade == MEDIA_FADE_IN;
      group->n_fading_out += sink->fade == MEDIA_FADE_OUT;
    }
}

/* @pcm, a frame for @sink alone, which may come up from what was forwarded to it before. */
static void
fade_sink (const MediaSink *sink, gint16 *pcm, CfgMonotonic now)
{
  const gint32 n = (gint32)(sink->mix_rate_hz / 1000 * JOIN_MS);

  media_fade_pcm (pcm, sink->mix_rate_hz / 1000 * MEDIA_FRAME_MS, sink->fade);
  if (sink->join_from != 0 && media_sink_has_paused (sink, now))
    return;
  for (gint32 i = 0; sink->join_from != 0 && i < n; i++)
    pcm[i] = (gint16)CLAMP (pcm[i] + sink->join_from * (n - i) / n, G_MININT16, G_MAXINT16);
}

/* One who comes or goes while others stay is given a frame of his own, if his decoder does not mind. */
static gboolean
play_faded (MediaRoom *room, MediaSink *sink, const MediaMixGroup *group, CfgMonotonic now)
{
  gint16 pcm[MEDIA_FRAME_SAMPLES_MAX];

  if (sink->fade == MEDIA_FADE_NONE || (sink->fade == media_mix_group_fade (group) && sink->join_from == 0)
      || media_codec_has_memory (media_codec_get (group->codec)))
    return FALSE;
  media_mixer_render (room->mixers[media_rate_index (group->rate_hz)], NULL, 0, &sink->limiter, pcm);
  fade_sink (sink, pcm, now);
  media_sink_play (sink, sink->mix_codec, pcm, group->rate_hz, room->config.opus_complexity, now);
  room->stats.encodes++;
  return TRUE;
}

static void
play_apart (MediaRoom *room, MediaSink *sink, CfgMonotonic now)
{
  gint16 pcm[MEDIA_FRAME_SAMPLES_MAX];

  media_room_leave_group (room, sink, now);
  media_mixer_render (room->mixers[media_rate_index (sink->mix_rate_hz)], NULL, 0, &sink->limiter, pcm);
  fade_sink (sink, pcm, now);
  media_sink_play (sink, sink->mix_codec, pcm, sink->mix_rate_hz, room->config.opus_complexity, now);
  room->stats.encodes++;
  room->n_apart++;
}

/* It comes with the next one. */
static void
wait_for_frame (MediaSink *sink, CfgMonotonic now)
{
  media_sink_silence (sink, sink->mix_codec, now);
  sink->fade = MEDIA_FADE_OUT;
}

/* Before their groups have made a frame. */
static void
play_those_apart (MediaRoom *room, CfgMonotonic now)
{
  guint n_kept = 0;

  for (guint i = 0; i < room->common->len; i++)
    {
      MediaSink *sink = g_ptr_array_index (room->common, i);

      const MediaMixGroup *group = media_room_group_for (room, sink);

      if (media_room_goes_apart (room, sink, group))
        play_apart (room, sink, now);
      else if (sink->fade == MEDIA_FADE_IN && media_mix_group_fade (group) == MEDIA_FADE_OUT)
        wait_for_frame (sink, now);
      else
        room->common->pdata[n_kept++] = sink;
    }
  g_ptr_array_set_size (room->common, (gint)n_kept);
}

static void
play_common (MediaRoom *room, MediaSink *sink, CfgMonotonic now)
{
  MediaMixGroup *group = media_room_group_for (room, sink);
  const guint clock_rate_hz = media_codec_get_clock_rate (media_codec_get (group->codec));

  if (room->n_fading > 0 && play_faded (room, sink, group, now))
    return;
  if (sink->heard_group != group->serial && media_room_goes_apart (room, sink, group))
    {
      play_apart (room, sink, now);
      return;
    }
  if (media_room_group_is_idle (room, group) || group->encoder == NULL)
    media_room_begin_group (room, group, sink);
  sink->on_own = FALSE;
  if (group->used_tick != room->ticks)
    {
      gint16 pcm[MEDIA_FRAME_SAMPLES_MAX];

      group->used_tick = room->ticks;
      group->n_listeners = 0;
      media_mixer_render (room->mixers[media_rate_index (group->rate_hz)], NULL, 0, &group->limiter, pcm);
      if (room->n_fading > 0)
        media_fade_pcm (pcm, group->rate_hz / 1000 * MEDIA_FRAME_MS, media_mix_group_fade (group));
      group->size = -1;
      if (group->encoder != NULL)
        group->size = media_room_encode (room, group->encoder, pcm, group->rate_hz / 1000 * MEDIA_FRAME_MS,
                                         group->payload, sizeof group->payload);
      room->stats.encodes++;
    }
  group->n_listeners++;
  group->listener = sink;
  sink->heard_group = group->serial;
  media_sink_produce (sink, group->codec, group->payload, group->size, clock_rate_hz / 1000 * MEDIA_FRAME_MS,
                      now);
}

/* ---- what one sink alone hears, over the mix ---- */

static guint
count_sounding (const GPtrArray *plays)
{
  guint n = 0;

  for (guint i = 0; plays != NULL && i < plays->len; i++)
    n += media_play_sounds (g_ptr_array_index (plays, i));
  return n;
}

/* @extras: space for EXTRAS_MAX. Returns: how many of @plays sound. */
static guint
list_plays (const GPtrArray *plays, guint rate_hz, MediaMixerExtra *extras)
{
  guint n = 0;

  for (guint i = 0; plays != NULL && i < plays->len && n < EXTRAS_MAX; i++)
    {
      MediaPlay *play = g_ptr_array_index (plays, i);

      if (media_play_sounds (play))
        extras[n++] = (MediaMixerExtra){ .pcm = media_play_pcm (play, rate_hz),
                                         .gain_q12 = media_play_gain_q12 (play) };
    }
  return n;
}

static void
add_plays (const GPtrArray *plays, guint rate_hz, gint32 *sum)
{
  MediaMixerExtra extras[EXTRAS_MAX];
  const guint n = list_plays (plays, rate_hz, extras);

  for (guint i = 0; i < n; i++)
    media_mixer_accumulate (sum, extras[i].pcm, rate_hz / 1000 * MEDIA_FRAME_MS, extras[i].gain_q12);
}

/* Plays go to one sink of a leg. */
static const GPtrArray *
own_plays (const MediaSink *sink)
{
  const GPtrArray *plays = sink->leg->plays;

  return plays != NULL && plays->len > 0 && media_leg_carrier (sink->leg) == sink ? plays : NULL;
}

/* As loud as @leg is for @listener, and was. */
static void
add_track (const MediaLeg *leg, MediaLegId listener, const gint16 *pcm, gsize samples, gint32 *sum)
{
  const MediaGain *own = leg->gains_move ? media_leg_own_gain (leg, listener) : NULL;
  const gint32 gain_q12 = media_leg_gain_for (leg, listener);
  const gint32 was_q12 = !leg->gains_move ? gain_q12 : own != NULL ? own->was_q12 : leg->was_q12;

  media_mixer_accumulate_moving (sum, pcm, samples, was_q12, gain_q12);
}

/* A sink with a source of its own (a track) that cannot be forwarded: transcoded, not mixed. */
static void
play_track (MediaRoom *room, MediaSink *sink, CfgMonotonic now)
{
  const MediaSource *source = sink->from;
  const gboolean speaks = media_speech_is_active (&source->speech, now);
  const gboolean spoke = sink->hears_track;
  const GPtrArray *room_plays = media_leg_carrier (sink->leg) == sink ? room->plays : NULL;
  gint32 sum[MEDIA_FRAME_SAMPLES_MAX] = { 0 };
  gint16 pcm[MEDIA_FRAME_SAMPLES_MAX];
  const gsize samples = sink->mix_rate_hz / 1000 * MEDIA_FRAME_MS;

  sink->hears_track = speaks;
  if (!speaks && !spoke && count_sounding (room_plays) + count_sounding (own_plays (sink)) == 0)
    {
      media_sink_silence (sink, sink->mix_codec, now);
      return;
    }
  if (speaks || spoke)
    {
      memcpy (pcm, media_feed_pcm (source->feed, sink->mix_rate_hz), samples * sizeof *pcm);
      media_fade_pcm (pcm, samples, !speaks ? MEDIA_FADE_OUT : spoke ? MEDIA_FADE_NONE : MEDIA_FADE_IN);
      add_track (source->leg, sink->leg->config.id, pcm, samples, sum);
    }
  add_plays (room_plays, sink->mix_rate_hz, sum);
  add_plays (own_plays (sink), sink->mix_rate_hz, sum);
  media_limiter_apply (&sink->limiter, sum, samples, pcm);
  fade_sink (sink, pcm, now);
  media_sink_play (sink, sink->mix_codec, pcm, sink->mix_rate_hz, room->config.opus_complexity, now);
  room->stats.encodes++;
}

/* A decoder follows one encoder: from its own to that of all others a listener goes back where a jump between
 * them is not heard, or after a while; at once where no other listens to that, for it can go on where its own
 * is. */
static gboolean
may_go_back (const MediaRoom *room, const MediaSink *sink)
{
  MediaEncoderConfig config;
  const MediaMixGroup *group;

  if (!sink->on_own || sink->encoder == NULL || !media_encoder_remembers (sink->encoder)
      || sink->own_ticks >= LINGER_TICKS || room->n_apart >= MEDIA_ROOM_APART_MAX)
    return TRUE;
  group = media_room_find_group (room, sink, &config);
  return group == NULL || media_room_group_is_idle (room, group);
}

/* @was_q12: how loud @source was for @sink with the last frame, when that is to be told to the mixer. */
static gboolean
gain_moves (const MediaSource *source, const MediaSink *sink, gint32 *was_q12)
{
  const gboolean turns = sink->leg->is_deaf != sink->leg->was_deaf && source->leg != sink->leg;
  const MediaGain *own;

  if (!turns && !source->leg->gains_move)
    return FALSE;
  own = media_leg_own_gain (source->leg, sink->leg->config.id);
  if (!turns && own == NULL)
    return FALSE;
  *was_q12 = sink->leg->was_deaf ? 0 : own != NULL ? own->was_q12 : source->leg->was_q12;
  return TRUE;
}

/* Who sounds otherwise for @sink than in the sum. @n_heard: (inout): counts those whom it hears. Returns: how
 * many @overrides. */
static guint
override_gains (const MediaRoom *room, const MediaSink *sink, MediaMixerOverride *overrides, guint *n_heard)
{
  const guint r = media_rate_index (sink->mix_rate_hz);
  /* One whose track is silent hears what is played, and nobody else instead. */
  const gboolean of_track = sink->section->plan.sink == MEDIA_SINK_TRACK;
  guint n = 0;

  for (guint i = 0; i < room->n_chosen; i++)
    {
      const MediaSource *source = room->chosen[i];
      const gint32 gain_q12
          = source->leg == sink->leg || of_track ? 0 : media_leg_gain_to (source->leg, sink->leg);
      gint32 was_q12;
      const gboolean moves = !of_track && gain_moves (source, sink, &was_q12);

      if (gain_q12 > 0 || moves)
        (*n_heard)++;
      if (moves)
        overrides[n++] = (MediaMixerOverride){
          .slot = (guint)source->slot[r], .gain_q12 = gain_q12, .moves = TRUE, .was_q12 = was_q12
        };
      else if (gain_q12 != source->leg->gain_q12)
        overrides[n++] = (MediaMixerOverride){ .slot = (guint)source->slot[r], .gain_q12 = gain_q12 };
    }
  for (guint i = 0; i < room->ghosts->len; i++)
    {
      const MediaGhost *ghost = &g_array_index (room->ghosts, MediaGhost, i);
      const gint32 gain_q12
          = of_track || sink->leg->is_deaf ? 0 : media_room_ghost_gain (ghost, sink->leg->config.id);

      if (!ghost->heard)
        continue;
      *n_heard += gain_q12 > 0;
      if (gain_q12 != ghost->gain_q12)
        overrides[n++] = (MediaMixerOverride){ .slot = (guint)ghost->slot[r], .gain_q12 = gain_q12 };
    }
  return n;
}

/* It gets the frame that all others get. */
static void
share (MediaRoom *room, MediaSink *sink)
{
  sink->is_common = TRUE;
  g_ptr_array_add (room->common, sink);
}

/* What a sink hears of the room, made for it alone; or it is put among those who hear the same. */
static void
play_mix (MediaRoom *room, MediaSink *sink, CfgMonotonic now)
{
  const guint r = media_rate_index (sink->mix_rate_hz);
  const GPtrArray *own = own_plays (sink);
  MediaMixerExtra extras[EXTRAS_MAX];
  const guint n_own = list_plays (own, sink->mix_rate_hz, extras);
  MediaMixerOverride overrides[2 * MEDIA_ROOM_MIX_SPEAKERS_MAX]; /* also of those who left */
  guint n_heard = count_sounding (room->plays);
  const guint n_overrides = override_gains (room, sink, overrides, &n_heard);
  gint16 pcm[MEDIA_FRAME_SAMPLES_MAX];
  gboolean common;

  if (n_heard + n_own == 0 && sink->join_from == 0)
    {
      sink->on_own = FALSE;
      media_sink_silence (sink, sink->mix_codec, now);
      return;
    }
  common = n_overrides == 0 && n_own == 0 && media_sink_ptime_ms (sink) == MEDIA_FRAME_MS;
  if (common && may_go_back (room, sink))
    {
      share (room, sink);
      return;
    }
  media_mixer_render_with (room->mixers[r], overrides, n_overrides, extras, n_own, &sink->limiter, pcm);
  if (common && media_level_of_pcm (pcm, sink->mix_rate_hz / 1000 * MEDIA_FRAME_MS) >= QUIET_LEVEL)
    {
      share (room, sink);
      return;
    }
  if (!sink->on_own)
    media_room_leave_group (room, sink, now);
  sink->own_ticks = common ? sink->own_ticks + 1 : 0;
  room->n_apart += common;
  fade_sink (sink, pcm, now);
  media_sink_play (sink, sink->mix_codec, pcm, sink->mix_rate_hz, room->config.opus_complexity, now);
  room->stats.encodes++;
}

/* Whoever is nobody special hears the same as the others, and something. */
static gboolean
have_common_frame (const MediaRoom *room)
{
  guint n_heard = count_sounding (room->plays);

  for (guint i = 0; i < room->ghosts->len; i++)
    {
      const MediaGhost *ghost = &g_array_index (room->ghosts, MediaGhost, i);

      if (ghost->heard && ghost->n_gains > 0)
        return FALSE;
      n_heard += ghost->heard;
    }
  for (guint i = 0; i < room->n_chosen; i++)
    {
      const MediaLeg *leg = room->chosen[i]->leg;

      if (leg->n_gains > 0 || leg->gains_move)
        return FALSE;
      n_heard += leg->gain_q12 > 0;
    }
  return n_heard > 0;
}

static gboolean
is_chosen (const MediaRoom *room, const MediaLeg *leg)
{
  for (guint i = 0; i < room->n_chosen; i++)
    if (room->chosen[i]->leg == leg)
      return TRUE;
  return FALSE;
}

/* Looks at one cache line of @sink. */
static gboolean
is_one_of_many (const MediaRoom *room, const MediaSink *sink)
{
  return sink->is_plain && !sink->on_own && sink->digits == NULL && !is_chosen (room, sink->leg);
}

/* With the first frame of a digit what was heard before it goes out. */
static void
add_going_mix (MediaRoom *room, MediaSink *sink, gint16 *pcm)
{
  MediaMixerOverride overrides[2 * MEDIA_ROOM_MIX_SPEAKERS_MAX];
  guint n_heard = 0;
  const guint n = override_gains (room, sink, overrides, &n_heard);
  gint16 mix[MEDIA_FRAME_SAMPLES_MAX];
  gint32 sum[MEDIA_FRAME_SAMPLES_MAX] = { 0 };
  const gsize samples = sink->mix_rate_hz / 1000 * MEDIA_FRAME_MS;

  if (n_heard == 0)
    return;
  media_mixer_render (room->mixers[media_rate_index (sink->mix_rate_hz)], overrides, n, &sink->limiter, mix);
  media_fade_pcm (mix, samples, MEDIA_FADE_OUT);
  media_mixer_accumulate (sum, mix, samples, MEDIA_MIXER_GAIN_UNITY);
  media_mixer_accumulate (sum, pcm, samples, MEDIA_MIXER_GAIN_UNITY);
  media_limiter_apply (&sink->limiter, sum, samples, pcm);
}

/* A digit in the audio, instead of everything else. */
static gboolean
play_digit (MediaRoom *room, MediaSink *sink, CfgMonotonic now)
{
  gint16 pcm[MEDIA_FRAME_SAMPLES_MAX];

  if (!media_sink_digit_pcm (sink, sink->mix_rate_hz, pcm))
    {
      room->n_fading += sink->in_digit && sink->fade == MEDIA_FADE_NONE;
      sink->fade = sink->in_digit ? MEDIA_FADE_IN : sink->fade;
      sink->in_digit = FALSE;
      return FALSE;
    }
  if (!sink->on_own)
    media_room_leave_group (room, sink, now);
  if (!sink->in_digit && sink->from == NULL && sink->silent_ticks == 0)
    add_going_mix (room, sink, pcm);
  sink->in_digit = TRUE;
  media_sink_play (sink, sink->mix_codec, pcm, sink->mix_rate_hz, room->config.opus_complexity, now);
  room->stats.encodes++;
  return TRUE;
}

static void
settle_hearing (MediaRoom *room)
{
  for (guint i = 0; i < room->mixing->len; i++)
    {
      MediaLeg *leg = ((MediaSink *)g_ptr_array_index (room->mixing, i))->leg;

      leg->was_deaf = leg->is_deaf;
    }
  room->dirty = TRUE; /* they may be nobody special now */
}

void
media_room_mix (MediaRoom *room, CfgMonotonic now)
{
  gboolean hearing_turns = FALSE, common;

  room->n_chosen = 0;
  room->n_apart = 0;
  room->stats.n_decoding = 0;
  choose_and_decode (room, now);
  for (guint i = 0; i < room->ghosts->len; i++)
    media_feed_advance (g_array_index (room->ghosts, MediaGhost, i).feed, now, TRUE);
  sum (room);
  common = have_common_frame (room);
  for (guint i = 0; i < room->mixing->len; i++)
    {
      MediaSink *sink = g_ptr_array_index (room->mixing, i);

      expect_choice (room->mixing, i);
      if (common && is_one_of_many (room, sink))
        {
          share (room, sink);
          continue;
        }
      sink->is_common = FALSE;
      hearing_turns |= sink->leg->is_deaf != sink->leg->was_deaf;
      if (sink->digits != NULL && play_digit (room, sink, now))
        continue;
      if (sink->from != NULL)
        play_track (room, sink, now);
      else
        play_mix (room, sink, now);
    }
  if (room->n_fading > 0)
    {
      count_fading (room);
      play_those_apart (room, now);
    }
  for (guint i = 0; i < room->common->len; i++)
    {
      expect_sink (room->common, i);
      play_common (room, g_ptr_array_index (room->common, i), now);
    }
  g_ptr_array_set_size (room->common, 0);
  media_room_write_records (room, now);
  for (guint i = 0; i < room->mixed->len; i++)
    media_leg_settle_gains (((MediaSource *)g_ptr_array_index (room->mixed, i))->leg);
  if (hearing_turns)
    settle_hearing (room);
  if (room->ticks % 512 == 0)
    media_room_drop_idle_groups (room);
}
