#include "gateway/core/registrar.h"

#include <string.h>

static const GwRegistrarLimits limits = {
  .min_expires_s = 60,
  .max_expires_s = 3600,
  .default_expires_s = 1800,
  .max_contacts = 3,
  .max_users = 2,
};

/* One step of a story: "alice" registers, time passes, and what is bound then. */
typedef struct
{
  guint at_s;
  const char *user, *call_id;
  guint32 cseq;
  /* "key=uri;expires;q_milli", separated by spaces; "*": all go; "": only a question */
  const char *contacts;
  int expires_s; /* -1: no header */
  int status;
  const char *bound; /* "uri(left)", in order */
} Step;

typedef struct
{
  const char *name;
  Step steps[8];
} Story;

static const Story stories[] = {
  { "one contact, refreshed and removed",
    { { 0, "alice", "c1", 1, "a=sip:a;-1;1000", 600, 200, "sip:a(600)" },
      { 100, "alice", "c1", 2, "", -1, 200, "sip:a(500)" },
      { 100, "alice", "c1", 3, "a=sip:a;-1;1000", 600, 200, "sip:a(600)" },
      { 100, "alice", "c1", 4, "a=sip:a;0;1000", 600, 200, "" } } },
  { "Expires 0 for all contacts of the request",
    { { 0, "alice", "c1", 1, "a=sip:a;-1;1000 b=sip:b;-1;1000", 600, 200, "sip:b(600) sip:a(600)" },
      { 0, "alice", "c1", 2, "a=sip:a;-1;1000 b=sip:b;90;1000", 0, 200, "sip:b(90)" } } },
  { "the default, the longest, and the parameter before the header",
    { { 0, "alice", "c1", 1, "a=sip:a;-1;1000", -1, 200, "sip:a(1800)" },
      { 0, "alice", "c1", 2, "a=sip:a;-1;1000", 99999, 200, "sip:a(3600)" },
      { 0, "alice", "c1", 3, "a=sip:a;120;1000", 99999, 200, "sip:a(120)" } } },
  { "an interval that is too short changes nothing",
    { { 0, "alice", "c1", 1, "a=sip:a;-1;1000", 600, 200, "sip:a(600)" },
      { 0, "alice", "c1", 2, "a=sip:a;0;1000 b=sip:b;59;1000", -1, 423, "sip:a(600)" },
      { 0, "alice", "c1", 2, "b=sip:b;60;1000", -1, 200, "sip:b(60) sip:a(600)" } } },
  { "the highest q comes first",
    { { 0, "alice", "c1", 1, "a=sip:a;-1;500 b=sip:b;-1;900 c=sip:c;-1;100", 600, 200,
        "sip:b(600) sip:a(600) sip:c(600)" },
      { 0, "alice", "c1", 2, "c=sip:c;-1;1000", 600, 200, "sip:c(600) sip:b(600) sip:a(600)" } } },
  { "a request that was overtaken",
    { { 0, "alice", "c1", 5, "a=sip:a;-1;1000", 600, 200, "sip:a(600)" },
      { 0, "alice", "c1", 5, "a=sip:a;0;1000", -1, 500, "sip:a(600)" },
      { 0, "alice", "c1", 4, "*", 0, 500, "sip:a(600)" },
      { 0, "alice", "c2", 1, "a=sip:a;-1;1000", 700, 200, "sip:a(700)" },
      { 0, "alice", "c1", 1, "b=sip:b;-1;1000", 700, 200, "sip:b(700) sip:a(700)" } } },
  { "all of it or nothing",
    { { 0, "alice", "c1", 5, "a=sip:a;-1;1000", 600, 200, "sip:a(600)" },
      { 0, "alice", "c1", 5, "b=sip:b;-1;1000 a=sip:a;-1;1000", 600, 500, "sip:a(600)" } } },
  { "wildcard, from another phone too",
    { { 0, "alice", "c1", 1, "a=sip:a;-1;1000", 600, 200, "sip:a(600)" },
      { 0, "alice", "c2", 1, "b=sip:b;-1;1000", 600, 200, "sip:b(600) sip:a(600)" },
      { 0, "alice", "c3", 1, "*", 0, 200, "" },
      { 0, "alice", "c3", 2, "*", 0, 200, "" } } },
  { "wildcard of the same phone",
    { { 0, "alice", "c1", 1, "a=sip:a;-1;1000", 600, 200, "sip:a(600)" },
      { 0, "alice", "c1", 2, "*", 0, 200, "" } } },
  { "it is over in time",
    { { 0, "alice", "c1", 1, "a=sip:a;60;1000 b=sip:b;120;1000", -1, 200, "sip:b(120) sip:a(60)" },
      { 60, "alice", "c2", 1, "", -1, 200, "sip:b(60)" },
      { 119, "alice", "c2", 2, "", -1, 200, "sip:b(1)" },
      { 120, "alice", "c2", 3, "", -1, 200, "" },
      { 121, "alice", "c1", 1, "a=sip:a;60;1000", -1, 200, "sip:a(60)" } } },
  { "three contacts and no more",
    { { 0, "alice", "c1", 1, "a=sip:a;-1;1000 b=sip:b;-1;1000 c=sip:c;-1;1000", 600, 200,
        "sip:c(600) sip:b(600) sip:a(600)" },
      { 0, "alice", "c2", 1, "d=sip:d;-1;1000", 600, 403, "sip:c(600) sip:b(600) sip:a(600)" },
      { 0, "alice", "c1", 2, "a=sip:a;0;1000 d=sip:d;-1;1000", 600, 200, "sip:d(600) sip:c(600) sip:b(600)" },
      { 0, "alice", "c1", 3, "b=sip:b;-1;1000", 700, 200, "sip:d(600) sip:c(600) sip:b(700)" } } },
  { "the same phone at a new address",
    { { 0, "alice", "c1", 1, "phone=sip:a@192.0.2.1;-1;1000", 600, 200, "sip:a@192.0.2.1(600)" },
      { 9, "alice", "c1", 2, "phone=sip:a@192.0.2.2;-1;1000", 600, 200, "sip:a@192.0.2.2(600)" } } },
  { "twice in one request: the last one counts",
    { { 0, "alice", "c1", 1, "a=sip:a;100;1000 a=sip:a;200;1000", -1, 200, "sip:a(200)" } } },
  { "twice in one request is no way around the bounds",
    { { 0, "alice", "c1", 1, "a=sip:a;-1;1000 b=sip:b;-1;1000 c=sip:c;-1;1000", 600, 200,
        "sip:c(600) sip:b(600) sip:a(600)" },
      { 0, "alice", "c1", 2, "d=sip:d;0;1000 d=sip:d;600;1000", -1, 403, "sip:c(600) sip:b(600) sip:a(600)" },
      { 0, "bob", "c2", 1, "b=sip:b;-1;1000", 600, 200, "sip:b(600)" },
      { 0, "carol", "c3", 1, "c=sip:c;0;1000 c=sip:c;600;1000", -1, 503, "" } } },
  { "users are bounded, questions are not",
    { { 0, "alice", "c1", 1, "a=sip:a;-1;1000", 600, 200, "sip:a(600)" },
      { 0, "bob", "c2", 1, "b=sip:b;-1;1000", 600, 200, "sip:b(600)" },
      { 0, "carol", "c3", 1, "c=sip:c;-1;1000", 600, 503, "" },
      { 0, "carol", "c3", 2, "", -1, 200, "" },
      { 0, "bob", "c2", 2, "*", 0, 200, "" },
      { 0, "carol", "c3", 3, "c=sip:c;-1;1000", 600, 200, "sip:c(600)" } } },
};

