#include "media/leg_private.h"

MediaLegState *
media_leg_state_new (void)
{
  return MEDIA_NEW_LINES (MediaLegState);
}

void
media_leg_state_free (MediaLegState *state)
{
  media_srtp_keys_clear (&state->local_keys);
  media_srtp_keys_clear (&state->remote_keys);
  g_aligned_free (state);
}

static void
export_section (const MediaSection *section, MediaSectionState *state)
{
  g_strlcpy (state->mid, section->plan.mid, sizeof state->mid);
  state->track = section->source.track;
  state->have_codec_in = section->source.have_codec;
  state->codec_in = section->source.codec;
  state->received = section->source.received;
  state->packets_in = section->source.packets;
  state->bytes_in = section->source.bytes;
  state->discarded = section->source.discarded;
  state->have_codec_out = section->sink.have_codec;
  state->codec_out = section->sink.codec;
  for (guint i = 0; i < MEDIA_CODEC_N; i++)
    state->streams[i] = section->sink.streams[i];
  state->packets_before = section->sink.packets_before;
  state->bytes_before = section->sink.bytes_before;
  state->lost_before = section->sink.lost_before;
}

void
media_leg_export (const MediaLeg *leg, MediaLegState *state, CfgMonotonic now)
{
  state->id = leg->config.id;
  state->media_started = leg->media_started;
  state->silent_for_us = leg->have_received ? cfg_monotonic_diff_us (now, leg->received_at) : -1;
  state->n_sections = leg->n_sections;
  for (guint i = 0; i < leg->n_sections; i++)
    export_section (leg->sections[i], &state->sections[i]);
}

static void
import_section (MediaSection *section, const MediaSectionState *state)
{
  section->source.have_codec = state->have_codec_in;
  if (state->have_codec_in)
    section->source.codec = state->codec_in;
  section->source.received = state->received;
  section->source.packets = state->packets_in;
  section->source.bytes = state->bytes_in;
  section->source.discarded = state->discarded;
  section->sink.have_codec = state->have_codec_out;
  section->sink.codec = state->codec_out;
  section->sink.wants_announced &= !state->have_codec_out;
  section->sink.packets_before = state->packets_before;
  section->sink.bytes_before = state->bytes_before;
  section->sink.lost_before = state->lost_before;
  for (guint i = 0; i < MEDIA_CODEC_N; i++)
    {
      section->sink.streams[i] = state->streams[i];
      section->sink.streams[i].rewriter.source = 0; /* names of sources are this process's own */
    }
  media_source_configure (&section->source);
  media_sink_configure (&section->sink);
}

void
media_leg_import (MediaLeg *leg, const MediaLegState *state, CfgMonotonic now)
{
  leg->media_started = state->media_started;
  leg->have_received = state->silent_for_us >= 0;
  leg->received_at = cfg_monotonic_add_us (now, -MAX (state->silent_for_us, 0));
  for (guint i = 0; i < MIN (leg->n_sections, state->n_sections); i++)
    import_section (leg->sections[i], &state->sections[i]);
  if (leg->room != NULL)
    media_room_changed (leg->room);
}
