#include "gateway/extensions.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/log.h"
#include "gateway/core/room.h"
#include "gateway/events.h"
#include "gateway/presence.h"
#include "gateway/registrations.h"
#include "signaling/sip/outside.h"

#define MAX_USERS         10000
#define MAX_DEMO_USERS    100
#define DEFAULT_EXPIRES_S 3600
#define PATIENCE_MS       4000 /* for the answer to OPTIONS */
#define MAX_ASKED_AT_ONCE 200

struct _GwExtensions
{
  GwRegistrar *store;
  gboolean is_on; /* REGISTER is taken: as at the start */
  guint64 n_accepted, n_refused;
};

GwExtensions *
gw_extensions_new (const CfgSettings *settings)
{
  GwExtensions *extensions = g_new0 (GwExtensions, 1);
  const GwRegistrarLimits limits = {
    .min_expires_s = settings->sip.registrar.min_expires_s,
    .max_expires_s = settings->sip.registrar.max_expires_s,
    .default_expires_s
    = CLAMP (DEFAULT_EXPIRES_S, settings->sip.registrar.min_expires_s, settings->sip.registrar.max_expires_s),
    .max_contacts = settings->sip.registrar.max_contacts,
    .max_users = settings->demo ? MAX_DEMO_USERS : MAX_USERS,
  };

  extensions->store = gw_registrar_new (&limits);
  extensions->is_on = settings->demo || settings->sip.registrar.enabled;
  return extensions;
}

void
gw_extensions_free (GwExtensions *extensions)
{
  gw_registrar_free (extensions->store);
  g_free (extensions);
}

static GwRegistrar *
store_of (Gateway *gateway)
{
  return gateway->extensions->store;
}

/* Anybody on this machine may be an extension. */
static gboolean
is_demo (const Gateway *gateway)
{
  return gateway->settings->demo && gateway->loopback_only;
}

GwRegistrar *
gw_extensions_registrar (Gateway *gateway)
{
  return store_of (gateway);
}

/* ---- who there is ---- */

gboolean
gw_extension_is_registered (Gateway *gateway, const char *user)
{
  return user != NULL && gw_registrar_bindings (store_of (gateway), user) != NULL;
}

gboolean
gw_extension_may_register (Gateway *gateway, const char *user)
{
  return is_demo (gateway) || cfg_settings_find_user (gateway->settings, user) != NULL;
}

gboolean
gw_extension_exists (Gateway *gateway, const char *user)
{
  return cfg_settings_find_user (gateway->settings, user) != NULL
         || (is_demo (gateway) && gw_extension_is_registered (gateway, user));
}

gboolean
gw_extension_is_available (Gateway *gateway, const char *user)
{
  const GPtrArray *bindings = gw_registrar_bindings (store_of (gateway), user);

  for (guint i = 0; bindings != NULL && i < bindings->len; i++)
    if (((const GwBinding *)g_ptr_array_index (bindings, i))->reach != GW_UNREACHABLE)
      return TRUE;
  return FALSE;
}

const char *
gw_extension_caller (Gateway *gateway, const char *username, const char *from_user)
{
  if (cfg_settings_find_user (gateway->settings, username) != NULL)
    return username;
  return is_demo (gateway) && gw_extension_is_registered (gateway, from_user) ? from_user : NULL;
}

/* The user of a URI whose host and port are ours; NULL otherwise. */
static char *
own_user (Gateway *gateway, const char *uri)
{
  g_autoptr (GUri) parsed = NULL;
  const char *rest = strchr (uri, ':') + 1, *at = strchr (rest, '@');
  g_autofree char *user = at != NULL ? g_uri_unescape_segment (rest, at, NULL) : NULL;
  g_autofree char *address = at != NULL ? g_strndup (at + 1, strcspn (at + 1, ";?>")) : NULL;
  g_autofree char *text = address != NULL ? g_strconcat ("sip://", address, NULL) : NULL;

  if (user != NULL && text != NULL)
    parsed = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);
  if (parsed == NULL || g_uri_get_host (parsed) == NULL
      || !sig_sip_is_own_address (gateway->sip, g_uri_get_host (parsed),
                                  (guint16)MAX (g_uri_get_port (parsed), 0)))
    return NULL;
  return g_steal_pointer (&user);
}

