/* Who hears whom in a room: computed anew when something changed, never per packet. Costs a few steps per
 * sink: the search for what a sink hears ends at the second audible source. */
#include "media/room_private.h"

#include <string.h>

/* A rate that was chosen is not given up for a lower one so soon. */
#define KEEP_RATE_TICKS (3 * 1000 / MEDIA_FRAME_MS)

/* Counts of what is audible in the whole room, from which a leg's own part is taken off. */
typedef struct
{
  guint n_at_rate[MEDIA_N_RATES];
  guint n_room_mixers; /* sinks that mix the room */
} Census;

static guint
source_rate_index (const MediaSource *source)
{
  return media_rate_index (media_codec_get_sample_rate (media_codec_get (source->codec)));
}

static void
clear_leg (MediaLeg *leg)
{
  for (guint i = 0; i < leg->n_sections; i++)
    {
      MediaSource *source = &leg->sections[i]->source;

      g_ptr_array_set_size (source->forward_to, 0);
      source->n_track_mixers = 0;
      source->recorded = FALSE;
      source->audible = FALSE;
      source->ending = FALSE;
    }
}

static void
collect_sources (MediaRoom *room, MediaLeg *leg, Census *census)
{
  for (guint i = 0; i < leg->n_sections; i++)
    {
      MediaSource *source = &leg->sections[i]->source;

      source->ending = (leg->muted || !source->enabled) && (source->chosen || source->in_file)
                       && source->feed != NULL && !room->config.isolated;
      room->n_fading += source->ending;
      if (room->config.isolated || leg->muted || !source->enabled)
        continue;
      source->audible = TRUE;
      g_ptr_array_add (room->sources, source);
      census->n_at_rate[source_rate_index (source)]++;
    }
}

/* The first source that @sink hears; @more: there is another one. */
static MediaSource *
find_heard (const MediaRoom *room, const MediaSink *sink, gboolean *more)
{
  const MediaPlanSection *plan = &sink->section->plan;
  MediaSource *found = NULL;

  *more = FALSE;
  for (guint i = 0; i < room->sources->len; i++)
    {
      MediaSource *source = g_ptr_array_index (room->sources, i);

      if (source->leg == sink->leg || media_leg_gain_to (source->leg, sink->leg) == 0)
        continue;
      if (plan->sink == MEDIA_SINK_TRACK && source->track != plan->sink_track)
        continue;
      if (found != NULL)
        {
          *more = TRUE;
          break;
        }
      found = source;
      if (plan->sink == MEDIA_SINK_TRACK)
        break;
    }
  return found;
}

static gboolean
can_forward (const MediaSink *sink, const MediaSource *source)
{
  const guint source_ptime_ms = source->packet_ms != 0                ? source->packet_ms
                                : source->section->plan.ptime_ms == 0 ? 20
                                                                      : source->section->plan.ptime_ms;

  if (!media_sink_speaks (sink, source->codec) || source->section->plan.normalizes)
    return FALSE;
  if (media_leg_gain_to (source->leg, sink->leg) != MEDIA_MIXER_GAIN_UNITY)
    return FALSE;
  if (sink->lossy && source->codec != MEDIA_CODEC_OPUS)
    return FALSE;
  /* Gear on a trunk may insist on the packet time that it asked for; browsers never do. */
  return !sink->leg->config.always_send || media_sink_ptime_ms (sink) == source_ptime_ms;
}

static gboolean
is_played_to (const MediaRoom *room, const MediaSink *sink)
{
  const GPtrArray *own = sink->leg->plays;

  return (room->plays->len > 0 || (own != NULL && own->len > 0)) && media_leg_carrier (sink->leg) == sink;
}

/* The widest band of what is played to @sink; 0: nothing is. */
static guint
played_rate_hz (const MediaRoom *room, const MediaSink *sink)
{
  const GPtrArray *const lists[] = { room->plays, sink->leg->plays };
  guint rate_hz = 0;

  if (!is_played_to (room, sink))
    return 0;
  for (guint k = 0; k < G_N_ELEMENTS (lists); k++)
    for (guint i = 0; lists[k] != NULL && i < lists[k]->len; i++)
      rate_hz = MAX (rate_hz, media_play_rate_hz (g_ptr_array_index (lists[k], i)));
  return rate_hz;
}

