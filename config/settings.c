#include "config/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/base/clock.h"
#include "config/base/error.h"
#include "config/settings_schema.h"
#include "config/settings_yaml.h"

static char **
no_texts (void)
{
  return g_new0 (char *, 1);
}

/* Defaults of everything but what the checks derive. */
static CfgSettings *
settings_new (void)
{
  static const char *const codecs[] = { "opus", "G722", "PCMU", "PCMA", NULL };
  static const char *const algorithms[] = { "MD5", "SHA-256", NULL };
  CfgSettings *settings = g_new0 (CfgSettings, 1);

  settings->http.bind = g_strdup ("127.0.0.1");
  settings->http.port = 7880;
  settings->http.allowed_origins = no_texts ();
  settings->sip_port = 5060;
  settings->sip.bind = no_texts ();
  settings->sip.transports = CFG_SIP_UDP | CFG_SIP_TCP;
  settings->sip.tls.port = 5061;
  settings->sip.tls.verify = TRUE;
  settings->sip.realm = g_strdup ("switchroom");
  settings->sip.digest_algorithms = g_strdupv ((char **)algorithms);
  settings->sip.registrar.qualify_interval_us = 30 * CFG_US_PER_S;
  settings->sip.registrar.min_expires_s = 60;
  settings->sip.registrar.max_expires_s = 3600;
  settings->sip.registrar.max_contacts = 10;
  settings->sip.user_agent = g_strdup ("Switchroom");
  settings->rtp_port = (CfgPortRange){ 10000, 20000 };
  settings->rtc.bind = no_texts ();
  settings->rtc.port = (CfgPortRange){ 20000, 29999 };
  settings->media.codecs = g_strdupv ((char **)codecs);
  settings->media.opus_complexity = 5;
  settings->media.mix_speakers = 6;
  settings->media.timeout_us = 60 * CFG_US_PER_S;
  settings->recordings.file = g_strdup ("{date}/{room}-{time}");
  settings->recordings.sample_rate_hz = 16000;
  settings->recordings.max_duration_us = (gint64)4 * 3600 * CFG_US_PER_S;
  settings->session_timer.enabled = TRUE;
  settings->session_timer.default_expires_s = 1800;
  settings->session_timer.min_se_s = 90;
  settings->pin = (CfgPinSettings){ 3, 10 * CFG_US_PER_S, 5 * CFG_US_PER_S };
  settings->limits.max_cpu_utilization = 0.9;
  settings->limits.max_tick_lateness_us = 20 * CFG_US_PER_MS;
  settings->limits.invites_per_second_per_source = 20;
  settings->limits.connections_per_source = 256;
  settings->storage.path = g_strdup (CFG_DEFAULT_STORAGE_PATH);
  settings->storage.call_retention_days = 30;
  settings->webhook.urls = no_texts ();
  settings->logging.level = CFG_LOG_INFO;
  settings->capture.enabled = TRUE;
  settings->capture.hep_node_id = 2001;
  return settings;
}

CfgSettings *
cfg_settings_new_default (void)
{
  CfgSettings *settings = cfg_settings_parse ("", 0, "default", NULL);

  g_assert (settings != NULL);
  return settings;
}

static void
free_pairs (CfgPair *pairs, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      g_free (pairs[i].name);
      g_free (pairs[i].value);
    }
  g_free (pairs);
}

void
cfg_trunk_clear (CfgTrunkSettings *trunk)
{
  g_free (trunk->id);
  g_free (trunk->metadata);
  g_free (trunk->name);
  g_strfreev (trunk->numbers);
  g_strfreev (trunk->allowed_addresses);
  g_strfreev (trunk->allowed_numbers);
  g_strfreev (trunk->allowed_targets);
  g_free (trunk->outbound_address);
  g_free (trunk->auth_username);
  g_free (trunk->auth_password);
  g_strfreev (trunk->codecs);
  g_free (trunk->tls.cert);
  g_free (trunk->tls.key);
  g_free (trunk->tls.ca);
  g_free (trunk->from_user);
  g_free (trunk->from_host);
  free_pairs (trunk->headers, trunk->n_headers);
  free_pairs (trunk->headers_to_attributes, trunk->n_headers_to_attributes);
  free_pairs (trunk->attributes_to_headers, trunk->n_attributes_to_headers);
}

