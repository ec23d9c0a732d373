#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "config/base/error.h"
#include "config/settings.h"

static void
run (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CfgSettings) settings = cfg_settings_parse ((const char *)data, size, "fuzz.yaml", &error);

  g_assert_true ((settings == NULL) == (error != NULL));
  if (error != NULL)
    {
      /* One line for a terminal, with its place. */
      g_assert_true (g_str_has_prefix (error->message, "fuzz.yaml:"));
      g_assert_true (g_ascii_isdigit (error->message[strlen ("fuzz.yaml:")]));
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_assert_null (strpbrk (error->message, "\r\n\x1b"));
      g_assert_true (error->code == CFG_ERROR_INVALID_ARGUMENT || error->code == CFG_ERROR_UNIMPLEMENTED);
      return;
    }
  g_assert_nonnull (settings->warnings);
  g_assert_cmpuint (settings->rtp_port.start, <, settings->rtp_port.end);
  g_assert_cmpuint (settings->session_timer.default_expires_s, >=, settings->session_timer.min_se_s);
  g_assert_cmpint (settings->demo, ==, settings->n_trunks == 0);
  for (gsize i = 0; i < settings->n_trunks; i++)
    {
      g_assert_true (cfg_settings_find_trunk (settings, settings->trunks[i].name) == &settings->trunks[i]);
      g_assert_cmpint (settings->trunks[i].direction, !=, 0);
    }
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT ("api_key: devkey\napi_secret:\nkeys: {a: b}\nws_url: ws://localhost:7880\n"
             "http: {bind: 127.0.0.1, port: 7880, tls: {cert: , key: }, allowed_origins: [\"http://a\"]}\n"),
  FUZZ_TEXT (
      "sip_port: 5060\nsip:\n  bind: [\"::1\"]\n  transports: [udp, tcp]\n  tls: {port: 5061, verify: true}\n"
      "  realm: r\n  digest_algorithms: [MD5, SHA-256]\n  registrar: {enabled: false, users: []}\n"),
  FUZZ_TEXT ("rtp_port: {start: 10000, end: 20000}\nrtc: {bind: [], port: {start: 1, end: 2}, stun: a:1}\n"
             "media: {workers: 0, codecs: [opus, G722, PCMU, PCMA], timeout: 60s, timeout_initial: 0}\n"),
  FUZZ_TEXT (
      "session_timer:\n  enabled: true\n  default_expires: 1800\n  min_se: 90\n  prefer_refresher: \"uac\"\n"
      "limits: {max_calls: 0, max_cpu_utilization: 0.9}\nlogging: {level: info, format: text, file: }\n"),
  FUZZ_TEXT (
      "trunks:\n  - &t {name: t, direction: inbound, numbers: [\"+1\"], allowed_addresses: [10.0.0.0/8]}\n"
      "  - {name: u, outbound_address: h:5060, auth_username: u, auth_password: p, register: false}\n"
      "dispatch_rules:\n  - {name: l, trunks: [t], type: direct, room: lobby, pin: \"\", answer: immediate}\n"
      "  - type: individual\n    room_prefix: call-\n"),
  FUZZ_TEXT ("sip: {bind: &a [192.0.2.1]}\nrtc: {bind: *a}\nredis: {address: localhost:6379, db: 0}\n"),
};

static const char *const words[]
    = { "trunks:", "- ", "{",  "}",     "[",    "]",   ": ",        "\n",     "\n  ", "&a ",
        "*a",      "? ", "| ", "> ",    "---",  "...", "%YAML 1.1", "!!str ", "\"",   "'",
        "\\x00",   "~",  "<<", "name:", "true", "60s", "\t",        "#",      "sip:", NULL };

const FuzzTarget fuzz_target = { "settings", run, seeds, G_N_ELEMENTS (seeds), NULL, words, 0 };
