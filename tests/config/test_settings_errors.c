/* What is wrong with a configuration is said with its exact line and key, and nothing makes the parser fall.
 */
#include <string.h>

#include "config/base/error.h"
#include "config/settings.h"

typedef struct
{
  const char *text;
  const char *message; /* behind "switchroom.yaml:" */
} Row;

static void
assert_refused (const char *text, gsize len, const char *message, CfgErrorCode code)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *wanted = g_strconcat ("switchroom.yaml:", message, NULL);

  g_assert_null (cfg_settings_parse (text, len, "switchroom.yaml", &error));
  g_assert_nonnull (error);
  if (strcmp (error->message, wanted) != 0)
    g_test_fail_printf ("got    %s\nwanted %s", error->message, wanted);
  g_assert_error (error, CFG_ERROR, (int)code);
}

static void
assert_rows (const Row *rows, gsize n, CfgErrorCode code)
{
  for (gsize i = 0; i < n; i++)
    assert_refused (rows[i].text, strlen (rows[i].text), rows[i].message, code);
}

static const Row key_rows[] = {
  { "sip_port: 5060\nsip_prot: 5070\n", "2: sip_prot: unknown key; did you mean \"sip_port\"?" },
  { "sip:\n  user_agnet: x\n", "2: sip.user_agnet: unknown key; did you mean \"user_agent\"?" },
  { "sip: {tls: {\n  chain: x}}\n",
    "2: sip.tls.chain: unknown key; known here: port, cert, key, ca, files, verify, verify_callers" },
  { "storage: {patj: x}\n", "1: storage.patj: unknown key; did you mean \"path\"?" },
  { "trunks:\n  - name: t\n    nmbers: [\"1\"]\n",
    "3: trunks[0].nmbers: unknown key; did you mean \"numbers\"?" },
  { "\"a\\nb\": 1\nstorage: {}\n",
    "1: a\\nb: unknown key; known here: api_key, api_secret, keys, ws_url, http, sip_port, sip, rtp_port, "
    "rtc, media, "
    "recordings, session_timer, limits, pin, prompts, storage, redis, webhook, logging, capture, trunks, "
    "dispatch_rules" },
  { "redis:\n  <<: {address: a}\n", "2: redis.<<: unknown key; known here: address, username, password, db" },
  { "sip_port: 5060\nrtp_port: {start: 1, end: 2}\nsip_port: 5070\n",
    "3: sip_port: is given twice, first in line 1; remove one" },
  { "http:\n  port: 1\n  port: 1\n", "3: http.port: is given twice, first in line 2; remove one" },
  { "keys:\n  a: x\n  a: y\n", "3: keys.a: is given twice, first in line 2; remove one" },
  { "? [a, b]\n: 1\n", "1: a key must be a word, as in `key: value`" },
  { "http:\n  {a: b}: 1\n", "2: http: a key must be a word, as in `key: value`" },
  { "- a\n- b\n", "1: must be a group of keys, as in `key: value`, not a list" },
  { "hello\n", "1: must be a group of keys, as in `key: value`, not \"hello\"" },
  { "http: 7880\n", "1: http: must be a group of keys, as in `key: value`, not \"7880\"" },
  { "trunks: {name: t}\n", "1: trunks: must be a list, as in [a, b], not a group of keys" },
  { "trunks:\n  - name: t\n    numbers: [\"1\"]\n  - twilio\n",
    "4: trunks[1]: must be a group of keys, as in `key: value`, not \"twilio\"" },
};

static void
keys_are_known_and_given_once (void)
{
  assert_rows (key_rows, G_N_ELEMENTS (key_rows), CFG_ERROR_INVALID_ARGUMENT);
}

