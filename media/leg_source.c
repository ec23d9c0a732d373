/* What a peer sends in one section. A packet's way: statistics, then (audio) level, sinks that forward it,
 * and the feed if somebody mixes it; (telephone-event) digits; (comfort noise) sinks that take it and
 * feed.
 *
 * Who speaks is known without decoding where the level comes with the packet (RFC 6464) and costs nothing for
 * G.711, whose octets are levels. A G.722 or Opus source without that extension (a SIP phone) is decoded by a
 * mix anyway; while it is only forwarded, one packet in LEVEL_CADENCE is decoded at 8 kHz for its level
 * alone, about 0.01 % of a core. Decoding with gaps sounds bad and measures well. Where nobody asks who
 * speaks, only the level between words is of use, for the comfort noise of phones. */
#include "media/leg_private.h"

#include <string.h>

#define LEVEL_CADENCE 5
/* So many packets of one length in a row are what a source sends; a change moves it to other sinks' ways. */
#define STEADY_PACKETS 10

static guint64
next_serial (void)
{
  static guint64 serial; /* worker threads all make sources */

  return __atomic_add_fetch (&serial, 1, __ATOMIC_RELAXED);
}

void
media_source_init (MediaSource *source, MediaSection *section, MediaLeg *leg)
{
  source->leg = leg;
  source->section = section;
  source->serial = next_serial ();
  source->forward_to = g_ptr_array_new ();
  source->level = MEDIA_LEVEL_SILENCE;
  source->level_age = MEDIA_LEVEL_AGE_OLD;
  memset (source->kind_of_pt, MEDIA_PT_UNKNOWN, sizeof source->kind_of_pt);
  media_receiver_stats_init (&source->received, 8000, leg->config.authenticated ? 0 : 2);
  media_dtmf_receiver_init (&source->dtmf, 8000);
  media_speech_init (&source->speech);
  media_normalizer_init (&source->normalizer);
}

void
media_source_clear (MediaSource *source)
{
  g_clear_pointer (&source->forward_to, g_ptr_array_unref);
  g_clear_pointer (&source->level_decoder, media_decoder_free);
  g_clear_pointer (&source->feed, media_feed_free);
  media_source_clear_tones (source);
}

void
media_source_configure (MediaSource *source)
{
  const MediaPlanSection *plan = &source->section->plan;

  source->received.min_sequential = source->leg->authenticated ? 0 : 2;
  source->enabled = plan->is_audio && plan->receive && plan->n_codecs > 0;
  source->track = source->enabled ? plan->source_track : 0;
  media_source_configure_tones (source);
  memset (source->kind_of_pt, MEDIA_PT_UNKNOWN, sizeof source->kind_of_pt);
  if (!source->enabled)
    return;
  if (plan->cn_pt != 0)
    source->kind_of_pt[plan->cn_pt & 0x7f] = MEDIA_PT_NOISE;
  for (guint i = 0; i < MIN (plan->n_dtmf_recv_pts, G_N_ELEMENTS (plan->dtmf_recv_pts)); i++)
    source->kind_of_pt[plan->dtmf_recv_pts[i] & 0x7f] = MEDIA_PT_DTMF;
  for (guint i = 0; i < plan->n_codecs; i++)
    source->kind_of_pt[plan->codecs[i].recv_pt & 0x7f] = (guint8)plan->codecs[i].codec;
  if (source->packets == 0)
    {
      source->codec = plan->codecs[0].codec;
      media_receiver_stats_set_clock_rate (&source->received,
                                           media_codec_get_clock_rate (media_codec_get (source->codec)));
    }
  source->levels_arrive
      = plan->ext_level_id != 0 || source->codec == MEDIA_CODEC_PCMU || source->codec == MEDIA_CODEC_PCMA;
}

static void
set_codec (MediaSource *source, MediaCodecId codec)
{
  const guint clock_rate_hz = media_codec_get_clock_rate (media_codec_get (codec));

  if (source->codec == codec)
    return;
  source->codec = codec;
  source->levels_arrive
      = source->section->plan.ext_level_id != 0 || codec == MEDIA_CODEC_PCMU || codec == MEDIA_CODEC_PCMA;
  if (source->received.clock_rate_hz != clock_rate_hz)
    media_receiver_stats_set_clock_rate (&source->received, clock_rate_hz);
  if (source->feed != NULL && media_feed_get_clock_rate (source->feed) != clock_rate_hz)
    {
      media_source_set_mixed (source, FALSE, 0);
      media_source_set_mixed (source, TRUE, 48000);
    }
  if (source->leg->room != NULL)
    media_room_changed (source->leg->room);
}

