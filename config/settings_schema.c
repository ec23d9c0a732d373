#include "config/settings_schema.h"

#include <string.h>

#include "config/base/address.h"
#include "config/base/host_list.h"
#include "config/recording_file.h"

#define MAX_LIST 10000

/* --- checks of one text -------------------------------------------------------------------------------- */

static gboolean
is_address_range (const char *text)
{
  CfgAddressRange range;

  return cfg_address_range_parse (text, &range);
}

static gboolean
is_target (const char *text)
{
  return cfg_host_pattern_is_valid (text);
}

static gboolean
is_port (const char *text)
{
  return g_ascii_string_to_unsigned (text, 10, 1, 65535, NULL, NULL);
}

/* host, host:port, [v6], [v6]:port; a bare IPv6 address too, for it cannot be mistaken. */
static gboolean
is_host_port (const char *text)
{
  const char *colon;
  gsize host_size;
  g_autofree char *v6 = NULL;

  if (cfg_address_is_numeric (text))
    return TRUE;
  if (*text == '[')
    {
      const char *bracket = strchr (text, ']');

      if (bracket == NULL)
        return FALSE;
      v6 = g_strndup (text + 1, (gsize)(bracket - text - 1));
      return strchr (v6, ':') != NULL && cfg_address_is_numeric (v6)
             && (bracket[1] == '\0' || (bracket[1] == ':' && is_port (bracket + 2)));
    }
  colon = strchr (text, ':');
  host_size = colon != NULL ? (gsize)(colon - text) : strlen (text);
  for (gsize i = 0; i < host_size; i++)
    if (!g_ascii_isalnum (text[i]) && strchr (".-_", text[i]) == NULL)
      return FALSE;
  return host_size > 0 && host_size <= 253 && (colon == NULL || is_port (colon + 1));
}

static gboolean
has_scheme (const char *text, const char *const *schemes)
{
  for (; *schemes != NULL; schemes++)
    if (g_str_has_prefix (text, *schemes))
      return text[strlen (*schemes)] != '\0' && strchr (text, ' ') == NULL;
  return FALSE;
}

static gboolean
is_ws_url (const char *text)
{
  return has_scheme (text, (const char *const[]){ "ws://", "wss://", NULL });
}

static gboolean
is_http_url (const char *text)
{
  return has_scheme (text, (const char *const[]){ "http://", "https://", NULL });
}

static gboolean
is_turn_url (const char *text)
{
  return has_scheme (text, (const char *const[]){ "turn:", "turns:", NULL });
}

/* An origin as browsers send it (RFC 6454 6.2): no path. */
static gboolean
is_origin (const char *text)
{
  const char *host = strstr (text, "://");

  return host != NULL && host > text && host[3] != '\0' && strpbrk (host + 3, "/?# ") == NULL;
}

/* What may stand in a header between double quotes or as it is, without any escape. */
static gboolean
is_header_text (const char *text)
{
  for (; *text != '\0'; text++)
    if (!g_ascii_isprint (*text) || strchr ("\"\\<>", *text) != NULL)
      return FALSE;
  return TRUE;
}

static gboolean
is_phone_number (const char *text)
{
  return strlen (text) <= 64 && strpbrk (text, " \"<>@;,") == NULL;
}

/* What needs no escape in a SIP URI (RFC 3261 25.1) and cannot be mistaken for anything else in it. */
static gboolean
is_user_name (const char *text)
{
  for (; *text != '\0'; text++)
    if (!g_ascii_isalnum (*text) && strchr ("-_.!~*'()+", *text) == NULL)
      return FALSE;
  return TRUE;
}

static gboolean
is_id (const char *text)
{
  for (; *text != '\0'; text++)
    if (!g_ascii_isalnum (*text) && *text != '_' && *text != '-')
      return FALSE;
  return TRUE;
}

static gboolean
is_pin (const char *text)
{
  gsize size = strlen (text);

  return size >= 1 && size <= 16 && strspn (text, "0123456789") == size;
}

/* --- words --------------------------------------------------------------------------------------------- */

