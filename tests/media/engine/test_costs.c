/* What the packet path must not do: encode more often than there are different mixes, and allocate.
 * Allocation is counted by functions that stand in front of the C library's, on the threads that are watched
 * only. */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "engine_harness.h"
#include "media/core/rtp.h"
#include "media/io/pump.h"

#if defined(__SANITIZE_ADDRESS__)
#define ALLOCATIONS_ARE_COUNTED 0
#else
#define ALLOCATIONS_ARE_COUNTED 1
#endif

static atomic_uint n_allocations;
static atomic_bool watch_workers;
static _Thread_local gboolean watch_this_thread;

#if ALLOCATIONS_ARE_COUNTED
void *__libc_malloc (size_t size);
void *__libc_calloc (size_t n, size_t size);
void *__libc_realloc (void *old, size_t size);

static void
note (void)
{
  char name[16] = "";

  if (watch_this_thread
      || (watch_workers && pthread_getname_np (pthread_self (), name, sizeof name) == 0
          && strncmp (name, "media-", 6) == 0))
    n_allocations++;
}

void *
malloc (size_t size)
{
  note ();
  return __libc_malloc (size);
}

void *
calloc (size_t n, size_t size)
{
  note ();
  return __libc_calloc (n, size);
}

void *
realloc (void *old, size_t size)
{
  note ();
  return __libc_realloc (old, size);
}
#endif

static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
static const MediaCodecId pcma[] = { MEDIA_CODEC_PCMA, MEDIA_CODEC_N };
static const MediaCodecId g722[] = { MEDIA_CODEC_G722, MEDIA_CODEC_N };
static const MediaCodecId opus[] = { MEDIA_CODEC_OPUS, MEDIA_CODEC_N };

#define MOST_PEERS 600

typedef struct
{
  MediaRoom *room;
  CfgMonotonic now;
  TestPeer *peers[MOST_PEERS];
  guint n_peers;
  guint64 received;
} Hall;

static void
hall_init (Hall *hall)
{
  const MediaRoomConfig config = { .id = 1, .opus_complexity = 1 };

  *hall = (Hall){ .now = { 1000 * CFG_US_PER_S } };
  hall->room = media_room_new (&config, NULL, NULL);
}

static void
hall_clear (Hall *hall)
{
  for (guint i = 0; i < hall->n_peers; i++)
    {
      media_room_remove (hall->room, hall->peers[i]->leg, hall->now);
      test_peer_free (hall->peers[i]);
    }
  media_room_free (hall->room);
}

static TestPeer *
hall_join (Hall *hall, gboolean is_browser, const MediaCodecId *codecs, double tone_hz)
{
  TestPeer *peer = test_peer_join (hall->room, hall->n_peers + 1, is_browser, codecs, tone_hz, hall->now);

  peer->deaf = TRUE;
  hall->peers[hall->n_peers++] = peer;
  return peer;
}

/* Packets are made before they are given, and only what the leg and the room do with them is watched. */
static void
hall_run (Hall *hall, guint ms)
{
  for (const gint64 end_us = hall->now.us + ms * CFG_US_PER_MS; hall->now.us < end_us;
       hall->now.us += 20 * CFG_US_PER_MS)
    {
      for (guint i = 0; i < hall->n_peers; i++)
        {
          guint8 packet[MEDIA_PACKET_SIZE];
          gsize size;

          if (!(hall->peers[i]->tone_hz > 0))
            continue;
          size = test_peer_packet (hall->peers[i], packet, sizeof packet);
          watch_this_thread = TRUE;
          test_peer_give (hall->peers[i], packet, size, hall->now);
          watch_this_thread = FALSE;
          hall->received++;
        }
      watch_this_thread = TRUE;
      media_room_tick (hall->room, hall->now);
      for (guint i = 0; i < hall->n_peers && hall->now.us / CFG_US_PER_MS % 100 == 0; i++)
        media_leg_housekeep (hall->peers[i]->leg, hall->now, (CfgWall){ hall->now.us });
      watch_this_thread = FALSE;
    }
}