static void
measure_by_decoding (MediaSource *source, const MediaCodec *codec, const MediaRtpView *packet)
{
  gint16 pcm[MEDIA_CODEC_SAMPLES_MAX / 6];
  gssize samples;

  if (source->level_decoder != NULL && media_decoder_get_codec (source->level_decoder) != codec)
    g_clear_pointer (&source->level_decoder, media_decoder_free);
  if (source->level_decoder == NULL)
    source->level_decoder = media_decoder_new (codec, 8000, NULL);
  if (source->level_decoder == NULL)
    return;
  samples = media_decoder_decode (source->level_decoder, packet->payload, packet->payload_size, pcm,
                                  G_N_ELEMENTS (pcm));
  if (samples > 0)
    source->level = media_level_of_pcm (pcm, (gsize)samples);
}

static void
measure (MediaSource *source, const MediaCodec *codec, const MediaRtpView *packet, CfgMonotonic now)
{
  const guint8 id = source->section->plan.ext_level_id;
  gboolean voice;

  if (source->measure == MEDIA_MEASURE_NEVER)
    return;
  if (id == 0 || !media_level_read (packet, id, &source->level, &voice))
    {
      const gboolean cheap = source->codec == MEDIA_CODEC_PCMU || source->codec == MEDIA_CODEC_PCMA;

      /* The mix decodes it for us, unless it relies on an extension that does not come. */
      if (!cheap && source->mixed && !source->levels_arrive)
        return;
      if ((!cheap || source->measure == MEDIA_MEASURE_SELDOM) && ++source->level_age < LEVEL_CADENCE)
        {
          media_speech_update (&source->speech, source->level, now);
          return;
        }
      source->level_age = 0;
      if (cheap)
        source->level = media_level_of_energy (
            media_codec_energy (codec, packet->payload, packet->payload_size), packet->payload_size);
      else
        measure_by_decoding (source, codec, packet);
    }
  media_speech_update (&source->speech, source->level, now);
}

/* a=ptime is a wish (RFC 8866 6.4): what counts for who may be forwarded is what comes. */
static void
note_packet_time (MediaSource *source, guint ms)
{
  if (ms == source->packet_ms)
    {
      source->n_next = 0;
      return;
    }
  source->n_next = ms == source->next_packet_ms ? source->n_next + 1 : 1;
  source->next_packet_ms = ms;
  if (source->n_next < STEADY_PACKETS)
    return;
  source->packet_ms = ms;
  source->n_next = 0;
  if (source->leg->room != NULL)
    media_room_changed (source->leg->room);
}

static void
note_length (MediaSource *source, gsize octets, guint32 units, CfgMonotonic now)
{
  const guint32 frame_units
      = media_codec_get_clock_rate (media_codec_get (source->codec)) / 1000 * MEDIA_FRAME_MS;

  if (octets * frame_units <= (gsize)MEDIA_SOURCE_TINY_OCTETS * MIN (units, frame_units))
    {
      source->n_tiny++;
      return;
    }
  source->n_tiny = 0;
  source->long_at = now;
}

static void
receive_audio (MediaSource *source, const MediaRtpView *packet, CfgMonotonic now)
{
  const MediaCodec *codec = media_codec_get (source->codec);
  const guint32 units = media_codec_duration (codec, packet->payload, packet->payload_size);

  if (units == 0)
    {
      source->discarded++;
      return;
    }
  note_length (source, packet->payload_size, units, now);
  note_packet_time (source, units * 1000 / media_codec_get_clock_rate (codec));
  measure (source, codec, packet, now);
  if (source->tone_keys != NULL)
    media_source_listen_for_tones (source, codec, packet, now);
  if (!source->audible)
    return;
  for (guint i = 0; i < source->forward_to->len; i++)
    media_sink_forward (g_ptr_array_index (source->forward_to, i), source, packet, units, now);
  if (source->feed != NULL)
    media_feed_push (source->feed, codec, packet, units, now);
}

static void
receive_noise (MediaSource *source, const MediaRtpView *packet, CfgMonotonic now)
{
  if (packet->payload_size > 0)
    {
      source->tells_noise = TRUE;
      source->noise_level = packet->payload[0] & 0x7f;
    }
  if (!source->audible)
    return;
  for (guint i = 0; i < source->forward_to->len; i++)
    media_sink_forward_noise (g_ptr_array_index (source->forward_to, i), source, packet, now);
  if (source->feed != NULL)
    media_feed_push_noise (source->feed, packet, now);
}

static void
tell_digit (MediaSource *source, const MediaDtmfEvent *event)
{
  MediaLeg *leg = source->leg;

  if (event->kind == MEDIA_DTMF_END)
    leg->ops->dtmf (leg->user, event->digit, event->duration_ms);
}

static guint
dtmf_rate_hz (const MediaSource *source, guint8 payload_type)
{
  const MediaPlanSection *plan = &source->section->plan;

  for (guint i = 0; i < MIN (plan->n_dtmf_recv_pts, G_N_ELEMENTS (plan->dtmf_recv_pts)); i++)
    if (plan->dtmf_recv_pts[i] == payload_type && plan->dtmf_recv_rates_hz[i] != 0)
      return plan->dtmf_recv_rates_hz[i];
  return media_codec_get_clock_rate (media_codec_get (source->codec));
}