static const CfgWord transport_words[]
    = { { "udp", CFG_SIP_UDP }, { "tcp", CFG_SIP_TCP }, { "tls", CFG_SIP_TLS }, { NULL, 0 } };
static const CfgWord digest_words[] = { { "MD5", 0 }, { "SHA-256", 0 }, { NULL, 0 } };
static const CfgWord codec_words[]
    = { { "opus", 0 }, { "G722", 0 }, { "PCMU", 0 }, { "PCMA", 0 }, { NULL, 0 } };
static const CfgWord encryption_words[] = { { "disable", CFG_ENCRYPTION_DISABLE },
                                            { "allow", CFG_ENCRYPTION_ALLOW },
                                            { "require", CFG_ENCRYPTION_REQUIRE },
                                            { NULL, 0 } };
static const CfgWord codec_order_words[]
    = { { "offer", CFG_CODEC_ORDER_OFFER }, { "ours", CFG_CODEC_ORDER_OURS }, { NULL, 0 } };
static const CfgWord dtmf_words[] = { { "auto", CFG_DTMF_AUTO },
                                      { "rfc4733", CFG_DTMF_RFC4733 },
                                      { "info", CFG_DTMF_INFO },
                                      { "inband", CFG_DTMF_INBAND },
                                      { NULL, 0 } };
static const CfgWord tones_words[]
    = { { "eu", CFG_TONES_EU }, { "us", CFG_TONES_US }, { "uk", CFG_TONES_UK }, { NULL, 0 } };
static const CfgWord transfer_words[] = { { "none", CFG_TRANSFER_NONE },
                                          { "internal", CFG_TRANSFER_INTERNAL },
                                          { "trunk", CFG_TRANSFER_TRUNK },
                                          { "any", CFG_TRANSFER_ANY },
                                          { NULL, 0 } };
static const CfgWord include_words[] = { { "x", CFG_INCLUDE_X_HEADERS },
                                         { "none", CFG_INCLUDE_NO_HEADERS },
                                         { "all", CFG_INCLUDE_ALL_HEADERS },
                                         { "SIP_X_HEADERS", CFG_INCLUDE_X_HEADERS },
                                         { "SIP_NO_HEADERS", CFG_INCLUDE_NO_HEADERS },
                                         { "SIP_ALL_HEADERS", CFG_INCLUDE_ALL_HEADERS },
                                         { NULL, 0 } };
static const CfgWord privacy_words[] = { { "none", FALSE }, { "id", TRUE }, { NULL, 0 } };
static const CfgWord number_words[] = {
  { "rotate", CFG_NUMBER_ROTATE }, { "random", CFG_NUMBER_RANDOM }, { "first", CFG_NUMBER_FIRST }, { NULL, 0 }
};
static const CfgWord refresher_words[]
    = { { "uac", CFG_REFRESHER_UAC }, { "uas", CFG_REFRESHER_UAS }, { NULL, 0 } };
static const CfgWord level_words[] = { { "debug", CFG_LOG_DEBUG },
                                       { "info", CFG_LOG_INFO },
                                       { "warn", CFG_LOG_WARN },
                                       { "error", CFG_LOG_ERROR },
                                       { NULL, 0 } };
static const CfgWord format_words[] = { { "text", CFG_LOG_TEXT }, { "json", CFG_LOG_JSON }, { NULL, 0 } };
static const CfgWord recording_words[]
    = { { "ogg", CFG_RECORDING_OGG }, { "wav", CFG_RECORDING_WAV }, { NULL, 0 } };
static const CfgWord rate_words[] = { { "8000", 8000 }, { "16000", 16000 }, { "48000", 48000 }, { NULL, 0 } };
static const CfgWord channel_words[] = { { "1", FALSE }, { "2", TRUE }, { NULL, 0 } };
static const CfgWord direction_words[] = { { "inbound", CFG_TRUNK_INBOUND },
                                           { "outbound", CFG_TRUNK_OUTBOUND },
                                           { "both", CFG_TRUNK_BOTH },
                                           { NULL, 0 } };
static const CfgWord rule_words[] = { { "direct", CFG_RULE_DIRECT },
                                      { "individual", CFG_RULE_INDIVIDUAL },
                                      { "callee", CFG_RULE_CALLEE },
                                      { NULL, 0 } };
