#include "config/settings_rules.h"
#include "config/settings_schema.h"

#include <string.h>

#include "config/base/ids.h"

/* HS256 wants a key as long as its hash (RFC 7518 3.2). */
#define GOOD_PIN_DIGITS   4
#define GOOD_SECRET_BYTES 32
/* RFC 4028 5 */
#define LOWEST_MIN_SE_S 90

static gboolean
check_key_pairs (CfgReader *reader, CfgSettings *settings)
{
  if (settings->api_key == NULL && (settings->n_keys == 0 || settings->api_secret != NULL))
    settings->api_key = g_strdup ("devkey");
  for (gsize i = 0; i < settings->n_keys; i++)
    {
      g_autofree char *path = g_strdup_printf ("keys.%s", settings->keys[i].key);

      if (g_strcmp0 (settings->keys[i].key, settings->api_key) == 0)
        return cfg_reader_fail_at (reader, path, "is the api_key already; remove one of the two");
      if (strlen (settings->keys[i].secret) < GOOD_SECRET_BYTES)
        cfg_reader_warn_at (reader, path, "the secret is short; take at least %d characters",
                            GOOD_SECRET_BYTES);
    }
  if (settings->api_secret != NULL && strlen (settings->api_secret) < GOOD_SECRET_BYTES)
    cfg_reader_warn_at (reader, "api_secret", "is short; take at least %d characters", GOOD_SECRET_BYTES);
  return TRUE;
}

/* Two keys of which one is of no use without the other. */
static gboolean
check_pair (CfgReader *reader, const char *section, const char *const names[2], const char *const values[2])
{
  for (int i = 0; i < 2; i++)
    if (values[i] != NULL && values[1 - i] == NULL)
      {
        g_autofree char *path = g_strdup_printf ("%s.%s", section, names[i]);

        return cfg_reader_fail_at (reader, path, "needs %s.%s beside it", section, names[1 - i]);
      }
  return TRUE;
}

static gboolean
check_range (CfgReader *reader, const char *path, CfgPortRange range)
{
  if (range.start < range.end)
    return TRUE;
  return cfg_reader_fail_at (reader, path, "start (%u) must be below end (%u)", range.start, range.end);
}

static gboolean
check_session_timer (CfgReader *reader, CfgSessionTimerSettings *timer)
{
  if (timer->default_expires_s < timer->min_se_s)
    {
      if (cfg_reader_was_given (reader, "session_timer.default_expires"))
        return cfg_reader_fail_at (reader, "session_timer.default_expires",
                                   "must not be below session_timer.min_se, which is %u", timer->min_se_s);
      timer->default_expires_s = timer->min_se_s;
    }
  if (timer->min_se_s < LOWEST_MIN_SE_S)
    cfg_reader_warn_at (reader, "session_timer.min_se",
                        "is below %d seconds, which RFC 4028 forbids; for tests only", LOWEST_MIN_SE_S);
  return TRUE;
}

static gboolean
check_sip_tls (CfgReader *reader, const CfgSettings *settings)
{
  const char *const names[2] = { "cert", "key" };

  if (!check_pair (reader, "sip.tls", names,
                   (const char *const[2]){ settings->sip.tls.cert, settings->sip.tls.key }))
    return FALSE;
  if ((settings->sip.transports & CFG_SIP_TLS) && settings->sip.tls.cert == NULL)
    return cfg_reader_fail_at (reader, "sip.transports", "tls needs sip.tls.cert and sip.tls.key");
  if (settings->sip.tls.verify_callers && settings->sip.tls.ca == NULL)
    return cfg_reader_fail_at (reader, "sip.tls.verify_callers",
                               "needs sip.tls.ca, who signs for the callers");
  if (!settings->sip.tls.verify)
    cfg_reader_warn_at (reader, "sip.tls.verify",
                        "is off: anybody on the way can pose as a server that is called over TLS");
  return TRUE;
}