static guint64
encodes_of (const Hall *hall)
{
  MediaRoomStats stats;

  media_room_get_stats (hall->room, &stats);
  return stats.encodes;
}

typedef struct
{
  const char *name;
  guint n_listeners, n_talkers;
  gboolean mixed_codecs; /* every other listener is a phone */
  guint encodes;         /* a tick */
} ConferenceCase;

static const ConferenceCase conferences[] = {
  { "500_listeners_3_talkers", 500, 3, FALSE, 4 },
  { "500_listeners_1_talker", 500, 1, FALSE, 1 },
  { "500_listeners_of_two_codecs_3_talkers", 500, 3, TRUE, 5 },
  { "2_listeners_6_talkers", 2, 6, FALSE, 7 },
  /* More talk than are mixed: those who are left out hear what the listeners hear. */
  { "100_listeners_9_talkers", 100, 9, FALSE, 7 },
};

/* One for all who only listen, one for each who is heard and hears the others. */
static void
check_conference (gconstpointer data)
{
  const ConferenceCase *test = data;
  guint64 before;
  Hall hall;

  hall_init (&hall);
  for (guint i = 0; i < test->n_talkers; i++)
    hall_join (&hall, TRUE, opus, 300 + 100 * i);
  for (guint i = 0; i < test->n_listeners; i++)
    hall_join (&hall, !test->mixed_codecs || i % 2 == 0, test->mixed_codecs && i % 2 == 1 ? pcmu : opus, 0);
  hall_run (&hall, 1000);
  before = encodes_of (&hall);
  hall_run (&hall, 1000);
  g_assert_cmpuint (encodes_of (&hall) - before, ==, 50 * test->encodes);
  for (guint i = 0; i < hall.n_peers; i++)
    {
      const TestPeer *peer = hall.peers[i];

      if (test->n_talkers == 1 && i == 0)
        continue;
      g_assert_cmpuint (test_peer_newest (peer)->packets, >=, 90);
      g_assert_cmpuint (test_peer_newest (peer)->breaks, ==, 0);
    }
  hall_clear (&hall);
}

typedef struct
{
  const char *name;
  const MediaCodecId *codecs[4]; /* of those who speak */
  guint n_listeners;
} SteadyCase;

static const SteadyCase steady_cases[] = {
  { "forwarding", { pcmu, pcmu }, 0 },
  { "transcoding", { pcmu, opus }, 0 },
  { "mixing_every_codec", { pcmu, pcma, g722, opus }, 0 },
  { "a_conference", { opus, opus, pcmu }, 40 },
};

static void
check_steady (gconstpointer data)
{
  const SteadyCase *test = data;
  Hall hall;

  if (!ALLOCATIONS_ARE_COUNTED)
    {
      g_test_skip ("the address sanitizer has the allocator");
      return;
    }
  watch_this_thread = TRUE;
  n_allocations = 0;
  g_free (g_malloc (10));
  watch_this_thread = FALSE;
  g_assert_cmpuint (n_allocations, ==, 1);
  hall_init (&hall);
  for (guint i = 0; i < G_N_ELEMENTS (test->codecs) && test->codecs[i] != NULL; i++)
    hall_join (&hall, i % 2 == 1, test->codecs[i], 300 + 100 * i);
  for (guint i = 0; i < test->n_listeners; i++)
    hall_join (&hall, TRUE, opus, 0);
  hall_run (&hall, 12000);
  n_allocations = 0;
  hall.received = 0;
  hall_run (&hall, 20000);
  g_assert_cmpuint (hall.received, >=, 2000);
  g_assert_cmpuint (n_allocations, ==, 0);
  hall_clear (&hall);
}

/* The thread whole, sockets and timers and all. It tells its legs' statistics to the main thread each second,
 * and each takes a few allocations: of its packets none does. */
