/* The whole configuration as one immutable struct of plain values, read from YAML once at start and once per
 * SIGHUP. Members are for reading only; nothing outside config/ writes to them.
 *
 * Every key is optional. An error names the file, the line and the key, and says what to do:
 *
 *   switchroom.yaml:12: session_timer.min_se: must be a number of seconds between 1 and 86400, not "abc"
 *
 * A text is NULL when it was not given (or given empty) unless its comment names a default. Lists of texts
 * are NULL-terminated arrays, never NULL. Secrets are here in the clear: never log a member named *_secret,
 * *_password or pin. */
#pragma once

#include <glib.h>

#include "config/base/log.h"

#define CFG_SETTINGS_MAX_FILE_BYTES     (1024 * 1024)
#define CFG_SETTINGS_MAX_TRUNKS         1000
#define CFG_SETTINGS_MAX_DISPATCH_RULES 1000
#define CFG_TRUNK_MAX_HEADERS           32 /* of each kind */

typedef struct
{
  char *key, *secret;
} CfgApiKey;

/* Of a mapping of free names; both never NULL. */
typedef struct
{
  char *name, *value;
} CfgPair;

typedef struct
{
  guint16 start, end; /* both included, start < end */
} CfgPortRange;

typedef struct
{
  char *bind;               /* numeric address; default "127.0.0.1" */
  guint16 port;             /* default 7880; 0: any free one */
  char *tls_cert, *tls_key; /* paths of PEM files; both or none */
  char **allowed_origins;   /* scheme://host[:port]; empty: same origin only */
} CfgHttpSettings;

typedef enum
{
  CFG_SIP_UDP = 1 << 0,
  CFG_SIP_TCP = 1 << 1,
  CFG_SIP_TLS = 1 << 2, /* of the listeners: beside the others where sip.tls.cert is given, too */
} CfgSipTransports;

typedef struct
{
  char *username, *password;
} CfgSipUser;

typedef struct
{
  char **bind;                 /* numeric addresses; empty: loopback in demo mode, else all */
  CfgSipTransports transports; /* of the listeners; default UDP and TCP */
  char *external_address;      /* numeric */
  struct
  {
    guint16 port;            /* default 5061 */
    char *cert, *key, *ca;   /* paths of PEM files; cert and key: both or none */
    char *files;             /* directory of PEM files that trunks of the API may name; NULL: none */
    gboolean verify;         /* servers that are called; default TRUE */
    gboolean verify_callers; /* callers over TLS need a certificate of `ca`; default FALSE */
  } tls;
  char *realm;              /* default "switchroom" */
  char **digest_algorithms; /* "MD5", "SHA-256", in the order of the offer; default in that order */
  struct
  {
    gboolean enabled;
    CfgSipUser *users; /* none of them the auth_username of a trunk for calls that come in */
    gsize n_users;
    gint64
        qualify_interval_us; /* how often each phone is asked whether it is there; default 30 s; 0: never */
    guint min_expires_s, max_expires_s; /* default 60, 3600 */
    guint max_contacts;                 /* of one user; default 10 */
  } registrar;
  char *user_agent; /* default "Switchroom" */
} CfgSipSettings;

typedef struct
{
  char **bind;            /* numeric addresses; empty: all */
  CfgPortRange port;      /* default 20000-29999 */
  char *external_address; /* numeric */
  char *stun;             /* host or host:port */
  struct
  {
    char *url, *username, *password;
  } turn;
} CfgRtcSettings;

/* SDES-SRTP on SIP legs. */
typedef enum
{
  CFG_ENCRYPTION_UNSET, /* the next wider setting; at last: taken when a caller offers it, not offered to
                           callees */
  CFG_ENCRYPTION_DISABLE,
  CFG_ENCRYPTION_ALLOW,
  CFG_ENCRYPTION_REQUIRE,
} CfgEncryption;