char *
gw_extension_of_uri (Gateway *gateway, const char *call_to)
{
  gboolean is_uri = g_str_has_prefix (call_to, "sip:") || g_str_has_prefix (call_to, "sips:");
  g_autofree char *user = is_uri ? own_user (gateway, call_to) : g_strdup (call_to);

  return gw_extension_exists (gateway, user) ? g_steal_pointer (&user) : NULL;
}

char *
gw_extension_address (Gateway *gateway, const char *local)
{
  return g_strdup_printf (strchr (local, ':') != NULL ? "[%s]:%u" : "%s:%u", local,
                          gateway->settings->sip_port);
}

/* ---- REGISTER ---- */

static int
check_user (Gateway *gateway, const SigSipRegistration *registration)
{
  if (!gw_name_check ("user", registration->user, NULL))
    return 404;
  if (is_demo (gateway))
    return 200;
  if (registration->username == NULL || strcmp (registration->username, registration->user) != 0)
    return 403;
  return cfg_settings_find_user (gateway->settings, registration->user) != NULL ? 200 : 404;
}

/* (transfer full) (nullable): the first proxy of a Route header. */
static char *
first_hop (const char *route)
{
  const char *start = route != NULL ? strchr (route, '<') : NULL;

  return start != NULL ? g_strndup (start + 1, strcspn (start + 1, ">")) : NULL;
}

static int
take (Gateway *gateway, const SigSipRegistration *registration)
{
  g_autofree char *hop = first_hop (registration->route);
  g_autofree GwRegisterContact *contacts = g_new0 (GwRegisterContact, MAX (registration->n_contacts, 1));
  g_autofree char *source
      = g_strdup_printf (strchr (registration->source_address, ':') != NULL ? "[%s]:%u" : "%s:%u",
                         registration->source_address, registration->source_port);
  const GwRegister request = {
    .call_id = registration->call_id,
    .cseq = registration->cseq,
    .removes_all = registration->removes_all,
    .contacts = contacts,
    .n_contacts = registration->n_contacts,
    .expires_s = registration->expires_s,
    .route = registration->route,
    .source = source,
    .transport = registration->transport,
    .user_agent = registration->user_agent,
  };

  for (gsize i = 0; i < registration->n_contacts; i++)
    contacts[i] = (GwRegisterContact){
      .uri = registration->contacts[i].uri,
      .key = registration->contacts[i].key,
      .send_to = hop != NULL ? hop : registration->contacts[i].send_to,
      .expires_s = registration->contacts[i].expires_s,
      .q_milli = registration->contacts[i].q_milli,
    };
  return gw_registrar_take (store_of (gateway), registration->user, &request, cfg_monotonic_now (),
                            cfg_wall_now ());
}

static guint
seconds_left (const GwBinding *binding, CfgMonotonic now)
{
  return (guint)(MAX (cfg_monotonic_diff_us (binding->expires, now), 0) / CFG_US_PER_S);
}

static void
list_bindings (Gateway *gateway, const char *user, GArray *list)
{
  const GPtrArray *bindings = gw_registrar_bindings (store_of (gateway), user);
  CfgMonotonic now = cfg_monotonic_now ();

  for (guint i = 0; bindings != NULL && i < bindings->len; i++)
    {
      const GwBinding *binding = g_ptr_array_index (bindings, i);
      /* what began just now has all of its time */
      CfgMonotonic before = cfg_monotonic_add_us (now, -(CFG_US_PER_S - 1));
      const SigSipBinding told = { binding->uri, seconds_left (binding, before), binding->q_milli };

      g_array_append_val (list, told);
    }
}

static guint
count (Gateway *gateway, const char *user)
{
  const GPtrArray *bindings = gw_registrar_bindings (store_of (gateway), user);

  return bindings != NULL ? bindings->len : 0;
}

