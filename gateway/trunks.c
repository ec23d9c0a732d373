#include "gateway/trunks.h"

#include "gateway/core/metric_text.h"

#include <string.h>

#include "config/base/log.h"
#include "gateway/core/caller_id.h"
#include "gateway/core/headers.h"
#include "gateway/events.h"
#include "signaling/core/capture.h"
#include "signaling/sip/register.h"

struct _GwTrunks
{
  GHashTable *registered; /* set of char*, owned: names that were told to the endpoint */
  GHashTable *turns;      /* char* id -> guint64*, owned */
};

GwTrunks *
gw_trunks_new (void)
{
  GwTrunks *trunks = g_new0 (GwTrunks, 1);

  trunks->registered = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  trunks->turns = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return trunks;
}

void
gw_trunks_free (GwTrunks *trunks)
{
  g_hash_table_unref (trunks->registered);
  g_hash_table_unref (trunks->turns);
  g_free (trunks);
}

const CfgTrunkSettings *
gw_trunks_find (const Gateway *gateway, const char *trunk)
{
  const CfgSettings *settings = gateway->settings;

  for (gsize i = 0; trunk != NULL && i < settings->n_trunks; i++)
    if (strcmp (settings->trunks[i].id, trunk) == 0 || strcmp (settings->trunks[i].name, trunk) == 0)
      return &settings->trunks[i];
  return NULL;
}

const char *
gw_trunks_next_number (Gateway *gateway, const CfgTrunkSettings *trunk)
{
  guint64 *turn = g_hash_table_lookup (gateway->trunks->turns, trunk->id);

  if (turn == NULL)
    {
      turn = g_new0 (guint64, 1);
      g_hash_table_insert (gateway->trunks->turns, g_strdup (trunk->id), turn);
    }
  return gw_trunk_number (trunk, (*turn)++, g_random_int ());
}

/* ---- registrations ---- */

static const char *
transport_word (CfgSipTransports transport)
{
  return transport == CFG_SIP_TLS   ? ";transport=tls"
         : transport == CFG_SIP_TCP ? ";transport=tcp"
         : transport == CFG_SIP_UDP ? ";transport=udp"
                                    : "";
}

static void
begin (Gateway *gateway, const CfgTrunkSettings *trunk)
{
  g_autofree char *host = gw_uri_host (trunk->outbound_address);
  g_autofree char *registrar = g_strdup_printf ("sip:%s%s", host, transport_word (trunk->transport));
  const SigSipRegister what = {
    .name = trunk->name,
    .registrar = registrar,
    .user = cfg_trunk_account (trunk),
    .host = trunk->from_host,
    .auth_username = trunk->auth_username,
    .auth_password = trunk->auth_password,
    .expires_s = trunk->register_expires_s,
  };
  g_autoptr (GError) error = NULL;

  g_hash_table_add (gateway->trunks->registered, g_strdup (trunk->name));
  if (!sig_sip_register (gateway->sip, &what, &error))
    cfg_error ("sip", NULL, "The trunk cannot register", CFG_STR ("trunk", trunk->name),
               CFG_STR ("reason", error->message));
}

static void
take_back (Gateway *gateway, const char *name)
{
  SigSipRegisterState state;

  if (sig_sip_registered (gateway->sip, name, &state) && state.core.expires_us != 0)
    cfg_info ("sip", NULL, "Taking the registration back", CFG_STR ("trunk", name));
  sig_sip_unregister (gateway->sip, name);
}

void
gw_trunks_follow (Gateway *gateway)
{
  const CfgSettings *settings = gateway->settings;
  g_autoptr (GHashTable) wanted = g_hash_table_new (g_str_hash, g_str_equal);
  GHashTableIter iter;
  gpointer name;

  if (gateway->draining)
    return;
  for (gsize i = 0; i < settings->n_trunks; i++)
    if (settings->trunks[i].register_)
      g_hash_table_add (wanted, settings->trunks[i].name);
  g_hash_table_iter_init (&iter, gateway->trunks->registered);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    {
      if (g_hash_table_contains (wanted, name))
        continue;
      take_back (gateway, name);
      g_hash_table_iter_remove (&iter);
    }
  for (gsize i = 0; i < settings->n_trunks; i++)
    if (settings->trunks[i].register_)
      begin (gateway, &settings->trunks[i]);
}

void
gw_trunks_withdraw (Gateway *gateway)
{
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, gateway->trunks->registered);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    take_back (gateway, name);
  g_hash_table_remove_all (gateway->trunks->registered);
}

static guint
seconds_until (gint64 us)
{
  gint64 left_us = us - cfg_monotonic_now ().us;

  return left_us > 0 ? (guint)((left_us + CFG_US_PER_S - 1) / CFG_US_PER_S) : 0;
}

static void
log_failure (const char *name, const SigSipRegisterState *state)
{
  const SigRegistration *core = &state->core;
  gboolean is_lost = core->state == SIG_REGISTRATION_FAILED;

  cfg_warn ("sip", NULL,
            is_lost ? "Registration failed" : "The registration was not refreshed, it still counts",
            CFG_STR ("trunk", name), CFG_STR ("server", state->server), CFG_INT ("status", core->status),
            CFG_STR ("phrase", state->phrase), CFG_STR ("todo", sig_registration_advice (core->problem)),
            CFG_INT ("nextTrySeconds", seconds_until (core->next_us)));
}