static const CfgWord answer_words[]
    = { { "immediate", CFG_ANSWER_IMMEDIATE }, { "on_participant", CFG_ANSWER_ON_PARTICIPANT }, { NULL, 0 } };

/* --- keys ---------------------------------------------------------------------------------------------- */

/* Rows of a table whose object is a TABLE_TYPE. */
#define AT(m) .offset = G_STRUCT_OFFSET (TABLE_TYPE, m)
#define TEXT(n, m, ...)                                                                                      \
  {                                                                                                          \
    .name = n, .read = cfg_read_text, AT (m), __VA_ARGS__                                                    \
  }
#define TEXTS(n, m, ...)                                                                                     \
  {                                                                                                          \
    .name = n, .read = cfg_read_texts, AT (m), .max = MAX_LIST, __VA_ARGS__                                  \
  }
#define SECRET(n, m)                                                                                         \
  {                                                                                                          \
    .name = n, .read = cfg_read_text, AT (m), .is_secret = TRUE, .expected = "a text"                        \
  }
#define BOOL(n, m)                                                                                           \
  {                                                                                                          \
    .name = n, .read = cfg_read_bool, AT (m)                                                                 \
  }
#define PORT(n, m, lowest)                                                                                   \
  {                                                                                                          \
    .name = n, .read = cfg_read_port, AT (m), .min = lowest, .max = 65535                                    \
  }
#define COUNT(n, m, lowest, highest)                                                                         \
  {                                                                                                          \
    .name = n, .read = cfg_read_count, AT (m), .min = lowest, .max = highest                                 \
  }
#define SECONDS(n, m, lowest, highest)                                                                       \
  {                                                                                                          \
    .name = n, .read = cfg_read_seconds, AT (m), .min = lowest, .max = highest                               \
  }
#define DURATION(n, m)                                                                                       \
  {                                                                                                          \
    .name = n, .read = cfg_read_duration, AT (m), .max = 86400                                               \
  }
#define WORD(n, m, list)                                                                                     \
  {                                                                                                          \
    .name = n, .read = cfg_read_word, AT (m), .words = list                                                  \
  }
#define SECTION(n, m, table)                                                                                 \
  {                                                                                                          \
    .name = n, .read = cfg_read_section, AT (m), .keys = table                                               \
  }
#define IS_ADDRESS                                                                                           \
  .check = cfg_address_is_numeric, .expected = "a numeric address such as 192.0.2.7 or 2001:db8::7"
#define IS_HOST .check = is_host_port, .expected = "host or host:port"
#define CODECS(n, m, lowest)                                                                                 \
  {                                                                                                          \
    .name = n, .read = cfg_read_word_list, AT (m), .min = lowest, .max = 4, .words = codec_words             \
  }

#define TABLE_TYPE CfgHttpSettings
static const CfgKey http_tls_keys[] = { TEXT ("cert", tls_cert), TEXT ("key", tls_key), { 0 } };
static const CfgKey http_keys[] = {
  TEXT ("bind", bind, IS_ADDRESS),
  PORT ("port", port, 0),
  { .name = "tls", .read = cfg_read_section, .keys = http_tls_keys },
  TEXTS ("allowed_origins", allowed_origins, .check = is_origin,
         .expected = "an origin such as https://phone.example.com, without a path"),
  { 0 },
};
#undef TABLE_TYPE

#define TABLE_TYPE CfgSipUser
static const CfgKey user_keys[] = {
  TEXT ("username", username, .max = 64, .check = is_user_name,
        .expected = "letters, digits and -_.!~*'()+, at most 64"),
  SECRET ("password", password),
  { 0 },
};
#undef TABLE_TYPE

