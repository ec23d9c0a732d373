#include "gateway/registrations.h"

#include <stdlib.h>
#include <string.h>

#include "config/base/log.h"
#include "gateway/core/registrar.h"
#include "gateway/extensions.h"
#include "gateway/store.h"

#define MAX_A_TICK 500 /* extensions; more that register within a second are written in the next ones */

struct _GwRegistrations
{
  GHashTable *changed; /* of char*: extensions whose bindings are not in the store yet */
  gboolean is_failing; /* the last one was not written */
};

/* ---- one extension as text ---- */

static json_t *
binding_json (const GwBinding *binding, CfgMonotonic now, CfgWall wall)
{
  const gint64 left_us = MAX (cfg_monotonic_diff_us (binding->expires, now), 0);

  return json_pack ("{s:s, s:s, s:s*, s:s*, s:s, s:I, s:s, s:s, s:s*, s:I, s:I, s:I}", "uri", binding->uri,
                    "key", binding->key, "send_to", binding->send_to, "route", binding->route, "call_id",
                    binding->call_id, "cseq", (json_int_t)binding->cseq, "source", binding->source,
                    "transport", binding->transport, "user_agent", binding->user_agent, "q_milli",
                    (json_int_t)binding->q_milli, "expires_us", (json_int_t)wall.us + left_us, "since_us",
                    (json_int_t)binding->since.us);
}

/* Returns: (transfer full) (nullable): NULL: it has no phone. */
static char *
text_of (const GwRegistrar *registrar, const char *user)
{
  const GPtrArray *bindings = gw_registrar_bindings (registrar, user);
  const CfgMonotonic now = cfg_monotonic_now ();
  const CfgWall wall = cfg_wall_now ();
  json_t *list, *object;
  char *text;

  if (bindings == NULL)
    return NULL;
  list = json_array ();
  for (guint i = 0; i < bindings->len; i++)
    {
      /* What is no UTF-8 cannot be written: the phone registers again after a restart. */
      json_t *one = binding_json (g_ptr_array_index (bindings, i), now, wall);

      if (one != NULL)
        json_array_append_new (list, one);
    }
  object = json_pack ("{s:s, s:o}", "user", user, "bindings", list);
  text = object != NULL ? json_dumps (object, JSON_COMPACT) : NULL;
  json_decref (object);
  return text;
}

/* Returns: FALSE: it is over, or no text of ours. */
static gboolean
restore_one (GwRegistrar *registrar, const char *user, json_t *object, CfgMonotonic now, CfgWall wall)
{
  GwBinding binding = { .user = user };
  json_int_t cseq = 0, q_milli = 0, expires_us = 0, since_us = 0;

  if (json_unpack (object, "{s:s, s:s, s?s, s?s, s:s, s:I, s:s, s:s, s?s, s:I, s:I, s:I}", "uri",
                   &binding.uri, "key", &binding.key, "send_to", &binding.send_to, "route", &binding.route,
                   "call_id", &binding.call_id, "cseq", &cseq, "source", &binding.source, "transport",
                   &binding.transport, "user_agent", &binding.user_agent, "q_milli", &q_milli, "expires_us",
                   &expires_us, "since_us", &since_us)
          != 0
      || expires_us <= wall.us)
    return FALSE;
  binding.cseq = (guint32)cseq;
  binding.q_milli = (guint)q_milli;
  binding.since.us = since_us;
  binding.expires = cfg_monotonic_add_us (now, expires_us - wall.us);
  return gw_registrar_restore (registrar, &binding, now);
}

/* Returns: how many of its phones are known again. */
static guint
restore (Gateway *gateway, const char *text)
{
  const CfgMonotonic now = cfg_monotonic_now ();
  const CfgWall wall = cfg_wall_now ();
  json_t *object = json_loads (text, 0, NULL), *bindings = json_object_get (object, "bindings"), *one;
  const char *user = json_string_value (json_object_get (object, "user"));
  guint n = 0;
  size_t i;

  if (user != NULL && gw_extension_may_register (gateway, user))
    json_array_foreach (bindings, i, one)
    {
      n += restore_one (gw_extensions_registrar (gateway), user, one, now, wall);
    }
  if (user != NULL && n < json_array_size (bindings))
    gw_registrations_changed (gateway, user);
  json_decref (object);
  return n;
}

GwRegistrations *
gw_registrations_new (Gateway *gateway)
{
  const GPtrArray *texts = gw_store_loaded (gateway->store, GW_STORE_REGISTRATION);
  guint n = 0;

  gateway->registrations = g_new0 (GwRegistrations, 1);
  gateway->registrations->changed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < texts->len; i++)
    n += restore (gateway, g_ptr_array_index (texts, i));
  if (n > 0)
    cfg_info ("sip", NULL, "Phones that had registered are known again", CFG_INT ("contacts", n));
  return gateway->registrations;
}

void
gw_registrations_free (GwRegistrations *registrations)
{
  if (registrations == NULL)
    return;
  g_hash_table_unref (registrations->changed);
  g_free (registrations);
}

/* ---- to the store ---- */

void
gw_registrations_changed (Gateway *gateway, const char *user)
{
  g_hash_table_add (gateway->registrations->changed, g_strdup (user));
}

typedef struct
{
  Gateway *gateway;
  char *user;
} Write;

/* A disk that fails is tried again, and said once. */
static void
on_written (gpointer data, const GError *error)
{
  g_autofree Write *write = data;
  GwRegistrations *registrations = write->gateway->registrations;

  if (error != NULL)
    {
      if (!registrations->is_failing)
        cfg_warn ("store", NULL, "Registrations are not written, and lost with a restart",
                  CFG_STR ("reason", error->message));
      g_hash_table_add (registrations->changed, g_steal_pointer (&write->user));
    }
  registrations->is_failing = error != NULL;
  g_free (write->user);
}

static void
write_some (Gateway *gateway, guint max)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, gateway->registrations->changed);
  for (; max > 0 && g_hash_table_iter_next (&iter, &key, NULL); max--)
    {
      char *text = text_of (gw_extensions_registrar (gateway), key);
      Write *write = g_new (Write, 1);

      *write = (Write){ gateway, key };
      g_hash_table_iter_steal (&iter);
      if (text != NULL)
        gw_store_put (gateway->store, GW_STORE_REGISTRATION, write->user, text, on_written, write);
      else
        gw_store_delete (gateway->store, GW_STORE_REGISTRATION, write->user, on_written, write);
      free (text);
    }
}

void
gw_registrations_tick (Gateway *gateway)
{
  write_some (gateway, MAX_A_TICK);
}

void
gw_registrations_flush (Gateway *gateway)
{
  if (gateway->registrations != NULL)
    write_some (gateway, G_MAXUINT);
}
