/* Any order of registrations, questions, answers of phones and time: bounds hold, a refused request changes
 * nothing, what is listed is found by its id, and nothing outlives its time. */
#include "tests/fuzz/fuzz.h"

#include "gateway/core/registrar.h"

#include <string.h>

#define MAX_CONTACTS 3
#define MAX_USERS    2

static const char *const users[] = { "alice", "bob", "carol", "dave" };
static const char *const keys[] = { "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7" };
static const char *const calls[] = { "c0", "c1", "c2", "c3" };

/* (transfer full): everything that there is, in order. */
static char *
describe (const GwRegistrar *registrar)
{
  g_autoptr (GPtrArray) names = gw_registrar_users (registrar);
  GString *text = g_string_new (NULL);
  guint n = 0;

  g_assert_cmpuint (names->len, ==, gw_registrar_n_users (registrar));
  g_assert_cmpuint (names->len, <=, MAX_USERS);
  for (guint i = 0; i < names->len; i++)
    {
      const GPtrArray *bindings = gw_registrar_bindings (registrar, g_ptr_array_index (names, i));

      g_assert_cmpuint (bindings->len, >, 0);
      g_assert_cmpuint (bindings->len, <=, MAX_CONTACTS);
      n += bindings->len;
      for (guint k = 0; k < bindings->len; k++)
        {
          const GwBinding *one = g_ptr_array_index (bindings, k);
          const GwBinding *next = k + 1 < bindings->len ? g_ptr_array_index (bindings, k + 1) : NULL;

          g_assert_true (gw_registrar_find (registrar, one->id) == one);
          g_assert_cmpstr (one->user, ==, g_ptr_array_index (names, i));
          g_assert_true (next == NULL || one->q_milli > next->q_milli
                         || (one->q_milli == next->q_milli && one->id > next->id));
          g_string_append_printf (text, "%s %s %s %u %" G_GINT64_FORMAT "\n", one->user, one->key,
                                  one->call_id, one->cseq, one->expires.us);
        }
    }
  g_assert_cmpuint (n, ==, gw_registrar_n_bindings (registrar));
  return g_string_free (text, FALSE);
}

/* What it would be without what is over. */
static char *
describe_at (GwRegistrar *registrar, CfgMonotonic now)
{
  GPtrArray *gone = gw_registrar_expire (registrar, now);

  if (gone != NULL)
    g_ptr_array_unref (gone);
  return describe (registrar);
}

static void
take (GwRegistrar *registrar, FuzzBytes *bytes, CfgMonotonic now)
{
  guint8 how = fuzz_u8 (bytes), n = fuzz_u8 (bytes);
  GwRegisterContact contacts[4];
  const GwRegister request = {
    .call_id = calls[how >> 2 & 3],
    .cseq = fuzz_u8 (bytes),
    .removes_all = (how & 0x10) != 0,
    .contacts = contacts,
    .n_contacts = (how & 0x10) != 0 ? 0 : n & 3,
    .expires_s = (how & 0x20) != 0 ? fuzz_u8 (bytes) : -1,
    .route = (how & 0x40) != 0 ? "<sip:edge>" : NULL,
    .source = "192.0.2.1:5060",
    .transport = "udp",
  };
  g_autofree char *before = describe_at (registrar, now), *after = NULL;
  int status;

  for (gsize i = 0; i < request.n_contacts; i++)
    {
      guint8 which = fuzz_u8 (bytes), expires = fuzz_u8 (bytes);

      contacts[i] = (GwRegisterContact){ .uri = keys[which >> 3 & 7],
                                         .key = keys[which & 7],
                                         .expires_s = (which & 0x40) != 0 ? expires : -1,
                                         .q_milli = (which & 0x80) != 0 ? 500 : 1000 };
    }
  status = gw_registrar_take (registrar, users[how & 3], &request, now, (CfgWall){ 0 });
  after = describe (registrar);
  if (status != 200)
    g_assert_cmpstr (before, ==, after);
  else if (request.removes_all)
    g_assert_null (gw_registrar_bindings (registrar, users[how & 3]));
}

static void
ask (GwRegistrar *registrar, FuzzBytes *bytes, CfgMonotonic now)
{
  g_autoptr (GPtrArray) due = gw_registrar_due (registrar, now, 3);

  for (guint i = 0; due != NULL && i < due->len; i++)
    {
      const GwBinding *binding = g_ptr_array_index (due, i);
      guint8 how = fuzz_u8 (bytes);

      g_assert_true (binding->is_asked);
      if ((how & 1) != 0)
        (void)gw_registrar_answered (registrar, binding->id, (how & 2) != 0 ? how : -1,
                                     cfg_monotonic_add_us (now, how * CFG_US_PER_S));
    }
  (void)gw_registrar_answered (registrar, fuzz_u8 (bytes), 1, now);
}

static void
run (const guint8 *data, gsize size)
{
  FuzzBytes bytes = { data, data + size };
  const GwRegistrarLimits limits = { .min_expires_s = 10,
                                     .max_expires_s = 100,
                                     .default_expires_s = 50,
                                     .max_contacts = MAX_CONTACTS,
                                     .max_users = MAX_USERS };
  g_autoptr (GwRegistrar) registrar = gw_registrar_new (&limits);
  CfgMonotonic now = { 1000000 };
  GPtrArray *gone;

  while (fuzz_more (&bytes))
    {
      guint8 what = fuzz_u8 (&bytes);

      now = cfg_monotonic_add_us (now, (what >> 3 & 15) * CFG_US_PER_S);
      if ((what & 3) < 2)
        take (registrar, &bytes, now);
      else if ((what & 3) == 2)
        ask (registrar, &bytes, now);
      else if ((what & 4) != 0)
        (void)gw_registrar_remove (registrar, users[fuzz_u8 (&bytes) & 3],
                                   (what & 0x80) != 0 ? keys[0] : NULL);
      g_free (describe_at (registrar, now));
    }
  gone = gw_registrar_expire (registrar, cfg_monotonic_add_us (now, 101 * CFG_US_PER_S));
  if (gone != NULL)
    g_ptr_array_unref (gone);
  g_assert_cmpuint (gw_registrar_n_bindings (registrar), ==, 0);
  g_assert_cmpuint (gw_registrar_n_users (registrar), ==, 0);
}

static const FuzzSeed seeds[] = {
  /* alice: three contacts, all asked, one silent, a fourth makes it go */
  FUZZ_TEXT ("\x00\x00\x03\x01\x00\x00\x01\x00\x02\x00\x02\x03\x03\x01\x00\x00\x00\x01\x02\x03\x00"),
  /* two phones, an old request, a wildcard */
  FUZZ_TEXT (
      "\x00\x00\x01\x05\x00\x00\x00\x04\x01\x01\x01\x00\x00\x00\x01\x04\x40\x00\x00\x18\x00\x01\x38\x00"),
  /* users come and go */
  FUZZ_TEXT (
      "\x00\x01\x01\x01\x00\x00\x00\x02\x01\x01\x01\x00\x00\x03\x01\x01\x02\x00\x07\x01\x78\x00\x03\x01\x01"),
};

const FuzzTarget fuzz_target = { "registrar", run, seeds, G_N_ELEMENTS (seeds), NULL, NULL, 20000 };
