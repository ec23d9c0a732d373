#include "config/base/ids.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

/* Without 0/O, 1/I/l: ids are read aloud and typed by people. */
static const char alphabet[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

void
cfg_random_bytes (void *out, gsize size)
{
  guint8 *at = out;

  while (size > 0)
    {
      gssize got = getrandom (at, size, 0);

      if (got < 0)
        {
          g_assert (errno == EINTR);
          continue;
        }
      at += got;
      size -= (gsize)got;
    }
}

guint32
cfg_random_u32 (void)
{
  guint32 value;

  cfg_random_bytes (&value, sizeof value);
  return value;
}

guint64
cfg_random_u64 (void)
{
  guint64 value;

  cfg_random_bytes (&value, sizeof value);
  return value;
}

char *
cfg_id_new (const char *prefix)
{
  GString *id = g_string_new (prefix);
  guint8 random[12];

  /* 57 letters from a byte: a bias of 1/256 that costs a fraction of a bit. */
  cfg_random_bytes (random, sizeof random);
  for (gsize i = 0; i < sizeof random; i++)
    g_string_append_c (id, alphabet[random[i] % (sizeof alphabet - 1)]);
  return g_string_free (id, FALSE);
}

char *
cfg_id_stable (const char *prefix, const char *name)
{
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, name, -1);

  return g_strdup_printf ("%s%.12s", prefix, sum);
}

gboolean
cfg_secret_equal (const char *expected, const char *given)
{
  gsize expected_size, given_size;
  volatile guint8 different;

  if (expected == NULL || given == NULL)
    return FALSE;
  expected_size = strlen (expected);
  given_size = strlen (given);
  different = expected_size != given_size;
  for (gsize i = 0; i < given_size; i++)
    different |= (guint8)(given[i] ^ (expected_size > 0 ? expected[i % expected_size] : 0));
  return !different;
}
