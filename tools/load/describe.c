#include "tools/load/describe.h"

#include <string.h>

#define OPUS_PAYLOAD_TYPE  111u
#define EVENT_PAYLOAD_TYPE 101u

guint8
load_describe_payload_type (MediaCodecId codec)
{
  const int fixed = media_codec_get_static_payload_type (media_codec_get (codec));

  return fixed >= 0 ? (guint8)fixed : (guint8)OPUS_PAYLOAD_TYPE;
}

static void
add_codec (GString *sdp, const LoadOffer *offer, MediaCodecId id)
{
  const MediaCodec *codec = media_codec_get (id);
  const guint channels = media_codec_get_channels (codec);

  g_string_append_printf (sdp, "a=rtpmap:%u %s/%u%s\r\n", load_describe_payload_type (id),
                          media_codec_get_name (codec), media_codec_get_clock_rate (codec),
                          channels == 2 ? "/2" : "");
  if (id == MEDIA_CODEC_OPUS && offer->playback_rate_hz > 0)
    g_string_append_printf (sdp, "a=fmtp:%u maxplaybackrate=%u\r\n", load_describe_payload_type (id),
                            offer->playback_rate_hz);
}

char *
load_describe (const LoadOffer *offer)
{
  GString *sdp = g_string_new (NULL);

  g_string_printf (
      sdp, "v=0\r\no=load 1 %" G_GUINT64_FORMAT " IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %u %s",
      offer->version, offer->ip, offer->ip, offer->port, offer->profile);
  for (guint i = 0; i < offer->n_codecs; i++)
    g_string_append_printf (sdp, " %u", load_describe_payload_type (offer->codecs[i]));
  g_string_append_printf (sdp, " %u\r\n", EVENT_PAYLOAD_TYPE);
  for (guint i = 0; i < offer->n_codecs; i++)
    add_codec (sdp, offer, offer->codecs[i]);
  g_string_append_printf (sdp, "a=rtpmap:%u telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\n%s",
                          EVENT_PAYLOAD_TYPE, offer->attributes != NULL ? offer->attributes : "");
  return g_string_free (sdp, FALSE);
}

/* "m=audio PORT PROFILE PAYLOAD-TYPE …" */
static gboolean
read_media_line (const char *line, LoadAnswer *answer)
{
  g_autofree char *text = g_strndup (line, strcspn (line, "\r\n"));
  g_auto (GStrv) words = g_strsplit (text, " ", 5);
  guint64 port, payload_type;

  if (g_strv_length (words) < 4 || !g_ascii_string_to_unsigned (words[1], 10, 1, 65535, &port, NULL)
      || !g_ascii_string_to_unsigned (words[3], 10, 0, 127, &payload_type, NULL))
    return FALSE;
  answer->port = (guint16)port;
  answer->payload_type = (guint8)payload_type;
  return TRUE;
}

gboolean
load_describe_read (const char *sdp, LoadAnswer *answer)
{
  const char *media = strstr (sdp, "\nm=audio ");
  const char *inside = media != NULL ? strstr (media, "\nc=IN IP") : NULL;
  const char *address = inside != NULL ? inside : strstr (sdp, "\nc=IN IP");

  *answer = (LoadAnswer){ 0 };
  if (media == NULL || address == NULL || !read_media_line (media + 1, answer))
    return FALSE;
  address += strlen ("\nc=IN IP4");
  address += *address == ' ';
  g_strlcpy (answer->ip, address, MIN (sizeof answer->ip, strcspn (address, "\r\n/ ") + 1));
  return answer->ip[0] != '\0';
}

char *
load_describe_attribute (const char *sdp, const char *name, guint nth)
{
  g_autofree char *key = g_strdup_printf ("\na=%s:", name);

  for (const char *at = strstr (sdp, key); at != NULL; at = strstr (at + 1, key))
    if (nth-- == 0)
      {
        const char *value = at + strlen (key);

        return g_strndup (value, strcspn (value, "\r\n"));
      }
  return NULL;
}
