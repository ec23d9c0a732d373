/* What calls cost a worker, each row next to the bare relay of the same packets in the same run
 * (bench_relay.h), and how long forwarded packets take while others are mixed. CPU time of the media thread.
 *
 *   bench_engine            every kind, and 1 to 500 calls
 *   bench_engine --long     1000 calls too
 *   bench_engine WORD       rows whose name has WORD */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "bench_relay.h"
#include "media/engine.h"

#define SECONDS 3

static void
ignore_leg (gpointer owner, MediaLegId leg)
{
}

static void
ignore_started (gpointer owner, MediaLegId leg, const char *codec, const char *cipher, const char *remote)
{
}

static void
on_failed (gpointer owner, MediaLegId leg, const char *reason)
{
  g_error ("%s", reason);
}

static void
ignore_stats (gpointer owner, MediaLegId leg, const MediaLegStats *stats)
{
}

static void
ignore_speakers (gpointer owner, MediaRoomId room, const MediaSpeaker *speakers, gsize n)
{
}

static const MediaEngineOps ops = {
  .leg_disconnected = ignore_leg,
  .leg_failed = on_failed,
  .leg_media_started = ignore_started,
  .leg_stats = ignore_stats,
  .leg_closed = ignore_stats,
  .room_speakers = ignore_speakers,
};

/* The second of a pair may be a browser that speaks Opus and is sent the phone's PCMU. */
static void
configure (MediaEngine *engine, MediaLegId leg, const BenchCase *test, const BenchPhone *phone, guint side)
{
  MediaPlan plan = { .n_sections = 1, .remote_address = "127.0.0.1", .cname = "bench", .rtcp_mux = TRUE };
  MediaPlanSection *section = &plan.sections[0];

  plan.remote_rtp_port = ntohs (phone->own.sin_port);
  plan.srtp_local = phone->in;
  plan.srtp_remote = phone->out;
  section->is_audio = section->send = section->receive = TRUE;
  for (guint i = 0; i < 2; i++)
    {
      const MediaCodecId codec = test->codecs[i == 0 ? side : 1 - side];

      if (i == 1 && !(side == 1 && test->b_takes_a))
        break;
      section->codecs[section->n_codecs++] = (MediaPlanCodec){ .codec = codec,
                                                               .send_pt = bench_audio (codec)->payload_type,
                                                               .recv_pt = bench_audio (codec)->payload_type };
    }
  section->ptime_ms = 20;
  section->ssrc = phone->ssrc;
  section->source_track = phone->ssrc;
  section->sink = MEDIA_SINK_MIX;
  media_engine_leg_configure (engine, leg, &plan);
}

static void
call_pairs (MediaEngine *engine, const BenchCase *test, BenchPhone *phones, guint n)
{
  MediaRoomId room = 0;

  for (guint i = 0; i < n; i++)
    {
      const MediaRtpLegConfig at = { .local_address = "127.0.0.1" };
      const guint side = i % 2;
      MediaRtpLocal local;
      MediaLegId leg;

      bench_phone_open (&phones[i], i + 1, bench_audio (test->codecs[side]),
                        side == 1 ? test->profile : MEDIA_SRTP_NONE);
      leg = media_engine_leg_new_rtp (engine, &at, &local, NULL);
      if (leg == 0)
        g_error ("leg");
      phones[i].to.sin_port = htons (local.rtp_port);
      configure (engine, leg, test, &phones[i], side);
      if (side == 0)
        room = media_engine_room_new (engine);
      media_engine_leg_attach (engine, leg, room);
    }
}

typedef struct
{
  double us; /* per packet sent */
  double load;
  double late_ms;
  BenchHeard heard;
} Result;