static void
receive_dtmf (MediaSource *source, const MediaRtpView *packet, CfgMonotonic now)
{
  const guint rate_hz = dtmf_rate_hz (source, packet->payload_type);
  MediaDtmfEvent events[MEDIA_DTMF_EVENTS_MAX];
  guint n;

  if (source->dtmf.clock_rate_hz != rate_hz && !source->dtmf.open)
    media_dtmf_receiver_init (&source->dtmf, rate_hz);
  n = media_dtmf_receiver_push (&source->dtmf, packet, now, events);
  for (guint i = 0; i < n; i++)
    tell_digit (source, &events[i]);
  for (guint i = 0; i < source->forward_to->len; i++)
    ((MediaSink *)g_ptr_array_index (source->forward_to, i))->epoch++;
  if (source->feed != NULL)
    media_feed_skip (source->feed, packet);
}

static void
tell_started (MediaSource *source)
{
  MediaLeg *leg = source->leg;

  source->have_codec = TRUE;
  if (leg->media_started)
    return;
  leg->media_started = TRUE;
  leg->ops->media_started (leg->user, media_codec_get_name (media_codec_get (source->codec)));
}

void
media_source_receive (MediaSource *source, const MediaRtpView *packet, CfgMonotonic now)
{
  const guint8 kind = source->kind_of_pt[packet->payload_type & 0x7f];
  MediaReceiveResult result;

  if (!source->enabled || kind == MEDIA_PT_UNKNOWN)
    {
      source->discarded++;
      return;
    }
  if (kind < MEDIA_CODEC_N)
    set_codec (source, (MediaCodecId)kind);
  /* What is only forwarded goes out when it is read, and is as late as that for whoever gets it. */
  if (source->feed != NULL && source->leg->ops->arrival != NULL)
    now = source->leg->ops->arrival (source->leg->user, now);
  result = media_receiver_stats_add (&source->received, packet, kind < MEDIA_CODEC_N, now);
  if (result == MEDIA_RECEIVE_DUPLICATE || result == MEDIA_RECEIVE_BAD || result == MEDIA_RECEIVE_PROBATION)
    {
      if (result != MEDIA_RECEIVE_PROBATION)
        source->discarded++;
      return;
    }
  if (result == MEDIA_RECEIVE_RESTARTED && source->feed != NULL)
    media_feed_reset (source->feed);
  source->packets++;
  source->bytes += packet->payload_size;
  if (kind < MEDIA_CODEC_N)
    {
      if (!source->have_codec)
        tell_started (source);
      receive_audio (source, packet, now);
    }
  else if (kind == MEDIA_PT_NOISE)
    receive_noise (source, packet, now);
  else
    receive_dtmf (source, packet, now);
}

void
media_source_housekeep (MediaSource *source, CfgMonotonic now)
{
  MediaDtmfEvent event;

  if (media_dtmf_receiver_poll (&source->dtmf, now, &event))
    tell_digit (source, &event);
  media_source_poll_tones (source, now);
}

static void
add_up (MediaSource *source)
{
  MediaFeedStats stats;

  media_feed_get_stats (source->feed, &stats);
  source->concealed_before += stats.concealed;
  source->late_before += stats.late + stats.overflow;
}

MediaFeed *
media_source_take_feed (MediaSource *source)
{
  if (source->feed != NULL)
    {
      add_up (source);
      media_feed_keep_normalizer (source->feed);
    }
  source->mixed = FALSE;
  source->chosen = source->in_file = FALSE;
  return g_steal_pointer (&source->feed);
}

void
media_source_set_mixed (MediaSource *source, gboolean mixed, guint rate_hz)
{
  source->mixed = mixed;
  if (!mixed && source->feed != NULL)
    {
      add_up (source);
      g_clear_pointer (&source->feed, media_feed_free);
      source->chosen = source->in_file = FALSE;
    }
  if (!mixed)
    return;
  if (source->feed == NULL)
    source->feed = media_feed_new (media_codec_get_clock_rate (media_codec_get (source->codec)));
  media_feed_set_rate (source->feed, rate_hz);
  if (!source->section->plan.normalizes)
    media_normalizer_init (&source->normalizer);
  media_feed_set_normalizer (source->feed, source->section->plan.normalizes ? &source->normalizer : NULL);
}

guint64
media_source_concealed (const MediaSource *source)
{
  MediaFeedStats stats = { 0 };

  if (source->feed != NULL)
    media_feed_get_stats (source->feed, &stats);
  return source->concealed_before + stats.concealed;
}

guint64
media_source_late (const MediaSource *source)
{
  MediaFeedStats stats = { 0 };

  if (source->feed != NULL)
    media_feed_get_stats (source->feed, &stats);
  return source->late_before + stats.late + stats.overflow;
}