void
gw_extensions_on_registration (gpointer data, const SigSipRegistration *registration,
                               SigSipRegistrationAnswer *answer)
{
  Gateway *gateway = data;
  guint before = count (gateway, registration->user), after;

  answer->status = check_user (gateway, registration);
  if (answer->status == 200)
    answer->status = take (gateway, registration);
  if (answer->status != 200)
    {
      gateway->extensions->n_refused++;
      answer->min_expires_s = gateway->settings->sip.registrar.min_expires_s;
      cfg_warn ("sip", NULL, "Registration refused", CFG_INT ("status", answer->status),
                CFG_STR ("user", registration->user), CFG_STR ("username", registration->username),
                CFG_STR ("fromIP", registration->source_address));
      return;
    }
  gateway->extensions->n_accepted++;
  if (registration->removes_all || registration->n_contacts > 0)
    gw_registrations_changed (gateway, registration->user);
  list_bindings (gateway, registration->user, answer->bindings);
  after = count (gateway, registration->user);
  if (before == after)
    cfg_debug ("sip", NULL, "Registration refreshed", CFG_STR ("user", registration->user),
               CFG_INT ("contacts", after), CFG_STR ("fromIP", registration->source_address));
  else
    {
      cfg_info (
          "sip", NULL, after > before ? "Registered" : "Unregistered", CFG_STR ("user", registration->user),
          CFG_INT ("contacts", after), CFG_STR ("fromIP", registration->source_address),
          CFG_STR ("transport", registration->transport), CFG_STR ("userAgent", registration->user_agent));
      gw_presence_extension_changed (gateway, registration->user);
    }
}

void
gw_extensions_reloaded (Gateway *gateway)
{
  g_autoptr (GPtrArray) users = gw_registrar_users (store_of (gateway));

  if (gateway->settings->sip.registrar.enabled && !gateway->extensions->is_on)
    cfg_warn ("config", NULL, "sip.registrar is enabled now, but REGISTER is taken after a restart only");
  for (guint i = 0; i < users->len && !is_demo (gateway); i++)
    {
      g_autofree char *user = g_strdup (g_ptr_array_index (users, i));

      if (cfg_settings_find_user (gateway->settings, user) != NULL)
        continue;
      (void)gw_registrar_remove (store_of (gateway), user, NULL);
      gw_registrations_changed (gateway, user);
      cfg_info ("sip", NULL, "Unregistered", CFG_STR ("user", user), CFG_INT ("contacts", 0),
                CFG_STR ("reason", "it is not in the configuration any more"));
      gw_presence_extension_changed (gateway, user);
    }
}

/* ---- OPTIONS ---- */

typedef struct
{
  Gateway *gateway;
  guint64 binding;
  CfgMonotonic sent;
} Question;

/* Phones that registered together are not asked together for ever. */
static CfgMonotonic
next_time (const Gateway *gateway, guint64 binding, CfgMonotonic now)
{
  gint64 interval_us = gateway->settings->sip.registrar.qualify_interval_us;

  return cfg_monotonic_add_us (now, interval_us / 1000 * (gint64)(900 + binding * 37 % 200));
}

/* @rtt_us: -1: no answer */
static void
note_answer (Gateway *gateway, guint64 id, gint64 rtt_us)
{
  CfgMonotonic next = next_time (gateway, id, cfg_monotonic_now ());
  const GwBinding *binding;

  if (!gw_registrar_answered (store_of (gateway), id, rtt_us, next))
    return;
  binding = gw_registrar_find (store_of (gateway), id);
  cfg_info ("sip", NULL, rtt_us >= 0 ? "Phone is reachable" : "Phone does not answer",
            CFG_STR ("user", binding->user), CFG_STR ("contact", binding->uri),
            CFG_STR ("source", binding->source));
  gw_presence_extension_changed (gateway, binding->user);
}

static void
on_options_answer (gpointer data, int status, const char *phrase)
{
  const Question *question = data;

  /* Whatever it says, it is there. */
  note_answer (question->gateway, question->binding,
               status == 408 ? -1 : cfg_monotonic_diff_us (cfg_monotonic_now (), question->sent));
}

static SigSipTarget
target_of (const GwBinding *binding)
{
  return (SigSipTarget){ .uri = binding->uri, .send_to = binding->send_to, .route = binding->route };
}

static char *
own_uri (Gateway *gateway, const char *user, const char *local)
{
  g_autofree char *address = gw_extension_address (gateway, local);
  g_autofree char *escaped = g_uri_escape_string (user, "-_.!~*'()&=+$,", FALSE);

  return g_strdup_printf ("sip:%s@%s", escaped, address);
}