static void
watch (MediaEngine *engine, BenchPhone *phones, guint n, guint seconds, Result *result)
{
  MediaWorkerStats stats;
  BenchHeard warm_up = { 0 };
  guint64 before;

  bench_generate (phones, n, 2, &warm_up);
  media_engine_worker_stats (engine, 0, &stats);
  before = stats.packets_out;
  for (guint i = 0; i < seconds; i++)
    {
      bench_generate (phones, n, 1, &result->heard);
      media_engine_worker_stats (engine, 0, &stats);
      result->load += stats.load / seconds;
      result->late_ms = MAX (result->late_ms, stats.tick_late_ms);
    }
  result->us = result->load * seconds * 1e6 / (double)MAX (stats.packets_out - before, 1);
}

static void
measure (const BenchCase *test, guint n_calls, guint seconds, Result *result)
{
  const MediaEngineConfig config = { .n_workers = 1, .rtp_port_start = 20000, .rtp_port_end = 39999 };
  const guint n = 2 * n_calls;
  BenchPhone *phones = g_new (BenchPhone, n);
  MediaEngine *engine = media_engine_new (&config, &ops, NULL, NULL);

  *result = (Result){ 0 };
  call_pairs (engine, test, phones, n);
  watch (engine, phones, n, seconds, result);
  media_engine_free (engine);
  for (guint i = 0; i < n; i++)
    bench_phone_close (&phones[i]);
  g_free (phones);
}

static void
print_row (const BenchCase *test, guint n_calls)
{
  const double relay = bench_relay_us (test, n_calls, SECONDS);
  Result engine;

  measure (test, n_calls, SECONDS, &engine);
  printf ("%-34s %6u %9.2f %9.2f %7.2f %7.1f %9.3f %8.1f\n", test->name, n_calls, relay, engine.us,
          engine.us / relay, test->budget, 100 * engine.load / n_calls, engine.late_ms);
  fflush (stdout);
}

static const BenchCase forwarded
    = { "forwarded G.711, plain", { MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMU }, TRUE, MEDIA_SRTP_NONE, 1.4 };
static const BenchCase forwarded_gcm = { "forwarded G.711, one side AES-GCM",
                                         { MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMU },
                                         TRUE,
                                         MEDIA_SRTP_AEAD_AES_128_GCM,
                                         1.4 };
static const BenchCase forwarded_cm = { "forwarded G.711, one side AES-CM",
                                        { MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMU },
                                        TRUE,
                                        MEDIA_SRTP_AES128_CM_SHA1_80,
                                        1.4 };
static const BenchCase one_decode = {
  "G.711, browser speaks Opus", { MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS }, TRUE, MEDIA_SRTP_AEAD_AES_128_GCM, 1.4
};
static const BenchCase transcoded = {
  "transcoded G.711, Opus", { MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS }, FALSE, MEDIA_SRTP_AEAD_AES_128_GCM, 1.4
};

static const struct
{
  const BenchCase *test;
  guint n_calls;
} rows[] = {
  { &forwarded, 100 },      { &forwarded, 500 },     { &forwarded_gcm, 100 }, { &forwarded_gcm, 500 },
  { &forwarded_cm, 1 },     { &forwarded_cm, 10 },   { &forwarded_cm, 100 },  { &forwarded_cm, 500 },
  { &one_decode, 20 },      { &one_decode, 100 },    { &transcoded, 20 },     { &transcoded, 80 },
  { &forwarded_gcm, 1000 }, { &forwarded_cm, 1000 },
};

/* Forwarded packets beside calls that are transcoded: they wait while others are mixed. */
static void
print_delay (guint n_forwarded, guint n_transcoded)
{
  const MediaEngineConfig config = { .n_workers = 1, .rtp_port_start = 20000, .rtp_port_end = 39999 };
  const guint n_first = 2 * n_forwarded, n = n_first + 2 * n_transcoded;
  BenchPhone *phones = g_new (BenchPhone, n);
  MediaEngine *engine = media_engine_new (&config, &ops, NULL, NULL);
  Result result = { 0 };

  call_pairs (engine, &forwarded, phones, n_first);
  call_pairs (engine, &transcoded, phones + n_first, 2 * n_transcoded);
  for (guint i = 0; i < n_first; i++)
    phones[i].stamps = TRUE;
  watch (engine, phones, n, 2 * SECONDS, &result);
  printf ("%u forwarded beside %u transcoded calls: load %.0f %%, delay of a forwarded packet ms p50 %.1f "
          "p90 %.1f "
          "p99 %.1f p99.9 %.1f, tick late at most %.1f\n",
          n_forwarded, n_transcoded, 100 * result.load, bench_delay_ms (&result.heard, 0.5),
          bench_delay_ms (&result.heard, 0.9), bench_delay_ms (&result.heard, 0.99),
          bench_delay_ms (&result.heard, 0.999), result.late_ms);
  fflush (stdout);
  media_engine_free (engine);
  for (guint i = 0; i < n; i++)
    bench_phone_close (&phones[i]);
  g_free (phones);
}

