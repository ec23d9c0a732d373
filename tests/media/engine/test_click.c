/* No click of ours: somebody speaks a tone, and what others do meanwhile leaves no jump in what a listener
 * hears of it, whatever the codecs of the two are. */
#include "leg_harness.h"

#include "media/codec/codec.h"
#include "media/core/rtp.h"
#include "media/room_private.h"

static const MediaCodecId pcmu[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_N };
static const MediaCodecId g722[] = { MEDIA_CODEC_G722, MEDIA_CODEC_N };
static const MediaCodecId opus[] = { MEDIA_CODEC_OPUS, MEDIA_CODEC_N };
static const MediaCodecId *const codecs[] = { pcmu, g722, opus };

enum
{
  TALKER,
  LISTENER,
  SILENT,
  GUEST, /* not there at first */
  N_PEERS
};

#define TALKER_ID 1
#define SILENT_ID 3
#define TONE_HZ   310
#define AMPLITUDE 0.25
#define TIMES     20
/* How sharply the tone bends, in those of the time before; one that is cut bends by eight times and more. */
#define BEND_FACTOR 3
#define BEND_EXTRA  100
#define WINDOW      240 /* 5 ms at 48 kHz */
#define QUIET       1000
#define NOISE_PT    13
#define CROWD       60
/* Of two tones of 11,500 at 8 kHz, with room to spare; what goes over full scale bends by 120,000. */
#define LOUDEST_BEND 12000

typedef struct
{
  MediaRoom *room;
  CfgMonotonic now;
  TestPeer *peers[N_PEERS];
  guint n_peers; /* that send */
  MediaDecoder *decoder;
  GArray *heard; /* of gint16 */
} Scene;

typedef struct
{
  const char *name;
  void (*turn) (Scene *scene, gboolean on);
  void (*prepare) (Scene *scene); /* nullable */
  gboolean to_g711_only;          /* with others a decoder follows what the talker's encoder does */
} Event;

static void
on_packet (gpointer user, const MediaRtpView *packet, CfgMonotonic now)
{
  Scene *scene = user;
  gint16 pcm[MEDIA_CODEC_SAMPLES_MAX];
  const gssize n
      = media_decoder_decode (scene->decoder, packet->payload, packet->payload_size, pcm, G_N_ELEMENTS (pcm));

  if (n > 0)
    g_array_append_vals (scene->heard, pcm, (guint)n);
}

static void
run (Scene *scene, guint ms)
{
  test_run (scene->room, scene->peers, scene->n_peers, &scene->now, ms);
}

static void
set_present (Scene *scene, guint index, gboolean present)
{
  MediaLeg *leg = scene->peers[index]->leg;

  if (present && media_room_of (leg) == NULL)
    media_room_add (scene->room, leg, scene->now);
  else if (!present && media_room_of (leg) != NULL)
    media_room_remove (scene->room, leg, scene->now);
}

static Scene *
scene_new (const MediaCodecId *talks, const MediaCodecId *hears, gboolean are_phones)
{
  const MediaRoomConfig config = { .id = 1, .opus_complexity = 5 };
  const MediaCodecId *const spoken[] = { talks, hears, pcmu, opus };
  const MediaCodec *codec = media_codec_get (hears[0]);
  Scene *scene = g_new0 (Scene, 1);

  scene->now.us = 1000 * CFG_US_PER_S;
  scene->room = media_room_new (&config, NULL, NULL);
  scene->decoder = media_decoder_new (codec, media_codec_get_sample_rate (codec), NULL);
  scene->heard = g_array_new (FALSE, FALSE, sizeof (gint16));
  for (guint i = 0; i < N_PEERS; i++)
    {
      scene->peers[i] = test_peer_new (TALKER_ID + i, !are_phones, spoken[i], scene->now);
      scene->peers[i]->deaf = TRUE;
      set_present (scene, i, i != GUEST);
    }
  scene->n_peers = GUEST;
  scene->peers[TALKER]->tone_hz = TONE_HZ;
  scene->peers[TALKER]->amplitude = AMPLITUDE;
  scene->peers[LISTENER]->tap = on_packet;
  scene->peers[LISTENER]->tap_user = scene;
  return scene;
}

static void
scene_free (Scene *scene)
{
  for (guint i = 0; i < N_PEERS; i++)
    {
      set_present (scene, i, FALSE);
      test_peer_free (scene->peers[i]);
    }
  media_room_free (scene->room);
  media_decoder_free (scene->decoder);
  g_array_unref (scene->heard);
  g_free (scene);
}

