/* A small seeded generator for tests: the same row of numbers on every machine (xorshift64*). */
#pragma once

#include <glib.h>

typedef struct
{
  guint64 state;
} TestRandom;

static inline TestRandom
test_random (guint64 seed)
{
  return (TestRandom){ seed * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15) + 1 };
}

static inline guint32
test_random_next (TestRandom *random)
{
  random->state ^= random->state >> 12;
  random->state ^= random->state << 25;
  random->state ^= random->state >> 27;
  return (guint32)(random->state * G_GUINT64_CONSTANT (0x2545f4914f6cdd1d) >> 32);
}

/** test_random_below: 0 … @limit - 1. */
static inline guint32
test_random_below (TestRandom *random, guint32 limit)
{
  return (guint32)((guint64)test_random_next (random) * limit >> 32);
}

/** test_random_unit: 0 ≤ x < 1. */
static inline double
test_random_unit (TestRandom *random)
{
  return test_random_next (random) / 4294967296.0;
}
