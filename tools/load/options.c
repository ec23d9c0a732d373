#include "tools/load/options.h"

#include <string.h>

#include "config/base/error.h"
#include "tools/load/frames.h"
#include "tools/load/scenario.h"

#define PARTICIPANTS_MAX 10000

/* As GLib's parser leaves them. */
typedef struct
{
  char *sip_codecs, *webrtc_codecs, *janus_codec, *sdes, *webrtc_srtp;
  char *direction;
  double loss, burst, delay_ms, jitter_ms, reorder, duplicate, spurt_s, pause_s;
  gint n_sip, n_webrtc, n_janus, n_relay, relay_port, n_rooms, n_windows, n_probes, playback_rate, janus_rate;
} Raw;

static gboolean
refuse (GError **error, const char *option, const char *wanted)
{
  g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "--%s: must be %s", option, wanted);
  return FALSE;
}

static gboolean
parse_codecs (const char *text, const char *option, MediaCodecId *codecs, guint *n, GError **error)
{
  g_auto (GStrv) names = g_strsplit (text, ",", -1);

  *n = 0;
  for (guint i = 0; names[i] != NULL && *n < LOAD_CODECS_MAX; i++)
    {
      const MediaCodec *codec = media_codec_find (names[i], 0);

      if (codec == NULL)
        return refuse (error, option, "names out of opus, G722, PCMU, PCMA, with commas between them");
      codecs[(*n)++] = media_codec_get_id (codec);
    }
  return *n > 0 || refuse (error, option, "at least one codec");
}

static gboolean
parse_profile (const char *text, const char *option, MediaSrtpProfile *profile, GError **error)
{
  *profile = MEDIA_SRTP_NONE;
  if (text == NULL || g_str_equal (text, "none") || g_str_equal (text, "any"))
    return TRUE;
  *profile = g_str_equal (text, "gcm")  ? MEDIA_SRTP_AEAD_AES_128_GCM
             : g_str_equal (text, "cm") ? MEDIA_SRTP_AES128_CM_SHA1_80
                                        : media_srtp_profile_parse (text);
  return *profile != MEDIA_SRTP_NONE || refuse (error, option, "gcm, cm, or the name of an SRTP profile");
}

static gboolean
parse_network (const Raw *raw, LoadOptions *options, GError **error)
{
  const LoadNetemConfig config = { .loss = raw->loss / 100,
                                   .burst = raw->burst,
                                   .delay_us = (gint64)(raw->delay_ms * 1000),
                                   .jitter_us = (gint64)(raw->jitter_ms * 1000),
                                   .reorder = raw->reorder / 100,
                                   .duplicate = raw->duplicate / 100 };
  const gboolean both = raw->direction == NULL || g_str_equal (raw->direction, "both");

  if (!(raw->loss >= 0 && raw->loss <= 99))
    return refuse (error, "loss", "0 to 99 per cent");
  if (!(raw->burst == 0 || (raw->burst >= 1 && raw->burst <= 1000)))
    return refuse (error, "burst", "1 to 1000 packets");
  if (!(raw->reorder >= 0 && raw->reorder <= 50 && raw->duplicate >= 0 && raw->duplicate <= 100))
    return refuse (error, "reorder, --duplicate", "0 to 50 and 0 to 100 per cent");
  if (!(raw->delay_ms >= 0 && raw->jitter_ms >= 0 && raw->delay_ms + raw->jitter_ms <= LOAD_NETEM_MAX_MS))
    return refuse (error, "delay, --jitter", "positive, and 1000 ms together at most");
  if (both || g_str_equal (raw->direction, "up"))
    options->up = config;
  if (both || g_str_equal (raw->direction, "down"))
    options->down = config;
  return both || g_str_equal (raw->direction, "up") || g_str_equal (raw->direction, "down")
         || refuse (error, "network", "up, down or both");
}

