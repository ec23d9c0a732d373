/* Who is told to speak, against the script of who spoke: a conversation of phones and browsers, each window
 * of 100 ms looked at once it is over. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "media/core/levels.h"
#include "media/io/pump.h"
#include "speech.h"
#include "tests/media/engine/leg_harness.h"
#include "tests/media/random.h"

#define START_US    (1000 * CFG_US_PER_S)
#define WINDOW_MS   100
#define N_TALKERS   4
#define MAX_TURNS   64
#define LEVEL_ID    1
#define NOISE       24.0 /* amplitude: about -66 dBov */
#define PAUSE_LEVEL 200
#define PAUSE_MS    60

typedef struct
{
  gint64 from_ms, to_ms;
  guint who;
} Turn;

typedef struct
{
  MediaRoom *room;
  CfgMonotonic now;
  TestPeer *peers[N_TALKERS];
  MediaEncoder *encoders[N_TALKERS];
  gsize at[N_TALKERS]; /* in the sample */
  TestSpeech *speech;
  TestRandom random;
  Turn turns[MAX_TURNS];
  guint n_turns;
  MediaSpeaker told[16];
  gsize n_told;
  guint n_events;
  guint windows, right;
} Talk;

static void
on_speakers (gpointer user, MediaRoomId room, const MediaSpeaker *speakers, gsize n)
{
  Talk *talk = user;

  memcpy (talk->told, speakers, n * sizeof *speakers);
  talk->n_told = n;
  talk->n_events++;
}

static const MediaRoomOps ops = { .speakers = on_speakers };

/* Speech without its pauses: what a turn is made of is spoken all of it. */
static TestSpeech *
without_pauses (TestSpeech *speech)
{
  const gsize longest = speech->rate_hz / 1000 * PAUSE_MS;
  gsize n = 0, quiet = 0;

  for (gsize i = 0; i < speech->n; i++)
    {
      quiet = ABS (speech->pcm[i]) < PAUSE_LEVEL ? quiet + 1 : 0;
      if (quiet <= longest)
        speech->pcm[n++] = speech->pcm[i];
    }
  speech->n = n;
  return speech;
}

static void
talk_init (Talk *talk)
{
  static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
  static const MediaCodecId opus[] = { MEDIA_CODEC_OPUS, MEDIA_CODEC_N };
  const MediaRoomConfig config = { .id = 1, .opus_complexity = 1 };
  const MediaEncoderConfig encoder = { .sample_rate_hz = 8000, .opus_complexity = 1 };

  *talk = (Talk){ .now = { START_US }, .random = test_random (3) };
  talk->speech = without_pauses (test_speech_new (8000, NULL));
  talk->room = media_room_new (&config, &ops, talk);
  for (guint i = 0; i < N_TALKERS; i++)
    {
      /* Phones with G.711 and with Opus, whose levels are found by decoding; browsers, which tell them. */
      talk->peers[i] = test_peer_new (i + 1, i >= 2, i == 0 ? pcmu : opus, talk->now);
      talk->peers[i]->deaf = TRUE;
      if (i >= 2)
        {
          talk->peers[i]->plan.sections[0].ext_level_id = LEVEL_ID;
          test_peer_configure (talk->peers[i], talk->now);
        }
      talk->encoders[i] = media_encoder_new (media_codec_get (talk->peers[i]->codec), &encoder, NULL);
      talk->at[i] = i * 20000;
      media_room_add (talk->room, talk->peers[i]->leg, talk->now);
    }
}

static void
talk_clear (Talk *talk)
{
  for (guint i = 0; i < N_TALKERS; i++)
    {
      media_room_remove (talk->room, talk->peers[i]->leg, talk->now);
      media_encoder_free (talk->encoders[i]);
      test_peer_free (talk->peers[i]);
    }
  media_room_free (talk->room);
  test_speech_free (talk->speech);
}