/* Where packets for @binding go: (transfer full) */
static char *
local_address (Gateway *gateway, const GwBinding *binding)
{
  const char *uri = binding->send_to != NULL ? binding->send_to : binding->uri;
  const char *at = strchr (uri, '@'), *host = (at != NULL ? at : strchr (uri, ':')) + 1;
  g_autofree char *bare = *host == '[' ? g_strndup (host + 1, strcspn (host + 1, "]"))
                                       : g_strndup (host, strcspn (host, ":;?>"));

  return sig_sip_local_address (gateway->sip, bare);
}

static void
ask (Gateway *gateway, const GwBinding *binding)
{
  g_autofree char *local = local_address (gateway, binding);
  g_autofree char *to = own_uri (gateway, binding->user, local != NULL ? local : "127.0.0.1");
  const SigSipOutside options = { .target = target_of (binding), .to_uri = to, .patience_ms = PATIENCE_MS };
  Question *question = g_new (Question, 1);

  *question = (Question){ gateway, binding->id, cfg_monotonic_now () };
  if (sig_sip_send_outside (gateway->sip, &options, on_options_answer, question, g_free))
    return;
  g_free (question);
  note_answer (gateway, binding->id, -1);
}

void
gw_extensions_tick (Gateway *gateway, CfgMonotonic now)
{
  g_autoptr (GPtrArray) gone = gw_registrar_expire (store_of (gateway), now);
  g_autoptr (GPtrArray) due = NULL;

  for (guint i = 0; gone != NULL && i < gone->len; i++)
    {
      const char *user = g_ptr_array_index (gone, i);

      cfg_info ("sip", NULL, "Registration expired", CFG_STR ("user", user),
                CFG_INT ("contacts", count (gateway, user)));
      gw_registrations_changed (gateway, user);
      gw_presence_extension_changed (gateway, user);
    }
  if (gateway->settings->sip.registrar.qualify_interval_us <= 0 || gateway->stopping)
    return;
  due = gw_registrar_due (store_of (gateway), now, MAX_ASKED_AT_ONCE);
  for (guint i = 0; due != NULL && i < due->len; i++)
    ask (gateway, g_ptr_array_index (due, i));
}

/* ---- calling them ---- */

void
gw_extension_way_clear (GwExtensionWay *way)
{
  g_clear_pointer (&way->targets, g_array_unref);
  g_clear_pointer (&way->local, g_free);
}

/* One offer has one address: phones that another family reaches are left out. */
static void
add_target (Gateway *gateway, GwExtensionWay *way, const GwBinding *binding)
{
  g_autofree char *local = local_address (gateway, binding);
  const SigSipTarget target = target_of (binding);

  if (local == NULL)
    return;
  if (way->local == NULL)
    way->local = g_strdup (local);
  if ((strchr (local, ':') != NULL) == (strchr (way->local, ':') != NULL))
    g_array_append_val (way->targets, target);
}

gboolean
gw_extension_way (Gateway *gateway, const char *user, GwExtensionWay *way, GError **error)
{
  const GPtrArray *bindings = gw_registrar_bindings (store_of (gateway), user);
  gboolean only_available = gw_extension_is_available (gateway, user);

  way->targets = g_array_new (FALSE, FALSE, sizeof (SigSipTarget));
  for (guint i = 0; bindings != NULL && i < bindings->len; i++)
    {
      const GwBinding *binding = g_ptr_array_index (bindings, i);

      if (!only_available || binding->reach != GW_UNREACHABLE)
        add_target (gateway, way, binding);
    }
  if (way->local != NULL)
    return TRUE;
  if (!gw_extension_exists (gateway, user))
    g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND,
                 "there is no extension \"%s\": it is not in sip.registrar.users", user);
  else
    g_set_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "no phone is registered for extension \"%s\"",
                 user);
  return FALSE;
}

static void
on_message_answer (gpointer data, int status, const char *phrase)
{
  const char *user = data;

  if (status >= 300)
    cfg_warn ("sip", NULL, "Message not delivered", CFG_STR ("user", user), CFG_INT ("status", status),
              CFG_STR ("phrase", phrase));
}

