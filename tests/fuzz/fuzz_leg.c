/* The whole receive path behind authentication: a phone with G.711 and a browser with Opus in one room, one
 * of them sends whatever it likes. What the other one is sent stays whole: it parses, its sequence numbers
 * are not used twice, its SSRC is the announced one. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "media/room_media.h"

typedef struct
{
  MediaLeg *leg;
  gboolean have_sequence[65536];
  guint n_sent;
} Peer;

#define PHONE_SSRC   0x1111u
#define BROWSER_SSRC 0x2222u

static void
check_rtp (gpointer user, guint8 *packet, gsize length, CfgMonotonic now)
{
  Peer *peer = user;
  MediaRtpView view;

  g_assert_cmpint (media_rtp_parse (&view, packet, length), ==, 0);
  g_assert_true (view.payload_size > 0);
  g_assert_false (peer->have_sequence[view.sequence]);
  peer->have_sequence[view.sequence] = TRUE;
  g_assert_cmpuint (++peer->n_sent, <, 60000);
}

static void
check_rtcp (gpointer user, guint8 *packet, gsize length, CfgMonotonic now)
{
  g_assert_cmpuint (length % 4, ==, 0);
}

static void
ignore_started (gpointer user, const char *codec)
{
}

static void
check_dtmf (gpointer user, char digit, guint duration_ms)
{
  g_assert_true (digit != '\0' && strchr ("0123456789*#ABCD!", digit) != NULL);
}

static void
ignore_timeout (gpointer user, gboolean initial)
{
}

static const MediaLegOps ops = {
  .send_rtp = check_rtp,
  .send_rtcp = check_rtcp,
  .media_started = ignore_started,
  .dtmf = check_dtmf,
  .timeout = ignore_timeout,
};

static void
make_plan (MediaPlan *plan, gboolean is_phone)
{
  MediaPlanSection *section = &plan->sections[0];

  memset (plan, 0, sizeof *plan);
  plan->n_sections = 1;
  g_strlcpy (plan->cname, "c", sizeof plan->cname);
  section->is_audio = section->send = section->receive = TRUE;
  section->ptime_ms = 20;
  section->sink = MEDIA_SINK_MIX;
  section->ssrc = is_phone ? PHONE_SSRC : BROWSER_SSRC;
  section->source_track = is_phone ? 1 : 2;
  section->dtmf_recv_pts[0] = 101;
  section->n_dtmf_recv_pts = 1;
  section->detect_tones = TRUE;
  section->cn_pt = is_phone ? 13 : 0;
  section->ext_level_id = is_phone ? 0 : 1;
  section->codecs[section->n_codecs++]
      = is_phone
            ? (MediaPlanCodec){ .codec = MEDIA_CODEC_PCMU, .send_pt = 0, .recv_pt = 0, .channels = 1 }
            : (MediaPlanCodec){ .codec = MEDIA_CODEC_OPUS, .send_pt = 111, .recv_pt = 111, .channels = 2 };
}

static MediaLeg *
new_leg (gboolean is_phone, Peer *peer, MediaRoom *room, CfgMonotonic now)
{
  const MediaLegConfig config = {
    .id = is_phone ? 1 : 2, .always_send = is_phone, .authenticated = !is_phone, .timeout_us = CFG_US_PER_S
  };
  MediaLeg *leg = media_leg_new (&config, &ops, peer, now);
  MediaPlan plan;

  make_plan (&plan, is_phone);
  media_leg_configure (leg, &plan, now);
  media_room_add (room, leg, now);
  return leg;
}

/* One step: bit 7 RTCP, bit 6 whose, bits 0–5 how many ms passed; then 16 bits of length and the packet. */
static void
step (FuzzBytes *bytes, Peer peers[2], MediaRoom *room, CfgMonotonic *now, gint64 *next_tick_us)
{
  guint8 how = fuzz_u8 (bytes);
  MediaLeg *leg = peers[(how & 0x40) != 0].leg;
  gsize got;
  g_autofree guint8 *packet = NULL;
  MediaRtpView view;

  *now = cfg_monotonic_add_us (*now, (how & 0x3f) * CFG_US_PER_MS);
  for (; *next_tick_us <= now->us; *next_tick_us += 20 * CFG_US_PER_MS)
    media_room_tick (room, (CfgMonotonic){ *next_tick_us });
  packet = fuzz_block (bytes, fuzz_u16 (bytes) % 1400, &got);
  if ((how & 0x80) != 0)
    media_leg_receive_rtcp (leg, packet, got, *now, (CfgWall){ now->us });
  else if (media_rtp_parse (&view, packet, got) == 0)
    media_leg_receive_rtp (leg, &view, *now);
  media_leg_housekeep (leg, *now, (CfgWall){ now->us });
}