static gboolean
check_servers (CfgReader *reader, CfgSettings *settings)
{
  const char *const tls_names[2] = { "cert", "key" };

  if (settings->redis.address == NULL
      && (settings->redis.username != NULL || settings->redis.password != NULL || settings->redis.db != 0))
    return cfg_reader_fail_at (reader, "redis", "needs redis.address, as in localhost:6379");
  if (settings->webhook.api_key != NULL && g_strcmp0 (settings->webhook.api_key, settings->api_key) != 0
      && cfg_settings_find_secret (settings, settings->webhook.api_key) == NULL)
    return cfg_reader_fail_at (reader, "webhook.api_key", "is neither api_key nor one of keys");
  if (settings->webhook.urls[0] != NULL && settings->webhook.api_key == NULL && settings->api_key == NULL)
    return cfg_reader_fail_at (reader, "webhook",
                               "needs webhook.api_key: there is no api_key, and one of keys signs them");
  return check_pair (reader, "http.tls", tls_names,
                     (const char *const[2]){ settings->http.tls_cert, settings->http.tls_key })
         && check_sip_tls (reader, settings) && check_range (reader, "rtp_port", settings->rtp_port)
         && check_range (reader, "rtc.port", settings->rtc.port);
}

/* Takes @name into @seen, a set of names → lines + 1. */
static gboolean
check_unique (CfgReader *reader, GHashTable *seen, char *name, guint line, const char *path)
{
  gpointer first = g_hash_table_lookup (seen, name);

  if (GPOINTER_TO_UINT (first) > 1)
    return cfg_reader_fail_at (reader, path, "\"%s\" is taken by the entry in line %u; choose another name",
                               name, GPOINTER_TO_UINT (first) - 1);
  if (first != NULL)
    return cfg_reader_fail_at (reader, path, "\"%s\" is taken; choose another name", name);
  g_hash_table_insert (seen, name, GUINT_TO_POINTER (line + 1));
  return TRUE;
}

static void
guess_direction (CfgTrunkSettings *trunk)
{
  gboolean takes_calls
      = trunk->numbers[0] != NULL || trunk->allowed_addresses[0] != NULL || trunk->allowed_numbers[0] != NULL;

  if (trunk->direction != 0)
    return;
  if (trunk->outbound_address == NULL)
    trunk->direction = CFG_TRUNK_INBOUND;
  else
    /* registered: calls come over the registration, from nowhere else unless addresses are named */
    trunk->direction = takes_calls && (!trunk->register_ || trunk->allowed_addresses[0] != NULL)
                           ? CFG_TRUNK_BOTH
                           : CFG_TRUNK_OUTBOUND;
}

static gboolean
check_recorded (CfgReader *reader, const CfgSettings *settings, gboolean record, const char *path)
{
  return !record || settings->recordings.path != NULL
         || cfg_reader_fail_at (
             reader, path, "has record: set recordings.path, the directory that recordings are written to");
}

/* One that was made through the API has no line to be found by. */
static void
warn_of_open_trunk (CfgReader *reader, const CfgTrunkSettings *trunk, const char *path)
{
  static const char sentence[] = "takes calls from any address; limit them with allowed_addresses";

  if (trunk->line > 0)
    cfg_reader_warn_at (reader, path, "%s", sentence);
  else
    cfg_reader_warn_at (reader, path, "\"%s\" %s", trunk->name, sentence);
}