static void
test_worker_allocates_for_what_it_tells_only (void)
{
  static const MediaCodecId *const codecs[] = { pcmu, pcmu, opus, g722 };
  TestEngine fixture;
  MediaWorkerStats before, after;
  MediaRoomId rooms[2];

  if (!ALLOCATIONS_ARE_COUNTED)
    {
      g_test_skip ("the address sanitizer has the allocator");
      return;
    }
  test_engine_init (&fixture, 1);
  for (guint i = 0; i < G_N_ELEMENTS (rooms); i++)
    rooms[i] = media_engine_room_new (fixture.engine);
  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    media_engine_leg_attach (fixture.engine, test_endpoint_new (&fixture, codecs[i], 300 + 100 * i)->leg,
                             rooms[i / 2]);
  test_engine_run (&fixture, 2000, NULL);
  media_engine_worker_stats (fixture.engine, 0, &before);
  n_allocations = 0;
  watch_workers = TRUE;
  test_engine_run (&fixture, 3000, NULL);
  watch_workers = FALSE;
  media_engine_worker_stats (fixture.engine, 0, &after);
  g_test_message ("%u allocations, %" G_GUINT64_FORMAT " packets in, %" G_GUINT64_FORMAT " out",
                  n_allocations, after.packets_in - before.packets_in,
                  after.packets_out - before.packets_out);
  g_assert_cmpuint (after.packets_in - before.packets_in, >, 300);
  g_assert_cmpuint (n_allocations, >, 0);
  g_assert_cmpuint (n_allocations, <, (after.packets_in - before.packets_in) / 5);
  test_engine_clear (&fixture);
}

static guint
n_decoding (const Hall *hall)
{
  MediaRoomStats stats;

  media_room_get_stats (hall->room, &stats);
  return stats.n_decoding;
}

/* Who sends digital silence, and no level with it, is not decoded; the first word of his is heard entirely.
 */
static void
test_silent_packets_are_not_decoded (void)
{
  const MediaEncoderConfig narrow = { .opus_complexity = 1, .sample_rate_hz = 8000 };
  Hall hall;
  TestPeer *speaker, *listener;

  hall_init (&hall);
  hall_join (&hall, TRUE, opus, 440);
  speaker = hall_join (&hall, TRUE, opus, 1000);
  listener = hall_join (&hall, TRUE, opus, 1300);
  listener->deaf = FALSE;
  /* Silence of so narrow a band has eight octets at most; that of hybrid mode has more, and is decoded. */
  for (guint i = 1; i < 3; i++)
    {
      media_encoder_free (hall.peers[i]->encoder);
      hall.peers[i]->encoder = media_encoder_new (media_codec_get (MEDIA_CODEC_OPUS), &narrow, NULL);
    }
  speaker->amplitude = listener->amplitude = 0;
  hall_run (&hall, 3000);
  g_assert_cmpuint (n_decoding (&hall), ==, 1);
  g_assert_cmpfloat (test_peer_level (listener, 1000, 500), <, 0.01);
  /* 0.3 s of it, of which the jitter buffer and the encoder take less than 0.1 s. */
  speaker->amplitude = 0.3;
  hall_run (&hall, 300);
  g_assert_cmpuint (n_decoding (&hall), ==, 2);
  g_assert_cmpfloat (test_peer_level (listener, 1000, 200), >, 0.05);
  g_assert_cmpfloat (test_peer_level (listener, 440, 200), >, 0.05);
  speaker->amplitude = 0;
  hall_run (&hall, 5000);
  g_assert_cmpuint (n_decoding (&hall), ==, 1);
  hall_clear (&hall);
}