static gint
worst_bend (const Scene *scene, guint from)
{
  const gint16 *pcm = (const gint16 *)(gconstpointer)scene->heard->data;
  gint worst = 0;

  for (guint i = MAX (from, 2); i < scene->heard->len; i++)
    worst = MAX (worst, ABS (pcm[i] - 2 * pcm[i - 1] + pcm[i - 2]));
  return worst;
}

/* ---- what happens meanwhile ---- */

static void
turn_guest (Scene *scene, gboolean on)
{
  set_present (scene, GUEST, on);
}

static void
turn_talker (Scene *scene, gboolean on)
{
  set_present (scene, TALKER, !on);
}

static void
give_gain (Scene *scene)
{
  media_leg_set_gain (scene->peers[TALKER]->leg, SILENT_ID, -60);
}

static void
turn_hold (Scene *scene, gboolean on)
{
  scene->peers[TALKER]->plan.sections[0].receive = !on;
  test_peer_configure (scene->peers[TALKER], scene->now);
}

static void
turn_third (Scene *scene, gboolean on)
{
  set_present (scene, SILENT, !on);
}

static const Event events[] = {
  { "a_wideband_guest_comes_and_goes", turn_guest, NULL, FALSE },
  { "the_talker_goes_and_comes", turn_talker, NULL, FALSE },
  { "the_talker_whom_one_does_not_hear_goes_and_comes", turn_talker, give_gain, FALSE },
  { "the_talker_holds", turn_hold, NULL, FALSE },
  { "a_third_one_goes_and_comes", turn_third, NULL, TRUE },
};

static void
check (const Event *event, const MediaCodecId *talks, const MediaCodecId *hears)
{
  Scene *scene = scene_new (talks, hears, FALSE);
  const char *names[] = { media_codec_get_name (media_codec_get (talks[0])),
                          media_codec_get_name (media_codec_get (hears[0])) };
  gint usual, worst;
  guint from;

  if (event->prepare != NULL)
    event->prepare (scene);
  run (scene, 1500);
  usual = worst_bend (scene, scene->heard->len / 2);
  g_assert_cmpint (usual, >, 0);
  from = scene->heard->len;
  /* At many moments of the tone: some are at its largest. */
  for (guint k = 0; k < TIMES; k++)
    {
      event->turn (scene, k % 2 == 0);
      run (scene, 230 + 10 * (k % 7));
    }
  worst = worst_bend (scene, from);
  g_test_message ("%s to %s: %d, before %d", names[0], names[1], worst, usual);
  g_assert_cmpint (worst, <, BEND_FACTOR * usual + BEND_EXTRA);
  scene_free (scene);
}

static void
test_event (gconstpointer data)
{
  const Event *event = data;

  for (guint t = 0; t < G_N_ELEMENTS (codecs); t++)
    for (guint l = 0; l < (event->to_g711_only ? 1 : G_N_ELEMENTS (codecs)); l++)
      check (event, codecs[t], codecs[l]);
}

/* Rates follow what comes after a while: a tone that never pauses has a gap then, which comes and goes
 * softly. */
static void
check_rates (const MediaCodecId *talks, const MediaCodecId *hears)
{
  Scene *scene = scene_new (talks, hears, FALSE);
  const guint rate_hz = media_codec_get_sample_rate (media_codec_get (hears[0]));
  const guint part = rate_hz / 10;
  gint usual;

  run (scene, 1500);
  usual = worst_bend (scene, scene->heard->len / 2);
  for (guint k = 0; k < 6; k++)
    {
      const guint from = scene->heard->len;

      turn_guest (scene, k % 2 == 0);
      run (scene, 3600 + 10 * k);
      g_test_message ("%d, before %d", worst_bend (scene, from), usual);
      g_assert_cmpint (worst_bend (scene, from), <, BEND_FACTOR * usual + BEND_EXTRA);
    }
  g_assert_cmpfloat (
      test_tone_level ((const gint16 *)(gconstpointer)scene->heard->data + scene->heard->len - part, part,
                       rate_hz, TONE_HZ),
      >, AMPLITUDE / 2);
  scene_free (scene);
}

static void
test_rate_without_a_pause (void)
{
  for (guint t = 0; t < G_N_ELEMENTS (codecs); t++)
    for (guint l = 0; l < G_N_ELEMENTS (codecs); l++)
      check_rates (codecs[t], codecs[l]);
}