static gboolean
check_trunk (CfgReader *reader, const CfgSettings *settings, CfgTrunkSettings *trunk, const char *path,
             GHashTable *seen)
{
  g_autofree char *name_path = g_strconcat (path, ".name", NULL);
  g_autofree char *id_path = g_strconcat (path, ".id", NULL);
  const char *const auth_names[2] = { "auth_username", "auth_password" };

  if (trunk->name == NULL)
    return cfg_reader_fail_at (reader, path, "needs a name");
  if (trunk->id == NULL)
    trunk->id = cfg_id_stable ("ST_", trunk->name);
  if (!check_unique (reader, seen, trunk->name, trunk->line, name_path)
      || (strcmp (trunk->id, trunk->name) != 0
          && !check_unique (reader, seen, trunk->id, trunk->line, id_path)))
    return FALSE;
  guess_direction (trunk);
  if ((trunk->direction & CFG_TRUNK_OUTBOUND) && trunk->outbound_address == NULL)
    return cfg_reader_fail_at (reader, path, "needs an outbound_address to call out through");
  if (!(trunk->direction & CFG_TRUNK_OUTBOUND) && trunk->outbound_address != NULL)
    return cfg_reader_fail_at (
        reader, path,
        "has an outbound_address but direction inbound; make it both, or remove one of the two");
  if (!(trunk->direction & CFG_TRUNK_INBOUND) && trunk->allowed_targets[0] != NULL)
    return cfg_reader_fail_at (reader, path, "has allowed_targets, which are for calls that come in");
  if (trunk->direction == CFG_TRUNK_INBOUND && trunk->numbers[0] == NULL
      && trunk->allowed_addresses[0] == NULL && trunk->auth_username == NULL)
    return cfg_reader_fail_at (reader, path,
                               "needs numbers or allowed_addresses: it would take every call there is");
  if ((trunk->direction & CFG_TRUNK_INBOUND) && trunk->allowed_addresses[0] == NULL
      && !cfg_trunk_asks_for_password (trunk))
    {
      if (trunk->allowed_targets[0] != NULL)
        return cfg_reader_fail_at (reader, path,
                                   "has allowed_targets and takes calls from any address: that would be an "
                                   "open relay; add allowed_addresses, or auth_username and auth_password");
      warn_of_open_trunk (reader, trunk, path);
    }
  return check_pair (reader, path, auth_names,
                     (const char *const[2]){ trunk->auth_username, trunk->auth_password })
         && cfg_check_trunk_files (reader, settings, trunk, path)
         && cfg_check_trunk_calls (reader, trunk, path);
}

static gboolean
check_rule_trunks (CfgReader *reader, const CfgSettings *settings, const CfgDispatchRuleSettings *rule,
                   const char *path)
{
  for (gsize i = 0; rule->trunks[i] != NULL; i++)
    {
      const CfgTrunkSettings *trunk = cfg_settings_find_trunk (settings, rule->trunks[i]);
      g_autofree char *item = g_strdup_printf ("%s.trunks[%" G_GSIZE_FORMAT "]", path, i);

      if (trunk == NULL)
        return cfg_reader_fail_at (reader, item, "there is no trunk named \"%s\"", rule->trunks[i]);
      if (!(trunk->direction & CFG_TRUNK_INBOUND) && !trunk->register_)
        return cfg_reader_fail_at (reader, item, "trunk \"%s\" takes no calls, it is outbound only",
                                   trunk->name);
      /* Ids are names from here on. */
      if (strcmp (rule->trunks[i], trunk->name) != 0)
        {
          g_free (rule->trunks[i]);
          rule->trunks[i] = g_strdup (trunk->name);
        }
    }
  return TRUE;
}

static void
take_randomize (const CfgReader *reader, CfgDispatchRuleSettings *rule, const char *path)
{
  g_autofree char *key = g_strconcat (path, ".randomize", NULL);

  if (rule->type == CFG_RULE_INDIVIDUAL && !cfg_reader_was_given (reader, key))
    rule->randomize = TRUE;
}

