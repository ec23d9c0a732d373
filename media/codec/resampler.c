#include "media/codec/resampler.h"

#include "config/base/error.h"
#include "media/codec/polyphase.h"

#include <errno.h>
#include <speex/speex_resampler.h>

#define QUALITY 3 /* lower ones are slower in this library, higher ones are not heard in speech */

struct _MediaResampler
{
  SpeexResamplerState *speex; /* or */
  MediaPolyphase *polyphase;
  guint in_rate_hz;
  guint out_rate_hz;
};

static gboolean
rate_is_known (guint rate_hz)
{
  return rate_hz == 8000 || rate_hz == 16000 || rate_hz == 48000;
}

static MediaResampler *
resampler_new (guint in_rate_hz, guint out_rate_hz, GError **error)
{
  SpeexResamplerState *speex;
  MediaResampler *resampler;
  int status = RESAMPLER_ERR_SUCCESS;

  speex = speex_resampler_init (1, in_rate_hz, out_rate_hz, QUALITY, &status);
  if (speex == NULL)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INTERNAL, "No resampler: %s",
                   speex_resampler_strerror (status));
      return NULL;
    }
  resampler = g_new0 (MediaResampler, 1);
  resampler->speex = speex;
  resampler->in_rate_hz = in_rate_hz;
  resampler->out_rate_hz = out_rate_hz;
  return resampler;
}

static gboolean
refuse (guint in_rate_hz, guint out_rate_hz, GError **error)
{
  g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "No sample rate conversion from %u to %u Hz",
               in_rate_hz, out_rate_hz);
  return FALSE;
}

/* speexdsp: with up to eight places between two samples a coefficient is looked up, else interpolated. */
static gboolean
is_fast (guint in_rate_hz, guint out_rate_hz)
{
  for (guint places = 1; places <= 8; places++)
    if ((guint64)in_rate_hz * places % out_rate_hz == 0)
      return TRUE;
  return FALSE;
}

MediaResampler *
media_resampler_new (guint in_rate_hz, guint out_rate_hz, GError **error)
{
  if ((!rate_is_known (in_rate_hz) || !rate_is_known (out_rate_hz))
      && !refuse (in_rate_hz, out_rate_hz, error))
    return NULL;
  return resampler_new (in_rate_hz, out_rate_hz, error);
}

MediaResampler *
media_resampler_new_from (guint in_rate_hz, guint out_rate_hz, GError **error)
{
  MediaPolyphase *polyphase;

  if ((in_rate_hz < 4000 || in_rate_hz > 192000 || !rate_is_known (out_rate_hz))
      && !refuse (in_rate_hz, out_rate_hz, error))
    return NULL;
  polyphase = is_fast (in_rate_hz, out_rate_hz) ? NULL : media_polyphase_new (in_rate_hz, out_rate_hz);
  if (polyphase != NULL)
    {
      MediaResampler *resampler = g_new0 (MediaResampler, 1);

      *resampler
          = (MediaResampler){ .polyphase = polyphase, .in_rate_hz = in_rate_hz, .out_rate_hz = out_rate_hz };
      return resampler;
    }
  return resampler_new (in_rate_hz, out_rate_hz, error);
}

void
media_resampler_free (MediaResampler *resampler)
{
  if (resampler == NULL)
    return;
  if (resampler->speex != NULL)
    speex_resampler_destroy (resampler->speex);
  media_polyphase_free (resampler->polyphase);
  g_free (resampler);
}

void
media_resampler_reset (MediaResampler *resampler)
{
  if (resampler->polyphase != NULL)
    media_polyphase_reset (resampler->polyphase);
  else
    (void)speex_resampler_reset_mem (resampler->speex);
}

gssize
media_resampler_process (MediaResampler *resampler, const gint16 *in, gsize samples, gint16 *out,
                         gsize capacity)
{
  gsize wanted = (samples * resampler->out_rate_hz + resampler->in_rate_hz - 1) / resampler->in_rate_hz;
  spx_uint32_t in_length = (spx_uint32_t)samples;
  spx_uint32_t out_length = (spx_uint32_t)capacity;

  if (capacity < wanted)
    return -ENOSPC;
  if (resampler->polyphase != NULL)
    return (gssize)media_polyphase_process (resampler->polyphase, in, samples, out);
  if (speex_resampler_process_int (resampler->speex, 0, in, &in_length, out, &out_length)
      != RESAMPLER_ERR_SUCCESS)
    return -ENOSPC;
  return (gssize)out_length;
}