void
cfg_rule_clear (CfgDispatchRuleSettings *rule)
{
  g_free (rule->id);
  g_free (rule->name);
  g_strfreev (rule->trunks);
  g_strfreev (rule->inbound_numbers);
  g_strfreev (rule->numbers);
  free_pairs (rule->attributes, rule->n_attributes);
  g_free (rule->metadata);
  g_free (rule->room_config.metadata);
  g_free (rule->room);
  g_free (rule->room_prefix);
  g_free (rule->pin);
  g_free (rule->announcement);
  g_strfreev (rule->codecs);
}

static void
clear_sip (CfgSipSettings *sip)
{
  g_strfreev (sip->bind);
  g_free (sip->external_address);
  g_free (sip->tls.cert);
  g_free (sip->tls.key);
  g_free (sip->tls.ca);
  g_free (sip->tls.files);
  g_free (sip->realm);
  g_strfreev (sip->digest_algorithms);
  for (gsize i = 0; i < sip->registrar.n_users; i++)
    {
      g_free (sip->registrar.users[i].username);
      g_free (sip->registrar.users[i].password);
    }
  g_free (sip->registrar.users);
  g_free (sip->user_agent);
}

static void
clear_servers (CfgSettings *settings)
{
  g_free (settings->http.bind);
  g_free (settings->http.tls_cert);
  g_free (settings->http.tls_key);
  g_strfreev (settings->http.allowed_origins);
  g_strfreev (settings->rtc.bind);
  g_free (settings->rtc.external_address);
  g_free (settings->rtc.stun);
  g_free (settings->rtc.turn.url);
  g_free (settings->rtc.turn.username);
  g_free (settings->rtc.turn.password);
  g_free (settings->redis.address);
  g_free (settings->redis.username);
  g_free (settings->redis.password);
  g_strfreev (settings->webhook.urls);
  g_free (settings->webhook.api_key);
}

void
cfg_settings_free (CfgSettings *settings)
{
  if (settings == NULL)
    return;
  g_free (settings->api_key);
  g_free (settings->api_secret);
  for (gsize i = 0; i < settings->n_keys; i++)
    {
      g_free (settings->keys[i].key);
      g_free (settings->keys[i].secret);
    }
  g_free (settings->keys);
  g_free (settings->ws_url);
  clear_servers (settings);
  clear_sip (&settings->sip);
  g_strfreev (settings->media.codecs);
  g_free (settings->media.files);
  g_free (settings->recordings.path);
  g_free (settings->recordings.file);
  g_free (settings->prompts.pin_enter);
  g_free (settings->prompts.pin_wrong);
  g_free (settings->prompts.pin_goodbye);
  g_free (settings->storage.path);
  g_free (settings->logging.file);
  g_free (settings->capture.hep_address);
  g_free (settings->capture.hep_password);
  for (gsize i = 0; i < settings->n_trunks; i++)
    cfg_trunk_clear (&settings->trunks[i]);
  g_free (settings->trunks);
  for (gsize i = 0; i < settings->n_dispatch_rules; i++)
    cfg_rule_clear (&settings->dispatch_rules[i]);
  g_free (settings->dispatch_rules);
  g_strfreev (settings->warnings);
  g_clear_pointer (&settings->source, g_bytes_unref);
  g_free (settings->source_name);
  g_free (settings);
}

static const CfgEntries no_entries; /* of the file alone, which says where we listen */

static gboolean
read_entries (CfgReader *reader, CfgSettings *settings, const char *name, const char *const *texts)
{
  const CfgKey *key = cfg_settings_key (name);

  for (; texts != NULL && *texts != NULL; texts++)
    if (!cfg_reader_entry (reader, key, *texts, settings))
      return FALSE;
  return TRUE;
}

static gboolean
read_all (CfgReader *reader, yaml_node_t *root, const CfgEntries *entries, CfgSettings *settings)
{
  return (root == NULL || cfg_reader_is_null (root)
          || cfg_reader_mapping (reader, cfg_settings_keys, root, settings))
         && read_entries (reader, settings, "trunks", entries->trunks)
         && read_entries (reader, settings, "dispatch_rules", entries->dispatch_rules)
         && cfg_settings_check (reader, settings, !entries->never_demo)
         && (entries != &no_entries || cfg_check_ports (reader, settings));
}