static gboolean
check_rule (CfgReader *reader, const CfgSettings *settings, CfgDispatchRuleSettings *rule, const char *path,
            GHashTable *seen)
{
  g_autofree char *name_path = g_strconcat (path, ".name", NULL);
  g_autofree char *id_path = g_strconcat (path, ".id", NULL);

  if (rule->id != NULL && !check_unique (reader, seen, rule->id, rule->line, id_path))
    return FALSE;
  if (rule->name != NULL && !check_unique (reader, seen, rule->name, rule->line, name_path))
    return FALSE;
  if (rule->type == CFG_RULE_DIRECT && rule->room == NULL)
    return cfg_reader_fail_at (reader, path, "needs a room: type direct puts every call into it");
  if (rule->type == CFG_RULE_DIRECT && rule->room_prefix != NULL)
    return cfg_reader_fail_at (reader, path, "room_prefix is for the types individual and callee; use room");
  if (rule->type != CFG_RULE_DIRECT && rule->room != NULL)
    return cfg_reader_fail_at (reader, path, "room is for type direct; use room_prefix");
  if (rule->announcement != NULL && !rule->early_media)
    return cfg_reader_fail_at (reader, path, "has an announcement, which needs early_media: true");
  if (rule->early_media && rule->answer != CFG_ANSWER_ON_PARTICIPANT)
    return cfg_reader_fail_at (
        reader, path,
        "has early_media, which is for answer: on_participant: other calls are answered at "
        "once");
  if (rule->announcement != NULL && settings->media.files == NULL)
    return cfg_reader_fail_at (reader, path, "has an announcement: set media.files, the directory it is in");
  if (rule->type == CFG_RULE_DIRECT && rule->randomize)
    return cfg_reader_fail_at (reader, path, "randomize is for the types individual and callee");
  if (rule->type != CFG_RULE_DIRECT && rule->room_prefix == NULL)
    rule->room_prefix = g_strdup ("");
  take_randomize (reader, rule, path);
  if (rule->pin != NULL && strlen (rule->pin) < GOOD_PIN_DIGITS)
    cfg_reader_warn_at (reader, path, "the pin is short and soon found by trying; take at least %d digits",
                        GOOD_PIN_DIGITS);
  if (rule->pin != NULL && rule->answer == CFG_ANSWER_ON_PARTICIPANT)
    cfg_reader_warn_at (reader, path,
                        "answer: on_participant has no effect beside a pin: a call is answered to "
                        "ask for it");
  for (gsize i = 0; i < rule->n_attributes; i++)
    if (g_str_has_prefix (rule->attributes[i].name, "sip."))
      return cfg_reader_fail_at (reader, path, "attributes: sip.* is the gateway's own");
  if (rule->id == NULL)
    rule->id = cfg_id_stable ("SDR_", rule->name != NULL ? rule->name : rule->room != NULL ? rule->room : "");
  return check_recorded (reader, settings, rule->record, path)
         && check_rule_trunks (reader, settings, rule, path);
}

/* A name that proved itself must mean one thing only. */
static gboolean
check_user (CfgReader *reader, const CfgSettings *settings, gsize index, GHashTable *seen)
{
  const CfgSipUser *user = &settings->sip.registrar.users[index];
  g_autofree char *path = g_strdup_printf ("sip.registrar.users[%" G_GSIZE_FORMAT "]", index);

  if (user->username == NULL || user->password == NULL)
    return cfg_reader_fail_at (reader, path, "needs a username and a password");
  if (!g_hash_table_add (seen, user->username))
    return cfg_reader_fail_at (reader, path, "\"%s\" is there twice; remove one of the two", user->username);
  for (gsize i = 0; i < settings->n_trunks; i++)
    if (cfg_trunk_asks_for_password (&settings->trunks[i])
        && strcmp (settings->trunks[i].auth_username, user->username) == 0)
      return cfg_reader_fail_at (reader, path,
                                 "\"%s\" is the auth_username of trunk \"%s\"; choose another name",
                                 user->username, settings->trunks[i].name);
  return TRUE;
}

static gboolean
check_users (CfgReader *reader, const CfgSettings *settings)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  if (settings->sip.registrar.enabled && settings->sip.registrar.n_users == 0)
    return cfg_reader_fail_at (reader, "sip.registrar", "needs users, or nobody could register");
  if (settings->sip.registrar.min_expires_s > settings->sip.registrar.max_expires_s)
    return cfg_reader_fail_at (reader, "sip.registrar", "min_expires must not be above max_expires");
  for (gsize i = 0; i < settings->sip.registrar.n_users; i++)
    if (!check_user (reader, settings, i, seen))
      return FALSE;
  return TRUE;
}