/* The widest band that others than @sink's own leg bring. */
static guint
audible_rate_hz (const Census *census, const MediaSink *sink)
{
  Census others = *census;

  if (sink->from != NULL)
    return media_rate_hz (source_rate_index (sink->from));
  for (guint i = 0; i < sink->leg->n_sections; i++)
    if (sink->leg->sections[i]->source.audible)
      others.n_at_rate[source_rate_index (&sink->leg->sections[i]->source)]--;
  for (guint i = MEDIA_N_RATES; i-- > 1;)
    if (others.n_at_rate[i] > 0)
      return media_rate_hz (i);
  return 8000;
}

/* Stays with the codec in use if it is wide enough, since another one takes another SSRC. */
static MediaCodecId
choose_codec (const MediaSink *sink, guint rate_hz)
{
  const MediaPlanSection *plan = &sink->section->plan;

  if (sink->lossy && media_sink_speaks (sink, MEDIA_CODEC_OPUS))
    return MEDIA_CODEC_OPUS;
  if (sink->have_codec && media_sink_speaks (sink, sink->codec)
      && media_codec_get_sample_rate (media_codec_get (sink->codec)) >= rate_hz)
    return sink->codec;
  return plan->codecs[0].codec;
}

/* Only Opus has an encoder for each rate; before another's there would be a resampler, which knows nothing of
 * what was heard when a listener changes from one encoder to the next. */
static guint
choose_rate (const MediaSink *sink, MediaCodecId codec, guint audible_hz)
{
  const MediaPlanCodec *plan = &sink->section->plan.codecs[sink->plan_of_codec[codec]];
  const guint most_hz = plan->max_playback_rate_hz;

  if (codec != MEDIA_CODEC_OPUS)
    return media_codec_get_sample_rate (media_codec_get (codec));
  if (most_hz == 0 || most_hz > 16000)
    return audible_hz;
  return MIN (audible_hz, most_hz <= 8000 ? 8000u : 16000u);
}

static gboolean
is_plain (const MediaSink *sink)
{
  const MediaLeg *leg = sink->leg;

  return sink->section->plan.sink == MEDIA_SINK_MIX && media_sink_ptime_ms (sink) == MEDIA_FRAME_MS
         && !leg->is_deaf && !leg->was_deaf && (leg->plays == NULL || leg->plays->len == 0);
}

/* What is forwarded to @sink ends, or is another's: what follows goes on from where the ear is. */
static void
end_forwarding (MediaSink *sink)
{
  const guint8 octet = (guint8)sink->last_octet;

  if (sink->last_octet >= 0)
    sink->join_from = media_codec_last_sample (media_codec_get (sink->codec), &octet, 1);
  sink->last_octet = -1;
}

static void
route_idle (MediaRoom *room, MediaSink *sink)
{
  sink->mode = MEDIA_SINK_IDLE;
  sink->fade = MEDIA_FADE_NONE;
  sink->on_own = FALSE;
  sink->heard_group = 0;
  room->stats.n_idle++;
}

/* @before: (nullable): what was forwarded so far. */
static void
route_forwarding (MediaRoom *room, MediaSink *sink, MediaSource *heard, const MediaSource *before)
{
  if (heard != before)
    {
      end_forwarding (sink);
      sink->joins = sink->mode != MEDIA_SINK_IDLE;
      sink->join_from = sink->joins ? sink->join_from : 0;
      /* What the source sent while it was not forwarded is no loss. */
      sink->epoch++;
    }
  sink->mode = MEDIA_SINK_FORWARDING;
  sink->fade = MEDIA_FADE_NONE;
  sink->on_own = FALSE;
  sink->heard_group = 0;
  sink->from = heard;
  g_ptr_array_add (heard->forward_to, sink);
  if (sink->leg->config.always_send)
    g_ptr_array_add (room->watched, sink);
  room->stats.n_forwarding++;
}