static void
run (const guint8 *data, gsize size)
{
  static Peer peers[2];
  FuzzBytes bytes = { data, data + size };
  const MediaRoomConfig config = { .id = 1, .opus_complexity = 1 };
  MediaRoom *room = media_room_new (&config, NULL, NULL);
  CfgMonotonic now = { 10 * CFG_US_PER_S };
  gint64 next_tick_us = now.us;
  MediaLegStats stats;

  memset (peers, 0, sizeof peers);
  for (int i = 0; i < 2; i++)
    peers[i].leg = new_leg (i == 0, &peers[i], room, now);
  for (guint n = 0; fuzz_more (&bytes) && n < 60; n++)
    step (&bytes, peers, room, &now, &next_tick_us);
  for (int i = 0; i < 2; i++)
    {
      media_leg_get_stats (peers[i].leg, &stats);
      g_assert_true (stats.in.loss_percent >= 0 && stats.in.loss_percent <= 100);
      g_assert_true (stats.out.loss_percent >= 0 && stats.out.loss_percent <= 100);
      media_room_remove (room, peers[i].leg, now);
      media_leg_free (peers[i].leg);
    }
  media_room_free (room);
}

#define PCMU(seq, ts)                                                                                        \
  "\x14\x00\x14\x80\x00" seq ts "\x00\x00\x00\x07"                                                           \
  "abcdefgh"
#define OPUS(seq, ts)                                                                                        \
  "\x54\x00\x0f\x80\x6f" seq ts "\x00\x00\x00\x08"                                                           \
  "\xf8\xff\xfe"
#define EVENT(seq, rest) "\x14\x00\x10\x80\x65" seq "\x00\x00\x20\x00\x00\x00\x00\x07" rest

static const FuzzSeed seeds[] = {
  FUZZ_TEXT (PCMU ("\x00\x01", "\x00\x00\x00\x00") PCMU ("\x00\x02", "\x00\x00\x00\xa0")
                 PCMU ("\x00\x03", "\x00\x00\x01\x40") PCMU ("\x00\x04", "\x00\x00\x01\xe0")
                     PCMU ("\x00\x08", "\x00\x00\x04\x60") PCMU ("\x00\x07", "\x00\x00\x03\xc0")),
  FUZZ_TEXT (OPUS ("\x00\x01", "\x00\x00\x00\x00") OPUS ("\x00\x02", "\x00\x00\x03\xc0")
                 OPUS ("\x00\x03", "\x00\x00\x07\x80") PCMU ("\x00\x01", "\x00\x00\x00\x00")
                     PCMU ("\x00\x02", "\x00\x00\x00\xa0") PCMU ("\x00\x03", "\x00\x00\x01\x40")),
  FUZZ_TEXT (PCMU ("\x00\x01", "\x00\x00\x00\x00") PCMU ("\x00\x02", "\x00\x00\x00\xa0")
                 EVENT ("\x00\x03", "\x05\x0a\x00\xa0") EVENT ("\x00\x04", "\x05\x0a\x01\x40")
                     EVENT ("\x00\x05", "\x05\x8a\x01\xe0") EVENT ("\x00\x06", "\x05\x8a\x01\xe0")),
  FUZZ_TEXT (OPUS ("\x00\x01", "\x00\x00\x00\x00") "\xd4\x00\x08\x80\xc9\x00\x01\x00\x00\x00\x08"
                                                   "\x94\x00\x20\x81\xc9\x00\x07\x00\x00\x00\x07\x00\x00\x11"
                                                   "\x11\x40\x00\x00\x05\x00\x00\x00\x20\x00\x00\x00\x10"
                                                   "\x80\x00\x00\x00\x00\x01\x00\x00"
                                                   "\x94\x00\x08\x81\xcb\x00\x01\x00\x00\x00\x07"),
};

const FuzzTarget fuzz_target = { "leg", run, seeds, G_N_ELEMENTS (seeds), NULL, NULL, 2000 };