#define TABLE_TYPE CfgSipSettings
static const CfgKey sip_tls_keys[] = {
  PORT ("port", tls.port, 1),
  TEXT ("cert", tls.cert),
  TEXT ("key", tls.key),
  TEXT ("ca", tls.ca),
  TEXT ("files", tls.files),
  BOOL ("verify", tls.verify),
  BOOL ("verify_callers", tls.verify_callers),
  { 0 },
};
static const CfgKey registrar_keys[] = {
  BOOL ("enabled", registrar.enabled),
  { .name = "users",
    .read = cfg_read_section_list,
    AT (registrar.users),
    .max = MAX_LIST,
    .keys = user_keys,
    .item_size = sizeof (CfgSipUser),
    .count_offset = G_STRUCT_OFFSET (CfgSipSettings, registrar.n_users) },
  DURATION ("qualify_interval", registrar.qualify_interval_us),
  SECONDS ("min_expires", registrar.min_expires_s, 1, 86400),
  SECONDS ("max_expires", registrar.max_expires_s, 1, 604800),
  COUNT ("max_contacts", registrar.max_contacts, 1, 30),
  { 0 },
};
static const CfgKey sip_keys[] = {
  TEXTS ("bind", bind, IS_ADDRESS),
  { .name = "transports",
    .read = cfg_read_flags,
    AT (transports),
    .min = 1,
    .max = 8,
    .words = transport_words },
  TEXT ("external_address", external_address, IS_ADDRESS),
  { .name = "tls", .read = cfg_read_section, .keys = sip_tls_keys },
  TEXT ("realm", realm, .check = is_header_text, .expected = "printable ASCII without quotes"),
  { .name = "digest_algorithms",
    .read = cfg_read_word_list,
    AT (digest_algorithms),
    .min = 1,
    .max = 2,
    .words = digest_words },
  { .name = "registrar", .read = cfg_read_section, .keys = registrar_keys },
  TEXT ("user_agent", user_agent, .check = is_header_text, .expected = "printable ASCII without quotes"),
  { 0 },
};
#undef TABLE_TYPE

#define TABLE_TYPE CfgPortRange
static const CfgKey range_keys[] = { PORT ("start", start, 1), PORT ("end", end, 1), { 0 } };
#undef TABLE_TYPE

#define TABLE_TYPE CfgRtcSettings
static const CfgKey turn_keys[] = {
  TEXT ("url", turn.url, .check = is_turn_url, .expected = "a URL such as turn:turn.example.com:3478"),
  TEXT ("username", turn.username),
  SECRET ("password", turn.password),
  { 0 },
};
static const CfgKey rtc_keys[] = {
  TEXTS ("bind", bind, IS_ADDRESS),
  SECTION ("port", port, range_keys),
  TEXT ("external_address", external_address, IS_ADDRESS),
  TEXT ("stun", stun, IS_HOST),
  { .name = "turn", .read = cfg_read_section, .keys = turn_keys },
  { 0 },
};
#undef TABLE_TYPE

#define TABLE_TYPE CfgMediaSettings
static const CfgKey media_keys[] = {
  COUNT ("workers", workers, 0, 128),
  CODECS ("codecs", codecs, 1),
  WORD ("codec_order", codec_order, codec_order_words),
  WORD ("encryption", encryption, encryption_words),
  WORD ("dtmf", dtmf, dtmf_words),
  WORD ("tones", tones, tones_words),
  COUNT ("opus_complexity", opus_complexity, 0, 10),
  COUNT ("opus_complexity_min", opus_complexity_min, 0, 10),
  COUNT ("mix_speakers", mix_speakers, 1, 32),
  DURATION ("timeout", timeout_us),
  DURATION ("timeout_initial", timeout_initial_us),
  TEXT ("files", files),
  { 0 },
};
#undef TABLE_TYPE

#define TABLE_TYPE CfgRecordingSettings
static const CfgKey recording_keys[] = {
  TEXT ("path", path),
  TEXT ("file", file, .check = cfg_is_recording_file,
        .expected
        = "a path below recordings.path, in which {room}, {identity}, {id}, {date} and {time} may stand"),
  WORD ("format", format, recording_words),
  WORD ("sample_rate", sample_rate_hz, rate_words),
  WORD ("channels", is_stereo, channel_words),
  DURATION ("max_duration", max_duration_us),
  { 0 },
};
#undef TABLE_TYPE

