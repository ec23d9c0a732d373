/* What configurations mean: defaults, every key, the configurations of the providers' guides. */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "config/base/clock.h"
#include "config/base/error.h"
#include "config/settings.h"

static CfgSettings *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  CfgSettings *settings = cfg_settings_parse (text, strlen (text), "switchroom.yaml", &error);

  g_assert_no_error (error);
  g_assert_nonnull (settings);
  return settings;
}

static void
assert_texts (char *const *got, const char *wanted)
{
  g_autofree char *joined = g_strjoinv (",", (char **)got);

  g_assert_cmpstr (joined, ==, wanted);
}

static void
assert_default_servers (const CfgSettings *settings)
{
  g_assert_cmpstr (settings->http.bind, ==, "127.0.0.1");
  g_assert_cmpuint (settings->http.port, ==, 7880);
  g_assert_null (settings->http.tls_cert);
  g_assert_null (settings->http.tls_key);
  assert_texts (settings->http.allowed_origins, "");
  g_assert_cmpuint (settings->sip_port, ==, 5060);
  assert_texts (settings->sip.bind, "");
  g_assert_cmpint (settings->sip.transports, ==, CFG_SIP_UDP | CFG_SIP_TCP);
  g_assert_null (settings->sip.external_address);
  g_assert_cmpuint (settings->sip.tls.port, ==, 5061);
  g_assert_null (settings->sip.tls.cert);
  g_assert_true (settings->sip.tls.verify);
  g_assert_cmpstr (settings->sip.realm, ==, "switchroom");
  assert_texts (settings->sip.digest_algorithms, "MD5,SHA-256");
  g_assert_cmpint (settings->sip.registrar.qualify_interval_us, ==, 30 * CFG_US_PER_S);
  g_assert_false (settings->sip.registrar.enabled);
  g_assert_cmpuint (settings->sip.registrar.n_users, ==, 0);
  g_assert_cmpstr (settings->sip.user_agent, ==, "Switchroom");
  g_assert_cmpuint (settings->rtp_port.start, ==, 10000);
  g_assert_cmpuint (settings->rtp_port.end, ==, 20000);
  assert_texts (settings->rtc.bind, "");
  g_assert_cmpuint (settings->rtc.port.start, ==, 20000);
  g_assert_cmpuint (settings->rtc.port.end, ==, 29999);
  g_assert_null (settings->rtc.external_address);
  g_assert_null (settings->rtc.stun);
  g_assert_null (settings->rtc.turn.url);
}

static void
assert_default_rest (const CfgSettings *settings)
{
  g_assert_cmpuint (settings->media.workers, ==, 0);
  assert_texts (settings->media.codecs, "opus,G722,PCMU,PCMA");
  g_assert_cmpuint (settings->media.opus_complexity, ==, 5);
  g_assert_cmpuint (settings->media.mix_speakers, ==, 6);
  g_assert_cmpint (settings->media.timeout_us, ==, 60 * CFG_US_PER_S);
  g_assert_cmpint (settings->media.timeout_initial_us, ==, 0);
  g_assert_true (settings->session_timer.enabled);
  g_assert_cmpuint (settings->session_timer.default_expires_s, ==, 1800);
  g_assert_cmpuint (settings->session_timer.min_se_s, ==, 90);
  g_assert_cmpint (settings->session_timer.prefer_refresher, ==, CFG_REFRESHER_UAC);
  g_assert_false (settings->session_timer.use_update);
  g_assert_cmpuint (settings->limits.max_calls, ==, 0);
  g_assert_cmpfloat (settings->limits.max_cpu_utilization, ==, 0.9);
  g_assert_cmpint (settings->limits.max_tick_lateness_us, ==, 20000);
  g_assert_cmpuint (settings->limits.invites_per_second_per_source, ==, 20);
  g_assert_cmpuint (settings->limits.connections_per_source, ==, 256);
  g_assert_cmpstr (settings->storage.path, ==, "switchroom.db");
  g_assert_null (settings->redis.address);
  assert_texts (settings->webhook.urls, "");
  g_assert_cmpint (settings->logging.level, ==, CFG_LOG_INFO);
  g_assert_cmpint (settings->logging.format, ==, CFG_LOG_TEXT);
  g_assert_null (settings->logging.file);
}