int
gw_extension_send_message (Gateway *gateway, const char *user, const char *from, const SigSipMessage *message)
{
  g_auto (GwExtensionWay) way = { 0 };
  g_autoptr (GError) error = NULL;
  guint n = 0;

  if (!gw_extension_way (gateway, user, &way, &error))
    return g_error_matches (error, CFG_ERROR, CFG_ERROR_NOT_FOUND) ? 404 : 480;
  for (guint i = 0; i < way.targets->len; i++)
    {
      g_autofree char *from_uri = own_uri (gateway, from, way.local);
      g_autofree char *to_uri = own_uri (gateway, user, way.local);
      const SigSipOutside text = {
        .target = g_array_index (way.targets, SigSipTarget, i),
        .to_uri = to_uri,
        .from_uri = from_uri,
        .from_display = message->from_display,
        .text = message->text,
      };
      char *name = g_strdup (user);

      if (sig_sip_send_outside (gateway->sip, &text, on_message_answer, name, g_free))
        n++;
      else
        g_free (name);
    }
  return n > 0 ? 202 : 480;
}

/* ---- registration.*, metrics ---- */

static json_t *
binding_json (const GwBinding *binding, CfgMonotonic now)
{
  static const char *const states[] = { "unknown", "reachable", "unreachable" };
  g_autofree char *since = gw_time_text (binding->since);
  json_t *object
      = json_pack ("{s:s, s:s, s:s, s:s?, s:f, s:i, s:s, s:s}", "uri", binding->uri, "source_address",
                   binding->source, "transport", binding->transport, "user_agent", binding->user_agent, "q",
                   binding->q_milli / 1000.0, "expires_in", (int)seconds_left (binding, now), "state",
                   states[binding->reach], "registered_at", since);

  json_object_set_new (object, "rtt_ms",
                       binding->rtt_us >= 0 ? json_real ((double)binding->rtt_us / 1000) : json_null ());
  return object;
}

static json_t *
user_json (Gateway *gateway, const char *user)
{
  const GPtrArray *bindings = gw_registrar_bindings (store_of (gateway), user);
  json_t *contacts = json_array ();
  CfgMonotonic now = cfg_monotonic_now ();

  for (guint i = 0; bindings != NULL && i < bindings->len; i++)
    json_array_append_new (contacts, binding_json (g_ptr_array_index (bindings, i), now));
  return json_pack ("{s:s, s:b, s:b, s:o}", "username", user, "registered", bindings != NULL, "available",
                    gw_extension_is_available (gateway, user), "contacts", contacts);
}

static gboolean
may_see (GwRequest *request, GError **error)
{
  if (gw_request_token (request)->room == NULL)
    return TRUE;
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED,
                       "extensions belong to no room, and the token is for one room only");
  return FALSE;
}

static json_t *
registration_list (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  const CfgSettings *settings = gateway->settings;
  const char *only = gw_param_string (params, "username");
  json_t *list = json_array ();
  g_autoptr (GPtrArray) users = gw_registrar_users (store_of (gateway));

  if (!may_see (request, error))
    {
      json_decref (list);
      return NULL;
    }
  for (gsize i = 0; settings->sip.registrar.enabled && i < settings->sip.registrar.n_users; i++)
    if (only == NULL || strcmp (only, settings->sip.registrar.users[i].username) == 0)
      json_array_append_new (list, user_json (gateway, settings->sip.registrar.users[i].username));
  for (guint i = 0; i < users->len; i++)
    {
      const char *user = g_ptr_array_index (users, i);

      if (cfg_settings_find_user (settings, user) == NULL && (only == NULL || strcmp (only, user) == 0))
        json_array_append_new (list, user_json (gateway, user));
    }
  return json_pack ("{s:o}", "registrations", list);
}

static json_t *
registration_remove (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  g_autofree char *user = g_strdup (gw_param_string (params, "username"));
  const char *uri = gw_param_string (params, "uri");
  guint n;

  if (!may_see (request, error))
    return NULL;
  n = gw_registrar_remove (store_of (gateway), user, uri);
  if (n == 0)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "extension \"%s\" has no such registration", user);
      return NULL;
    }
  cfg_info ("sip", NULL, "Unregistered", CFG_STR ("user", user), CFG_INT ("contacts", count (gateway, user)),
            CFG_STR ("reason", "api"));
  gw_registrations_changed (gateway, user);
  gw_presence_extension_changed (gateway, user);
  return json_pack ("{s:i}", "removed", (int)n);
}