static void
route_sink (MediaRoom *room, MediaSink *sink, Census *census)
{
  const MediaSource *forwarded = sink->mode == MEDIA_SINK_FORWARDING ? sink->from : NULL;
  gboolean more;
  MediaSource *heard = find_heard (room, sink, &more);
  const gboolean overlaid = is_played_to (room, sink) || media_sink_sends_tones (sink);
  const gboolean was_mixing = sink->mode == MEDIA_SINK_MIXING;
  /* A track that is gone leaves nothing to go out. */
  const gboolean leaves
      = media_room_ends_softly (sink) && (heard != NULL || sink->section->plan.sink == MEDIA_SINK_MIX);
  const gboolean forwards = heard != NULL && !more && !overlaid && can_forward (sink, heard);
  const gboolean has_nothing = heard == NULL && !overlaid && !sink->leg->config.always_send;

  sink->from = NULL;
  if ((has_nothing || forwards) && !leaves)
    {
      if (forwards)
        route_forwarding (room, sink, heard, forwarded);
      else
        route_idle (room, sink);
      return;
    }
  if (forwarded != NULL)
    end_forwarding (sink);
  sink->mode = MEDIA_SINK_MIXING;
  sink->filling = FALSE;
  sink->joins = FALSE;
  media_room_route_fade (room, sink, was_mixing, leaves && (forwards || has_nothing));
  if (heard != NULL && sink->section->plan.sink == MEDIA_SINK_TRACK)
    {
      sink->from = heard;
      heard->n_track_mixers++;
    }
  else if (heard != NULL)
    census->n_room_mixers++;
  sink->is_plain = is_plain (sink);
  g_ptr_array_add (room->mixing, sink);
  room->stats.n_mixing++;
}

/* It hears something, and goes on hearing it. */
static gboolean
is_heard (const MediaSink *sink)
{
  return sink->fade != MEDIA_FADE_IN && sink->have_codec && sink->silent_ticks == 0
         && media_sink_speaks (sink, sink->mix_codec);
}

/* A narrower band is no hurry: whoever comes, goes and comes again, or changes his codec with each packet,
 * must not be heard in what all others hear. */
static gboolean
keeps_rate (MediaRoom *room, const MediaSink *sink, MediaCodecId codec, guint rate_hz)
{
  const guint64 until = sink->format_tick + KEEP_RATE_TICKS;

  if (codec != sink->mix_codec || rate_hz >= sink->mix_rate_hz || room->ticks >= until)
    return FALSE;
  room->route_at_tick = room->route_at_tick == 0 ? until : MIN (room->route_at_tick, until);
  return TRUE;
}

/* Another rate or codec is another encoder: what @sink hears goes out with the one before, and comes up with
 * the new one a frame later. */
static void
choose_format (MediaRoom *room, MediaSink *sink, const Census *census)
{
  const guint audible_hz = audible_rate_hz (census, sink);
  const guint played_hz = MAX (audible_hz, played_rate_hz (room, sink));
  /* What is played is worth no change of codec, which takes another SSRC. */
  const MediaCodecId codec = choose_codec (sink, sink->have_codec ? audible_hz : played_hz);
  const guint rate_hz = choose_rate (sink, codec, played_hz);

  if (codec == sink->mix_codec && rate_hz == sink->mix_rate_hz)
    {
      sink->format_tick = room->ticks;
      return;
    }
  if (is_heard (sink))
    {
      if (keeps_rate (room, sink, codec, rate_hz))
        return;
      room->n_fading += sink->fade == MEDIA_FADE_NONE;
      sink->fade = MEDIA_FADE_OUT;
      return;
    }
  sink->mix_codec = codec;
  sink->mix_rate_hz = rate_hz;
  sink->format_tick = room->ticks;
}

static void
choose_formats (MediaRoom *room, const Census *census)
{
  memset (room->rate_used, 0, sizeof room->rate_used);
  room->max_rate_hz = 8000;
  for (guint i = 0; i < room->mixing->len; i++)
    {
      MediaSink *sink = g_ptr_array_index (room->mixing, i);

      choose_format (room, sink, census);
      room->rate_used[media_rate_index (sink->mix_rate_hz)] = TRUE;
      room->max_rate_hz = MAX (room->max_rate_hz, sink->mix_rate_hz);
    }
}