/* How key presses travel in SIP calls. */
typedef enum
{
  CFG_DTMF_UNSET,   /* the next wider setting; at last: auto */
  CFG_DTMF_AUTO,    /* telephone-events and INFO; without telephone-events: tones in the audio */
  CFG_DTMF_RFC4733, /* telephone-events only */
  CFG_DTMF_INFO,    /* SIP INFO only */
  CFG_DTMF_INBAND,  /* tones in the audio only */
} CfgDtmf;

/* Of which country the tones are that are played. */
typedef enum
{
  CFG_TONES_EU,
  CFG_TONES_US,
  CFG_TONES_UK,
} CfgTones;

/* Whose order of codecs decides on SIP legs. */
typedef enum
{
  CFG_CODEC_ORDER_UNSET, /* the next wider setting; at last: the peer's */
  CFG_CODEC_ORDER_OFFER,
  CFG_CODEC_ORDER_OURS,
} CfgCodecOrder;

typedef struct
{
  guint workers; /* default 0: one per core */
  char **codecs; /* "opus", "G722", "PCMU", "PCMA", the preferred one first; default in that order */
  CfgCodecOrder codec_order;
  CfgEncryption encryption;
  CfgDtmf dtmf;
  CfgTones tones;            /* default eu */
  guint opus_complexity;     /* 0-10, default 5: at most */
  guint opus_complexity_min; /* 0-10, default 0: what a worker that is nearly full goes down to */
  guint mix_speakers;        /* default 6 */
  gint64 timeout_us;         /* default 60 s; 0: off */
  gint64 timeout_initial_us; /* default 0: off */
  char *files;               /* directory of files that may be played; NULL: none may */
} CfgMediaSettings;

typedef enum
{
  CFG_RECORDING_OGG, /* Ogg with Opus */
  CFG_RECORDING_WAV, /* 16 bit */
} CfgRecordingFormat;

typedef struct
{
  char *path;                /* directory that recordings are written to; NULL: none may be made */
  char *file;                /* config/recording_file.h; default "{date}/{room}-{time}" */
  CfgRecordingFormat format; /* default ogg */
  guint sample_rate_hz;      /* 8000, 16000 or 48000; default 16000 */
  gboolean is_stereo;        /* `channels` 2: phones left, the others right; default FALSE */
  gint64 max_duration_us;    /* default 4 h; 0: no limit */
} CfgRecordingSettings;

typedef enum
{
  CFG_REFRESHER_UAC,
  CFG_REFRESHER_UAS,
} CfgRefresher;

typedef struct
{
  gboolean enabled;              /* default TRUE */
  guint default_expires_s;       /* default 1800; never below min_se_s */
  guint min_se_s;                /* default 90; below 90 with a warning (RFC 4028 5) */
  CfgRefresher prefer_refresher; /* default uac */
  gboolean use_update;           /* default FALSE */
} CfgSessionTimerSettings;

/* How callers are asked for the PIN of a dispatch rule. */
typedef struct
{
  guint tries;             /* default 3 */
  gint64 timeout_us;       /* for the first digit, after the prompt; default 10 s */
  gint64 digit_timeout_us; /* for each further one; default 5 s */
} CfgPinSettings;

/* Paths of audio files that are played instead of those in the program; NULL: those. */
typedef struct
{
  char *pin_enter, *pin_wrong, *pin_goodbye;
} CfgPromptSettings;

typedef struct
{
  guint max_calls;                     /* default 0: no limit */
  double max_cpu_utilization;          /* 0.0-1.0, default 0.9; 0: no limit */
  gint64 max_tick_lateness_us;         /* default 20 ms; 0: no limit */
  guint invites_per_second_per_source; /* default 20; 0: no limit */
  guint connections_per_source;        /* SIP over TCP and TLS, at least 1; default 256 */
} CfgLimitSettings;

#define CFG_DEFAULT_STORAGE_PATH "switchroom.db"

typedef struct
{
  char *path;                /* default CFG_DEFAULT_STORAGE_PATH */
  guint call_retention_days; /* default 30; 0: for ever */
} CfgStorageSettings;