#define TABLE_TYPE CfgSessionTimerSettings
static const CfgKey session_timer_keys[] = {
  BOOL ("enabled", enabled),
  SECONDS ("default_expires", default_expires_s, 1, 86400),
  SECONDS ("min_se", min_se_s, 1, 86400),
  WORD ("prefer_refresher", prefer_refresher, refresher_words),
  BOOL ("use_update", use_update),
  { 0 },
};
#undef TABLE_TYPE

#define TABLE_TYPE CfgPinSettings
static const CfgKey pin_keys[] = {
  COUNT ("tries", tries, 1, 10),
  DURATION ("timeout", timeout_us),
  DURATION ("digit_timeout", digit_timeout_us),
  { 0 },
};
#undef TABLE_TYPE

#define TABLE_TYPE CfgPromptSettings
static const CfgKey prompt_keys[] = {
  TEXT ("pin_enter", pin_enter),
  TEXT ("pin_wrong", pin_wrong),
  TEXT ("pin_goodbye", pin_goodbye),
  { 0 },
};
#undef TABLE_TYPE

#define TABLE_TYPE CfgLimitSettings
static const CfgKey limit_keys[] = {
  COUNT ("max_calls", max_calls, 0, 1000000),
  { .name = "max_cpu_utilization", .read = cfg_read_real, AT (max_cpu_utilization), .min = 0, .max = 1 },
  DURATION ("max_tick_lateness", max_tick_lateness_us),
  COUNT ("invites_per_second_per_source", invites_per_second_per_source, 0, 1000000),
  COUNT ("connections_per_source", connections_per_source, 1, 8192),
  { 0 },
};
#undef TABLE_TYPE

#define TABLE_TYPE CfgRedisSettings
static const CfgKey redis_keys[] = {
  TEXT ("address", address, IS_HOST),
  TEXT ("username", username),
  SECRET ("password", password),
  COUNT ("db", db, 0, 9999),
  { 0 },
};
#undef TABLE_TYPE

#define TABLE_TYPE CfgWebhookSettings
static const CfgKey webhook_keys[] = {
  TEXTS ("urls", urls, .check = is_http_url, .expected = "a URL that begins with http:// or https://"),
  TEXT ("api_key", api_key),
  { 0 },
};
#undef TABLE_TYPE

#define TABLE_TYPE CfgLoggingSettings
static const CfgKey logging_keys[] = {
  WORD ("level", level, level_words),
  WORD ("format", format, format_words),
  TEXT ("file", file),
  { 0 },
};
#undef TABLE_TYPE

#define TABLE_TYPE CfgCaptureSettings
static const CfgKey capture_keys[] = {
  BOOL ("enabled", enabled),
  TEXT ("hep_address", hep_address, IS_HOST),
  SECRET ("hep_password", hep_password),
  COUNT ("hep_node_id", hep_node_id, 0, G_MAXINT32),
  { 0 },
};
#undef TABLE_TYPE

