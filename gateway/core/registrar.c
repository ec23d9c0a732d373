#include "gateway/core/registrar.h"

#include <string.h>

typedef struct
{
  char *name;
  GPtrArray *bindings; /* of GwBinding, owned, in order */
} User;

struct _GwRegistrar
{
  GwRegistrarLimits limits;
  GHashTable *users;    /* char* -> User, owned; each has a binding */
  GHashTable *bindings; /* id -> GwBinding */
  guint64 last_id;
};

static void
binding_free (gpointer data)
{
  GwBinding *binding = data;

  g_free (binding->uri);
  g_free (binding->key);
  g_free (binding->send_to);
  g_free (binding->route);
  g_free (binding->call_id);
  g_free (binding->source);
  g_free (binding->transport);
  g_free (binding->user_agent);
  g_free (binding);
}

static void
user_free (gpointer data)
{
  User *user = data;

  g_ptr_array_unref (user->bindings);
  g_free (user->name);
  g_free (user);
}

GwRegistrar *
gw_registrar_new (const GwRegistrarLimits *limits)
{
  GwRegistrar *registrar = g_new0 (GwRegistrar, 1);

  registrar->limits = *limits;
  registrar->users = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, user_free);
  registrar->bindings = g_hash_table_new (g_int64_hash, g_int64_equal);
  return registrar;
}

void
gw_registrar_free (GwRegistrar *registrar)
{
  g_hash_table_unref (registrar->bindings);
  g_hash_table_unref (registrar->users);
  g_free (registrar);
}

static User *
find_user (const GwRegistrar *registrar, const char *name)
{
  return g_hash_table_lookup (registrar->users, name);
}

static GwBinding *
find_key (const User *user, const char *key)
{
  for (guint i = 0; user != NULL && i < user->bindings->len; i++)
    {
      GwBinding *binding = g_ptr_array_index (user->bindings, i);

      if (strcmp (binding->key, key) == 0)
        return binding;
    }
  return NULL;
}

static gboolean
is_over (const GwBinding *binding, CfgMonotonic now)
{
  return now.us >= binding->expires.us;
}

static void
drop (GwRegistrar *registrar, User *user, GwBinding *binding)
{
  g_hash_table_remove (registrar->bindings, &binding->id);
  g_ptr_array_remove (user->bindings, binding);
}

/* A user without bindings is none. */
static void
forget_if_empty (GwRegistrar *registrar, User *user)
{
  if (user != NULL && user->bindings->len == 0)
    g_hash_table_remove (registrar->users, user->name);
}

static guint
drop_over (GwRegistrar *registrar, User *user, CfgMonotonic now)
{
  guint n = 0;

  for (guint i = user->bindings->len; i > 0; i--)
    {
      GwBinding *binding = g_ptr_array_index (user->bindings, i - 1);

      if (!is_over (binding, now))
        continue;
      drop (registrar, user, binding);
      n++;
    }
  return n;
}

/* ---- what a request asks for ---- */

static guint
granted_s (const GwRegistrar *registrar, const GwRegister *request, const GwRegisterContact *contact)
{
  const GwRegistrarLimits *limits = &registrar->limits;
  int wanted_s = contact->expires_s >= 0 ? contact->expires_s : request->expires_s;

  return MIN (wanted_s >= 0 ? (guint)wanted_s : limits->default_expires_s, limits->max_expires_s);
}

/* The phone, or what lies between, has overtaken itself (RFC 3261 10.3, 7). */
static gboolean
comes_late (const GwBinding *binding, const GwRegister *request)
{
  return strcmp (binding->call_id, request->call_id) == 0 && request->cseq <= binding->cseq;
}

/* Named again further on: that counts. */
static gboolean
is_superseded (const GwRegister *request, gsize index)
{
  for (gsize i = index + 1; i < request->n_contacts; i++)
    if (strcmp (request->contacts[i].key, request->contacts[index].key) == 0)
      return TRUE;
  return FALSE;
}

static int
check_order (const User *user, const GwRegister *request)
{
  for (guint i = 0; user != NULL && request->removes_all && i < user->bindings->len; i++)
    if (comes_late (g_ptr_array_index (user->bindings, i), request))
      return 500;
  for (gsize i = 0; i < request->n_contacts; i++)
    {
      const GwBinding *binding = find_key (user, request->contacts[i].key);

      if (binding != NULL && comes_late (binding, request))
        return 500;
    }
  return 200;
}

static guint
count_unreachable (const User *user, const GwRegister *request)
{
  guint n = 0;

  for (guint i = 0; user != NULL && i < user->bindings->len; i++)
    {
      const GwBinding *binding = g_ptr_array_index (user->bindings, i);
      gboolean is_meant = FALSE;

      for (gsize k = 0; k < request->n_contacts; k++)
        is_meant |= strcmp (binding->key, request->contacts[k].key) == 0;
      n += binding->reach == GW_UNREACHABLE && !is_meant;
    }
  return n;
}