/* What it cannot begin without. */
static gboolean
check_numbers (const Raw *raw, const LoadOptions *options, GError **error)
{
  const struct
  {
    const char *option;
    gint n;
  } who[] = { { "sip", raw->n_sip },
              { "webrtc", raw->n_webrtc },
              { "janus-participants", raw->n_janus },
              { "relay", raw->n_relay } };
  gint together = 0;

  for (guint i = 0; i < G_N_ELEMENTS (who); i++)
    {
      if (who[i].n < 0 || who[i].n > PARTICIPANTS_MAX)
        return refuse (error, who[i].option, "0 to 10000");
      together += who[i].n;
    }
  if (together == 0)
    return refuse (error, "sip, --webrtc, --janus-participants, --relay",
                   "one participant at least, together");
  if (raw->n_rooms < 1 || raw->n_rooms > PARTICIPANTS_MAX)
    return refuse (error, "rooms", "1 to 10000");
  if (raw->n_windows < 1 || raw->n_windows > LOAD_WINDOWS_MAX)
    return refuse (error, "windows", "1 to 100");
  if (!(options->rate > 0) || !(options->window_s > 0) || !(options->settle_s >= 0) || raw->n_probes < 0)
    return refuse (error, "rate, --window, --settle, --probes", "positive numbers");
  if (raw->n_relay > 0 && (raw->relay_port < 1 || raw->relay_port > 65535))
    return refuse (error, "relay-port", "given with --relay: the first port of that switchroom-relay");
  if (options->relay_srtp && !options->relay_listen)
    return refuse (error, "relay-srtp", "given with --relay-listen");
  if (raw->n_webrtc > 0 && options->api_secret == NULL)
    return refuse (error, "api-secret", "given with --webrtc: the secret of --api-key");
  if (!((raw->spurt_s == 0 && raw->pause_s == 0) || (raw->spurt_s >= 0.5 && raw->pause_s >= 0.1))
      || raw->spurt_s + raw->pause_s > 3600)
    return refuse (error, "spurt, --pause", "given both, half a second and a tenth of one at least");
  return TRUE;
}

static gboolean
take (const Raw *raw, LoadOptions *options, GError **error)
{
  MediaCodecId janus[LOAD_CODECS_MAX];
  guint n_janus;

  if (!check_numbers (raw, options, error))
    return FALSE;
  options->n_sip = (guint)raw->n_sip;
  options->n_webrtc = (guint)raw->n_webrtc;
  options->n_janus = (guint)raw->n_janus;
  options->n_relay = 2 * (guint)raw->n_relay;
  options->relay_port = (guint)MAX (raw->relay_port, 0);
  options->n_rooms = MAX ((guint)raw->n_rooms, (guint)raw->n_relay);
  options->n_windows = (guint)raw->n_windows;
  options->n_probes = (guint)raw->n_probes;
  options->spurt_frames = (guint)(raw->spurt_s * 1000 / LOAD_FRAME_MS);
  options->pause_frames = (guint)(raw->pause_s * 1000 / LOAD_FRAME_MS);
  options->playback_rate_hz = (guint)MAX (raw->playback_rate, 0);
  options->janus_rate_hz = (guint)MAX (raw->janus_rate, 8000);
  if (!parse_codecs (raw->sip_codecs, "sip-codec", options->sip_codecs, &options->n_sip_codecs, error)
      || !parse_codecs (raw->webrtc_codecs, "webrtc-codec", options->webrtc_codecs, &options->n_webrtc_codecs,
                        error)
      || !parse_codecs (raw->janus_codec, "janus-codec", janus, &n_janus, error)
      || !parse_profile (raw->sdes, "sdes", &options->sdes, error)
      || !parse_profile (raw->webrtc_srtp, "webrtc-srtp", &options->webrtc, error))
    return FALSE;
  options->janus_codec = janus[0];
  return parse_network (raw, options, error);
}

static void
clear_raw (Raw *raw)
{
  g_free (raw->sip_codecs);
  g_free (raw->webrtc_codecs);
  g_free (raw->janus_codec);
  g_free (raw->sdes);
  g_free (raw->webrtc_srtp);
  g_free (raw->direction);
}