static void
assert_all_default (const CfgSettings *settings)
{
  g_assert_true (settings->demo);
  g_assert_false (settings->implicit_callee_rule);
  g_assert_cmpstr (settings->api_key, ==, "devkey");
  g_assert_null (settings->api_secret);
  g_assert_cmpuint (settings->n_keys, ==, 0);
  g_assert_null (settings->ws_url);
  assert_default_servers (settings);
  assert_default_rest (settings);
  g_assert_cmpuint (settings->n_trunks, ==, 0);
  g_assert_cmpuint (settings->n_dispatch_rules, ==, 0);
  assert_texts (settings->warnings, "");
}

static void
nothing_means_the_defaults (void)
{
  static const char *const texts[]
      = { "", "\n", "# only a comment\n", "---\n", "~\n", "{}\n", "\xef\xbb\xbf# BOM\n" };
  g_autoptr (CfgSettings) settings = cfg_settings_new_default ();

  assert_all_default (settings);
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (CfgSettings) empty = parse (texts[i]);

      assert_all_default (empty);
    }
}

/* Every key, given with its default, empty, or null, as the documentation lists them. */
static const char documented[]
    = "api_key: devkey\n"
      "api_secret:\n"
      "ws_url: ws://localhost:7880\n"
      "http: {bind: 127.0.0.1, port: 7880, tls: {cert: , key: }, allowed_origins: []}\n"
      "sip_port: 5060\n"
      "sip: {bind: [], transports: [udp, tcp], external_address: , tls: {port: 5061, cert: , key: , ca: , "
      "verify: true},\n"
      "      realm: switchroom, digest_algorithms: [MD5, SHA-256], registrar: {enabled: false, users: [],\n"
      "      qualify_interval: 30s},\n"
      "      user_agent: Switchroom}\n"
      "rtp_port: {start: 10000, end: 20000}\n"
      "rtc: {bind: [], port: {start: 20000, end: 29999}, external_address: , stun: ,\n"
      "      turn: {url: , username: , password: }}\n"
      "media: {workers: 0, codecs: [opus, G722, PCMU, PCMA], opus_complexity: 5, mix_speakers: 6,\n"
      "        timeout: 60s, timeout_initial: 0}\n"
      "session_timer: {enabled: true, default_expires: 1800, min_se: 90, prefer_refresher: uac, use_update: "
      "false}\n"
      "limits: {max_calls: 0, max_cpu_utilization: 0.9, invites_per_second_per_source: 20}\n"
      "storage: {path: switchroom.db}\n"
      "redis: {address: , username: , password: , db: 0}\n"
      "webhook: {urls: [], api_key: }\n"
      "logging: {level: info, format: text, file: }\n"
      "keys: {}\n"
      "trunks: []\n"
      "dispatch_rules: []\n";

static void
the_documented_defaults_are_the_defaults (void)
{
  g_autoptr (CfgSettings) settings = parse (documented);

  g_assert_cmpstr (settings->ws_url, ==, "ws://localhost:7880");
  g_clear_pointer (&settings->ws_url, g_free);
  assert_all_default (settings);
}

static void
empty_sections_are_ignored (void)
{
  g_autoptr (CfgSettings) settings
      = parse ("http:\nsip: ~\nrtc: null\nmedia:\n  timeout:\n  codecs:\nsip_port:\n"
               "session_timer:\n  min_se:\n  prefer_refresher: \"\"\ntrunks:\nkeys:\n"
               "api_key: \"\"\nlogging: {file: \"\"}\n");

  assert_all_default (settings);
}