/* Packets of a bad network come in heaps. A short word at the beginning of one, silence after it. */
static void
test_word_in_a_heap_is_heard (void)
{
  const MediaEncoderConfig narrow = { .opus_complexity = 1, .sample_rate_hz = 8000 };
  const guint n_heaps = 15, heap = 20, word = 5;
  TestPeer *speaker, *listener;
  guint n_heard = 0;
  Hall hall;

  hall_init (&hall);
  speaker = hall_join (&hall, TRUE, opus, 1000);
  listener = hall_join (&hall, TRUE, opus, 0);
  hall_join (&hall, TRUE, opus, 0);
  listener->deaf = FALSE;
  media_encoder_free (speaker->encoder);
  speaker->encoder = media_encoder_new (media_codec_get (MEDIA_CODEC_OPUS), &narrow, NULL);
  for (guint h = 0; h < n_heaps; h++)
    {
      for (guint i = 0; i < heap; i++)
        {
          guint8 packet[MEDIA_PACKET_SIZE];
          gsize size;

          speaker->amplitude = h == n_heaps - 2 && i < word ? 0.3 : 0;
          size = test_peer_packet (speaker, packet, sizeof packet);
          test_peer_give (speaker, packet, size, hall.now);
        }
      for (guint i = 0; i < heap; i++, hall.now.us += 20 * CFG_US_PER_MS)
        {
          media_room_tick (hall.room, hall.now);
          n_heard += test_peer_level (listener, 1000, 20) > 0.1;
        }
      if (h == n_heaps - 3)
        g_assert_cmpuint (n_decoding (&hall), ==, 2); /* those who send nothing */
    }
  g_assert_cmpuint (n_heard, >=, word);
  hall_clear (&hall);
}

/* 6 kbit/s in packets of 10 ms: as short as digital silence is in 20 ms. */
static void
test_short_packets_are_decoded (void)
{
  const guint8 payload[8] = { 0x00, 0x5a, 0xa5, 0x33, 0xcc, 0x0f, 0xf0, 0x55 };
  const MediaCodec *codec = media_codec_get (MEDIA_CODEC_OPUS);
  MediaRtpHeader header = { .payload_type = 111, .ssrc = 0x5eed };
  TestPeer *speaker;
  Hall hall;

  g_assert_cmpuint (media_codec_duration (codec, payload, sizeof payload), ==, 480);
  hall_init (&hall);
  speaker = hall_join (&hall, TRUE, opus, 0);
  hall_join (&hall, TRUE, opus, 0);
  hall_join (&hall, TRUE, opus, 0);
  for (guint i = 0; i < 300; i++)
    {
      guint8 packet[MEDIA_PACKET_SIZE];
      const gssize size = media_rtp_write (&header, payload, sizeof payload, packet, sizeof packet);

      g_assert_cmpint (size, >, 0);
      test_peer_give (speaker, packet, (gsize)size, hall.now);
      header.sequence++;
      header.timestamp += 480;
      hall.now.us += 10 * CFG_US_PER_MS;
      if (i % 2 == 1)
        media_room_tick (hall.room, hall.now);
    }
  g_assert_cmpuint (n_decoding (&hall), ==, 3);
  hall_clear (&hall);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (conferences); i++)
    {
      g_autofree char *path = g_strdup_printf ("/media/costs/encodes/%s", conferences[i].name);

      g_test_add_data_func (path, &conferences[i], check_conference);
    }
  for (guint i = 0; i < G_N_ELEMENTS (steady_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/media/costs/no_allocation/%s", steady_cases[i].name);

      g_test_add_data_func (path, &steady_cases[i], check_steady);
    }
  g_test_add_func ("/media/costs/silent_packets_are_not_decoded", test_silent_packets_are_not_decoded);
  g_test_add_func ("/media/costs/word_in_a_heap_is_heard", test_word_in_a_heap_is_heard);
  g_test_add_func ("/media/costs/short_packets_are_decoded", test_short_packets_are_decoded);
  g_test_add_func ("/media/costs/no_allocation/worker", test_worker_allocates_for_what_it_tells_only);
  return g_test_run ();
}