typedef struct
{
  char *address; /* host:port; NULL: no Redis */
  char *username, *password;
  guint db;
} CfgRedisSettings;

typedef struct
{
  char **urls;
  char *api_key; /* whose secret signs them */
} CfgWebhookSettings;

typedef struct
{
  CfgLogLevel level;   /* default info */
  CfgLogFormat format; /* default text */
  char *file;          /* NULL: standard output */
} CfgLoggingSettings;

typedef struct
{
  gboolean enabled;   /* keep the messages of calls; default TRUE */
  char *hep_address;  /* host or host:port of a HEP 3 server; default port 9060 */
  char *hep_password; /* shared with it */
  guint hep_node_id;  /* default 2001 */
} CfgCaptureSettings;

typedef enum
{
  CFG_TRANSFER_INTERNAL, /* extensions and other calls of this gateway: nothing leaves it */
  CFG_TRANSFER_NONE,
  CFG_TRANSFER_TRUNK, /* numbers too, through the trunk */
  CFG_TRANSFER_ANY,   /* any sip: address too */
} CfgTransferPolicy;

typedef enum
{
  CFG_TRUNK_INBOUND = 1 << 0,
  CFG_TRUNK_OUTBOUND = 1 << 1,
  CFG_TRUNK_BOTH = CFG_TRUNK_INBOUND | CFG_TRUNK_OUTBOUND,
} CfgTrunkDirection;

/* Which headers of the peer become attributes sip.h.<name>, by themselves. */
typedef enum
{
  CFG_INCLUDE_X_HEADERS, /* those whose name begins with X- */
  CFG_INCLUDE_NO_HEADERS,
  CFG_INCLUDE_ALL_HEADERS, /* but credentials */
} CfgIncludeHeaders;

/* Which of several numbers an outbound trunk calls with. */
typedef enum
{
  CFG_NUMBER_ROTATE, /* one after the other */
  CFG_NUMBER_RANDOM,
  CFG_NUMBER_FIRST,
} CfgNumberSelection;

typedef struct
{
  char *id;                    /* never NULL, unique among ids and names; default: made of the name */
  char *name;                  /* never NULL, unique */
  CfgTrunkDirection direction; /* when not given: by numbers and outbound_address, see cfg_settings_parse */
  char **numbers;              /* inbound: those it may call, empty: any; outbound: the caller's numbers */
  CfgNumberSelection number_selection;
  char **allowed_addresses;   /* inbound: address or address/prefix (config/base/address.h); empty: any */
  char **allowed_numbers;     /* inbound: callers that may call; empty: any */
  char *outbound_address;     /* host or host:port; never NULL when outbound */
  CfgSipTransports transport; /* one of them; 0: what the host's records say, at last UDP */
  struct
  {
    char *cert, *key, *ca; /* paths of PEM files; NULL: those of sip.tls; cert and key: both or none */
    gboolean verify;       /* default that of sip.tls */
  } tls;
  char *from_user, *from_host; /* outbound: of From; NULL: the caller's number; our address */
  /* Of our INVITE, or of our 200 to an INVITE; and the other way around, see gateway/core/headers.h. */
  CfgPair *headers, *headers_to_attributes, *attributes_to_headers;
  gsize n_headers, n_headers_to_attributes, n_attributes_to_headers;
  CfgIncludeHeaders include_headers;
  /* Who calls, as networks tell one another (RFC 3325): told to the provider; believed, default when the
   * trunk has allowed_addresses, a password or a registration. */
  gboolean send_pai, send_rpid, trust_id_inbound;
  gboolean hides_caller; /* privacy: id: our number is for the provider alone (RFC 3323) */
  /* Both or none. With CFG_TRUNK_OUTBOUND set they answer the provider's challenge and nothing else; of an
   * inbound trunk they are what a caller must prove. */
  char *auth_username, *auth_password;
  char **codecs; /* as media.codecs; empty: those of media.codecs */
  CfgCodecOrder codec_order;
  CfgEncryption media_encryption;
  CfgDtmf dtmf;
  gboolean normalize; /* its phones are brought to a usual level, and never forwarded untouched */
  CfgTransferPolicy allow_transfer; /* whom its phones may have called by REFER; default internal */
  char **allowed_targets; /* inbound: other hosts that its calls may be for (config/base/host_list.h); none */
  guint max_calls;        /* at the same time, both ways; 0: no limit */
  gboolean record;        /* the rooms of its calls are recorded */
  guint ringing_timeout_s, max_call_duration_s; /* 0: 180 s; no limit */
  gboolean register_;         /* `register`: at outbound_address, as from_user or auth_username */
  guint register_expires_s;   /* asked for; default 3600 */
  gint64 qualify_interval_us; /* outbound: how often it is asked whether it is there; 0: never */
  char *metadata;             /* of whoever made it; not used */
  guint line;                 /* of the file, for messages; 0: an entry of CfgEntries */
} CfgTrunkSettings;

