/* A room under injected time and the peers in it, with what the room tells. */
#pragma once

#include "leg_harness.h"

typedef struct
{
  MediaRoom *room;
  CfgMonotonic now;
  TestPeer *peers[8];
  guint n_peers;
  guint n_speaker_events;
  MediaSpeaker speakers[16]; /* of the newest event */
  gsize n_speakers;
  guint n_plays_ended; /* that were played to all */
  MediaPlayEnd play_end;
  char play_error[128];
} Scene;

/** scene_init: an empty room; in an @isolated one nobody hears another. */
void scene_init (Scene *scene, gboolean isolated);
/** scene_join: one who speaks a tone of @tone_hz, 0: nothing. Returns: scene's. */
TestPeer *scene_join (Scene *scene, gboolean is_browser, const MediaCodecId *codecs, double tone_hz);
void scene_leave (Scene *scene, TestPeer *peer);
/** scene_run: @ms in which all speak. */
void scene_run (Scene *scene, guint ms);
MediaRoomStats scene_stats (const Scene *scene);
/** scene_clear: all leave. */
void scene_clear (Scene *scene);

/** scene_assert_unbroken: nothing was missing in what @peer was sent, and it never waited long. */
void scene_assert_unbroken (const TestPeer *peer);
