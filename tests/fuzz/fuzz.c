#include "tests/fuzz/fuzz.h"

#include <string.h>

guint8 *
fuzz_block (FuzzBytes *bytes, gsize size, gsize *got)
{
  gsize left = (gsize)(bytes->end - bytes->at);
  guint8 *block;

  *got = MIN (size, left);
  block = g_malloc (MAX (*got, 1));
  if (*got > 0)
    memcpy (block, bytes->at, *got);
  bytes->at += *got;
  return block;
}

char *
fuzz_text (const guint8 *data, gsize size)
{
  char *text = g_malloc (size + 1);

  if (size > 0)
    memcpy (text, data, size);
  text[size] = '\0';
  return text;
}