typedef enum
{
  CFG_RULE_DIRECT,     /* every call into `room` */
  CFG_RULE_INDIVIDUAL, /* every call into a new room named room_prefix + caller + random */
  CFG_RULE_CALLEE,     /* room_prefix + the number that was called */
} CfgRuleType;

typedef enum
{
  CFG_ANSWER_IMMEDIATE,
  CFG_ANSWER_ON_PARTICIPANT,
} CfgAnswerMode;

/* Of a room that a call makes. */
typedef struct
{
  guint empty_timeout_s, departure_timeout_s; /* default 300, 20 */
  guint max_participants;                     /* default 0: no limit */
  char *metadata;
} CfgRoomSettings;

typedef struct
{
  char *id;               /* never NULL; default: made of the name */
  char *name;             /* nullable; unique */
  char **trunks;          /* names of trunks, given as names or ids; empty: all */
  char **inbound_numbers; /* callers that it is for; empty: any */
  char **numbers;         /* called numbers that it is for; empty: any */
  CfgRuleType type;       /* default direct */
  char *room;             /* direct only, never NULL then */
  char *room_prefix;      /* not direct; never NULL, default "" */
  gboolean randomize;     /* not direct: every call a room of its own; default: individual only */
  char *pin;              /* NULL: none; digits */
  CfgAnswerMode answer;   /* default immediate */
  gboolean early_media;   /* who waits for an answer is sent audio */
  char *announcement;     /* of early_media: a file below media.files; NULL: ringing */
  guint max_calls;        /* at the same time; 0: no limit */
  guint ringing_timeout_s, max_call_duration_s; /* 0: the trunk's */
  char **codecs; /* as media.codecs; empty: those of the trunk or media.codecs */
  CfgCodecOrder codec_order;
  CfgEncryption media_encryption;
  gboolean hide_phone_number;
  gboolean record;     /* the rooms of its calls are recorded */
  CfgPair *attributes; /* of the participant */
  gsize n_attributes;
  char *metadata; /* of the participant */
  CfgRoomSettings room_config;
  guint line;
} CfgDispatchRuleSettings;

typedef struct
{
  /* No trunks and no registrar: SIP on loopback with the open demo rule (room = the user part that was
   * called). */
  gboolean demo;
  /* Trunks or a registrar, but no rules: each called number is a room; the caller says so in the log. */
  gboolean implicit_callee_rule;

  /* Key pairs for tokens. api_key is "devkey" when neither it nor `keys` is given, and NULL when only `keys`
   * is; api_secret NULL beside an api_key asks the caller to make a random one. `keys` does not repeat it. */
  char *api_key, *api_secret;
  CfgApiKey *keys;
  gsize n_keys;

  char *ws_url; /* NULL: ws or wss://localhost:PORT, by http */
  CfgHttpSettings http;
  guint16 sip_port; /* default 5060 */
  CfgSipSettings sip;
  CfgPortRange rtp_port; /* default 10000-20000 */
  CfgRtcSettings rtc;
  CfgMediaSettings media;
  CfgRecordingSettings recordings;
  CfgSessionTimerSettings session_timer;
  CfgLimitSettings limits;
  CfgPinSettings pin;
  CfgPromptSettings prompts;
  CfgStorageSettings storage;
  CfgRedisSettings redis;
  CfgWebhookSettings webhook;
  CfgLoggingSettings logging;
  CfgCaptureSettings capture;
  CfgTrunkSettings *trunks;
  gsize n_trunks;
  CfgDispatchRuleSettings *dispatch_rules;
  gsize n_dispatch_rules;

  GBytes *source; /* what all this was read from */
  char *source_name;

  /* What is accepted but should be said, for the caller to log: "file:line: key: sentence". */
  char **warnings;
} CfgSettings;

