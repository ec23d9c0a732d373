/* Why calls end, in words that do not change. */
#include "gateway/core/cause.h"

#include "gateway/core/sip_status.h"

static void
test_words (void)
{
  g_auto (GStrv) words = g_strsplit (GW_CAUSE_WORDS, " ", -1);
  guint i;

  for (i = 0; words[i] != NULL; i++)
    {
      g_assert_nonnull (gw_cause (i));
      g_assert_cmpstr (gw_cause (i)->word, ==, words[i]);
      g_assert_cmpstr (gw_cause_text (words[i]), ==, gw_cause (i)->text);
      g_assert_cmpint (gw_cause_q850 (words[i], 486), >, 0);
      g_assert_cmpint (gw_cause_q850 (words[i], 0), <=, 127);
      /* LiveKit's word for it is known, too; a refusal's is that of its status. */
      if (gw_cause (i)->q850 != 0)
        g_assert_cmpstr (gw_disconnect_reason (words[i], 0), !=, NULL);
    }
  g_assert_null (gw_cause (i));
  g_assert_null (gw_cause_text ("no_such_word"));
}

static void
test_q850 (void)
{
  static const struct
  {
    const char *word;
    int status, q850;
  } rows[] = {
    { "remote_bye", 0, 16 },  { "rejected", 486, 17 },           { "rejected", 404, 1 },
    { "rejected", 603, 21 },  { "rejected", 480, 18 },           { "rejected", 488, 58 },
    { "rejected", 503, 41 },  { "rejected", 499, 127 },          { "timeout", 408, 102 },
    { "failed", 0, 31 },      { "callee_not_reached", 486, 17 }, { "media_timeout", 0, 102 },
    { "room_full", 486, 17 }, { "unheard_of", 0, 31 },           { "unheard_of", 404, 1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpint (gw_cause_q850 (rows[i].word, rows[i].status), ==, rows[i].q850);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/cause/every_word_is_explained", test_words);
  g_test_add_func ("/gateway/cause/q850", test_q850);
  return g_test_run ();
}