static const GwParam list_params[] = {
  { "username", { "user" }, GW_PARAM_STRING, FALSE, "Only this extension." },
  { NULL },
};
static const GwParam remove_params[] = {
  { "username", { "user" }, GW_PARAM_STRING, TRUE, "The extension." },
  { "uri", { "contact" }, GW_PARAM_STRING, FALSE, "Only this contact.", .otherwise = "all" },
  { NULL },
};

static const GwField contact_fields[] = {
  { "uri", GW_FIELD_STRING, 0, "Its address." },
  { "source_address", GW_FIELD_STRING, 0, "Where it registered from." },
  { "transport", GW_FIELD_STRING, 0, "udp, tcp or tls." },
  { "user_agent", GW_FIELD_STRING, GW_FIELD_NULL, "What it says it is." },
  { "q", GW_FIELD_REAL, 0, "How much it wants to be called, 0 to 1." },
  { "expires_in", GW_FIELD_INT, 0, "Seconds until it is forgotten." },
  { "state", GW_FIELD_STRING, 0, "Whether it answers OPTIONS.", .words = "unknown reachable unreachable" },
  { "registered_at", GW_FIELD_TIME, 0, "When it registered first." },
  { "rtt_ms", GW_FIELD_REAL, GW_FIELD_NULL, "How fast it answers." },
  { NULL },
};
static const GwShape contact_shape = { "contact", "A phone that registered.", contact_fields };
static const GwField registration_fields[] = {
  { "username", GW_FIELD_STRING, 0, "The extension." },
  { "registered", GW_FIELD_BOOL, 0, "It has a phone." },
  { "available", GW_FIELD_BOOL, 0, "A call to it would ring." },
  { "contacts", GW_FIELD_OBJECT, GW_FIELD_LIST, "Its phones.", &contact_shape },
  { NULL },
};
static const GwShape registration_shape
    = { "registration", "An extension and its phones.", registration_fields };
static const GwField list_result[] = {
  { "registrations", GW_FIELD_OBJECT, GW_FIELD_LIST, "Extensions.", &registration_shape },
  { NULL },
};
static const GwField remove_result[] = {
  { "removed", GW_FIELD_INT, 0, "How many contacts were forgotten." },
  { NULL },
};

const GwMethod gw_registration_methods[] = {
  { "registration.list", GW_GRANT_SIP_CALL, NULL, registration_list, list_params,
    "Extensions, and where their phones are: contacts with expiry, whether they answer, and how fast.",
    .result = list_result, .more = "A token with a room is refused." },
  { "registration.remove", GW_GRANT_SIP_CALL, NULL, registration_remove, remove_params,
    "Forgets where an extension is, until its phone registers again.", .result = remove_result,
    .errors = "not_found", .example = "{\"username\": \"alice\"}", .answer = "{\"removed\": 1}",
    .more = "A token with a room is refused." },
  { NULL },
};

static void
add (GString *text, const char *name, const char *type, const char *help, double value)
{
  g_string_append_printf (text, "# HELP switchroom_%s %s\n# TYPE switchroom_%s %s\nswitchroom_%s %.15g\n",
                          name, help, name, type, name, value);
}

void
gw_extensions_metrics (Gateway *gateway, GString *text)
{
  g_autoptr (GPtrArray) users = gw_registrar_users (store_of (gateway));
  guint n_unreachable = 0;

  for (guint i = 0; i < users->len; i++)
    {
      const GPtrArray *bindings = gw_registrar_bindings (store_of (gateway), g_ptr_array_index (users, i));

      for (guint k = 0; k < bindings->len; k++)
        n_unreachable += ((const GwBinding *)g_ptr_array_index (bindings, k))->reach == GW_UNREACHABLE;
    }
  add (text, "sip_extensions_registered", "gauge", "Extensions with a phone.", users->len);
  add (text, "sip_registrations", "gauge", "Registered phones.",
       gw_registrar_n_bindings (store_of (gateway)));
  add (text, "sip_registrations_unreachable", "gauge", "Registered phones that do not answer OPTIONS.",
       n_unreachable);
  add (text, "sip_registers_total", "counter", "REGISTER requests accepted.",
       (double)gateway->extensions->n_accepted);
  add (text, "sip_registers_refused_total", "counter",
       "REGISTER requests refused, those with a wrong password not counted.",
       (double)gateway->extensions->n_refused);
}