/* Who speaks what, and where. */
static void
add_participants (GOptionContext *context, LoadOptions *o, Raw *r)
{
  const GOptionEntry entries[] = {
    { "sip", 0, 0, G_OPTION_ARG_INT, &r->n_sip, "SIP calls", "N" },
    { "webrtc", 0, 0, G_OPTION_ARG_INT, &r->n_webrtc, "WebRTC participants", "N" },
    { "janus-participants", 0, 0, G_OPTION_ARG_INT, &r->n_janus, "plain RTP participants of a Janus", "N" },
    { "relay", 0, 0, G_OPTION_ARG_INT, &r->n_relay, "calls through a switchroom-relay, a room each", "N" },
    { "rooms", 0, 0, G_OPTION_ARG_INT, &r->n_rooms, "rooms that they are dealt to in turn (1)", "N" },
    { "talkers", 0, 0, G_OPTION_ARG_INT, &o->n_talkers, "who speaks in each room; the rest is silent", "N" },
    { "rate", 0, 0, G_OPTION_ARG_DOUBLE, &o->rate, "participants that join per second (100)", "N" },
    { "room-prefix", 0, 0, G_OPTION_ARG_STRING, &o->room_prefix, "of the rooms' names (load)", "WORD" },
    { "sip-codec", 0, 0, G_OPTION_ARG_STRING, &r->sip_codecs, "the first is spoken (PCMU)", "A,B" },
    { "webrtc-codec", 0, 0, G_OPTION_ARG_STRING, &r->webrtc_codecs, "the first is spoken (opus)", "A,B" },
    { "janus-codec", 0, 0, G_OPTION_ARG_STRING, &r->janus_codec, "opus, PCMU or PCMA (PCMU)", "A" },
    { "janus-rate", 0, 0, G_OPTION_ARG_INT, &r->janus_rate, "sampling rate of its rooms (16000)", "HZ" },
    { "playback-rate", 0, 0, G_OPTION_ARG_INT, &r->playback_rate, "maxplaybackrate of Opus", "HZ" },
    { "sdes", 0, 0, G_OPTION_ARG_STRING, &r->sdes, "SRTP of SIP calls: none, gcm, cm", "P" },
    { "webrtc-srtp", 0, 0, G_OPTION_ARG_STRING, &r->webrtc_srtp, "the only profile offered", "P" },
    { "muted", 0, 0, G_OPTION_ARG_NONE, &o->muted,
      "who does not talk sends nothing, instead of silence; with --pause also in pauses", NULL },
    { "spurt", 0, 0, G_OPTION_ARG_DOUBLE, &r->spurt_s, "talkers talk for so long and then pause, in turn",
      "S" },
    { "pause", 0, 0, G_OPTION_ARG_DOUBLE, &r->pause_s, "and are silent for so long", "S" },
    { "silent-sip", 0, 0, G_OPTION_ARG_NONE, &o->silent_sip, "SIP calls only listen", NULL },
    { "silent-webrtc", 0, 0, G_OPTION_ARG_NONE, &o->silent_webrtc, "WebRTC participants only listen", NULL },
    { "gateway", 0, 0, G_OPTION_ARG_STRING, &o->sip, "where SIP goes (127.0.0.1:5060)", "HOST:PORT" },
    { "api", 0, 0, G_OPTION_ARG_STRING, &o->api, "(ws://127.0.0.1:7880/ws)", "URL" },
    { "api-key", 0, 0, G_OPTION_ARG_STRING, &o->api_key, "(devkey)", "KEY" },
    { "api-secret", 0, 0, G_OPTION_ARG_STRING, &o->api_secret, "for WebRTC participants", "SECRET" },
    { "janus", 0, 0, G_OPTION_ARG_STRING, &o->janus, "its WebSocket (ws://127.0.0.1:8188/)", "URL" },
    { "relay-port", 0, 0, G_OPTION_ARG_INT, &r->relay_port, "its first port", "PORT" },
    { "relay-listen", 0, 0, G_OPTION_ARG_NONE, &o->relay_listen,
      "it was started with --fan-out plain: one talks, all others listen", NULL },
    { "relay-srtp", 0, 0, G_OPTION_ARG_NONE, &o->relay_srtp,
      "with --relay-listen: it was started with --fan-out srtp", NULL },
    { "relay-opus", 0, 0, G_OPTION_ARG_NONE, &o->relay_opus, "it was started with --opus or --opus-in",
      NULL },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
}

/* What is measured, for how long, over which network. */
static void
add_measuring (GOptionContext *context, LoadOptions *o, Raw *r)
{
  const GOptionEntry entries[] = {
    { "pid", 0, 0, G_OPTION_ARG_INT, &o->gateway_pid, "the gateway's, for its CPU time and memory", "PID" },
    { "janus-pid", 0, 0, G_OPTION_ARG_INT, &o->janus_pid, "the same of Janus", "PID" },
    { "loss", 0, 0, G_OPTION_ARG_DOUBLE, &r->loss, "packets lost, in per cent", "P" },
    { "burst", 0, 0, G_OPTION_ARG_DOUBLE, &r->burst, "mean length of a row of lost packets", "N" },
    { "delay", 0, 0, G_OPTION_ARG_DOUBLE, &r->delay_ms, "of each packet", "MS" },
    { "jitter", 0, 0, G_OPTION_ARG_DOUBLE, &r->jitter_ms, "up to so much more", "MS" },
    { "reorder", 0, 0, G_OPTION_ARG_DOUBLE, &r->reorder, "come behind the next one or two, in per cent",
      "P" },
    { "duplicate", 0, 0, G_OPTION_ARG_DOUBLE, &r->duplicate, "come twice, in per cent", "P" },
    { "network", 0, 0, G_OPTION_ARG_STRING, &r->direction, "up (to the gateway), down, both", "WAY" },
    { "settle", 0, 0, G_OPTION_ARG_DOUBLE, &o->settle_s, "from the last one up to the measuring (2)", "S" },
    { "windows", 0, 0, G_OPTION_ARG_INT, &r->n_windows, "how often CPU time is measured (3)", "N" },
    { "window", 0, 0, G_OPTION_ARG_DOUBLE, &o->window_s, "and for how long (3)", "S" },
    { "probes", 0, 0, G_OPTION_ARG_INT, &r->n_probes, "who decodes Opus or G.722 for the delay (40)", "N" },
    { "speech", 0, 0, G_OPTION_ARG_FILENAME, &o->speech, "an audio file that is spoken", "FILE" },
    { "cpu", 0, 0, G_OPTION_ARG_INT, &o->cpu, "run on this processor", "N" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &o->json, "one JSON object instead of tables", NULL },
    { "flows", 0, 0, G_OPTION_ARG_NONE, &o->flows, "with every single flow", NULL },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
}

static gboolean
read_arguments (LoadOptions *o, Raw *r, int *argc, char ***argv, GError **error)
{
  GOptionContext *context = g_option_context_new (NULL);
  gboolean done;

  g_option_context_set_summary (context, "Loads a gateway with SIP calls and WebRTC participants that are "
                                         "heard and measured.");
  g_option_context_set_description (
      context, "The n-th SIP call and the n-th WebRTC participant go to room n modulo the number of rooms: a "
               "hundred calls,\n"
               "each a phone and a browser, at a gateway with the key capacity:\n\n"
               "  switchroom-load --sip 100 --webrtc 100 --rooms 100 --api-key capacity --api-secret SECRET "
               "--pid PID\n\n"
               "docs/OPERATIONS.md says what the gateway must allow for it, and what the columns are. The "
               "status is 0 when\n"
               "everybody came up and stayed, 1 when not, 2 when the load could not begin.");
  add_participants (context, o, r);
  add_measuring (context, o, r);
  done = g_option_context_parse (context, argc, argv, error);
  if (done && *argc > 1)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "\"%s\" is no option; --help names them",
                   (*argv)[1]);
      done = FALSE;
    }
  g_option_context_free (context);
  return done;
}