static const Row value_rows[] = {
  { "a: &x 1\n",
    "1: a: unknown key; known here: api_key, api_secret, keys, ws_url, http, sip_port, sip, "
    "rtp_port, rtc, media, "
    "recordings, session_timer, limits, pin, prompts, storage, redis, webhook, logging, capture, trunks, "
    "dispatch_rules" },
  { "\n\nsession_timer:\n  # a comment\n  min_se: abc\n",
    "5: session_timer.min_se: must be a number of seconds between 1 and 86400, not \"abc\"" },
  { "session_timer: {min_se: 0}\n",
    "1: session_timer.min_se: must be a number of seconds between 1 and 86400, not \"0\"" },
  { "session_timer: {min_se: 1500ms}\n",
    "1: session_timer.min_se: must be a number of seconds between 1 and 86400, not \"1500ms\"" },
  { "session_timer: {default_expires: 25h}\n",
    "1: session_timer.default_expires: must be a number of seconds between 1 and 86400, not \"25h\"" },
  { "session_timer:\n  default_expires: 60\n",
    "2: session_timer.default_expires: must not be below session_timer.min_se, which is 90" },
  { "session_timer: {enabled: maybe}\n", "1: session_timer.enabled: must be true or false, not \"maybe\"" },
  { "session_timer: {enabled: 1}\n", "1: session_timer.enabled: must be true or false, not \"1\"" },
  { "session_timer:\n  prefer_refresher: me\n",
    "2: session_timer.prefer_refresher: must be uac or uas, not \"me\"" },
  { "session_timer: {use_update: []}\n", "1: session_timer.use_update: must be true or false, not a list" },
  { "sip_port: 0\n", "1: sip_port: must be a number between 1 and 65535, not \"0\"" },
  { "sip_port: 65536\n", "1: sip_port: must be a number between 1 and 65535, not \"65536\"" },
  { "sip_port: 0x13\n", "1: sip_port: must be a number between 1 and 65535, not \"0x13\"" },
  { "sip_port: 99999999999999999999999\n",
    "1: sip_port: must be a number between 1 and 65535, not \"99999999999999999999999\"" },
  { "sip_port: [5060]\n", "1: sip_port: must be a number between 1 and 65535, not a list" },
  { "sip_port: \"50\\060\"\n", "1: sip_port: must be a number between 1 and 65535, not \"50\\x0060\"" },
  { "http: {port: -1}\n", "1: http.port: must be a number between 0 and 65535, not \"-1\"" },
  { "http:\n  bind: localhost\n",
    "2: http.bind: must be a numeric address such as 192.0.2.7 or 2001:db8::7, not \"localhost\"" },
  { "http:\n  allowed_origins:\n    - https://ok.example.com\n    - https://a.example.com/path\n",
    "4: http.allowed_origins[1]: must be an origin such as https://phone.example.com, without a path, "
    "not \"https://a.example.com/path\"" },
  { "http: {allowed_origins: \"*\"}\n", "1: http.allowed_origins: must be a list, as in [a, b], not \"*\"" },
  { "http:\n  tls:\n    cert: a.pem\n", "3: http.tls.cert: needs http.tls.key beside it" },
  { "http:\n  tls:\n    key: a.pem\n", "3: http.tls.key: needs http.tls.cert beside it" },
  { "http:\n  port: 5060\n", "2: http.port: HTTP and SIP over TCP cannot both have port 5060; take another" },
  { "http: {bind: 0.0.0.0}\nsip_port: 7880\n",
    "2: sip_port: HTTP and SIP over TCP cannot both have port 7880; take another" },
  { "http: {bind: 192.0.2.7, port: 5060}\nsip: {bind: [192.0.2.8, 0.0.0.0]}\n",
    "1: http.port: HTTP and SIP over TCP cannot both have port 5060; take another" },
  { "http: {bind: 192.0.2.7, port: 5061}\nsip: {tls: {cert: a, key: b}}\ntrunks:\n"
    "  - {name: t, numbers: ['1']}\n",
    "1: http.port: HTTP and SIP over TLS cannot both have port 5061; take another" },
  { "sip_port: 5061\nsip: {tls: {cert: a, key: b}}\n",
    "1: sip_port: SIP over TCP and over TLS cannot both have port 5061; take another" },
  { "sip:\n  tls: {cert: a, key: b, port: 5060}\n",
    "2: sip.tls.port: SIP over TCP and over TLS cannot both have port 5060; take another" },
  { "ws_url: http://a\n", "1: ws_url: must be a URL that begins with ws:// or wss://, not \"http://a\"" },
  { "sip: {bind: [eth0]}\n",
    "1: sip.bind[0]: must be a numeric address such as 192.0.2.7 or 2001:db8::7, not \"eth0\"" },
  { "sip: {transports: []}\n", "1: sip.transports: must name at least one; remove the key for the default" },
  { "sip: {transports: [udp, sctp]}\n", "1: sip.transports[1]: must be udp, tcp or tls, not \"sctp\"" },
  { "sip: {external_address: a.example.com}\n", "1: sip.external_address: must be a numeric address such as "
                                                "192.0.2.7 or 2001:db8::7, not \"a.example.com\"" },
  { "sip: {digest_algorithms: [MD4]}\n", "1: sip.digest_algorithms[0]: must be MD5 or SHA-256, not \"MD4\"" },
  { "sip: {realm: 'a\"b'}\n", "1: sip.realm: must be printable ASCII without quotes, not \"a\\\"b\"" },
  { "sip:\n  user_agent: \"x\\r\\nEvil: yes\"\n",
    "2: sip.user_agent: must be one line without control characters, not \"x\\r\\nEvil: yes\"" },
  { "storage:\n  path: \"a\\0b\"\n",
    "2: storage.path: must be one line without control characters, not \"a\\x00b\"" },
  { "rtp_port:\n  start: 20000\n  end: 10000\n", "2: rtp_port: start (20000) must be below end (10000)" },
  { "rtc:\n  port:\n    start: 30000\n", "3: rtc.port: start (30000) must be below end (29999)" },
  { "rtc: {stun: \"stun:a\"}\n", "1: rtc.stun: must be host or host:port, not \"stun:a\"" },
  { "rtc: {stun: \"a:0\"}\n", "1: rtc.stun: must be host or host:port, not \"a:0\"" },
  { "rtc: {stun: \"[::1\"}\n", "1: rtc.stun: must be host or host:port, not \"[::1\"" },
  { "rtc: {turn: {url: x}}\n",
    "1: rtc.turn.url: must be a URL such as turn:turn.example.com:3478, not \"x\"" },
  { "media: {workers: 1000}\n", "1: media.workers: must be a number between 0 and 128, not \"1000\"" },
  { "media:\n  codecs: [opus,\n   mp3]\n",
    "3: media.codecs[1]: must be opus, G722, PCMU or PCMA, not \"mp3\"" },
  { "media: {codecs: [opus, OPUS]}\n", "1: media.codecs[1]: \"opus\" is in the list already; remove one" },
  { "media: {codecs: []}\n", "1: media.codecs: must name at least one; remove the key for the default" },
  { "media: {codecs: [opus, opus, opus, opus, opus]}\n",
    "1: media.codecs: has 5 entries, at most 4 are possible" },
  { "media: {opus_complexity: 11}\n",
    "1: media.opus_complexity: must be a number between 0 and 10, not \"11\"" },
  { "media: {opus_complexity: 3, opus_complexity_min: 4}\n",
    "1: media.opus_complexity_min: must not be above media.opus_complexity, which is 3" },
  { "media: {mix_speakers: 0}\n", "1: media.mix_speakers: must be a number between 1 and 32, not \"0\"" },
  { "media:\n  timeout: 60 s\n",
    "2: media.timeout: must be a duration such as 60s, 5m or 1h, at most 24h; 0 turns it off, not \"60 s\"" },
  { "media: {timeout_initial: -1}\n",
    "1: media.timeout_initial: must be a duration such as 60s, 5m or 1h, at most "
    "24h; 0 turns it off, not \"-1\"" },
  { "media: {timeout: 2147483647h}\n",
    "1: media.timeout: must be a duration such as 60s, 5m or 1h, at most 24h; 0 "
    "turns it off, not \"2147483647h\"" },
  { "limits: {max_calls: many}\n",
    "1: limits.max_calls: must be a number between 0 and 1000000, not \"many\"" },
  { "recordings: {file: ../x}\n", "1: recordings.file: must be a path below recordings.path, in which "
                                  "{room}, {identity}, {id}, {date} and {time} "
                                  "may stand, not \"../x\"" },
  { "recordings: {file: \"{caller}\"}\n", "1: recordings.file: must be a path below recordings.path, in "
                                          "which {room}, {identity}, {id}, {date} and {time} "
                                          "may stand, not \"{caller}\"" },
  { "trunks:\n  - {name: a, numbers: [\"1\"]}\ndispatch_rules:\n  - {room: r, record: true}\n",
    "4: dispatch_rules[0]: has record: set recordings.path, the directory that recordings are written to" },
  { "trunks:\n  - {name: a, numbers: [\"1\"], record: true}\n",
    "2: trunks[0]: has record: set recordings.path, the directory that recordings are written to" },
  { "limits: {max_cpu_utilization: 1.5}\n",
    "1: limits.max_cpu_utilization: must be a number between 0.0 and 1.0, not \"1.5\"" },
  { "limits: {max_cpu_utilization: nan}\n",
    "1: limits.max_cpu_utilization: must be a number between 0.0 and 1.0, not \"nan\"" },
  { "limits: {max_cpu_utilization: .}\n",
    "1: limits.max_cpu_utilization: must be a number between 0.0 and 1.0, not \".\"" },
  { "redis: {password: p}\n", "1: redis: needs redis.address, as in localhost:6379" },
  { "redis: {address: \"a b\"}\n", "1: redis.address: must be host or host:port, not \"a b\"" },
  { "webhook: {urls: [ftp://a]}\n",
    "1: webhook.urls[0]: must be a URL that begins with http:// or https://, not \"ftp://a\"" },
  { "webhook: {urls: [http://a]}\nkeys: {a: the-secret-of-a-of-at-least-32-bytes}\n",
    "1: webhook: needs webhook.api_key: there is no api_key, and one of keys signs them" },
  { "webhook: {api_key: a}\n", "1: webhook.api_key: is neither api_key nor one of keys" },
  { "logging: {level: loud}\n", "1: logging.level: must be debug, info, warn or error, not \"loud\"" },
  { "logging: {format: xml}\n", "1: logging.format: must be text or json, not \"xml\"" },
  { "logging: {file: [a]}\n", "1: logging.file: must be a text, not a list" },
  { "keys: [a]\n", "1: keys: must be names with secrets, as in `name: secret`, not a list" },
  { "keys:\n  a:\n", "2: keys.a: needs a secret" },
  { "keys:\n  a: \"\"\n", "2: keys.a: needs a secret" },
  { "keys:\n  [a]: b\n", "2: keys: must be names with secrets, as in `name: secret`" },
  { "api_key: a\nkeys:\n  a: b\n", "3: keys.a: is the api_key already; remove one of the two" },
  { "keys:\n  devkey: b\napi_secret: c\n", "2: keys.devkey: is the api_key already; remove one of the two" },
};