static CfgSettings *
parse (GBytes *source, const char *file_name, const CfgEntries *entries, GError **error)
{
  gsize size;
  const char *text = g_bytes_get_data (source, &size);
  g_autoptr (CfgSettings) settings = NULL;
  yaml_document_t document;
  CfgReader reader;

  if (!cfg_yaml_load (text != NULL ? text : "", size, file_name, &document, error))
    return NULL;
  settings = settings_new ();
  settings->source = g_bytes_ref (source);
  settings->source_name = g_strdup (file_name);
  cfg_reader_init (&reader, &document, file_name);
  if (read_all (&reader, yaml_document_get_root_node (&document), entries, settings))
    {
      g_ptr_array_add (reader.warnings, NULL);
      settings->warnings = (char **)g_ptr_array_steal (reader.warnings, NULL);
    }
  else
    {
      g_propagate_error (error, g_steal_pointer (&reader.error));
      g_clear_pointer (&settings, cfg_settings_free);
    }
  cfg_reader_clear (&reader);
  yaml_document_delete (&document);
  return g_steal_pointer (&settings);
}

CfgSettings *
cfg_settings_parse (const char *text, gsize len, const char *file_name, GError **error)
{
  g_autoptr (GBytes) source = g_bytes_new (text, len);

  return parse (source, file_name, &no_entries, error);
}

CfgSettings *
cfg_settings_with (const CfgSettings *settings, const CfgEntries *entries, GError **error)
{
  return parse (settings->source, settings->source_name, entries, error);
}

static gboolean
fail_file (const char *path, int code, GError **error)
{
  g_set_error (error, CFG_ERROR, code == ENOENT ? CFG_ERROR_NOT_FOUND : CFG_ERROR_FAILED_PRECONDITION,
               "%s: cannot read the configuration: %s", path, g_strerror (code));
  return FALSE;
}

/* Reads at most one byte more than is allowed, so that a device or a huge file is no trouble. */
static gboolean
read_file (const char *path, GByteArray *out, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  struct stat info;
  guint8 piece[16384];
  gssize got = 1;

  if (fd < 0)
    return fail_file (path, errno, error);
  if (fstat (fd, &info) == 0 && S_ISDIR (info.st_mode))
    {
      close (fd);
      return fail_file (path, EISDIR, error);
    }
  while (got > 0 && out->len <= CFG_SETTINGS_MAX_FILE_BYTES)
    {
      got = TEMP_FAILURE_RETRY (read (fd, piece, sizeof piece));
      if (got > 0)
        g_byte_array_append (out, piece, (guint)got);
    }
  if (got < 0)
    fail_file (path, errno, error);
  close (fd);
  return got >= 0;
}

CfgSettings *
cfg_settings_load (const char *path, GError **error)
{
  g_autoptr (GByteArray) content = g_byte_array_new ();

  if (!read_file (path, content, error))
    return NULL;
  return cfg_settings_parse ((const char *)content->data, content->len, path, error);
}

char *
cfg_trunk_host (const CfgTrunkSettings *trunk)
{
  const char *address = trunk->outbound_address;
  const char *colon = strchr (address, ':');

  if (*address == '[')
    return g_strndup (address + 1, strcspn (address + 1, "]"));
  if (colon != NULL && strchr (colon + 1, ':') != NULL) /* IPv6 */
    return g_strdup (address);
  return g_strndup (address, strcspn (address, ":"));
}

const CfgTrunkSettings *
cfg_settings_find_trunk (const CfgSettings *settings, const char *name)
{
  for (gsize i = 0; i < settings->n_trunks; i++)
    if (g_strcmp0 (settings->trunks[i].name, name) == 0 || g_strcmp0 (settings->trunks[i].id, name) == 0)
      return &settings->trunks[i];
  return NULL;
}

gboolean
cfg_trunk_asks_for_password (const CfgTrunkSettings *trunk)
{
  return trunk->auth_username != NULL && !(trunk->direction & CFG_TRUNK_OUTBOUND);
}

const char *
cfg_trunk_account (const CfgTrunkSettings *trunk)
{
  return trunk->from_user != NULL ? trunk->from_user : trunk->auth_username;
}

const CfgSipUser *
cfg_settings_find_user (const CfgSettings *settings, const char *username)
{
  if (username == NULL)
    return NULL;
  for (gsize i = 0; settings->sip.registrar.enabled && i < settings->sip.registrar.n_users; i++)
    if (strcmp (settings->sip.registrar.users[i].username, username) == 0)
      return &settings->sip.registrar.users[i];
  return NULL;
}

const char *
cfg_settings_find_secret (const CfgSettings *settings, const char *api_key)
{
  if (api_key == NULL)
    return NULL;
  if (g_strcmp0 (settings->api_key, api_key) == 0)
    return settings->api_secret;
  for (gsize i = 0; i < settings->n_keys; i++)
    if (strcmp (settings->keys[i].key, api_key) == 0)
      return settings->keys[i].secret;
  return NULL;
}