static const char every_key[]
    = "api_key: first\n"
      "api_secret: 0123456789abcdef0123456789abcdef\n"
      "keys:\n"
      "  second: 1123456789abcdef0123456789abcdef\n"
      "  third.one: 2123456789abcdef0123456789abcdef\n"
      "ws_url: wss://phone.example.com\n"
      "http:\n"
      "  bind: \"::\"\n"
      "  port: 0\n"
      "  tls: {cert: /etc/cert.pem, key: /etc/key.pem}\n"
      "  allowed_origins: [\"https://a.example.com\", \"http://b.example.com:8080\"]\n"
      "sip_port: \"5080\"\n"
      "sip:\n"
      "  bind: [192.0.2.1, \"2001:db8::1\"]\n"
      "  transports: [TCP]\n"
      "  external_address: 203.0.113.1\n"
      "  tls: {port: 5062, verify: no}\n"
      "  realm: phones\n"
      "  digest_algorithms: [sha-256, md5]\n"
      "  registrar:\n"
      "    qualify_interval: 0\n"
      "    min_expires: 30\n"
      "    max_expires: 2h\n"
      "    max_contacts: 3\n"
      "    users: [{username: alice, password: a}]\n"
      "  user_agent: Example/1.0 (test)\n"
      "rtp_port: {start: 30000, end: 30099}\n"
      "rtc:\n"
      "  bind: [192.0.2.1]\n"
      "  port: {start: 40000, end: 40099}\n"
      "  external_address: 203.0.113.1\n"
      "  stun: stun.example.com:3478\n"
      "media:\n"
      "  workers: 3\n"
      "  codecs: [pcmu, opus]\n"
      "  opus_complexity: 0\n"
      "  mix_speakers: 12\n"
      "  timeout: 5m\n"
      "  timeout_initial: 1500ms\n"
      "session_timer:\n"
      "  enabled: off\n"
      "  default_expires: 1h\n"
      "  min_se: 2m\n"
      "  prefer_refresher: uas\n"
      "  use_update: yes\n"
      "limits: {max_calls: 100, max_cpu_utilization: .5, max_tick_lateness: 5ms, "
      "invites_per_second_per_source: 0, "
      "connections_per_source: 7}\n"
      "storage: {path: \":memory:\"}\n"
      "redis: {address: \"[::1]:6379\", username: u, password: p, db: 2}\n"
      "logging: {level: debug, format: json, file: /var/log/switchroom.log}\n";

static void
assert_every_server_key (const CfgSettings *settings)
{
  g_assert_cmpstr (settings->ws_url, ==, "wss://phone.example.com");
  g_assert_cmpstr (settings->http.bind, ==, "::");
  g_assert_cmpuint (settings->http.port, ==, 0);
  g_assert_cmpstr (settings->http.tls_cert, ==, "/etc/cert.pem");
  g_assert_cmpstr (settings->http.tls_key, ==, "/etc/key.pem");
  assert_texts (settings->http.allowed_origins, "https://a.example.com,http://b.example.com:8080");
  g_assert_cmpuint (settings->sip_port, ==, 5080);
  assert_texts (settings->sip.bind, "192.0.2.1,2001:db8::1");
  g_assert_cmpint (settings->sip.transports, ==, CFG_SIP_TCP);
  g_assert_cmpstr (settings->sip.external_address, ==, "203.0.113.1");
  g_assert_cmpuint (settings->sip.tls.port, ==, 5062);
  g_assert_false (settings->sip.tls.verify);
  g_assert_cmpstr (settings->sip.realm, ==, "phones");
  assert_texts (settings->sip.digest_algorithms, "SHA-256,MD5");
  g_assert_cmpint (settings->sip.registrar.qualify_interval_us, ==, 0);
  g_assert_cmpuint (settings->sip.registrar.min_expires_s, ==, 30);
  g_assert_cmpuint (settings->sip.registrar.max_expires_s, ==, 7200);
  g_assert_cmpuint (settings->sip.registrar.max_contacts, ==, 3);
  g_assert_cmpuint (settings->sip.registrar.n_users, ==, 1);
  g_assert_cmpstr (settings->sip.registrar.users[0].username, ==, "alice");
  g_assert_null (cfg_settings_find_user (settings, "alice")); /* it is switched off */
  g_assert_cmpstr (settings->sip.user_agent, ==, "Example/1.0 (test)");
  g_assert_cmpuint (settings->rtp_port.start, ==, 30000);
  g_assert_cmpuint (settings->rtp_port.end, ==, 30099);
  assert_texts (settings->rtc.bind, "192.0.2.1");
  g_assert_cmpuint (settings->rtc.port.start, ==, 40000);
  g_assert_cmpuint (settings->rtc.port.end, ==, 40099);
  g_assert_cmpstr (settings->rtc.external_address, ==, "203.0.113.1");
  g_assert_cmpstr (settings->rtc.stun, ==, "stun.example.com:3478");
}