static void
values_are_checked (void)
{
  assert_rows (value_rows, G_N_ELEMENTS (value_rows), CFG_ERROR_INVALID_ARGUMENT);
}

#define A_TRUNK "trunks:\n  - {name: t, numbers: [\"1\"]}\n"

static const Row trunk_rows[] = {
  { "trunks:\n  - numbers: [\"1\"]\n", "2: trunks[0]: needs a name" },
  { "trunks:\n  - name: a\n    numbers: [\"1\"]\n  - numbers: [\"2\"]\n    name: a\n",
    "5: trunks[1].name: \"a\" is taken by the entry in line 2; choose another name" },
  { "trunks:\n  - name: a\n    direction: sideways\n",
    "3: trunks[0].direction: must be inbound, outbound or both, not \"sideways\"" },
  { "trunks:\n  - name: a\n    direction: outbound\n",
    "2: trunks[0]: needs an outbound_address to call out through" },
  { "trunks:\n  - {name: a, direction: both, numbers: [\"1\"]}\n",
    "2: trunks[0]: needs an outbound_address to call out through" },
  { "trunks:\n  - {name: a, direction: inbound, outbound_address: h, numbers: [\"1\"]}\n",
    "2: trunks[0]: has an outbound_address but direction inbound; make it both, or remove one of the two" },
  { "trunks:\n  - name: a\n",
    "2: trunks[0]: needs numbers or allowed_addresses: it would take every call there is" },
  { "trunks:\n  - {name: a, numbers: [\"1\"]}\ndispatch_rules:\n  - {room: r, early_media: true}\n",
    "4: dispatch_rules[0]: has early_media, which is for answer: on_participant: other calls are answered at "
    "once" },
  { "trunks:\n  - {name: a, numbers: [\"1\"]}\ndispatch_rules:\n  - {room: r, announcement: a.wav}\n",
    "4: dispatch_rules[0]: has an announcement, which needs early_media: true" },
  { "trunks:\n  - {name: a, numbers: [\"1\"]}\ndispatch_rules:\n  - {room: r, answer: on_participant, "
    "early_media: true, announcement: a.wav}\n",
    "4: dispatch_rules[0]: has an announcement: set media.files, the directory it is in" },
  { "trunks:\n  - {name: a, numbers: [\"1\"], allowed_targets: [example.com]}\n",
    "2: trunks[0]: has allowed_targets and takes calls from any address: that would be an open relay; add "
    "allowed_addresses, or auth_username and auth_password" },
  { "trunks:\n  - {name: a, outbound_address: h, allowed_targets: [example.com]}\n",
    "2: trunks[0]: has allowed_targets, which are for calls that come in" },
  { "trunks:\n  - name: a\n    allowed_addresses: [192.0.2.1]\n    allowed_targets: [\"sip:x@y\"]\n",
    "4: trunks[0].allowed_targets[0]: must be a host, host:port, *.domain or range of addresses, not "
    "\"sip:x@y\"" },
  { "trunks:\n  - name: a\n    numbers: \"+1\"\n",
    "3: trunks[0].numbers: must be a list, as in [a, b], not \"+1\"" },
  { "trunks:\n  - name: a\n    numbers: [\"\"]\n",
    "3: trunks[0].numbers[0]: must be a number such as \"+15551234567\", not \"\"" },
  { "trunks:\n  - name: a\n    numbers:\n      - \"sip:a@b\"\n",
    "4: trunks[0].numbers[0]: must be a number such as \"+15551234567\", not \"sip:a@b\"" },
  { "sip:\n  transports: [tls]\n", "2: sip.transports: tls needs sip.tls.cert and sip.tls.key" },
  { "sip:\n  tls: {cert: a}\n", "2: sip.tls.cert: needs sip.tls.key beside it" },
  { "sip:\n  tls: {verify_callers: true}\n",
    "2: sip.tls.verify_callers: needs sip.tls.ca, who signs for the callers" },
  { "trunks:\n  - {name: a, outbound_address: h, tls: {ca: x}}\n",
    "2: trunks[0].tls: is for trunks that call out with transport: tls" },
  { "trunks:\n  - name: a\n    numbers: [\"+1\"]\n    tls: {verify: true}\n",
    "4: trunks[0].tls: is for trunks that call out with transport: tls" },
  { "trunks:\n  - {name: a, outbound_address: h, transport: tls, tls: {ca: x}}\n"
    "  - {name: b, outbound_address: \"H:5071\", transport: tls}\n",
    "3: trunks[1].tls: must be the same as that of trunk \"a\", which calls the same host" },
  { "trunks:\n  - name: a\n    allowed_addresses: [10.0.0.0/33]\n",
    "3: trunks[0].allowed_addresses[0]: must be a numeric address or range such as 192.0.2.7 or "
    "192.0.2.0/24, "
    "not \"10.0.0.0/33\"" },
  { "trunks:\n  - name: a\n    outbound_address: sip:h;transport=tcp\n",
    "3: trunks[0].outbound_address: must be host or host:port, without sip: and parameters, "
    "not \"sip:h;transport=tcp\"" },
  { "trunks:\n  - name: a\n    outbound_address: h\n    auth_username: u\n",
    "4: trunks[0].auth_username: needs trunks[0].auth_password beside it" },
  { "trunks:\n  - name: a\n    outbound_address: h\n    auth_password: p\n",
    "4: trunks[0].auth_password: needs trunks[0].auth_username beside it" },
  { "trunks:\n  - {name: a, outbound_address: h,\n     transport: quic}\n",
    "3: trunks[0].transport: must be udp, tcp or tls, not \"quic\"" },
};