/* Before anything is changed. */
static int
check_contacts (const GwRegistrar *registrar, const User *user, const GwRegister *request)
{
  guint n = user != NULL ? user->bindings->len : 0, n_gone = 0, n_new = 0;

  for (gsize i = 0; i < request->n_contacts; i++)
    {
      guint expires_s = granted_s (registrar, request, &request->contacts[i]);
      gboolean is_known = find_key (user, request->contacts[i].key) != NULL;

      if (expires_s > 0 && expires_s < registrar->limits.min_expires_s)
        return 423;
      if (is_superseded (request, i))
        continue;
      n_new += !is_known && expires_s > 0;
      n_gone += is_known && expires_s == 0;
    }
  if (n_new > 0 && user == NULL && g_hash_table_size (registrar->users) >= registrar->limits.max_users)
    return 503;
  n = n + n_new - n_gone;
  if (n_new > 0 && n > registrar->limits.max_contacts
      && n - registrar->limits.max_contacts > count_unreachable (user, request))
    return 403;
  return 200;
}

/* ---- doing it ---- */

static int
compare (gconstpointer a, gconstpointer b)
{
  const GwBinding *left = *(GwBinding *const *)a, *right = *(GwBinding *const *)b;

  if (left->q_milli != right->q_milli)
    return left->q_milli > right->q_milli ? -1 : 1;
  return left->id > right->id ? -1 : left->id < right->id;
}

static void
replace (char **field, const char *value)
{
  g_free (*field);
  *field = g_strdup (value);
}

static User *
ensure_user (GwRegistrar *registrar, const char *name)
{
  User *user = find_user (registrar, name);

  if (user != NULL)
    return user;
  user = g_new0 (User, 1);
  user->name = g_strdup (name);
  user->bindings = g_ptr_array_new_with_free_func (binding_free);
  g_hash_table_insert (registrar->users, user->name, user);
  return user;
}

/* Nothing is known of the way to it; an answer that is still to come is about the way before. */
static void
begin_anew (GwRegistrar *registrar, GwBinding *binding, CfgMonotonic now)
{
  g_hash_table_remove (registrar->bindings, &binding->id);
  binding->id = ++registrar->last_id;
  g_hash_table_insert (registrar->bindings, &binding->id, binding);
  binding->reach = GW_REACH_UNKNOWN;
  binding->rtt_us = -1;
  binding->next = now;
  binding->is_asked = FALSE;
}

static GwBinding *
binding_new (GwRegistrar *registrar, User *user, const char *key, CfgMonotonic now, CfgWall wall)
{
  GwBinding *binding = g_new0 (GwBinding, 1);

  binding->user = user->name;
  binding->key = g_strdup (key);
  binding->since = wall;
  g_ptr_array_add (user->bindings, binding);
  begin_anew (registrar, binding, now);
  return binding;
}

static gboolean
has_moved (const GwBinding *binding, const GwRegister *request, const GwRegisterContact *contact)
{
  return g_strcmp0 (binding->uri, contact->uri) != 0 || g_strcmp0 (binding->send_to, contact->send_to) != 0
         || g_strcmp0 (binding->route, request->route) != 0;
}

static void
bind_contact (GwRegistrar *registrar, const char *name, const GwRegister *request,
              const GwRegisterContact *contact, CfgMonotonic now, CfgWall wall)
{
  User *user = ensure_user (registrar, name);
  GwBinding *binding = find_key (user, contact->key);

  if (binding == NULL)
    binding = binding_new (registrar, user, contact->key, now, wall);
  else if (binding->reach == GW_UNREACHABLE || has_moved (binding, request, contact))
    begin_anew (registrar, binding, now);
  replace (&binding->uri, contact->uri);
  replace (&binding->send_to, contact->send_to);
  replace (&binding->route, request->route);
  replace (&binding->call_id, request->call_id);
  replace (&binding->source, request->source);
  replace (&binding->transport, request->transport);
  replace (&binding->user_agent, request->user_agent);
  binding->cseq = request->cseq;
  binding->q_milli = contact->q_milli;
  binding->expires
      = cfg_monotonic_add_us (now, granted_s (registrar, request, contact) * (gint64)CFG_US_PER_S);
}

/* The ones that are silent make room, the oldest first. Those of this request are none of them. */
static void
make_room (GwRegistrar *registrar, User *user)
{
  for (guint i = user->bindings->len; i > 0 && user->bindings->len > registrar->limits.max_contacts; i--)
    {
      GwBinding *binding = g_ptr_array_index (user->bindings, i - 1);

      if (binding->reach == GW_UNREACHABLE)
        drop (registrar, user, binding);
    }
}