static void
every_key_reaches_its_member (void)
{
  g_autoptr (CfgSettings) settings = parse (every_key);

  g_assert_cmpstr (settings->api_key, ==, "first");
  g_assert_cmpstr (cfg_settings_find_secret (settings, "first"), ==, "0123456789abcdef0123456789abcdef");
  g_assert_cmpstr (cfg_settings_find_secret (settings, "second"), ==, "1123456789abcdef0123456789abcdef");
  g_assert_cmpstr (cfg_settings_find_secret (settings, "third.one"), ==, "2123456789abcdef0123456789abcdef");
  g_assert_null (cfg_settings_find_secret (settings, "fourth"));
  g_assert_null (cfg_settings_find_secret (settings, NULL));
  assert_every_server_key (settings);
  g_assert_cmpuint (settings->media.workers, ==, 3);
  assert_texts (settings->media.codecs, "PCMU,opus");
  g_assert_cmpuint (settings->media.opus_complexity, ==, 0);
  g_assert_cmpuint (settings->media.mix_speakers, ==, 12);
  g_assert_cmpint (settings->media.timeout_us, ==, 300 * CFG_US_PER_S);
  g_assert_cmpint (settings->media.timeout_initial_us, ==, 1500 * CFG_US_PER_MS);
  g_assert_false (settings->session_timer.enabled);
  g_assert_cmpuint (settings->session_timer.default_expires_s, ==, 3600);
  g_assert_cmpuint (settings->session_timer.min_se_s, ==, 120);
  g_assert_cmpint (settings->session_timer.prefer_refresher, ==, CFG_REFRESHER_UAS);
  g_assert_true (settings->session_timer.use_update);
  g_assert_cmpuint (settings->limits.max_calls, ==, 100);
  g_assert_cmpfloat (settings->limits.max_cpu_utilization, ==, 0.5);
  g_assert_cmpint (settings->limits.max_tick_lateness_us, ==, 5000);
  g_assert_cmpuint (settings->limits.invites_per_second_per_source, ==, 0);
  g_assert_cmpuint (settings->limits.connections_per_source, ==, 7);
  g_assert_cmpstr (settings->storage.path, ==, ":memory:");
  g_assert_cmpstr (settings->redis.address, ==, "[::1]:6379");
  g_assert_cmpstr (settings->redis.username, ==, "u");
  g_assert_cmpstr (settings->redis.password, ==, "p");
  g_assert_cmpuint (settings->redis.db, ==, 2);
  g_assert_cmpint (settings->logging.level, ==, CFG_LOG_DEBUG);
  g_assert_cmpint (settings->logging.format, ==, CFG_LOG_JSON);
  g_assert_cmpstr (settings->logging.file, ==, "/var/log/switchroom.log");
  g_assert_cmpuint (g_strv_length (settings->warnings), ==, 1);
}

static const char with_trunks[]
    = "dispatch_rules:\n"
      "  - {name: lobby, trunks: [twilio], type: direct, room: lobby, pin: \"\", answer: immediate}\n"
      "  - {type: individual, room_prefix: call-, codecs: [PCMU, PCMA]}\n"
      "  - type: callee\n"
      "trunks:\n"
      "  - {name: twilio, direction: inbound, numbers: [+15551234567], allowed_addresses: [54.172.60.0/30],\n"
      "     auth_username: , auth_password: }\n"
      "  - {name: telnyx, direction: outbound, outbound_address: sip.telnyx.com, transport: tcp,\n"
      "     numbers: [\"+15559876543\"], auth_username: u, auth_password: p, register: false}\n"
      "  - name: both\n"
      "    direction: both\n"
      "    allowed_addresses: [\"2001:db8::/32\", 192.0.2.9]\n"
      "    outbound_address: 192.0.2.9:5080\n";

static void
assert_trunks (const CfgSettings *settings)
{
  const CfgTrunkSettings *trunk = &settings->trunks[0];

  g_assert_cmpuint (settings->n_trunks, ==, 3);
  g_assert_cmpstr (trunk->name, ==, "twilio");
  g_assert_cmpint (trunk->direction, ==, CFG_TRUNK_INBOUND);
  assert_texts (trunk->numbers, "+15551234567");
  assert_texts (trunk->allowed_addresses, "54.172.60.0/30");
  g_assert_null (trunk->auth_username);
  g_assert_cmpuint (trunk->line, ==, 6);
  trunk = &settings->trunks[1];
  g_assert_cmpint (trunk->direction, ==, CFG_TRUNK_OUTBOUND);
  g_assert_cmpint (trunk->transport, ==, CFG_SIP_TCP);
  g_assert_cmpstr (trunk->outbound_address, ==, "sip.telnyx.com");
  g_assert_cmpstr (trunk->auth_username, ==, "u");
  g_assert_cmpstr (trunk->auth_password, ==, "p");
  g_assert_cmpuint (trunk->line, ==, 8);
  trunk = &settings->trunks[2];
  g_assert_cmpint (trunk->direction, ==, CFG_TRUNK_BOTH);
  g_assert_cmpint (trunk->transport, ==, 0);
  g_assert_true (cfg_settings_find_trunk (settings, "both") == trunk);
  g_assert_null (cfg_settings_find_trunk (settings, "Both"));
}