static void
trunks_are_checked (void)
{
  assert_rows (trunk_rows, G_N_ELEMENTS (trunk_rows), CFG_ERROR_INVALID_ARGUMENT);
}

#define OUT "trunks:\n- name: a\n  outbound_address: h\n"

static const Row trunk_call_rows[] = {
  { OUT "  headers: [X-A]\n",
    "4: trunks[0].headers: must be names with values, as in `name: value`, not a list" },
  { OUT "  headers: {\"X A\": b}\n",
    "4: trunks[0].headers.X A: the name of the header has characters that are not allowed in it" },
  { OUT "  headers:\n    X-A: b\n    Via: b\n", "6: trunks[0].headers.Via: the header Via cannot be set" },
  { OUT "  headers: {X-A: \"b\\r\\nVia: c\"}\n",
    "4: trunks[0].headers.X-A: must be one line without control characters, not \"b\\r\\nVia: c\"" },
  { OUT "  headers_to_attributes: {X-A: sip.callID}\n",
    "4: trunks[0].headers_to_attributes.X-A: choose another name: attributes sip.* are the gateway's own" },
  { OUT "  headers_to_attributes: {X-A: }\n",
    "4: trunks[0].headers_to_attributes.X-A: needs the name of an attribute" },
  { OUT "  attributes_to_headers: {a: Call-ID}\n",
    "4: trunks[0].attributes_to_headers.a: the header Call-ID cannot be set" },
  { OUT "  include_headers: some\n", "4: trunks[0].include_headers: must be x, none, all, SIP_X_HEADERS, "
                                     "SIP_NO_HEADERS or SIP_ALL_HEADERS, not "
                                     "\"some\"" },
  { OUT "  number_selection: last\n",
    "4: trunks[0].number_selection: must be rotate, random or first, not \"last\"" },
  { OUT "  privacy: full\n", "4: trunks[0].privacy: must be none or id, not \"full\"" },
  { OUT "  register: true\n", "4: trunks[0].register: needs auth_username or from_user: whom to register" },
  { "trunks:\n- name: a\n  numbers: [\"1\"]\n  register: true\n  from_user: a\n",
    "4: trunks[0].register: needs an outbound_address to register at" },
  { OUT "  register_expires: 0\n",
    "4: trunks[0].register_expires: must be a number of seconds between 1 and 86400, not \"0\"" },
  { OUT "  from_user: a@b\n",
    "4: trunks[0].from_user: must be the user part of a SIP address, without @ and spaces, not \"a@b\"" },
};