int
gw_registrar_take (GwRegistrar *registrar, const char *name, const GwRegister *request, CfgMonotonic now,
                   CfgWall wall)
{
  User *user = find_user (registrar, name);
  int status;

  if (user != NULL && drop_over (registrar, user, now) > 0)
    {
      forget_if_empty (registrar, user);
      user = find_user (registrar, name);
    }
  status = check_order (user, request);
  if (status == 200)
    status = check_contacts (registrar, user, request);
  if (status != 200)
    return status;
  while (request->removes_all && user != NULL && user->bindings->len > 0)
    drop (registrar, user, g_ptr_array_index (user->bindings, 0));
  for (gsize i = 0; i < request->n_contacts; i++)
    {
      const GwRegisterContact *contact = &request->contacts[i];
      GwBinding *binding;

      user = find_user (registrar, name);
      binding = find_key (user, contact->key);
      if (granted_s (registrar, request, contact) > 0)
        bind_contact (registrar, name, request, contact, now, wall);
      else if (binding != NULL)
        drop (registrar, user, binding);
    }
  user = find_user (registrar, name);
  if (user != NULL)
    {
      g_ptr_array_sort (user->bindings, compare);
      make_room (registrar, user);
    }
  forget_if_empty (registrar, user);
  return 200;
}

gboolean
gw_registrar_restore (GwRegistrar *registrar, const GwBinding *like, CfgMonotonic now)
{
  const CfgMonotonic latest
      = cfg_monotonic_add_us (now, registrar->limits.max_expires_s * (gint64)CFG_US_PER_S);
  User *user = find_user (registrar, like->user);
  GwBinding *binding;

  if (is_over (like, now) || find_key (user, like->key) != NULL
      || (user == NULL && g_hash_table_size (registrar->users) >= registrar->limits.max_users)
      || (user != NULL && user->bindings->len >= registrar->limits.max_contacts))
    return FALSE;
  user = ensure_user (registrar, like->user);
  binding = binding_new (registrar, user, like->key, now, like->since);
  replace (&binding->uri, like->uri);
  replace (&binding->send_to, like->send_to);
  replace (&binding->route, like->route);
  replace (&binding->call_id, like->call_id);
  replace (&binding->source, like->source);
  replace (&binding->transport, like->transport);
  replace (&binding->user_agent, like->user_agent);
  binding->cseq = like->cseq;
  binding->q_milli = like->q_milli;
  binding->expires = like->expires.us < latest.us ? like->expires : latest;
  g_ptr_array_sort (user->bindings, compare);
  return TRUE;
}

/* ---- what there is ---- */

const GPtrArray *
gw_registrar_bindings (const GwRegistrar *registrar, const char *name)
{
  const User *user = find_user (registrar, name);

  return user != NULL ? user->bindings : NULL;
}

GwBinding *
gw_registrar_find (const GwRegistrar *registrar, guint64 id)
{
  return g_hash_table_lookup (registrar->bindings, &id);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
gw_registrar_users (const GwRegistrar *registrar)
{
  GPtrArray *names = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, registrar->users);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    g_ptr_array_add (names, key);
  g_ptr_array_sort (names, compare_names);
  return names;
}

guint
gw_registrar_n_users (const GwRegistrar *registrar)
{
  return g_hash_table_size (registrar->users);
}

guint
gw_registrar_n_bindings (const GwRegistrar *registrar)
{
  return g_hash_table_size (registrar->bindings);
}

guint
gw_registrar_remove (GwRegistrar *registrar, const char *name, const char *uri)
{
  User *user = find_user (registrar, name);
  guint n = 0;

  for (guint i = user != NULL ? user->bindings->len : 0; i > 0; i--)
    {
      GwBinding *binding = g_ptr_array_index (user->bindings, i - 1);

      if (uri != NULL && strcmp (binding->uri, uri) != 0)
        continue;
      drop (registrar, user, binding);
      n++;
    }
  forget_if_empty (registrar, user);
  return n;
}

GPtrArray *
gw_registrar_expire (GwRegistrar *registrar, CfgMonotonic now)
{
  GPtrArray *names = NULL;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, registrar->users);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      User *user = value;

      if (drop_over (registrar, user, now) == 0)
        continue;
      if (names == NULL)
        names = g_ptr_array_new_with_free_func (g_free);
      g_ptr_array_add (names, g_strdup (user->name));
      if (user->bindings->len == 0)
        g_hash_table_iter_remove (&iter);
    }
  return names;
}

/* ---- whether they are there ---- */

GPtrArray *
gw_registrar_due (GwRegistrar *registrar, CfgMonotonic now, guint max)
{
  GPtrArray *due = NULL;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, registrar->bindings);
  while ((due == NULL || due->len < max) && g_hash_table_iter_next (&iter, NULL, &value))
    {
      GwBinding *binding = value;

      if (binding->is_asked || now.us < binding->next.us || is_over (binding, now))
        continue;
      if (due == NULL)
        due = g_ptr_array_new ();
      binding->is_asked = TRUE;
      g_ptr_array_add (due, binding);
    }
  return due;
}

gboolean
gw_registrar_answered (GwRegistrar *registrar, guint64 id, gint64 rtt_us, CfgMonotonic next)
{
  GwBinding *binding = gw_registrar_find (registrar, id);
  GwReach reach = rtt_us >= 0 ? GW_REACHABLE : GW_UNREACHABLE;
  gboolean has_changed;

  if (binding == NULL)
    return FALSE;
  has_changed = binding->reach != reach;
  binding->reach = reach;
  if (rtt_us >= 0)
    binding->rtt_us = rtt_us;
  binding->is_asked = FALSE;
  binding->next = next;
  return has_changed;
}