static CfgMonotonic
at (guint seconds)
{
  return (CfgMonotonic){ (gint64)seconds * CFG_US_PER_S + 1 };
}

static int
take (GwRegistrar *registrar, const Step *step)
{
  g_auto (GStrv) parts = g_strsplit (strcmp (step->contacts, "*") == 0 ? "" : step->contacts, " ", -1);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  GwRegisterContact contacts[4] = { 0 };
  GwRegister request = {
    .call_id = step->call_id,
    .cseq = step->cseq,
    .removes_all = strcmp (step->contacts, "*") == 0,
    .contacts = contacts,
    .expires_s = step->expires_s,
    .source = "192.0.2.1:5060",
    .transport = "udp",
  };

  for (char **part = parts; *part != NULL; part++)
    {
      char **fields = g_strsplit_set (*part, "=;", 4);

      g_ptr_array_add (texts, fields);
      contacts[request.n_contacts++]
          = (GwRegisterContact){ .key = fields[0],
                                 .uri = fields[1],
                                 .expires_s = (int)g_ascii_strtoll (fields[2], NULL, 10),
                                 .q_milli = (guint)g_ascii_strtoull (fields[3], NULL, 10) };
    }
  return gw_registrar_take (registrar, step->user, &request, at (step->at_s), (CfgWall){ step->at_s });
}