/** cfg_settings_new_default: what no file at all means: demo mode. (transfer full) */
CfgSettings *cfg_settings_new_default (void) G_GNUC_WARN_UNUSED_RESULT;

/**
 * cfg_settings_load:
 * @path: read whole, at most CFG_SETTINGS_MAX_FILE_BYTES
 *
 * Returns: (transfer full) (nullable): NULL with @error: NOT_FOUND or FAILED_PRECONDITION when the file
 * cannot be read, else as cfg_settings_parse.
 */
CfgSettings *cfg_settings_load (const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * cfg_settings_parse:
 * @text: UTF-8 YAML, @len bytes, any content
 * @file_name: for messages
 *
 * A trunk without `direction` is inbound, with an outbound_address only outbound, with both numbers (or
 * allowed_addresses) and an outbound_address it serves both ways.
 *
 * Returns: (transfer full) (nullable): NULL with CFG_ERROR_INVALID_ARGUMENT, or CFG_ERROR_UNIMPLEMENTED for a
 * key whose feature this version does not have. No secret is ever part of a message.
 */
CfgSettings *cfg_settings_parse (const char *text, gsize len, const char *file_name,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Trunks and rules beside those of the file. */
typedef struct
{
  const char *const *trunks, *const
                                 *dispatch_rules; /* NULL-terminated; each one JSON object, as in the file */
  gboolean never_demo; /* without any trunk, nobody gets in: what listens on all addresses must not open up */
} CfgEntries;

/**
 * cfg_settings_with: reads the text that @settings were made of again, with @entries behind it.
 *
 * Returns: (transfer full) (nullable): as cfg_settings_parse; an error about an entry begins with its path,
 * as in "trunks[3].numbers[0]: must be a number", without a file's name.
 */
CfgSettings *cfg_settings_with (const CfgSettings *settings, const CfgEntries *entries,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** cfg_settings_restart_keys: the keys ("http.port") of which @now says something else than @started, and
 * that are read at the start only. (transfer full): NULL-terminated */
char **cfg_settings_restart_keys (const CfgSettings *started,
                                  const CfgSettings *now) G_GNUC_WARN_UNUSED_RESULT;

void cfg_settings_free (CfgSettings *settings);

/** cfg_trunk_host: (transfer full): the host of its outbound_address, without port and brackets. */
char *cfg_trunk_host (const CfgTrunkSettings *trunk) G_GNUC_WARN_UNUSED_RESULT;
/** cfg_settings_find_trunk: by its name or its id. (nullable) */
const CfgTrunkSettings *cfg_settings_find_trunk (const CfgSettings *settings, const char *name);
/** cfg_trunk_asks_for_password: its credentials are what callers must prove, not what we answer with. */
gboolean cfg_trunk_asks_for_password (const CfgTrunkSettings *trunk);
/** cfg_trunk_account: whom it registers as. (nullable) */
const char *cfg_trunk_account (const CfgTrunkSettings *trunk);
/** cfg_settings_find_user: of the registrar, by its name (nullable); NULL when it is not there or switched
 * off. */
const CfgSipUser *cfg_settings_find_user (const CfgSettings *settings, const char *username);
/** cfg_settings_find_secret: the secret of @api_key among api_key and keys; NULL when there is none. */
const char *cfg_settings_find_secret (const CfgSettings *settings, const char *api_key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CfgSettings, cfg_settings_free)