static void
what_a_trunk_says_of_calls (void)
{
  assert_rows (trunk_call_rows, G_N_ELEMENTS (trunk_call_rows), CFG_ERROR_INVALID_ARGUMENT);
}

static const Row rule_rows[] = {
  { "dispatch_rules:\n  - {room: a}\n",
    "2: dispatch_rules: need a trunk that calls come through; without trunks the demo rule is the only one" },
  { A_TRUNK "dispatch_rules:\n  - name: r\n",
    "4: dispatch_rules[0]: needs a room: type direct puts every call into it" },
  { A_TRUNK "dispatch_rules:\n  - {room: a, room_prefix: b}\n",
    "4: dispatch_rules[0]: room_prefix is for the types individual and callee; use room" },
  { A_TRUNK "dispatch_rules:\n  - {type: callee, room: a}\n",
    "4: dispatch_rules[0]: room is for type direct; use room_prefix" },
  { A_TRUNK "dispatch_rules:\n  - type: caller\n",
    "4: dispatch_rules[0].type: must be direct, individual or callee, not \"caller\"" },
  { A_TRUNK "dispatch_rules:\n  - {room: a}\n  - room: b\n    trunks:\n      - t\n      - u\n",
    "8: dispatch_rules[1].trunks[1]: there is no trunk named \"u\"" },
  { "trunks:\n  - {name: o, outbound_address: h}\ndispatch_rules:\n  - {room: a, trunks: [o]}\n",
    "4: dispatch_rules[0].trunks[0]: trunk \"o\" takes no calls, it is outbound only" },
  { A_TRUNK "dispatch_rules:\n  - {room: a, name: r}\n  - {room: b, name: r}\n",
    "5: dispatch_rules[1].name: \"r\" is taken by the entry in line 4; choose another name" },
  { A_TRUNK "dispatch_rules:\n  - {room: a, name: r}\n  - {room: b}\n",
    "5: dispatch_rules[1]: the rule in line 5 and \"r\" (line 4) take the same calls, and nothing tells "
    "which "
    "goes first: give one of them other trunks, inbound_numbers, numbers or another pin, or remove it" },
  { A_TRUNK "dispatch_rules:\n  - {room: a, name: r, trunks: [t]}\n  - {room: c}\n"
            "  - {room: b, name: s, trunks: [t]}\n",
    "6: dispatch_rules[2]: \"s\" (line 6) and \"r\" (line 4) take the same calls, and nothing tells which "
    "goes first: give one of them other trunks, inbound_numbers, numbers or another pin, or remove it" },
  { A_TRUNK "dispatch_rules:\n  - {room: a, name: r, inbound_numbers: [\"1\", \"+2\"], pin: 77}\n"
            "  - {room: b, name: s, inbound_numbers: [\"3\", \"2\"], pin: 77}\n",
    "5: dispatch_rules[1]: \"s\" (line 5) and \"r\" (line 4) take the same calls, and nothing tells which "
    "goes first: give one of them other trunks, inbound_numbers, numbers or another pin, or remove it" },
  { A_TRUNK "dispatch_rules:\n  - {room: a, attributes: {sip.callID: x}}\n",
    "4: dispatch_rules[0]: attributes: sip.* is the gateway's own" },
  { A_TRUNK "dispatch_rules:\n  - {room: a, attributes: [x]}\n",
    "4: dispatch_rules[0].attributes: must be names with values, as in `name: value`, not a list" },
  { A_TRUNK "dispatch_rules:\n  - {room: a, attributes: {x: y, x: z}}\n",
    "4: dispatch_rules[0].attributes.x: is given twice, first in line 4; remove one" },
  { A_TRUNK "dispatch_rules:\n  - {room: a, room_config: {agents: x}}\n",
    "4: dispatch_rules[0].room_config.agents: unknown key; known here: empty_timeout, departure_timeout, "
    "max_participants, metadata" },
  { "pin: {tries: 0}\n", "1: pin.tries: must be a number between 1 and 10, not \"0\"" },
  { "pin: {timeout: 0}\n", "1: pin: timeout and digit_timeout must be above 0" },
  { A_TRUNK "dispatch_rules:\n  - {room: a, codecs: [gsm]}\n",
    "4: dispatch_rules[0].codecs[0]: must be opus, G722, PCMU or PCMA, not \"gsm\"" },
  { A_TRUNK "dispatch_rules:\n  - {room: a, answer: later}\n",
    "4: dispatch_rules[0].answer: must be immediate or on_participant, not \"later\"" },
  { A_TRUNK "dispatch_rules:\n  - {room: a, pin: secret}\n",
    "4: dispatch_rules[0].pin: must be 1 to 16 digits" },
};