/* Turns of one to six seconds; a pause, none, or the next one begins a little early. */
static void
write_script (Talk *talk, gint64 length_ms)
{
  gint64 at_ms = 1000;
  guint who = 0;

  while (at_ms < length_ms && talk->n_turns < MAX_TURNS)
    {
      Turn *turn = &talk->turns[talk->n_turns++];

      *turn = (Turn){ .from_ms = at_ms, .who = who };
      turn->to_ms = at_ms + 1000 + 20 * test_random_below (&talk->random, 250);
      at_ms = turn->to_ms - 100 + 20 * test_random_below (&talk->random, 50);
      who = (who + 1 + test_random_below (&talk->random, N_TALKERS - 1)) % N_TALKERS;
    }
}

static gboolean
speaks (const Talk *talk, guint who, gint64 at_ms)
{
  for (guint i = 0; i < talk->n_turns; i++)
    if (talk->turns[i].who == who && at_ms >= talk->turns[i].from_ms && at_ms < talk->turns[i].to_ms)
      return TRUE;
  return FALSE;
}

static void
say (Talk *talk, guint who, gint64 at_ms)
{
  TestPeer *peer = talk->peers[who];
  const gboolean voiced = speaks (talk, who, at_ms);
  MediaRtpHeader header = { .payload_type = peer->payload_type,
                            .sequence = peer->sequence++,
                            .timestamp = peer->timestamp,
                            .ssrc = peer->ssrc };
  guint8 payload[MEDIA_CODEC_PAYLOAD_MAX], packet[MEDIA_PACKET_SIZE];
  gint16 pcm[160];
  gssize size;

  for (guint i = 0; i < G_N_ELEMENTS (pcm); i++)
    pcm[i] = (gint16)(lrint (NOISE * (2 * test_random_unit (&talk->random) - 1))
                      + (voiced ? talk->speech->pcm[(talk->at[who] + i) % talk->speech->n] : 0));
  if (voiced)
    talk->at[who] += G_N_ELEMENTS (pcm);
  if (peer->plan.sections[0].ext_level_id != 0)
    {
      header.level_id = LEVEL_ID;
      header.level = media_level_of_pcm (pcm, G_N_ELEMENTS (pcm));
    }
  peer->timestamp += media_codec_get_clock_rate (media_codec_get (peer->codec)) / 50;
  size = media_encoder_encode (talk->encoders[who], pcm, G_N_ELEMENTS (pcm), payload, sizeof payload);
  g_assert_cmpint (size, >, 0);
  size = media_rtp_write (&header, payload, (gsize)size, packet, sizeof packet);
  g_assert_cmpint (size, >, 0);
  test_peer_give (peer, packet, (gsize)size, talk->now);
}

/* What the window's middle was: who is told first must be one who spoke, and nobody if nobody did. */
static void
judge (Talk *talk, gint64 end_ms)
{
  const gint64 middle_ms = end_ms - WINDOW_MS / 2;
  gboolean anybody = FALSE, right;

  for (guint i = 0; i < N_TALKERS; i++)
    anybody |= speaks (talk, i, middle_ms);
  if (talk->n_told == 0)
    right = !anybody;
  else
    right = speaks (talk, (guint)(talk->told[0].track - 101), middle_ms);
  talk->windows++;
  talk->right += right;
}

static void
test_events_match_the_script (void)
{
  const gint64 length_ms = 180000;
  Talk talk;

  talk_init (&talk);
  write_script (&talk, length_ms);
  for (gint64 at_ms = 0; at_ms < length_ms; at_ms += 20, talk.now.us += 20000)
    {
      for (guint i = 0; i < N_TALKERS; i++)
        say (&talk, i, at_ms);
      media_room_tick (talk.room, (CfgMonotonic){ talk.now.us + 10000 });
      if ((at_ms + 20) % WINDOW_MS == 0 && at_ms > 500)
        judge (&talk, at_ms + 20);
    }
  g_test_message ("%u of %u windows right (%.1f %%), %u turns, %u events", talk.right, talk.windows,
                  100.0 * talk.right / talk.windows, talk.n_turns, talk.n_events);
  g_assert_cmpuint (talk.n_turns, >, 30);
  g_assert_cmpfloat ((double)talk.right, >=, 0.95 * talk.windows);
  talk_clear (&talk);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/speakers/events_match_the_script", test_events_match_the_script);
  return g_test_run ();
}
