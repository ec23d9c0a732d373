#include "gateway/core/sip_status.h"

/* What a caller is told when his callee gave each answer there is. */
static void
test_relayed (void)
{
  static const struct
  {
    int from, to, told; /* told 0: the same */
  } ranges[] = {
    { 0, 399, 480 },   { 400, 400, 0 },   { 401, 401, 403 }, { 402, 406, 0 },   { 407, 407, 403 },
    { 408, 410, 0 },   { 411, 411, 500 }, { 412, 414, 0 },   { 415, 415, 500 }, { 416, 419, 0 },
    { 420, 423, 500 }, { 424, 490, 0 },   { 491, 491, 500 }, { 492, 492, 0 },   { 493, 494, 500 },
    { 495, 502, 0 },   { 503, 503, 500 }, { 504, 699, 0 },   { 700, 999, 500 },
  };
  int next = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (ranges); i++)
    {
      g_assert_cmpint (ranges[i].from, ==, next);
      for (; next <= ranges[i].to; next++)
        g_assert_cmpint (gw_sip_relayed_status (next), ==, ranges[i].told != 0 ? ranges[i].told : next);
    }
  g_assert_cmpint (next, ==, 1000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/sip_status/relayed", test_relayed);
  return g_test_run ();
}
