/* Somebody who takes part: a SIP call, a WebRTC participant or a plain RTP participant of a Janus. What they
 * have in common is here: the room, the audio, the network between; what carries it is a driver. */
#pragma once

#include <glib.h>

#include "media/io/dtls.h"
#include "media/io/pump.h"
#include "tools/load/flow.h"
#include "tools/load/netem.h"
#include "tools/load/options.h"

#define LOAD_ROOM_MARKS 16
#define LOAD_TICK_MS    20

typedef struct _Load Load;
typedef struct _LoadParticipant LoadParticipant;

typedef enum
{
  LOAD_SIP,
  LOAD_WEBRTC,
  LOAD_JANUS,
  LOAD_BOUND,
  LOAD_N_KINDS,
} LoadKind;

typedef enum
{
  LOAD_NEW,
  LOAD_JOINING,
  LOAD_UP,
  LOAD_FAILED, /* never was up, or was sent away */
  LOAD_GONE,
} LoadState;

typedef struct
{
  void (*join) (LoadParticipant *participant);
  /* A plain packet of MEDIA_PACKET_SIZE bytes, RTP or RTCP. */
  void (*send) (LoadParticipant *participant, guint8 *packet, gsize length);
  /* Ends in GONE, some time. */
  void (*leave) (LoadParticipant *participant);
  void (*free) (LoadParticipant *participant);
} LoadDriver;

/* The marks that were said last. */
typedef struct
{
  guint n_members, n_talkers;
  guint next;
  struct
  {
    gint64 at_us;
    const LoadParticipant *who;
  } marks[LOAD_ROOM_MARKS];
} LoadRoom;

struct _LoadParticipant
{
  Load *load;
  guint index; /* of all */
  LoadKind kind;
  const LoadDriver *driver;
  gpointer driving; /* the driver's own */
  guint room;
  LoadState state;
  char *failure;
  CfgMonotonic began, up;
  LoadFlow flow;
  LoadPath path_up, path_down;
  gboolean measured; /* was up when the measuring began */
  gboolean frozen;   /* result is there; nothing is heard any more */
  LoadFlowResult result;
  guint64 network_lost; /* in the emulated network, both ways; while it measures, less what was before */
  guint report_in;      /* ticks */
};

struct _Load
{
  const LoadOptions *options;
  MediaPump *pump;
  MediaCertificate *certificate;
  MediaDtlsContext *dtls_context;
  LoadNetem *netem;
  LoadFrames *frames[MEDIA_CODEC_N]; /* as they are needed */
  LoadRoom *rooms;                   /* those of Janus behind those of the gateway */
  guint n_rooms;
  guint n_standstills; /* while measuring: frames were left out in each */
  GPtrArray *participants;
  struct _LoadSip *sip;     /* nullable */
  struct _LoadJanus *janus; /* nullable */
};

/** load_rooms_new: for all whom load->options ask for. */
void load_rooms_new (Load *load);
/** load_rooms_place: where the @nth of @kind goes: to room nth modulo their number; Janus has as many of its
 * own. */
guint load_rooms_place (const Load *load, LoadKind kind, guint nth) G_GNUC_WARN_UNUSED_RESULT;

/** load_participant_new: Returns: (transfer full) */
LoadParticipant *load_participant_new (Load *load, LoadKind kind, guint room, gboolean talks,
                                       const LoadFrames *frames) G_GNUC_WARN_UNUSED_RESULT;
void load_participant_free (LoadParticipant *participant);

/* For the scenario. */
void load_participant_join (LoadParticipant *participant, CfgMonotonic now);
/** load_participant_tick: says its next 20 ms, when it is up; they pass all the same. */
void load_participant_tick (LoadParticipant *participant, CfgMonotonic now);
/** load_participant_skip: 20 ms for which there was no time: its clock goes on. */
void load_participant_skip (LoadParticipant *participant, CfgMonotonic now);
/** load_participant_begin: the measuring begins. */
void load_participant_begin (LoadParticipant *participant);
/** load_participant_freeze: the measuring is over. */
void load_participant_freeze (LoadParticipant *participant);
void load_participant_leave (LoadParticipant *participant);

/* For the drivers. */
void load_participant_set_up (LoadParticipant *participant);
/** load_participant_fail: @why: formatted; only the first counts. */
void load_participant_fail (LoadParticipant *participant, const char *why, ...) G_GNUC_PRINTF (2, 3);
/** load_participant_receive: a plain packet, RTP or RTCP, as it came from the gateway. */
void load_participant_receive (LoadParticipant *participant, guint8 *packet, gsize length, CfgMonotonic now);