static guint
own_room_mixers (const MediaLeg *leg)
{
  guint n = 0;

  for (guint i = 0; i < leg->n_sections; i++)
    {
      const MediaSink *sink = &leg->sections[i]->sink;

      if (sink->enabled && sink->mode == MEDIA_SINK_MIXING && sink->from == NULL)
        n++;
    }
  return n;
}

/* Sources that somebody mixes get a feed, the others lose theirs. */
static void
set_up_feeds (MediaRoom *room, const Census *census)
{
  for (guint i = 0; i < room->legs->len; i++)
    {
      MediaLeg *leg = g_ptr_array_index (room->legs, i);

      for (guint k = 0; k < leg->n_sections; k++)
        {
          MediaSource *source = &leg->sections[k]->source;
          const gboolean mixed
              = source->ending
                || (source->audible
                    && (source->n_track_mixers > 0 || source->recorded || room->n_recording > 0
                        || census->n_room_mixers > own_room_mixers (leg)));

          media_source_set_mixed (source, mixed, room->max_rate_hz);
          if (mixed)
            g_ptr_array_add (room->mixed, source);
        }
    }
}

static MediaMeasure
choose_measure (const MediaRoom *room, const MediaSource *source)
{
  MediaMeasure measure = room->is_unheard && !source->mixed ? MEDIA_MEASURE_NEVER : MEDIA_MEASURE_ALWAYS;

  for (guint i = 0; i < source->forward_to->len; i++)
    {
      const MediaSink *sink = g_ptr_array_index (source->forward_to, i);

      if (media_sink_shows_level (sink))
        return MEDIA_MEASURE_ALWAYS;
      if (sink->leg->config.always_send)
        measure = MIN (measure, MEDIA_MEASURE_SELDOM);
    }
  return measure;
}

void
media_room_route_levels (MediaRoom *room)
{
  for (guint i = 0; i < room->legs->len; i++)
    {
      const MediaLeg *leg = g_ptr_array_index (room->legs, i);

      for (guint k = 0; k < leg->n_sections; k++)
        {
          MediaSource *source = &leg->sections[k]->source;
          const MediaMeasure measure = choose_measure (room, source);

          if (source->measure != measure)
            source->level_age = MEDIA_LEVEL_AGE_OLD;
          source->measure = measure;
        }
    }
}

void
media_room_route (MediaRoom *room)
{
  Census census = { 0 };

  room->dirty = FALSE;
  room->still = FALSE;
  room->route_at_tick = 0;
  g_ptr_array_set_size (room->sources, 0);
  g_ptr_array_set_size (room->mixed, 0);
  g_ptr_array_set_size (room->mixing, 0);
  g_ptr_array_set_size (room->watched, 0);
  g_ptr_array_set_size (room->playing, 0);
  g_ptr_array_set_size (room->dialling, 0);
  room->n_chosen = 0;
  room->n_fading = 0;
  room->stats.n_forwarding = room->stats.n_mixing = room->stats.n_idle = 0;
  for (guint i = 0; i < room->legs->len; i++)
    clear_leg (g_ptr_array_index (room->legs, i));
  for (guint i = 0; i < room->legs->len; i++)
    collect_sources (room, g_ptr_array_index (room->legs, i), &census);
  for (guint i = 0; i < room->legs->len; i++)
    {
      MediaLeg *leg = g_ptr_array_index (room->legs, i);

      if (leg->plays != NULL && leg->plays->len > 0)
        g_ptr_array_add (room->playing, leg);
      for (guint k = 0; k < leg->n_sections; k++)
        {
          MediaSink *sink = &leg->sections[k]->sink;

          if (sink->digits != NULL)
            g_ptr_array_add (room->dialling, sink);
          if (sink->enabled)
            route_sink (room, sink, &census);
          else
            media_sink_unroute (sink);
        }
    }
  choose_formats (room, &census);
  media_room_route_recorders (room);
  set_up_feeds (room, &census);
  media_room_route_levels (room);
}