static void
trunks_and_rules (void)
{
  g_autoptr (CfgSettings) settings = parse (with_trunks);
  const CfgDispatchRuleSettings *rules = settings->dispatch_rules;

  g_assert_false (settings->demo);
  g_assert_false (settings->implicit_callee_rule);
  assert_trunks (settings);
  g_assert_cmpuint (settings->n_dispatch_rules, ==, 3);
  g_assert_cmpstr (rules[0].name, ==, "lobby");
  assert_texts (rules[0].trunks, "twilio");
  g_assert_cmpint (rules[0].type, ==, CFG_RULE_DIRECT);
  g_assert_cmpstr (rules[0].room, ==, "lobby");
  g_assert_null (rules[0].room_prefix);
  g_assert_null (rules[0].pin);
  g_assert_cmpint (rules[0].answer, ==, CFG_ANSWER_IMMEDIATE);
  assert_texts (rules[0].codecs, "");
  g_assert_cmpuint (rules[0].line, ==, 2);
  g_assert_cmpint (rules[1].type, ==, CFG_RULE_INDIVIDUAL);
  g_assert_cmpstr (rules[1].room_prefix, ==, "call-");
  assert_texts (rules[1].trunks, "");
  assert_texts (rules[1].codecs, "PCMU,PCMA");
  g_assert_cmpint (rules[2].type, ==, CFG_RULE_CALLEE);
  g_assert_cmpstr (rules[2].room_prefix, ==, "");
}

static void
recordings (void)
{
  g_autoptr (CfgSettings) settings = parse (
      "recordings: {path: /var/rec, file: \"{room}/x\", format: wav, sample_rate: 48000, channels: 2, "
      "max_duration: 1h}\n"
      "trunks:\n  - {name: t, numbers: [\"1\"], record: true}\n"
      "dispatch_rules:\n  - {room: a, record: true}\n  - {type: callee}\n");
  g_autoptr (CfgSettings) plain = parse ("");

  g_assert_cmpstr (settings->recordings.path, ==, "/var/rec");
  g_assert_cmpstr (settings->recordings.file, ==, "{room}/x");
  g_assert_cmpint (settings->recordings.format, ==, CFG_RECORDING_WAV);
  g_assert_cmpuint (settings->recordings.sample_rate_hz, ==, 48000);
  g_assert_true (settings->recordings.is_stereo);
  g_assert_cmpint (settings->recordings.max_duration_us, ==, (gint64)3600 * CFG_US_PER_S);
  g_assert_true (settings->trunks[0].record);
  g_assert_true (settings->dispatch_rules[0].record);
  g_assert_false (settings->dispatch_rules[1].record);
  g_assert_null (plain->recordings.path);
  g_assert_cmpstr (plain->recordings.file, ==, "{date}/{room}-{time}");
  g_assert_cmpint (plain->recordings.format, ==, CFG_RECORDING_OGG);
  g_assert_cmpuint (plain->recordings.sample_rate_hz, ==, 16000);
  g_assert_false (plain->recordings.is_stereo);
  g_assert_cmpint (plain->recordings.max_duration_us, ==, (gint64)4 * 3600 * CFG_US_PER_S);
}