void
gw_trunks_on_registered (gpointer data, const char *name)
{
  Gateway *gateway = data;
  SigSipRegisterState state;

  if (!sig_sip_registered (gateway->sip, name, &state))
    return;
  if (state.core.state == SIG_REGISTRATION_FAILED
      || (state.core.state == SIG_REGISTRATION_REGISTERED && state.core.problem != SIG_REGISTRATION_FINE))
    log_failure (name, &state);
  else if (state.core.state == SIG_REGISTRATION_REGISTERED)
    cfg_info ("sip", NULL, "Registered with the provider", CFG_STR ("trunk", name),
              CFG_STR ("server", state.server), CFG_INT ("expires", state.core.granted_s),
              CFG_STR ("seenAs", state.seen_as),
              CFG_STR ("todo", state.seen_as != NULL
                                   ? "a NAT is between us and the provider: where calls do not come "
                                     "in, set sip.external_address"
                                   : NULL));
  else
    cfg_debug ("sip", NULL, "Registration", CFG_STR ("trunk", name),
               CFG_STR ("state", sig_registration_state_name (state.core.state)));
}

/* An instant of the monotonic clock as one of the calendar. */
static json_t *
instant_json (gint64 us)
{
  g_autofree char *text = NULL;

  if (us == 0)
    return json_null ();
  text = gw_time_text ((CfgWall){ cfg_wall_now ().us + us - cfg_monotonic_now ().us });
  return json_string (text);
}

json_t *
gw_trunks_registration_json (Gateway *gateway, const CfgTrunkSettings *trunk)
{
  SigSipRegisterState state;
  const SigRegistration *core = &state.core;
  g_autofree char *contact = NULL;
  gboolean has_problem;
  json_t *object;

  if (!trunk->register_)
    return NULL;
  (void)!sig_sip_registered (gateway->sip, trunk->name, &state);
  contact = g_strdup (state.contact);
  if (contact != NULL)
    sig_capture_mask (contact, strlen (contact));
  has_problem = core->problem != SIG_REGISTRATION_FINE;
  object = json_pack ("{s:s, s:o, s:o, s:s?, s:s?}", "state", sig_registration_state_name (core->state),
                      "registered_since", instant_json (core->since_us), "expires_at",
                      instant_json (core->expires_us), "server", state.server, "contact", contact);
  if (state.seen_as != NULL)
    json_object_set_new (object, "seen_as", json_string (state.seen_as));
  json_object_set_new (object, "next_try_at",
                       core->is_on_its_way ? json_null () : instant_json (core->next_us));
  json_object_set_new (object, "failures", json_integer ((json_int_t)core->n_failures));
  if (core->status > 0)
    json_object_set_new (object, "sip_status_code", json_integer (core->status));
  if (state.phrase[0] != '\0')
    json_object_set_new (object, "sip_status", json_string (state.phrase));
  if (has_problem)
    json_object_set_new (object, "error", json_string (sig_registration_advice (core->problem)));
  return object;
}

/* Prometheus' escapes in the value of a label. */
static char *
label (const char *name)
{
  GString *text = g_string_new (NULL);

  for (; *name != '\0'; name++)
    {
      if (*name == '"' || *name == '\\')
        g_string_append_c (text, '\\');
      g_string_append_c (text, *name);
    }
  return g_string_free (text, FALSE);
}

static void
add_family (Gateway *gateway, GString *text, const char *name, const char *type, const char *help,
            guint64 (*value) (const SigRegistration *core))
{
  const CfgSettings *settings = gateway->settings;

  gw_metric_head (text, name, type, help);
  for (gsize i = 0; i < settings->n_trunks; i++)
    {
      g_autofree char *trunk = label (settings->trunks[i].name);
      SigSipRegisterState state;

      if (!settings->trunks[i].register_)
        continue;
      (void)!sig_sip_registered (gateway->sip, settings->trunks[i].name, &state);
      g_string_append_printf (text, "switchroom_%s{trunk=\"%s\"} %" G_GUINT64_FORMAT "\n", name, trunk,
                              value (&state.core));
    }
}

static guint64
is_registered (const SigRegistration *core)
{
  return core->state == SIG_REGISTRATION_REGISTERED;
}

static guint64
n_failed (const SigRegistration *core)
{
  return core->n_failed;
}

static guint64
n_refreshed (const SigRegistration *core)
{
  return core->n_refreshed;
}

void
gw_trunks_metrics (Gateway *gateway, GString *text)
{
  add_family (gateway, text, "trunk_registered", "gauge", "Whether the provider has our registration.",
              is_registered);
  add_family (gateway, text, "trunk_registrations_failed_total", "counter", "Tries to register that failed.",
              n_failed);
  add_family (gateway, text, "trunk_registrations_refreshed_total", "counter",
              "Registrations that were refreshed.", n_refreshed);
}
