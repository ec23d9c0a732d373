/* What a load is made of, from the command line. */
#pragma once

#include <glib.h>

#include "media/codec/codec.h"
#include "media/io/srtp.h"
#include "tools/load/netem.h"

#define LOAD_CODECS_MAX 4

typedef struct
{
  /* who, where */
  guint n_sip, n_webrtc, n_janus;
  guint n_relay; /* of the bare relay's participants, two a call */
  guint n_rooms;
  gint n_talkers; /* in each room, the first of them; negative: everybody */
  double rate;    /* participants set up per second */
  char *room_prefix;

  guint spurt_frames, pause_frames; /* talkers alternate between the two; 0: they talk all the time */

  /* codecs in the order of preference; the first is spoken, all are understood */
  guint n_sip_codecs, n_webrtc_codecs;
  MediaCodecId sip_codecs[LOAD_CODECS_MAX], webrtc_codecs[LOAD_CODECS_MAX];
  MediaCodecId janus_codec;
  guint janus_rate_hz;     /* of a room's mix */
  guint playback_rate_hz;  /* maxplaybackrate of Opus; 0: not said */
  MediaSrtpProfile sdes;   /* of SIP calls; MEDIA_SRTP_NONE: plain RTP */
  MediaSrtpProfile webrtc; /* MEDIA_SRTP_NONE: whatever DTLS agrees on */
  gboolean silent_webrtc;  /* WebRTC participants only listen */
  gboolean muted;          /* who does not talk sends no audio, but for the first second */
  gboolean silent_sip;

  /* the gateway and the peer */
  char *sip; /* host:port */
  char *api; /* ws://host:port/ws */
  char *api_key, *api_secret;
  char *janus; /* ws://host:port/ */
  guint relay_port;
  gboolean relay_opus;   /* the side with SRTP speaks Opus */
  gboolean relay_listen; /* only the first one talks, to all others */
  gboolean relay_srtp;   /* those, all with SRTP instead of none */
  gint gateway_pid, janus_pid;

  /* the network */
  LoadNetemConfig up, down;

  /* time */
  double settle_s, window_s;
  guint n_windows;
  guint n_probes; /* receivers of Opus and G.722 that decode, for the delay */

  gboolean json, flows;
  char *speech; /* (nullable): an audio file instead of the made-up voice */
  gint cpu;     /* to run on; negative: any */
} LoadOptions;

/** load_options_parse: Returns: (transfer full): NULL with @error; --help ends the program. */
LoadOptions *load_options_parse (int *argc, char ***argv, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void load_options_free (LoadOptions *options);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LoadOptions, load_options_free)