static void
rules_are_checked (void)
{
  assert_rows (rule_rows, G_N_ELEMENTS (rule_rows), CFG_ERROR_INVALID_ARGUMENT);
}

static const Row unsupported_rows[] = {
  { "rtc:\n  turn:\n    url: turn:a\n",
    "3: rtc.turn.url: TURN is not available in this version; remove the key" },
};

static void
what_is_not_there_yet_is_refused (void)
{
  assert_rows (unsupported_rows, G_N_ELEMENTS (unsupported_rows), CFG_ERROR_UNIMPLEMENTED);
}

static void
secrets_stay_out_of_messages (void)
{
  static const char *const texts[] = {
    "api_secret: \"hunter2\\nhunter2\"\n",
    "keys: {a: \"hunter2\\x01\"}\n",
    "redis: {password: \"hunter2\\t\"}\n",
    "trunks:\n  - {name: a, outbound_address: h, auth_username: u, auth_password: \"hunter2\\a\"}\n",
    "trunks:\n  - {name: a, auth_password: hunter2}\n",
    "rtc: {turn: {password: hunter2}}\n",
    (A_TRUNK "dispatch_rules:\n  - {room: a, pin: hunter2}\n"),
    "api_key: a\napi_secret: [hunter2]\n",
    "keys: hunter2x\napi_secret: [hunter2]\n",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (cfg_settings_parse (texts[i], strlen (texts[i]), "switchroom.yaml", &error));
      g_assert_nonnull (error);
      if (strstr (error->message, "hunter2") != NULL)
        g_error ("a secret in: %s", error->message);
    }
}