static char *
describe (const GwRegistrar *registrar, const char *user, guint now_s)
{
  const GPtrArray *bindings = gw_registrar_bindings (registrar, user);
  GString *text = g_string_new (NULL);

  for (guint i = 0; bindings != NULL && i < bindings->len; i++)
    {
      const GwBinding *binding = g_ptr_array_index (bindings, i);

      g_assert_cmpstr (binding->user, ==, user);
      g_assert_true (gw_registrar_find (registrar, binding->id) == binding);
      g_string_append_printf (text, "%s%s(%" G_GINT64_FORMAT ")", i > 0 ? " " : "", binding->uri,
                              (binding->expires.us - at (now_s).us) / CFG_US_PER_S);
    }
  return g_string_free (text, FALSE);
}

static void
test_stories (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (stories); i++)
    {
      g_autoptr (GwRegistrar) registrar = gw_registrar_new (&limits);

      for (gsize k = 0; stories[i].steps[k].user != NULL; k++)
        {
          const Step *step = &stories[i].steps[k];
          g_autofree char *bound = NULL;

          g_test_message ("%s, step %d", stories[i].name, (int)k + 1);
          g_assert_cmpint (take (registrar, step), ==, step->status);
          bound = describe (registrar, step->user, step->at_s);
          g_assert_cmpstr (bound, ==, step->bound);
        }
    }
}

static const Step three
    = { 0, "alice", "c1", 1, "a=sip:a;60;1000 b=sip:b;90;1000 c=sip:c;900;1000", -1, 0, NULL };

static void
test_expires_without_requests (void)
{
  g_autoptr (GwRegistrar) registrar = gw_registrar_new (&limits);
  const Step bob = { 0, "bob", "c2", 1, "x=sip:x;60;1000", -1, 0, NULL };
  GPtrArray *gone;

  g_assert_cmpint (take (registrar, &three), ==, 200);
  g_assert_cmpint (take (registrar, &bob), ==, 200);
  g_assert_null (gw_registrar_expire (registrar, at (59)));
  g_assert_cmpuint (gw_registrar_n_bindings (registrar), ==, 4);
  gone = gw_registrar_expire (registrar, at (60));
  g_assert_cmpuint (gone->len, ==, 2);
  g_ptr_array_unref (gone);
  g_assert_cmpuint (gw_registrar_n_users (registrar), ==, 1);
  g_assert_cmpuint (gw_registrar_n_bindings (registrar), ==, 2);
  g_assert_null (gw_registrar_bindings (registrar, "bob"));
  gone = gw_registrar_expire (registrar, at (5000));
  g_assert_cmpstr (g_ptr_array_index (gone, 0), ==, "alice");
  g_ptr_array_unref (gone);
  g_assert_cmpuint (gw_registrar_n_users (registrar), ==, 0);
}

static guint64
id_of (const GwRegistrar *registrar, const char *uri)
{
  const GPtrArray *bindings = gw_registrar_bindings (registrar, "alice");

  for (guint i = 0; bindings != NULL && i < bindings->len; i++)
    {
      const GwBinding *binding = g_ptr_array_index (bindings, i);

      if (strcmp (binding->uri, uri) == 0)
        return binding->id;
    }
  return 0;
}

static guint
ask (GwRegistrar *registrar, guint now_s, guint max)
{
  g_autoptr (GPtrArray) due = gw_registrar_due (registrar, at (now_s), max);

  return due != NULL ? due->len : 0;
}