/* The load of a room with three who speak Opus and @n who listen. */
static void
measure_conference (guint n_listeners, guint seconds, Result *result)
{
  static const BenchCase conference = { .codecs = { MEDIA_CODEC_OPUS, MEDIA_CODEC_OPUS } };
  const MediaEngineConfig config = { .n_workers = 1, .rtp_port_start = 20000, .rtp_port_end = 39999 };
  const guint n = 3 + n_listeners;
  BenchPhone *phones = g_new (BenchPhone, n);
  MediaEngine *engine = media_engine_new (&config, &ops, NULL, NULL);
  const MediaRoomId room = media_engine_room_new (engine);

  for (guint i = 0; i < n; i++)
    {
      const MediaRtpLegConfig at = { .local_address = "127.0.0.1" };
      MediaRtpLocal local;
      const MediaLegId leg = media_engine_leg_new_rtp (engine, &at, &local, NULL);

      bench_phone_open (&phones[i], i + 1, bench_audio (MEDIA_CODEC_OPUS), MEDIA_SRTP_AEAD_AES_128_GCM);
      phones[i].to.sin_port = htons (local.rtp_port);
      configure (engine, leg, &conference, &phones[i], 0);
      media_engine_leg_attach (engine, leg, room);
    }
  *result = (Result){ 0 };
  watch (engine, phones, 3, seconds, result);
  media_engine_free (engine);
  for (guint i = 0; i < n; i++)
    bench_phone_close (&phones[i]);
  g_free (phones);
}

/* What each further listener costs: an encoder is shared, so a packet made and sent. */
static void
print_listeners (void)
{
  static const guint few = 100, many = 400;
  const double bare_us = bench_send_us (MEDIA_SRTP_AEAD_AES_128_GCM, many, 90);
  Result a, b;
  double us;

  measure_conference (few, SECONDS, &a);
  measure_conference (many, SECONDS, &b);
  us = (b.load - a.load) * 1e6 / 50 / (many - few);
  printf ("a listener more in a conference of 3 who speak Opus, AES-GCM: %.2f us a packet, %.4f %% of a "
          "core; made and "
          "sent alone %.2f us, ratio %.2f (load with %u: %.1f %%, with %u: %.1f %%)\n",
          us, us * 50 / 1e4, bare_us, us / bare_us, few, 100 * a.load, many, 100 * b.load);
  fflush (stdout);
}

int
main (int argc, char **argv)
{
  const gboolean is_long = argc > 1 && strcmp (argv[1], "--long") == 0;
  const char *word = argc > 1 && !is_long ? argv[1] : "";
  struct rlimit files;

  if (getrlimit (RLIMIT_NOFILE, &files) == 0)
    {
      files.rlim_cur = files.rlim_max;
      (void)setrlimit (RLIMIT_NOFILE, &files);
    }
  printf ("%-34s %6s %9s %9s %7s %7s %9s %8s\n", "CPU of the media thread", "calls", "relay us", "engine us",
          "ratio", "budget", "% a call", "late ms");
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (strstr (rows[i].test->name, word) != NULL && (is_long || rows[i].n_calls <= 500))
      print_row (rows[i].test, rows[i].n_calls);
  if (strstr ("listeners", word) != NULL)
    print_listeners ();
  if (strstr ("delay", word) != NULL)
    print_delay (50, 80);
  return 0;
}