static gboolean
check_media (CfgReader *reader, const CfgMediaSettings *media)
{
  return media->opus_complexity_min <= media->opus_complexity
         || cfg_reader_fail_at (reader, "media.opus_complexity_min",
                                "must not be above media.opus_complexity, which is %u",
                                media->opus_complexity);
}

/* A connection is found by where it goes to, so that it cannot be one thing for one trunk and another for the
 * next. */
static gboolean
have_same_tls (const CfgTrunkSettings *a, const CfgTrunkSettings *b)
{
  return g_strcmp0 (a->tls.cert, b->tls.cert) == 0 && g_strcmp0 (a->tls.key, b->tls.key) == 0
         && g_strcmp0 (a->tls.ca, b->tls.ca) == 0 && a->tls.verify == b->tls.verify;
}

/* @of_trunk: its path */
static gboolean
check_trunk_tls (CfgReader *reader, const CfgSettings *settings, CfgTrunkSettings *trunk,
                 const char *of_trunk, GHashTable *hosts)
{
  g_autofree char *path = g_strconcat (of_trunk, ".tls", NULL);
  g_autofree char *verify_path = g_strconcat (path, ".verify", NULL);
  const char *const names[2] = { "cert", "key" };

  if (!cfg_reader_was_given (reader, verify_path))
    trunk->tls.verify = settings->sip.tls.verify;
  else if (!trunk->tls.verify)
    cfg_reader_warn_at (reader, verify_path,
                        "is off: anybody on the way can pose as the server of this trunk");
  if (!(trunk->direction & CFG_TRUNK_OUTBOUND) || trunk->transport != CFG_SIP_TLS)
    return !(trunk->tls.cert != NULL || trunk->tls.key != NULL || trunk->tls.ca != NULL
             || cfg_reader_was_given (reader, verify_path))
           || cfg_reader_fail_at (reader, path, "is for trunks that call out with transport: tls");
  g_autofree char *host = cfg_trunk_host (trunk);
  g_autofree char *key = g_ascii_strdown (host, -1);
  const CfgTrunkSettings *other = g_hash_table_lookup (hosts, key);
  if (other != NULL && !have_same_tls (trunk, other))
    return cfg_reader_fail_at (
        reader, path, "must be the same as that of trunk \"%s\", which calls the same host", other->name);
  g_hash_table_insert (hosts, g_steal_pointer (&key), trunk);
  return check_pair (reader, path, names, (const char *const[2]){ trunk->tls.cert, trunk->tls.key });
}

static gboolean
check_trunks (CfgReader *reader, CfgSettings *settings)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) hosts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (gsize i = 0; i < settings->n_trunks; i++)
    {
      g_autofree char *path = g_strdup_printf ("trunks[%" G_GSIZE_FORMAT "]", i);

      if (!check_trunk (reader, settings, &settings->trunks[i], path, seen)
          || !check_recorded (reader, settings, settings->trunks[i].record, path)
          || !check_trunk_tls (reader, settings, &settings->trunks[i], path, hosts))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_rules (CfgReader *reader, CfgSettings *settings)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  if (settings->n_dispatch_rules > 0 && settings->demo)
    return cfg_reader_fail_at (
        reader, "dispatch_rules",
        "need a trunk that calls come through; without trunks the demo rule is the only one");
  for (gsize i = 0; i < settings->n_dispatch_rules; i++)
    {
      g_autofree char *path = g_strdup_printf ("dispatch_rules[%" G_GSIZE_FORMAT "]", i);

      if (!check_rule (reader, settings, &settings->dispatch_rules[i], path, seen))
        return FALSE;
    }
  return cfg_rules_check_clashes (reader, settings);
}

