/* Profiles and keys: the part of srtp.h that needs no cryptography. */
#include "media/io/srtp.h"

#include <string.h>

#include "config/base/ids.h"

static const struct
{
  MediaSrtpProfile profile;
  const char *name;
  gsize key_length;
  gsize salt_length;
} profiles[] = {
  { MEDIA_SRTP_NONE, "none", 0, 0 },
  { MEDIA_SRTP_AEAD_AES_128_GCM, "AEAD_AES_128_GCM", 16, 12 },
  { MEDIA_SRTP_AEAD_AES_256_GCM, "AEAD_AES_256_GCM", 32, 12 },
  { MEDIA_SRTP_AES128_CM_SHA1_80, "AES_CM_128_HMAC_SHA1_80", 16, 14 },
  { MEDIA_SRTP_AES128_CM_SHA1_32, "AES_CM_128_HMAC_SHA1_32", 16, 14 },
  { MEDIA_SRTP_AES256_CM_SHA1_80, "AES_256_CM_HMAC_SHA1_80", 32, 14 },
  { MEDIA_SRTP_AES256_CM_SHA1_32, "AES_256_CM_HMAC_SHA1_32", 32, 14 },
};

const char *
media_srtp_profile_name (MediaSrtpProfile profile)
{
  g_assert ((gsize)profile < G_N_ELEMENTS (profiles));
  return profiles[profile].name;
}

MediaSrtpProfile
media_srtp_profile_parse (const char *name)
{
  for (gsize i = 1; i < G_N_ELEMENTS (profiles); i++)
    if (g_ascii_strcasecmp (name, profiles[i].name) == 0)
      return profiles[i].profile;
  return MEDIA_SRTP_NONE;
}

gsize
media_srtp_profile_key_length (MediaSrtpProfile profile)
{
  g_assert ((gsize)profile < G_N_ELEMENTS (profiles));
  return profiles[profile].key_length;
}

gsize
media_srtp_profile_salt_length (MediaSrtpProfile profile)
{
  g_assert ((gsize)profile < G_N_ELEMENTS (profiles));
  return profiles[profile].salt_length;
}

void
media_srtp_keys_generate (MediaSrtpKeys *keys, MediaSrtpProfile profile)
{
  memset (keys, 0, sizeof *keys);
  keys->profile = profile;
  cfg_random_bytes (keys->key, media_srtp_profile_key_length (profile));
  cfg_random_bytes (keys->salt, media_srtp_profile_salt_length (profile));
}

char *
media_srtp_keys_to_base64 (const MediaSrtpKeys *keys)
{
  guint8 both[MEDIA_SRTP_MAX_KEY + MEDIA_SRTP_MAX_SALT];
  const gsize key_length = media_srtp_profile_key_length (keys->profile);
  const gsize salt_length = media_srtp_profile_salt_length (keys->profile);
  char *text;

  memcpy (both, keys->key, key_length);
  memcpy (both + key_length, keys->salt, salt_length);
  text = g_base64_encode (both, key_length + salt_length);
  explicit_bzero (both, sizeof both);
  return text;
}

gboolean
media_srtp_keys_from_base64 (MediaSrtpKeys *keys, MediaSrtpProfile profile, const char *base64)
{
  const gsize key_length = media_srtp_profile_key_length (profile);
  const gsize salt_length = media_srtp_profile_salt_length (profile);
  /* Its characters are checked, since GLib's decoder skips what it does not know. */
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const gsize text_length = strnlen (base64, 128);
  const gsize n_digits = strspn (base64, alphabet);
  gsize length = 0;
  guint8 *both;
  gboolean valid;

  media_srtp_keys_clear (keys);
  if (profile == MEDIA_SRTP_NONE || text_length > 64
      || n_digits + strspn (base64 + n_digits, "=") != text_length)
    return FALSE;
  both = g_base64_decode (base64, &length);
  /* Without padding the decoder loses the last bytes, so that the length tells. */
  valid = length == key_length + salt_length;
  if (valid)
    {
      keys->profile = profile;
      memcpy (keys->key, both, key_length);
      memcpy (keys->salt, both + key_length, salt_length);
    }
  explicit_bzero (both, length);
  g_free (both);
  return valid;
}

void
media_srtp_keys_clear (MediaSrtpKeys *keys)
{
  explicit_bzero (keys, sizeof *keys);
}

gboolean
media_srtp_keys_equal (const MediaSrtpKeys *a, const MediaSrtpKeys *b)
{
  return a->profile == b->profile && memcmp (a->key, b->key, sizeof a->key) == 0
         && memcmp (a->salt, b->salt, sizeof a->salt) == 0;
}