static void
set_default (char **member, const char *value)
{
  if (*member == NULL)
    *member = g_strdup (value);
}

LoadOptions *
load_options_parse (int *argc, char ***argv, GError **error)
{
  g_autoptr (LoadOptions) options = g_new0 (LoadOptions, 1);
  Raw raw = { .n_rooms = 1, .n_windows = 3, .n_probes = 40, .janus_rate = 16000 };
  gboolean good;

  options->n_talkers = -1;
  options->rate = 100;
  options->settle_s = 2;
  options->window_s = 3;
  options->cpu = -1;
  good = read_arguments (options, &raw, argc, argv, error);
  set_default (&raw.sip_codecs, "PCMU");
  set_default (&raw.webrtc_codecs, "opus");
  set_default (&raw.janus_codec, "PCMU");
  set_default (&options->sip, "127.0.0.1:5060");
  set_default (&options->api, "ws://127.0.0.1:7880/ws");
  set_default (&options->api_key, "devkey");
  set_default (&options->janus, "ws://127.0.0.1:8188/");
  set_default (&options->room_prefix, "load");
  good = good && take (&raw, options, error);
  clear_raw (&raw);
  return good ? g_steal_pointer (&options) : NULL;
}

void
load_options_free (LoadOptions *options)
{
  g_free (options->room_prefix);
  g_free (options->sip);
  g_free (options->api);
  g_free (options->api_key);
  g_free (options->api_secret);
  g_free (options->janus);
  g_free (options->speech);
  g_free (options);
}
