/* One fuzz target per component that takes remote bytes. A target is a function that feeds any bytes to its
 * component and asserts what must hold whatever they are; it is run in two ways:
 *
 *   fuzz_runner.c     in the normal test suite, with any compiler: the seeds, the recorded inputs of
 *                     corpus/NAME/, and a fixed number of mutations from a fixed seed
 *   fuzz_libfuzzer.c  with clang and `meson setup -Dfuzz=true`: coverage-guided, for as long as one likes
 *
 * Every crash found becomes a file in corpus/NAME/, named after what was wrong. */
#pragma once

#include <glib.h>

typedef struct
{
  const void *data;
  gsize size;
} FuzzSeed;

#define FUZZ_TEXT(text)                                                                                      \
  {                                                                                                          \
    (text), sizeof (text) - 1                                                                                \
  }

typedef struct
{
  const char *name;
  void (*run) (const guint8 *data, gsize size);
  const FuzzSeed *seeds; /* valid inputs, from which mutations start */
  gsize n_seeds;
  const char *seed_glob; /* (nullable): further seeds are the files whose names end so, in $FUZZ_SEED_DIR */
  const char *const *words; /* (nullable): NULL-terminated: pieces of the component's language */
  guint rounds;             /* mutations in the test suite; 0: 3000 */
  void (*more_seeds) (void (*add) (const void *data, gsize size)); /* (nullable): seeds that are made */
} FuzzTarget;

/* Each target's file defines it. */
extern const FuzzTarget fuzz_target;

/* Reads an input as a row of small decisions. Behind the end everything is zero. */
typedef struct
{
  const guint8 *at, *end;
} FuzzBytes;

static inline guint8
fuzz_u8 (FuzzBytes *bytes)
{
  return bytes->at < bytes->end ? *bytes->at++ : 0;
}

static inline guint16
fuzz_u16 (FuzzBytes *bytes)
{
  guint high = fuzz_u8 (bytes);

  return (guint16)(high << 8 | fuzz_u8 (bytes));
}

static inline guint32
fuzz_u32 (FuzzBytes *bytes)
{
  guint32 high = fuzz_u16 (bytes);

  return high << 16 | fuzz_u16 (bytes);
}

static inline gboolean
fuzz_more (const FuzzBytes *bytes)
{
  return bytes->at < bytes->end;
}

/* fuzz_block: the next @size bytes, or fewer at the end, in memory of exactly that size, so that the address
 * sanitizer sees every step too far. (transfer full) */
guint8 *fuzz_block (FuzzBytes *bytes, gsize size, gsize *got) G_GNUC_WARN_UNUSED_RESULT;
/* fuzz_text: the whole input as a text of exactly that size, NUL behind it. (transfer full) */
char *fuzz_text (const guint8 *data, gsize size) G_GNUC_WARN_UNUSED_RESULT;
