/* Mixes one frame of many sources for many listeners: everything is summed once, a listener's mix is that sum
 * with corrections (minus oneself, own gains). int16 in and out, int32 between; a soft limiter instead of
 * clipping. One mixer per sample rate; frames of 20 ms (any length up to 60 ms works). */
#pragma once

#include <glib.h>

#define MEDIA_MIXER_GAIN_UNITY 4096 /* Q12 */
#define MEDIA_MIXER_GAIN_MAX   (8 * MEDIA_MIXER_GAIN_UNITY)

typedef struct _MediaMixer MediaMixer;

/* Gain control of one outgoing mix; zero-initialised is right. Kept by the caller between frames. */
typedef struct
{
  gint32 reduction_q15; /* 0: none, 32768: all */
} MediaLimiter;

/* A listener hears slot @slot with @gain_q12 instead of the gain it was added with. 0: not at all (oneself).
 * While the gain @moves it goes in a line from @was_q12, so that no step is heard. */
typedef struct
{
  guint slot;
  gint32 gain_q12;
  gboolean moves;
  gint32 was_q12;
} MediaMixerOverride;

/* What one listener hears over the mix, and nobody else. */
typedef struct
{
  const gint16 *pcm; /* one frame */
  gint32 gain_q12;
} MediaMixerExtra;

/** media_mixer_new: @samples per frame, for example 160, 320, 960. */
MediaMixer *media_mixer_new (gsize samples) G_GNUC_WARN_UNUSED_RESULT;
void media_mixer_free (MediaMixer *mixer);
gsize media_mixer_get_samples (const MediaMixer *mixer);

/** media_mixer_begin: forgets the last frame. */
void media_mixer_begin (MediaMixer *mixer);
/**
 * media_mixer_add:
 * @pcm: one frame; borrowed until the next media_mixer_begin
 * @gain_q12: for everybody, 0…MEDIA_MIXER_GAIN_MAX
 * Returns: the slot number for overrides, from 0.
 */
guint media_mixer_add (MediaMixer *mixer, const gint16 *pcm, gint32 gain_q12);
/** media_mixer_add_moving: one whose gain for everybody changes with this frame; in the sum it has gain
 * unity. Listeners with a gain of their own are to be given it as an override. */
guint media_mixer_add_moving (MediaMixer *mixer, const gint16 *pcm, gint32 was_q12, gint32 gain_q12);
/** media_mixer_add_faded: one that comes with this frame, or goes with it: without a step. */
guint media_mixer_add_faded (MediaMixer *mixer, const gint16 *pcm, gint32 gain_q12, gboolean comes);
/** media_mixer_count: sources of this frame. */
guint media_mixer_count (const MediaMixer *mixer);
/**
 * media_mixer_render:
 * @overrides: (nullable): of this listener
 * @limiter: this listener's
 * @out: one frame
 */
void media_mixer_render (MediaMixer *mixer, const MediaMixerOverride *overrides, guint n_overrides,
                         MediaLimiter *limiter, gint16 *out);

/** media_mixer_render_with: the same with @extras over it, before the limiter. */
void media_mixer_render_with (MediaMixer *mixer, const MediaMixerOverride *overrides, guint n_overrides,
                              const MediaMixerExtra *extras, guint n_extras, MediaLimiter *limiter,
                              gint16 *out);

/** media_mixer_accumulate: @sum += @pcm × @gain_q12. */
void media_mixer_accumulate (gint32 *sum, const gint16 *pcm, gsize samples, gint32 gain_q12);
/** media_mixer_accumulate_moving: the same, with the gain on its way from @was_q12. */
void media_mixer_accumulate_moving (gint32 *sum, const gint16 *pcm, gsize samples, gint32 was_q12,
                                    gint32 gain_q12);
/** media_limiter_apply: @sum, a frame summed elsewhere, as @out. */
void media_limiter_apply (MediaLimiter *limiter, const gint32 *sum, gsize samples, gint16 *out);

/** media_mixer_soften: what is above the limiter's ceiling bends towards full scale instead of hitting it. */
gint16 media_mixer_soften (gint64 value);

/** media_mixer_gain_from_db: Q12 gain, clamped to -60 dB (then 0) … +18 dB. */
gint32 media_mixer_gain_from_db (double gain_db);
/** media_mixer_apply_gain: @pcm × @gain_q12 in place, saturating. */
void media_mixer_apply_gain (gint16 *pcm, gsize samples, gint32 gain_q12);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MediaMixer, media_mixer_free)