static void
what_rules_say_of_participants (void)
{
  g_autoptr (CfgSettings) settings = parse (
      "trunks:\n  - {name: t, numbers: [\"1\"]}\n"
      "dispatch_rules:\n"
      "  - {room: a, inbound_numbers: [\"+2\"], numbers: [\"1\"], pin: 0042, hide_phone_number: true,\n"
      "     attributes: {team: sales, empty: , n: 3}, metadata: '{\"a\": 1}',\n"
      "     room_config: {empty_timeout: 5s, departure_timeout: 0, max_participants: 7, metadata: m}}\n"
      "  - {room: b}\n  - {type: callee}\n");
  const CfgDispatchRuleSettings *rule = &settings->dispatch_rules[0];

  assert_texts (rule->inbound_numbers, "+2");
  assert_texts (rule->numbers, "1");
  g_assert_cmpstr (rule->pin, ==, "0042");
  g_assert_true (rule->hide_phone_number);
  g_assert_cmpuint (rule->n_attributes, ==, 3);
  g_assert_cmpstr (rule->attributes[0].name, ==, "team");
  g_assert_cmpstr (rule->attributes[0].value, ==, "sales");
  g_assert_cmpstr (rule->attributes[1].value, ==, "");
  g_assert_cmpstr (rule->attributes[2].value, ==, "3");
  g_assert_cmpstr (rule->metadata, ==, "{\"a\": 1}");
  g_assert_cmpuint (rule->room_config.empty_timeout_s, ==, 5);
  g_assert_cmpuint (rule->room_config.departure_timeout_s, ==, 0);
  g_assert_cmpuint (rule->room_config.max_participants, ==, 7);
  g_assert_cmpstr (rule->room_config.metadata, ==, "m");
  rule = &settings->dispatch_rules[1];
  g_assert_false (rule->hide_phone_number);
  g_assert_cmpuint (rule->room_config.empty_timeout_s, ==, 300);
  g_assert_cmpuint (rule->room_config.departure_timeout_s, ==, 20);
  g_assert_cmpuint (settings->pin.tries, ==, 3);
  g_assert_cmpint (settings->pin.timeout_us, ==, 10 * CFG_US_PER_S);
  g_assert_cmpint (settings->pin.digit_timeout_us, ==, 5 * CFG_US_PER_S);
  /* The trunk is open to any address, and the callee rule never takes a call. */
  g_assert_cmpuint (g_strv_length (settings->warnings), ==, 2);
  g_assert_nonnull (
      strstr (settings->warnings[1],
              "the rule in line 8 and the rule in line 7 take the same calls: the rule in line 7 "
              "takes them all"));
}

static void
a_trunk_without_direction_guesses_it (void)
{
  static const struct
  {
    const char *trunk;
    CfgTrunkDirection direction;
  } rows[] = {
    { "{name: t, numbers: [\"1\"], outbound_address: h}", CFG_TRUNK_BOTH },
    { "{name: t, allowed_addresses: [192.0.2.1], outbound_address: h}", CFG_TRUNK_BOTH },
    { "{name: t, outbound_address: h}", CFG_TRUNK_OUTBOUND },
    { "{name: t, numbers: [\"1\"]}", CFG_TRUNK_INBOUND },
    { "{name: t, allowed_addresses: [192.0.2.1]}", CFG_TRUNK_INBOUND },
    { "{name: t, direction: , numbers: [\"1\"]}", CFG_TRUNK_INBOUND },
    { "{name: t, direction: outbound, numbers: [\"1\"], outbound_address: h}", CFG_TRUNK_OUTBOUND },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = g_strdup_printf ("trunks: [%s]\n", rows[i].trunk);
      g_autoptr (CfgSettings) settings = parse (text);

      g_assert_cmpint (settings->trunks[0].direction, ==, rows[i].direction);
      g_assert_true (settings->implicit_callee_rule);
      g_assert_false (settings->demo);
    }
}

/* As people write them when they follow a provider's guide. */
static const char *const guide_configurations[] = {
  "api_key: \"an-api-key\"\n"
  "api_secret: \"an-api-secret\"\n"
  "ws_url: \"ws://localhost:7880\"  # the address of this server\n"
  "\n"
  "redis:\n"
  "  address: \"localhost:6379\"\n"
  "\n"
  "sip_port: 5060\n"
  "rtp_port:\n"
  "  start: 10000\n"
  "  end: 20000\n"
  "\n"
  "session_timer:\n"
  "  enabled: true\n"
  "  default_expires: 120  # short, for a test\n"
  "  min_se: 30\n"
  "  prefer_refresher: \"uac\"\n"
  "  use_update: false\n"
  "\n"
  "logging:\n"
  "  level: debug\n",
  "session_timer:\n"
  "  enabled: true\n"
  "  default_expires: 1800    # half an hour\n"
  "  min_se: 90\n"
  "  prefer_refresher: \"uac\"\n"
  "  use_update: false\n"
  "logging:\n"
  "  level: debug\n",
  "trunks:\n"
  "  - name: \"twilio\"\n"
  "    numbers: [\"+15551234567\"]\n"
  "    auth_username: \"a_user\"\n"
  "    auth_password: \"a_password\"\n"
  "\n"
  "session_timer:\n"
  "  enabled: true\n"
  "  default_expires: 1800\n"
  "  min_se: 90\n"
  "  prefer_refresher: \"uac\"\n",
  "trunks:\n"
  "  - name: \"telnyx\"\n"
  "    outbound_address: \"sip.telnyx.com\"\n"
  "    numbers: [\"+15559876543\"]\n"
  "    auth_username: \"a_user\"\n"
  "    auth_password: \"a_password\"\n"
  "session_timer:\n"
  "  enabled: true\n"
  "  default_expires: 1800\n"
  "  min_se: 90\n"
  "  prefer_refresher: \"uac\"\n",
  "trunks:\n"
  "  - name: \"vonage\"\n"
  "    outbound_address: \"sip.nexmo.com\"\n"
  "    numbers: [\"+15554445555\"]\n"
  "    auth_username: \"a_user\"\n"
  "    auth_password: \"a_password\"\n"
  "session_timer:\n"
  "  enabled: true\n"
  "  default_expires: 900\n"
  "  min_se: 90\n"
  "  prefer_refresher: \"uac\"\n",
  "session_timer:\n  enabled: true\n  default_expires: 300\n  min_se: 90\n",
  "session_timer:\n  enabled: false\n",
  "session_timer:\n  enabled: true\n  default_expires: 1800  # or 900, 1200\n  prefer_refresher: \"uas\"\n",
};