static gboolean
check_pin (CfgReader *reader, const CfgPinSettings *pin)
{
  if (pin->timeout_us <= 0 || pin->digit_timeout_us <= 0)
    return cfg_reader_fail_at (reader, "pin", "timeout and digit_timeout must be above 0");
  return TRUE;
}

static void
check_recordings (CfgReader *reader, const CfgSettings *settings)
{
  if (settings->recordings.path == NULL || settings->media.files == NULL)
    return;
  g_autofree char *path = g_canonicalize_filename (settings->recordings.path, NULL);
  g_autofree char *files = g_canonicalize_filename (settings->media.files, NULL);
  const gsize size = strlen (files);

  if (g_str_has_prefix (path, files) && (path[size] == '\0' || path[size] == '/' || size == 1))
    cfg_reader_warn_at (reader, "recordings.path",
                        "is inside of media.files: who may play files into one room can play the "
                        "recordings of all of them");
}

/* ---- one entry beside those that were checked ---- */

/* Notes @other in @seen as check_unique does, if it is @name or @id. */
static void
note_taken (GHashTable *seen, char *other, guint line, const char *name, const char *id)
{
  if (other != NULL && (g_strcmp0 (other, name) == 0 || g_strcmp0 (other, id) == 0))
    g_hash_table_insert (seen, other, GUINT_TO_POINTER (line + 1));
}

gboolean
cfg_settings_check_trunk (CfgReader *reader, const CfgSettings *settings, CfgTrunkSettings *trunk)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) hosts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  CfgSettings alone = *settings;

  alone.trunks = trunk;
  alone.n_trunks = 1;
  for (gsize i = 0; i < settings->n_trunks; i++)
    {
      CfgTrunkSettings *other = &settings->trunks[i];

      if (g_strcmp0 (other->id, trunk->id) == 0)
        continue;
      note_taken (seen, other->name, other->line, trunk->name, trunk->id);
      note_taken (seen, other->id, other->line, trunk->name, trunk->id);
      if ((other->direction & CFG_TRUNK_OUTBOUND) && other->transport == CFG_SIP_TLS)
        {
          g_autofree char *host = cfg_trunk_host (other);

          g_hash_table_insert (hosts, g_ascii_strdown (host, -1), other);
        }
    }
  return check_trunk (reader, settings, trunk, "trunks[0]", seen)
         && check_recorded (reader, settings, trunk->record, "trunks[0]")
         && check_trunk_tls (reader, settings, trunk, "trunks[0]", hosts) && check_users (reader, &alone);
}

gboolean
cfg_settings_check_rule (CfgReader *reader, const CfgSettings *settings, CfgDispatchRuleSettings *rule)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (gsize i = 0; i < settings->n_dispatch_rules; i++)
    {
      CfgDispatchRuleSettings *other = &settings->dispatch_rules[i];

      if (g_strcmp0 (other->id, rule->id) == 0)
        continue;
      note_taken (seen, other->name, other->line, rule->name, rule->id);
      note_taken (seen, other->id, other->line, rule->name, rule->id);
    }
  return check_rule (reader, settings, rule, "dispatch_rules[0]", seen)
         && cfg_rules_is_apart (settings, rule);
}

gboolean
cfg_settings_check (CfgReader *reader, CfgSettings *settings, gboolean may_demo)
{
  settings->demo = may_demo && settings->n_trunks == 0 && !settings->sip.registrar.enabled;
  settings->implicit_callee_rule = !settings->demo && settings->n_dispatch_rules == 0;
  if (!check_pin (reader, &settings->pin) || !check_key_pairs (reader, settings)
      || !check_servers (reader, settings) || !check_session_timer (reader, &settings->session_timer)
      || !check_trunks (reader, settings) || !check_users (reader, settings)
      || !check_rules (reader, settings) || !check_media (reader, &settings->media))
    return FALSE;
  check_recordings (reader, settings);
  return TRUE;
}