static void
test_asks_each_in_turn (void)
{
  g_autoptr (GwRegistrar) registrar = gw_registrar_new (&limits);
  guint64 a, b;

  g_assert_cmpint (take (registrar, &three), ==, 200);
  g_assert_cmpuint (ask (registrar, 0, 2), ==, 2);
  g_assert_cmpuint (ask (registrar, 0, 2), ==, 1);
  g_assert_cmpuint (ask (registrar, 500, 9), ==, 0); /* nobody has answered */
  a = id_of (registrar, "sip:a");
  b = id_of (registrar, "sip:b");
  g_assert_true (gw_registrar_answered (registrar, a, 1500, at (30)));
  g_assert_false (gw_registrar_answered (registrar, a, 2500, at (30)));
  g_assert_cmpint (gw_registrar_find (registrar, a)->rtt_us, ==, 2500);
  g_assert_true (gw_registrar_answered (registrar, b, -1, at (40)));
  g_assert_cmpint (gw_registrar_find (registrar, b)->reach, ==, GW_UNREACHABLE);
  g_assert_cmpint (gw_registrar_find (registrar, b)->rtt_us, ==, -1);
  g_assert_cmpuint (ask (registrar, 29, 9), ==, 0);
  g_assert_cmpuint (ask (registrar, 30, 9), ==, 1);
  g_assert_cmpuint (ask (registrar, 40, 9), ==, 1);
  g_assert_true (gw_registrar_answered (registrar, b, 700, at (70)));
  g_assert_false (gw_registrar_answered (registrar, 4711, 700, at (70)));
}

/* What was on its way to the old address is not about the new one. */
static void
test_a_new_way_is_asked_anew (void)
{
  g_autoptr (GwRegistrar) registrar = gw_registrar_new (&limits);
  const Step first = { 0, "alice", "c1", 1, "phone=sip:a;60;1000", -1, 0, NULL };
  const Step moved = { 1, "alice", "c1", 2, "phone=sip:b;60;1000", -1, 0, NULL };
  const Step same = { 2, "alice", "c1", 3, "phone=sip:b;60;1000", -1, 0, NULL };
  guint64 before, after;

  g_assert_cmpint (take (registrar, &first), ==, 200);
  g_assert_cmpuint (ask (registrar, 0, 9), ==, 1);
  before = id_of (registrar, "sip:a");
  g_assert_cmpint (take (registrar, &moved), ==, 200);
  g_assert_false (gw_registrar_answered (registrar, before, 1000, at (30)));
  g_assert_cmpuint (ask (registrar, 1, 9), ==, 1);
  after = id_of (registrar, "sip:b");
  g_assert_true (gw_registrar_answered (registrar, after, 1000, at (30)));
  g_assert_cmpint (take (registrar, &same), ==, 200);
  g_assert_cmpuint (id_of (registrar, "sip:b"), ==, after);
  g_assert_cmpint (gw_registrar_find (registrar, after)->reach, ==, GW_REACHABLE);
}

static void
test_silent_phones_make_room (void)
{
  g_autoptr (GwRegistrar) registrar = gw_registrar_new (&limits);
  const Step two = { 1, "alice", "c2", 1, "d=sip:d;600;1000 e=sip:e;600;1000", -1, 0, NULL };
  const Step one = { 1, "alice", "c2", 2, "d=sip:d;600;1000", -1, 0, NULL };
  const Step back = { 1, "alice", "c1", 2, "b=sip:b;600;1000", -1, 0, NULL };
  g_autofree char *bound = NULL, *later = NULL;

  g_assert_cmpint (take (registrar, &three), ==, 200);
  g_assert_cmpuint (ask (registrar, 0, 9), ==, 3);
  g_assert_true (gw_registrar_answered (registrar, id_of (registrar, "sip:b"), -1, at (30)));
  g_assert_cmpint (take (registrar, &two), ==, 403);
  g_assert_cmpint (take (registrar, &one), ==, 200);
  bound = describe (registrar, "alice", 1);
  g_assert_cmpstr (bound, ==, "sip:d(600) sip:c(899) sip:a(59)");
  g_assert_cmpint (take (registrar, &back), ==, 403);
  g_assert_true (gw_registrar_answered (registrar, id_of (registrar, "sip:c"), -1, at (30)));
  g_assert_cmpint (take (registrar, &back), ==, 200);
  later = describe (registrar, "alice", 1);
  g_assert_cmpstr (later, ==, "sip:b(600) sip:d(600) sip:a(59)");
}