/* Somebody who comes and goes again and again cannot take the sound from the others. */
static void
test_guest_who_cannot_decide (void)
{
  Scene *scene = scene_new (pcmu, opus, FALSE);
  const gint16 *pcm;
  guint from, n_quiet = 0;

  run (scene, 1500);
  from = scene->heard->len;
  for (guint k = 0; k < 100; k++)
    {
      turn_guest (scene, k % 2 == 0);
      run (scene, 60);
    }
  pcm = (const gint16 *)(gconstpointer)scene->heard->data;
  for (guint at = from; at + WINDOW <= scene->heard->len; at += WINDOW)
    {
      gint loudest = 0;

      for (guint i = 0; i < WINDOW; i++)
        loudest = MAX (loudest, ABS (pcm[at + i]));
      n_quiet += loudest < QUIET;
    }
  g_test_message ("%u of %u quiet", n_quiet, (scene->heard->len - from) / WINDOW);
  g_assert_cmpuint (n_quiet, <=, 12);
  scene_free (scene);
}

static gint
bend_of_digits (const MediaCodecId *hears, double amplitude)
{
  Scene *scene = scene_new (pcmu, hears, FALSE);
  gint worst;
  guint from;

  scene->peers[TALKER]->amplitude = amplitude;
  scene->peers[LISTENER]->plan.sections[0].dtmf_send_pt = 0;
  test_peer_configure (scene->peers[LISTENER], scene->now);
  run (scene, 1500);
  from = scene->heard->len;
  for (guint k = 0; k < 8; k++)
    {
      g_assert_cmpint (media_leg_send_dtmf (scene->peers[LISTENER]->leg, "1"), ==, 0);
      run (scene, 610 + 10 * (k % 7));
    }
  worst = worst_bend (scene, from);
  scene_free (scene);
  return worst;
}

/* Digits in the audio, while somebody speaks: what they begin and end with in silence is no more than that.
 */
static void
test_digits (void)
{
  for (guint l = 0; l < G_N_ELEMENTS (codecs); l++)
    {
      const gint quiet = bend_of_digits (codecs[l], 0);
      const gint worst = bend_of_digits (codecs[l], AMPLITUDE);

      g_test_message ("%s: %d, in silence %d", media_codec_get_name (media_codec_get (codecs[l][0])), worst,
                      quiet);
      g_assert_cmpint (quiet, >, 0);
      g_assert_cmpint (quiet, <, LOUDEST_BEND);
      g_assert_cmpint (worst, <, quiet * 3 / 2 + 1200);
    }
}

/* ---- what was heard once does not come again ---- */

static gint
loudest (const Scene *scene, guint from)
{
  const gint16 *pcm = (const gint16 *)(gconstpointer)scene->heard->data;
  gint found = 0;

  for (guint i = from; i < scene->heard->len; i++)
    found = MAX (found, ABS (pcm[i]));
  return found;
}

/* Two phones, forwarded: one of them falls silent at whatever sample it has come to. */
static Scene *
scene_of_two_phones (guint ms)
{
  Scene *scene = scene_new (pcmu, pcmu, TRUE);

  set_present (scene, SILENT, FALSE);
  run (scene, ms);
  scene->peers[TALKER]->tone_hz = 0;
  return scene;
}

/* A third one joins long after. */
static void
test_speech_that_ended (void)
{
  for (guint k = 0; k < 10; k++)
    {
      Scene *scene = scene_of_two_phones (500 + 20 * k);
      guint from;

      for (guint i = 0; i < 20; i++)
        {
          run (scene, 100);
          media_leg_housekeep (scene->peers[LISTENER]->leg, scene->now, (CfgWall){ 0 });
        }
      from = scene->heard->len;
      set_present (scene, SILENT, TRUE);
      run (scene, 300);
      g_assert_cmpuint (scene->heard->len, >, from);
      g_assert_cmpint (loudest (scene, from), <, QUIET);
      scene_free (scene);
    }
}

/* The listener was held meanwhile, and hears a mix when he is back; then there are two again. */
static void
test_speech_before_a_hold (void)
{
  for (guint k = 0; k < 10; k++)
    {
      Scene *scene = scene_of_two_phones (500 + 20 * k);
      TestPeer *listener = scene->peers[LISTENER];
      guint from;

      listener->plan.sections[0].send = FALSE;
      test_peer_configure (listener, scene->now);
      run (scene, 500);
      set_present (scene, SILENT, TRUE);
      run (scene, 500);
      listener->plan.sections[0].send = TRUE;
      test_peer_configure (listener, scene->now);
      run (scene, 1000);
      from = scene->heard->len;
      set_present (scene, SILENT, FALSE);
      scene->peers[TALKER]->tone_hz = TONE_HZ;
      scene->peers[TALKER]->amplitude = 0;
      run (scene, 300);
      g_assert_cmpuint (scene->heard->len, >, from);
      g_assert_cmpint (loudest (scene, from), <, QUIET);
      scene_free (scene);
    }
}