static const Row syntax_rows[] = {
  { "http:\n\tport: 1\n",
    "2: is not valid YAML: found character that cannot start any token, while scanning for the "
    "next token; indent with spaces, not with a tab" },
  { "sip_port: 5060\nhttp: {port: 1\n",
    "3: is not valid YAML: did not find expected ',' or '}', while parsing a flow "
    "mapping" },
  { "sip: *nowhere\n", "1: is not valid YAML: found undefined alias" },
  { "a: \"open\n", "2: is not valid YAML: found unexpected end of stream, while scanning a quoted scalar" },
  { "sip_port: 5060\n---\nsip_port: 5070\n",
    "2: starts a second document; one file holds one document, remove the line \"---\"" },
  { "sip_port: 5060\nstorage: {path: a\x01}\n", "2: is not valid YAML: control characters are not allowed" },
  { "a: b\nc: \xff\xfe\n", "2: is not valid YAML: invalid leading UTF-8 octet" },
  { "a: b\n\nc: \xc3(\n", "3: is not valid YAML: invalid trailing UTF-8 octet" },
};

static void
what_is_no_yaml_names_its_line (void)
{
  assert_rows (syntax_rows, G_N_ELEMENTS (syntax_rows), CFG_ERROR_INVALID_ARGUMENT);
  assert_refused ("sip_port: 5060\nstorage: {path: a\0b}\n", 35,
                  "2: is not valid YAML: control characters are not allowed", CFG_ERROR_INVALID_ARGUMENT);
}

static char *
repeat (const char *piece, guint n)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append (text, piece);
  return g_string_free (text, FALSE);
}

/* Each of them is refused at once; the test's own time limit says whether it is. */
static void
bombs_are_refused (void)
{
  g_autofree char *lists = repeat ("[", 100000);
  g_autofree char *groups = repeat ("{a: ", 100000);
  g_autofree char *dashes = repeat ("- ", 100000);
  g_autofree char *questions = repeat ("? ", 100000);
  g_autofree char *many = repeat ("[],", 300000);
  g_autofree char *many_list = g_strconcat ("[", many, "]", NULL);
  g_autofree char *anchors = repeat ("- &a x\n", 200);
  g_autofree char *aliases = repeat ("*a,", 100000);
  g_autofree char *alias_list = g_strconcat ("x: &a y\nz: [", aliases, "]\n", NULL);
  const char *const texts[] = { lists, groups, dashes, questions, many_list, anchors, alias_list };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (cfg_settings_parse (texts[i], strlen (texts[i]), "switchroom.yaml", &error));
      g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
      g_assert_cmpuint (strlen (error->message), <, 200);
    }
  assert_refused (lists, strlen (lists),
                  "1: is nested too deeply; no key has more than a few levels below it",
                  CFG_ERROR_INVALID_ARGUMENT);
  assert_refused (alias_list, strlen (alias_list), "2: has too many anchors or aliases; write the values out",
                  CFG_ERROR_INVALID_ARGUMENT);
}

