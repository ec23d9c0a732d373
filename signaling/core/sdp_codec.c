#include "signaling/core/sdp_codec.h"

#include <string.h>

static const SigSdpCodec codecs[] = {
  { "opus", 48000, 2, 111, "minptime=10;useinbandfec=1" }, /* RFC 7587: always 48000/2 */
  { "G722", 8000, 1, 9, NULL },
  { "PCMU", 8000, 1, 0, NULL },
  { "PCMA", 8000, 1, 8, NULL },
};

const SigSdpCodec *
sig_sdp_codec_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (codecs); i++)
    if (g_ascii_strcasecmp (codecs[i].name, name) == 0)
      return &codecs[i];
  return NULL;
}

gboolean
sig_sdp_mid_in_group (const char *mids, const char *mid)
{
  gsize n = strlen (mid);

  if (n == 0)
    return FALSE;
  while (*mids != '\0')
    {
      gsize word = strcspn (mids, " ");

      if (word == n && memcmp (mids, mid, n) == 0)
        return TRUE;
      mids += word;
      mids += strspn (mids, " ");
    }
  return FALSE;
}

gboolean
sig_sdp_text_is_clean (const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_isprint (*p))
      return FALSE;
  return TRUE;
}
