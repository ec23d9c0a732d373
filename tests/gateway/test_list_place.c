/* Pages of calls that are up, while calls come and go. */
#include <string.h>

#include "gateway/core/list_place.h"

#define N_CALLS 1000
#define PAGE    7

typedef struct
{
  GwListPlace place;
  char id[16];
  guint n_listed;
  gboolean up, always_up;
} Call;

static int
by_place (gconstpointer a, gconstpointer b)
{
  return gw_list_place_compare (&(*(Call *const *)a)->place, &(*(Call *const *)b)->place);
}

/* The next page behind @token. Returns: its own token; NULL: there is nothing more. */
static char *
list (Call *calls, const char *token)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  GwListPlace after;

  if (token != NULL)
    g_assert_true (gw_list_place_parse (token, &after));
  for (guint i = 0; i < N_CALLS; i++)
    if (calls[i].up && (token == NULL || gw_list_place_compare (&after, &calls[i].place) < 0))
      g_ptr_array_add (found, &calls[i]);
  g_ptr_array_sort (found, by_place);
  for (guint i = 0; i < MIN (found->len, PAGE); i++)
    {
      Call *call = g_ptr_array_index (found, i);

      call->n_listed++;
      if (i == PAGE - 1)
        return gw_list_place_text (&call->place);
    }
  return NULL;
}

/* Many begin at one instant; at each page some end, the one at its edge among them, and others begin. */
static void
test_pages_are_stable (void)
{
  g_autofree Call *calls = g_new0 (Call, N_CALLS);
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  char *token = NULL;
  guint n_pages = 0;

  for (guint i = 0; i < N_CALLS; i++)
    {
      g_snprintf (calls[i].id, sizeof calls[i].id, "SCL_%u", g_rand_int (random) % 10000 * 1000 + i);
      calls[i].place = (GwListPlace){ 1700000000000000 + g_rand_int_range (random, 0, 50), calls[i].id };
      calls[i].always_up = i % 3 == 0;
      calls[i].up = i % 3 < 2;
    }
  do
    {
      char *next = list (calls, token);

      g_free (token);
      token = next;
      n_pages++;
      for (guint i = 0; i < 20; i++)
        {
          Call *call = &calls[g_rand_int_range (random, 0, N_CALLS)];

          call->up = call->always_up || !call->up;
        }
      for (guint i = 0; token != NULL && i < N_CALLS; i++)
        if (!calls[i].always_up && strstr (token, calls[i].id) != NULL)
          calls[i].up = FALSE;
    }
  while (token != NULL);
  g_assert_cmpuint (n_pages, >, N_CALLS / 3 / PAGE);
  for (guint i = 0; i < N_CALLS; i++)
    {
      g_assert_cmpuint (calls[i].n_listed, <=, 1);
      if (calls[i].always_up)
        g_assert_cmpuint (calls[i].n_listed, ==, 1);
    }
}

static void
test_newest_first (void)
{
  const GwListPlace newer = { 20, "SCL_a" }, older = { 10, "SCL_z" }, twin = { 10, "SCL_y" };

  g_assert_cmpint (gw_list_place_compare (&newer, &older), <, 0);
  g_assert_cmpint (gw_list_place_compare (&older, &newer), >, 0);
  g_assert_cmpint (gw_list_place_compare (&older, &twin), <, 0);
  g_assert_cmpint (gw_list_place_compare (&older, &older), ==, 0);
}

static void
test_texts (void)
{
  static const char *const wrong[]
      = { "", "up-", "up-1", "up-1-", "up--1-SCL_a", "up-x-SCL_a", "1-SCL_a", "17-4", "UP-1-a" };
  const GwListPlace place = { 1763711700000000, "SCL_a-b" };
  g_autofree char *text = gw_list_place_text (&place);
  GwListPlace again;

  g_assert_true (gw_list_place_parse (text, &again));
  g_assert_cmpint (gw_list_place_compare (&place, &again), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    g_assert_false (gw_list_place_parse (wrong[i], &again));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/list_place/newest_first", test_newest_first);
  g_test_add_func ("/gateway/list_place/texts", test_texts);
  g_test_add_func ("/gateway/list_place/pages_are_stable", test_pages_are_stable);
  return g_test_run ();
}