static void
give_noise (TestPeer *peer, guint8 level, CfgMonotonic now)
{
  const MediaRtpHeader header = {
    .payload_type = NOISE_PT, .sequence = peer->sequence++, .timestamp = peer->timestamp, .ssrc = peer->ssrc
  };
  guint8 packet[64];
  const gssize size = media_rtp_write (&header, &level, 1, packet, sizeof packet);

  peer->timestamp += 160;
  test_peer_give (peer, packet, (gsize)size, now);
}

/* A level of comfort noise is no sample of G.711. */
static void
test_noise_that_is_forwarded (void)
{
  Scene *scene = scene_of_two_phones (500);
  guint from;

  for (guint i = TALKER; i <= LISTENER; i++)
    {
      scene->peers[i]->plan.sections[0].cn_pt = NOISE_PT;
      test_peer_configure (scene->peers[i], scene->now);
    }
  for (guint i = 0; i < 5; i++)
    {
      give_noise (scene->peers[TALKER], 24, scene->now);
      run (scene, 60);
    }
  from = scene->heard->len;
  set_present (scene, SILENT, TRUE);
  run (scene, 60);
  g_assert_cmpuint (scene->heard->len, >, from);
  g_assert_cmpint (loudest (scene, from), <, QUIET);
  scene_free (scene);
}

/* ---- encoders stay few ---- */

/* Reports of loss change the encoder of many listeners at a time, in a room where nobody pauses. */
static void
test_many_lossy_listeners (void)
{
  const MediaRoomConfig config = { .id = 1, .opus_complexity = MEDIA_OPUS_COMPLEXITY_0 };
  CfgMonotonic now = { 1000 * CFG_US_PER_S };
  MediaRoom *room = media_room_new (&config, NULL, NULL);
  TestPeer *talker = test_peer_join (room, 1, TRUE, pcmu, TONE_HZ, now);
  TestPeer *listeners[CROWD];
  MediaRoomStats stats;
  guint64 most = 0, before;

  for (guint i = 0; i < CROWD; i++)
    {
      listeners[i] = test_peer_join (room, 2 + i, TRUE, opus, 0, now);
      listeners[i]->deaf = TRUE;
    }
  test_run (room, &talker, 1, &now, 1000);
  for (guint i = 0; i < CROWD; i++)
    {
      listeners[i]->leg->sections[0]->sink.loss_percent = 10;
      media_room_get_stats (room, &stats);
      before = stats.encodes;
      test_run (room, &talker, 1, &now, 20);
      media_room_get_stats (room, &stats);
      most = MAX (most, stats.encodes - before);
    }
  g_test_message ("%" G_GUINT64_FORMAT " encodes in a tick", most);
  g_assert_cmpuint (most, >=, 2);
  g_assert_cmpuint (most, <=, 2 + MEDIA_ROOM_APART_MAX);
  for (guint i = 0; i < CROWD; i++)
    {
      media_room_remove (room, listeners[i]->leg, now);
      test_peer_free (listeners[i]);
    }
  media_room_remove (room, talker->leg, now);
  test_peer_free (talker);
  media_room_free (room);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (events); i++)
    {
      g_autofree char *path = g_strdup_printf ("/media/click/%s", events[i].name);

      g_test_add_data_func (path, &events[i], test_event);
    }
  g_test_add_func ("/media/click/digits", test_digits);
  g_test_add_func ("/media/click/guest_who_cannot_decide", test_guest_who_cannot_decide);
  g_test_add_func ("/media/click/rate_without_a_pause", test_rate_without_a_pause);
  g_test_add_func ("/media/click/speech_that_ended", test_speech_that_ended);
  g_test_add_func ("/media/click/speech_before_a_hold", test_speech_before_a_hold);
  g_test_add_func ("/media/click/noise_that_is_forwarded", test_noise_that_is_forwarded);
  g_test_add_func ("/media/click/many_lossy_listeners", test_many_lossy_listeners);
  return g_test_run ();
}