static void
test_remove (void)
{
  g_autoptr (GwRegistrar) registrar = gw_registrar_new (&limits);
  g_autoptr (GPtrArray) users = NULL;

  g_assert_cmpint (take (registrar, &three), ==, 200);
  users = gw_registrar_users (registrar);
  g_assert_cmpuint (users->len, ==, 1);
  g_assert_cmpstr (g_ptr_array_index (users, 0), ==, "alice");
  g_assert_cmpuint (gw_registrar_remove (registrar, "bob", NULL), ==, 0);
  g_assert_cmpuint (gw_registrar_remove (registrar, "alice", "sip:b"), ==, 1);
  g_assert_cmpuint (gw_registrar_remove (registrar, "alice", "sip:b"), ==, 0);
  g_assert_cmpuint (gw_registrar_remove (registrar, "alice", NULL), ==, 2);
  g_assert_cmpuint (gw_registrar_n_users (registrar), ==, 0);
  g_assert_cmpuint (gw_registrar_n_bindings (registrar), ==, 0);
}

/* What was written down before a restart: other clocks, and limits that may have become narrower. */
static void
test_restore (void)
{
  static const struct
  {
    const char *user, *key;
    gint64 left_s;
    gboolean is_taken;
  } cases[] = {
    { "alice", "a", 100, TRUE }, { "alice", "a", 200, FALSE }, /* there already */
    { "alice", "b", 0, FALSE },  { "alice", "c", 99999, TRUE },
    { "alice", "d", 50, TRUE },  { "alice", "e", 50, FALSE }, /* one too many */
    { "bob", "a", 50, TRUE },    { "carol", "a", 50, FALSE }, /* one user too many */
  };
  const CfgMonotonic now = { 1000 * (gint64)CFG_US_PER_S };
  g_autoptr (GwRegistrar) registrar = gw_registrar_new (&limits);
  const GwRegisterContact contact = { .uri = "sip:a", .key = "a", .expires_s = -1, .q_milli = 1000 };
  const GwRegister late = {
    .call_id = "c1", .cseq = 7, .contacts = &contact, .n_contacts = 1, .source = "s", .transport = "udp"
  };
  const GPtrArray *bindings;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const GwBinding like = { .user = cases[i].user,
                               .uri = (char *)"sip:a",
                               .key = (char *)cases[i].key,
                               .call_id = (char *)"c1",
                               .cseq = 7,
                               .source = (char *)"s",
                               .transport = (char *)"udp",
                               .q_milli = (guint)i,
                               .since = { 5 },
                               .expires = { now.us + cases[i].left_s * (gint64)CFG_US_PER_S } };

      g_assert_cmpint (gw_registrar_restore (registrar, &like, now), ==, cases[i].is_taken);
    }
  bindings = gw_registrar_bindings (registrar, "alice");
  g_assert_cmpuint (bindings->len, ==, 3);
  g_assert_cmpstr (((GwBinding *)bindings->pdata[0])->key, ==, "d"); /* the highest q */
  g_assert_cmpint (((GwBinding *)bindings->pdata[1])->expires.us, ==, (1000 + 3600) * (gint64)CFG_US_PER_S);
  g_assert_cmpint (((GwBinding *)bindings->pdata[2])->since.us, ==, 5);
  g_assert_cmpint (gw_registrar_take (registrar, "alice", &late, now, (CfgWall){ 9 }), ==, 500);
  g_assert_cmpuint (gw_registrar_n_bindings (registrar), ==, 4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/registrar/stories", test_stories);
  g_test_add_func ("/gateway/registrar/expires_without_requests", test_expires_without_requests);
  g_test_add_func ("/gateway/registrar/asks_each_in_turn", test_asks_each_in_turn);
  g_test_add_func ("/gateway/registrar/a_new_way_is_asked_anew", test_a_new_way_is_asked_anew);
  g_test_add_func ("/gateway/registrar/silent_phones_make_room", test_silent_phones_make_room);
  g_test_add_func ("/gateway/registrar/remove", test_remove);
  g_test_add_func ("/registrar/restore", test_restore);
  return g_test_run ();
}