#define TABLE_TYPE CfgTrunkSettings
static const CfgKey trunk_tls_keys[] = {
  TEXT ("cert", tls.cert), TEXT ("key", tls.key), TEXT ("ca", tls.ca), BOOL ("verify", tls.verify), { 0 },
};
#define PAIRS(n, m)                                                                                          \
  {                                                                                                          \
    .name = n, .read = cfg_read_pairs, AT (m), .max = CFG_TRUNK_MAX_HEADERS, .item_size = sizeof (CfgPair),  \
    .count_offset = G_STRUCT_OFFSET (TABLE_TYPE, n_##m)                                                      \
  }
static const CfgKey trunk_keys[] = {
  TEXT ("id", id, .max = 64, .check = is_id, .expected = "letters, digits, _ and -"),
  TEXT ("name", name, .max = 128),
  WORD ("direction", direction, direction_words),
  TEXTS ("numbers", numbers, .check = is_phone_number, .expected = "a number such as \"+15551234567\""),
  TEXTS ("allowed_addresses", allowed_addresses, .check = is_address_range,
         .expected = "a numeric address or range such as 192.0.2.7 or 192.0.2.0/24"),
  TEXTS ("allowed_numbers", allowed_numbers, .check = is_phone_number,
         .expected = "a caller's number such as \"+15551234567\""),
  TEXT ("outbound_address", outbound_address, .check = is_host_port,
        .expected = "host or host:port, without sip: and parameters"),
  WORD ("transport", transport, transport_words),
  { .name = "tls", .read = cfg_read_section, .keys = trunk_tls_keys },
  TEXT ("auth_username", auth_username),
  SECRET ("auth_password", auth_password),
  CODECS ("codecs", codecs, 0),
  WORD ("codec_order", codec_order, codec_order_words),
  WORD ("media_encryption", media_encryption, encryption_words),
  WORD ("dtmf", dtmf, dtmf_words),
  BOOL ("normalize", normalize),
  WORD ("allow_transfer", allow_transfer, transfer_words),
  TEXTS ("allowed_targets", allowed_targets, .check = is_target,
         .expected = "a host, host:port, *.domain or range of addresses"),
  COUNT ("max_calls", max_calls, 0, 1000000),
  SECONDS ("ringing_timeout", ringing_timeout_s, 0, 3600),
  SECONDS ("max_call_duration", max_call_duration_s, 0, 604800),
  BOOL ("record", record),
  BOOL ("register", register_),
  TEXT ("metadata", metadata, .max = 65536),
  TEXT ("from_user", from_user, .max = 128, .check = is_phone_number,
        .expected = "the user part of a SIP address, without @ and spaces"),
  TEXT ("from_host", from_host, IS_HOST),
  WORD ("number_selection", number_selection, number_words),
  PAIRS ("headers", headers),
  PAIRS ("headers_to_attributes", headers_to_attributes),
  PAIRS ("attributes_to_headers", attributes_to_headers),
  WORD ("include_headers", include_headers, include_words),
  BOOL ("send_pai", send_pai),
  BOOL ("send_rpid", send_rpid),
  BOOL ("trust_id_inbound", trust_id_inbound),
  WORD ("privacy", hides_caller, privacy_words),
  SECONDS ("register_expires", register_expires_s, 1, 86400),
  DURATION ("qualify_interval", qualify_interval_us),
  { 0 },
};
#undef TABLE_TYPE

#define TABLE_TYPE CfgRoomSettings
static const CfgKey room_config_keys[] = {
  SECONDS ("empty_timeout", empty_timeout_s, 0, 86400),
  SECONDS ("departure_timeout", departure_timeout_s, 0, 86400),
  COUNT ("max_participants", max_participants, 0, 1000),
  TEXT ("metadata", metadata, .max = 65536),
  { 0 },
};
#undef TABLE_TYPE

#define TABLE_TYPE CfgDispatchRuleSettings
static const CfgKey rule_keys[] = {
  TEXT ("id", id, .max = 64, .check = is_id, .expected = "letters, digits, _ and -"),
  TEXT ("name", name, .max = 128),
  TEXTS ("trunks", trunks),
  TEXTS ("inbound_numbers", inbound_numbers, .check = is_phone_number,
         .expected = "a caller's number such as \"+15551234567\""),
  TEXTS ("numbers", numbers, .check = is_phone_number,
         .expected = "a called number such as \"+15551234567\""),
  WORD ("type", type, rule_words),
  TEXT ("room", room, .max = 256),
  TEXT ("room_prefix", room_prefix, .max = 128),
  BOOL ("randomize", randomize),
  { .name = "pin",
    .read = cfg_read_text,
    AT (pin),
    .check = is_pin,
    .expected = "1 to 16 digits",
    .is_secret = TRUE },
  WORD ("answer", answer, answer_words),
  BOOL ("early_media", early_media),
  TEXT ("announcement", announcement, .max = 1024),
  COUNT ("max_calls", max_calls, 0, 1000000),
  SECONDS ("ringing_timeout", ringing_timeout_s, 0, 3600),
  SECONDS ("max_call_duration", max_call_duration_s, 0, 604800),
  CODECS ("codecs", codecs, 0),
  WORD ("codec_order", codec_order, codec_order_words),
  WORD ("media_encryption", media_encryption, encryption_words),
  BOOL ("hide_phone_number", hide_phone_number),
  BOOL ("record", record),
  { .name = "attributes",
    .read = cfg_read_pairs,
    AT (attributes),
    .max = 64,
    .item_size = sizeof (CfgPair),
    .count_offset = G_STRUCT_OFFSET (CfgDispatchRuleSettings, n_attributes) },
  TEXT ("metadata", metadata, .max = 65536),
  SECTION ("room_config", room_config, room_config_keys),
  { 0 },
};
#undef TABLE_TYPE

static void
trunk_init (gpointer item)
{
  CfgTrunkSettings *trunk = item;

  trunk->numbers = g_new0 (char *, 1);
  trunk->allowed_addresses = g_new0 (char *, 1);
  trunk->allowed_numbers = g_new0 (char *, 1);
  trunk->allowed_targets = g_new0 (char *, 1);
  trunk->codecs = g_new0 (char *, 1);
  trunk->register_expires_s = 3600;
}

static void
rule_init (gpointer item)
{
  CfgDispatchRuleSettings *rule = item;

  rule->trunks = g_new0 (char *, 1);
  rule->inbound_numbers = g_new0 (char *, 1);
  rule->numbers = g_new0 (char *, 1);
  rule->codecs = g_new0 (char *, 1);
  rule->room_config.empty_timeout_s = 300;
  rule->room_config.departure_timeout_s = 20;
}

#define TABLE_TYPE CfgSettings
static const CfgKey storage_keys[] = {
  TEXT ("path", storage.path),
  COUNT ("call_retention_days", storage.call_retention_days, 0, 36500),
  { 0 },
};

const CfgKey cfg_settings_keys[] = {
  TEXT ("api_key", api_key, .max = 128),
  SECRET ("api_secret", api_secret),
  { .name = "keys",
    .read = cfg_read_api_keys,
    AT (keys),
    .max = 1000,
    .is_secret = TRUE,
    .item_size = sizeof (CfgApiKey),
    .count_offset = G_STRUCT_OFFSET (CfgSettings, n_keys) },
  TEXT ("ws_url", ws_url, .check = is_ws_url, .expected = "a URL that begins with ws:// or wss://"),
  SECTION ("http", http, http_keys),
  PORT ("sip_port", sip_port, 1),
  SECTION ("sip", sip, sip_keys),
  SECTION ("rtp_port", rtp_port, range_keys),
  SECTION ("rtc", rtc, rtc_keys),
  SECTION ("media", media, media_keys),
  SECTION ("recordings", recordings, recording_keys),
  SECTION ("session_timer", session_timer, session_timer_keys),
  SECTION ("limits", limits, limit_keys),
  SECTION ("pin", pin, pin_keys),
  SECTION ("prompts", prompts, prompt_keys),
  { .name = "storage", .read = cfg_read_section, .keys = storage_keys },
  SECTION ("redis", redis, redis_keys),
  SECTION ("webhook", webhook, webhook_keys),
  SECTION ("logging", logging, logging_keys),
  SECTION ("capture", capture, capture_keys),
  { .name = "trunks",
    .read = cfg_read_section_list,
    AT (trunks),
    .max = CFG_SETTINGS_MAX_TRUNKS,
    .keys = trunk_keys,
    .item_size = sizeof (CfgTrunkSettings),
    .count_offset = G_STRUCT_OFFSET (CfgSettings, n_trunks),
    .line_offset = G_STRUCT_OFFSET (CfgTrunkSettings, line),
    .item_init = trunk_init },
  { .name = "dispatch_rules",
    .read = cfg_read_section_list,
    AT (dispatch_rules),
    .max = CFG_SETTINGS_MAX_DISPATCH_RULES,
    .keys = rule_keys,
    .item_size = sizeof (CfgDispatchRuleSettings),
    .count_offset = G_STRUCT_OFFSET (CfgSettings, n_dispatch_rules),
    .line_offset = G_STRUCT_OFFSET (CfgDispatchRuleSettings, line),
    .item_init = rule_init },
  { 0 },
};
#undef TABLE_TYPE

const CfgKey *
cfg_settings_key (const char *name)
{
  for (const CfgKey *key = cfg_settings_keys; key->name != NULL; key++)
    if (strcmp (key->name, name) == 0)
      return key;
  g_assert_not_reached ();
}
