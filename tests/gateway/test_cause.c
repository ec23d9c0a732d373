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
    { "room_full", 486, 17 }, { "limit_reached", 503, 42 },      { "unheard_of", 0, 31 },
    { "unheard_of", 404, 1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpint (gw_cause_q850 (rows[i].word, rows[i].status), ==, rows[i].q850);
}

/* Whatever ends a call from our side has a Reason, in a form that each message may carry. */
static void
test_reasons (void)
{
  static const struct
  {
    const char *word, *bye, *answer;
  } rows[] = {
    { "removed", "Q.850;cause=16;text=\"Removed from the room\"",
      "Q.850;cause=16;text=\"Removed from the room\"" },
    { "server_shutdown", "Q.850;cause=38;text=\"Gateway stopped\"",
      "Q.850;cause=38;text=\"Gateway stopped\"" },
    { "media_timeout", "SIP;cause=408;text=\"Media timeout\"", "Q.850;cause=102;text=\"Media timeout\"" },
    { "bad_sdp", "SIP;cause=488;text=\"Not Acceptable Here\"",
      "Q.850;cause=88;text=\"Not Acceptable Here\"" },
    { "pin_refused", "SIP;cause=403;text=\"PIN refused\"", "Q.850;cause=21;text=\"PIN refused\"" },
    { "replaced", "Q.850;cause=16;text=\"Replaced\"", "Q.850;cause=16;text=\"Replaced\"" },
  };
  static const char *const not_ours[] = { "remote_bye", "remote_cancel",      "rejected",     "timeout",
                                          "failed",     "callee_not_reached", "gateway_died", NULL };
  const GwCause *cause;

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *bye = gw_cause_reason (rows[i].word, GW_CAUSE_IN_BYE);
      g_autofree char *answer = gw_cause_reason (rows[i].word, GW_CAUSE_IN_ANSWER);

      g_assert_cmpstr (bye, ==, rows[i].bye);
      g_assert_cmpstr (answer, ==, rows[i].answer);
      g_assert_cmpint (gw_cause_is_failure (rows[i].word), ==, g_str_has_prefix (bye, "SIP"));
    }
  for (guint i = 0; (cause = gw_cause (i)) != NULL; i++)
    for (int in = GW_CAUSE_IN_BYE; in <= GW_CAUSE_IN_ANSWER; in++)
      {
        g_autofree char *reason = gw_cause_reason (cause->word, (GwCauseIn)in);

        g_test_message ("%s: %s", cause->word, reason);
        g_assert_cmpint (reason == NULL, ==, g_strv_contains (not_ours, cause->word));
        if (reason != NULL)
          g_assert_true (
              g_regex_match_simple ("^(SIP|Q\\.850);cause=[1-9][0-9]*;text=\"[A-Za-z ]+\"$", reason, 0, 0));
        if (reason != NULL && in == GW_CAUSE_IN_ANSWER)
          g_assert_true (g_str_has_prefix (reason, "Q.850;"));
      }
  g_autofree char *ringing = gw_cause_reason ("replaced", GW_CAUSE_IN_CANCEL);
  g_assert_cmpstr (ringing, ==, "SIP;cause=200;text=\"Call completed elsewhere\"");
  g_assert_null (gw_cause_reason ("no_such_word", GW_CAUSE_IN_BYE));
  g_assert_false (gw_cause_is_failure ("no_such_word"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/cause/every_word_is_explained", test_words);
  g_test_add_func ("/gateway/cause/q850", test_q850);
  g_test_add_func ("/gateway/cause/reasons", test_reasons);
  return g_test_run ();
}