static void
the_guides_configurations_load (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (guide_configurations); i++)
    {
      g_autoptr (CfgSettings) settings = parse (guide_configurations[i]);

      if (settings->n_trunks > 0)
        g_assert_true (settings->implicit_callee_rule);
    }
  {
    g_autoptr (CfgSettings) telnyx = parse (guide_configurations[3]);
    g_autoptr (CfgSettings) local = parse (guide_configurations[0]);

    g_assert_cmpint (telnyx->trunks[0].direction, ==, CFG_TRUNK_BOTH);
    g_assert_cmpstr (local->redis.address, ==, "localhost:6379");
    g_assert_true (local->demo);
  }
}

static void
warnings_name_their_line (void)
{
  static const struct
  {
    const char *text, *warning;
  } rows[] = {
    { "session_timer:\n  min_se: 30\n", "switchroom.yaml:2: session_timer.min_se: is below 90 seconds, which "
                                        "RFC 4028 forbids; for tests only" },
    { "api_key: k\napi_secret: short\n",
      "switchroom.yaml:2: api_secret: is short; take at least 32 characters" },
    { "keys:\n  a: short\n", "switchroom.yaml:2: keys.a: the secret is short; take at least 32 characters" },
    { "storage:\n  path: \":memory:\"\n", "" },
    { "media: {files: /a/b/}\nrecordings: {\n  path: /a/b/c}\n",
      "switchroom.yaml:3: recordings.path: is inside of media.files: who may play files into one room can "
      "play "
      "the recordings of all of them" },
    { "media: {files: /a/b}\nrecordings: {path: /a/bc}\n", "" },
    { "trunks:\n  - {name: t, numbers: [\"1\"]}\n",
      "switchroom.yaml:2: trunks[0]: takes calls from any address; limit them with allowed_addresses" },
    { "trunks:\n  - {name: t, allowed_numbers: [\"+1555\"], numbers: [\"1\"]}\n",
      "switchroom.yaml:2: trunks[0]: takes calls from any address; limit them with allowed_addresses" },
    { "trunks:\n  - {name: t, auth_username: u, auth_password: p}\n", "" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (CfgSettings) settings = parse (rows[i].text);

      assert_texts (settings->warnings, rows[i].warning);
    }
}

static void
the_default_interval_follows_a_larger_minimum (void)
{
  g_autoptr (CfgSettings) settings = parse ("session_timer: {min_se: 3600}");

  g_assert_cmpuint (settings->session_timer.default_expires_s, ==, 3600);
}

static void
key_pairs (void)
{
  g_autoptr (CfgSettings) only_keys = parse ("keys: {a: 0123456789abcdef0123456789abcdef}");
  g_autoptr (CfgSettings) only_secret = parse ("api_secret: 0123456789abcdef0123456789abcdef");

  g_assert_null (only_keys->api_key);
  g_assert_cmpstr (cfg_settings_find_secret (only_keys, "a"), ==, "0123456789abcdef0123456789abcdef");
  g_assert_cmpstr (only_secret->api_key, ==, "devkey");
  g_assert_cmpstr (cfg_settings_find_secret (only_secret, "devkey"), ==, "0123456789abcdef0123456789abcdef");
}

static void
an_alias_repeats_a_value (void)
{
  g_autoptr (CfgSettings) settings = parse ("sip: {bind: &here [192.0.2.1]}\nrtc: {bind: *here}\n");

  assert_texts (settings->rtc.bind, "192.0.2.1");
  assert_texts (settings->sip.bind, "192.0.2.1");
}

static void
loads_a_file (void)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (CfgSettings) settings = NULL;
  int fd = g_file_open_tmp ("switchroom-XXXXXX.yaml", &path, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, "sip_port: 5070\n", 15), ==, 15);
  close (fd);
  settings = cfg_settings_load (path, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (settings->sip_port, ==, 5070);
  g_assert_cmpint (truncate (path, CFG_SETTINGS_MAX_FILE_BYTES + 1), ==, 0);
  g_assert_null (cfg_settings_load (path, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "larger than 1 MB"));
  g_clear_error (&error);
  g_unlink (path);
  g_assert_null (cfg_settings_load (path, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (cfg_settings_load ("/", &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION);
}

static void
test_restart (void)
{
  static const struct
  {
    const char *before, *now, *keys;
  } cases[] = {
    { "", "", "" },
    { "sip_port: 5060", "", "" }, /* the default */
    { "sip_port: 5061", "sip_port: 5062", "sip_port" },
    { "", "http: {port: 1, bind: '::1', tls: {cert: a, key: b}}",
      "http.bind,http.port,http.tls.cert,http.tls.key" },
    { "", "sip: {bind: [127.0.0.1], transports: [udp], realm: r, digest_algorithms: [MD5]}",
      "sip.bind,sip.transports,sip.realm,sip.digest_algorithms" },
    { "", "media: {workers: 3, codecs: [PCMU], timeout: 5s, dtmf: info}", "media.workers,media.timeout" },
    { "", "session_timer: {enabled: false}", "session_timer.enabled" },
    { "", "limits: {max_calls: 5, max_cpu_utilization: 0.5, connections_per_source: 9}",
      "limits.connections_per_source" },
    { "", "logging: {level: debug, format: json, file: a}", "logging.format,logging.file" },
    { "", "storage: {path: a}\nredis: {address: 'h:1'}", "storage.path,redis.address" },
    /* What counts at once. */
    { "",
      "ws_url: 'ws://a'\napi_key: a\napi_secret: 01234567890123456789012345678901\nkeys: {b: "
      "01234567890123456789012345678901}\npin: {tries: 1}\nwebhook: {urls: ['http://a']}\ntrunks:\n  - "
      "{name: "
      "a, numbers: ['1'], allowed_addresses: [192.0.2.1]}\n",
      "" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (CfgSettings) before = parse (cases[i].before), now = parse (cases[i].now);
      g_auto (GStrv) keys = cfg_settings_restart_keys (before, now);

      assert_texts (keys, cases[i].keys);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/settings/nothing_means_the_defaults", nothing_means_the_defaults);
  g_test_add_func ("/config/settings/the_documented_defaults_are_the_defaults",
                   the_documented_defaults_are_the_defaults);
  g_test_add_func ("/config/settings/empty_sections_are_ignored", empty_sections_are_ignored);
  g_test_add_func ("/config/settings/every_key_reaches_its_member", every_key_reaches_its_member);
  g_test_add_func ("/config/settings/trunks_and_rules", trunks_and_rules);
  g_test_add_func ("/config/settings/recordings", recordings);
  g_test_add_func ("/config/settings/what_rules_say_of_participants", what_rules_say_of_participants);
  g_test_add_func ("/config/settings/a_trunk_without_direction_guesses_it",
                   a_trunk_without_direction_guesses_it);
  g_test_add_func ("/config/settings/the_guides_configurations_load", the_guides_configurations_load);
  g_test_add_func ("/config/settings/warnings_name_their_line", warnings_name_their_line);
  g_test_add_func ("/config/settings/the_default_interval_follows_a_larger_minimum",
                   the_default_interval_follows_a_larger_minimum);
  g_test_add_func ("/config/settings/key_pairs", key_pairs);
  g_test_add_func ("/config/settings/an_alias_repeats_a_value", an_alias_repeats_a_value);
  g_test_add_func ("/config/settings/loads_a_file", loads_a_file);
  g_test_add_func ("/settings/restart", test_restart);
  return g_test_run ();
}