/* 900 aliases to a trunk of 5000 numbers: five million values from a small file. */
static void
multiplied_values_are_refused (void)
{
  g_autofree char *numbers = repeat ("\"1\",", 5000);
  g_autofree char *aliases = repeat ("  - *t\n", 900);
  g_autofree char *text
      = g_strconcat ("trunks:\n  - &t {name: a, numbers: [", numbers, "]}\n", aliases, NULL);
  g_autofree char *many = repeat ("  - {name: a}\n", CFG_SETTINGS_MAX_TRUNKS + 1);
  g_autofree char *many_trunks = g_strconcat ("trunks:\n", many, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (cfg_settings_parse (text, strlen (text), "switchroom.yaml", &error));
  g_assert_nonnull (strstr (error->message, "holds too many values, aliases counted"));
  assert_refused (many_trunks, strlen (many_trunks), "2: trunks: has 1001 entries, at most 1000 are possible",
                  CFG_ERROR_INVALID_ARGUMENT);
}

static void
a_document_inside_itself_is_refused (void)
{
  static const char *const texts[] = { "&a\nhttp: *a\n", "trunks: &t [*t]\n", "keys: &k {*k : *k}\n",
                                       "sip: &s {tls: *s}\n", "sip: {bind: &b [*b]}\n" };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (cfg_settings_parse (texts[i], strlen (texts[i]), "switchroom.yaml", &error));
      g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
    }
}

static void
long_values_are_refused_and_cut (void)
{
  g_autofree char *letters = repeat ("ab", 1000);
  g_autofree char *text = g_strconcat ("logging: {file: ", letters, "}\n", NULL);

  assert_refused (text, strlen (text),
                  "1: logging.file: must be shorter, not "
                  "\"abababababababababababababababababababababababababababababab…\"",
                  CFG_ERROR_INVALID_ARGUMENT);
}

/* What the same number stands for twice, and is heard apart. */
static void
ports_that_do_not_meet_are_taken (void)
{
  static const char *const texts[] = {
    "http: {port: 5060}\nsip: {transports: [udp]}\n",
    "http: {port: 5061}\n",
    "sip_port: 5061\n",
    "sip_port: 5061\nsip: {transports: [udp], tls: {cert: a, key: b}}\n",
    "http: {bind: 192.0.2.7, port: 5060}\n",
    "http: {bind: 192.0.2.7, port: 5060}\nsip: {bind: [192.0.2.8, '::']}\n",
    "http: {bind: '::1', port: 5060}\nsip: {bind: [0.0.0.0]}\n",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CfgSettings) settings
          = cfg_settings_parse (texts[i], strlen (texts[i]), "switchroom.yaml", &error);

      g_assert_no_error (error);
      g_assert_nonnull (settings);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/settings/what_a_trunk_says_of_calls", what_a_trunk_says_of_calls);
  g_test_add_func ("/config/settings/keys_are_known_and_given_once", keys_are_known_and_given_once);
  g_test_add_func ("/config/settings/values_are_checked", values_are_checked);
  g_test_add_func ("/config/settings/ports_that_do_not_meet_are_taken", ports_that_do_not_meet_are_taken);
  g_test_add_func ("/config/settings/trunks_are_checked", trunks_are_checked);
  g_test_add_func ("/config/settings/rules_are_checked", rules_are_checked);
  g_test_add_func ("/config/settings/what_is_not_there_yet_is_refused", what_is_not_there_yet_is_refused);
  g_test_add_func ("/config/settings/secrets_stay_out_of_messages", secrets_stay_out_of_messages);
  g_test_add_func ("/config/settings/what_is_no_yaml_names_its_line", what_is_no_yaml_names_its_line);
  g_test_add_func ("/config/settings/bombs_are_refused", bombs_are_refused);
  g_test_add_func ("/config/settings/multiplied_values_are_refused", multiplied_values_are_refused);
  g_test_add_func ("/config/settings/a_document_inside_itself_is_refused",
                   a_document_inside_itself_is_refused);
  g_test_add_func ("/config/settings/long_values_are_refused_and_cut", long_values_are_refused_and_cut);
  return g_test_run ();
}
