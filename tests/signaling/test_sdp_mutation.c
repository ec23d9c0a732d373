/* Damaged offers, from a seed: whatever the bytes, parsing and planning end with a plan or an error in words,
 * and every answer that is written parses again with as many sections. Meant for the sanitizer build. */
#include "sdp_fixture.h"

#include <string.h>

#define ROUNDS 6000

static const char *const seeds[] = {
  "chromium_audio.offer.sdp",
  "chromium_audio_video_data.offer.sdp",
  "chromium_three_audio.offer.sdp",
  "firefox_audio.offer.sdp",
  "ice_lite.offer.sdp",
  "sip_softphone.offer.sdp",
  "sip_pbx.offer.sdp",
  "sip_static_only.offer.sdp",
  "sip_bundle_mux.offer.sdp",
  "sip_srtp_then_plain.offer.sdp",
};

static void
splice (GRand *random, GString *text, const char *other)
{
  gsize length = strlen (other), from = (gsize)g_rand_int_range (random, 0, (gint32)length);
  gsize n = (gsize)g_rand_int_range (random, 1, 200);

  n = MIN (n, length - from);
  g_string_insert_len (text, g_rand_int_range (random, 0, (gint32)text->len), other + from, (gssize)n);
}

static void
mutate (GRand *random, GString *text, const char *other)
{
  gsize at = (gsize)g_rand_int_range (random, 0, (gint32)text->len);

  switch (g_rand_int_range (random, 0, 7))
    {
    case 0:
      text->str[at] = (char)g_rand_int_range (random, 0, 256);
      break;
    case 1:
      g_string_erase (text, (gssize)at, g_rand_int_range (random, 1, 40) % (gint32)(text->len - at));
      break;
    case 2:
      g_string_insert_c (text, (gssize)at, "0 9:/;\r\n=-*a"[g_rand_int_range (random, 0, 12)]);
      break;
    case 3:
      splice (random, text, other);
      break;
    case 4:
      g_string_truncate (text, at + 1);
      break;
    case 5:
      g_string_insert (text, (gssize)at, "99999999999999999999");
      break;
    default:
      for (int i = g_rand_int_range (random, 1, 300); i > 0; i--)
        g_string_insert_c (text, (gssize)at, 'x');
      break;
    }
}

static void
exercise (const GString *text, const SigSdpPolicy *policy)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SigSdpPlan) plan = NULL;
  g_autoptr (SigSdpPlan) own = NULL;
  g_autofree char *answer = NULL;
  g_autofree char *exact
      = g_memdup2 (text->str, text->len); /* no NUL behind: a read beyond the end is seen */
  SigSdpLocalSection sections[2] = { { .ssrc = 1, .msid = "a b" }, { .ssrc = 2 } };
  SigSdpLocal local = policy->webrtc ? sdp_local_webrtc (sections, 2) : sdp_local_sip ();
  g_autoptr (SigSdp) sdp = sig_sdp_parse (exact, text->len, &error);
  g_autoptr (SigSdp) again = NULL;

  if (sdp == NULL || !sig_sdp_plan_answer (sdp, policy, &plan, &error))
    {
      g_assert_nonnull (error);
      g_assert_cmpuint (strlen (error->message), >, 4);
      return;
    }
  g_assert_no_error (error);
  answer = sig_sdp_write_answer (sdp, plan, &local);
  again = sig_sdp_parse (answer, strlen (answer), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (again->n_sections, ==, sdp->n_sections);
  if (!policy->webrtc)
    (void)!sig_sdp_plan_from_answer (policy, sdp, &own, NULL);
}

static void
test_mutation (void)
{
  const char *more = g_getenv ("SWITCHROOM_MUTATION_ROUNDS");
  guint64 rounds = more != NULL ? g_ascii_strtoull (more, NULL, 10) : ROUNDS;
  GRand *random = g_rand_new_with_seed (20261121);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  for (gsize i = 0; i < G_N_ELEMENTS (seeds); i++)
    g_ptr_array_add (texts, sdp_golden_read (seeds[i]));
  for (guint64 round = 0; round < rounds; round++)
    {
      const char *seed = g_ptr_array_index (texts, (guint)(round % texts->len));
      const char *other = g_ptr_array_index (texts, (guint)g_rand_int_range (random, 0, (gint32)texts->len));
      g_autoptr (GString) text = g_string_new (seed);

      for (int n = g_rand_int_range (random, 1, 6); n > 0 && text->len > 2; n--)
        mutate (random, text, other);
      exercise (text, &sdp_policy_webrtc);
      exercise (text, &sdp_policy_sip);
    }
  g_rand_free (random);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/sdp/mutation", test_mutation);
  return g_test_run ();
}
