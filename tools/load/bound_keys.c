#include "tools/load/bound.h"

#include <string.h>

void
load_bound_keys (MediaSrtpKeys *keys)
{
  memset (keys, 0, sizeof *keys);
  keys->profile = MEDIA_SRTP_AEAD_AES_128_GCM;
  memset (keys->key, 0x5a, media_srtp_profile_key_length (keys->profile));
  memset (keys->salt, 0xa5, media_srtp_profile_salt_length (keys->profile));
}
