/* Rooms and participants as values. Pure: no media, no SIP, no clock; what happens to them is decided by
 * gateway/rooms.c. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"

#define GW_NAME_MAX_BYTES                   256
#define GW_METADATA_MAX_BYTES               65536
#define GW_ATTRIBUTE_MAX_BYTES              4096
#define GW_MAX_ATTRIBUTES                   256
#define GW_ROOM_DEFAULT_EMPTY_TIMEOUT_S     300
#define GW_ROOM_DEFAULT_DEPARTURE_TIMEOUT_S 20
#define GW_ROOM_MAX_PARTICIPANTS            1000

typedef enum
{
  GW_KIND_STANDARD, /* a browser or another WebRTC client */
  GW_KIND_SIP,
} GwParticipantKind;

typedef enum
{
  GW_PARTICIPANT_JOINING,
  GW_PARTICIPANT_ACTIVE, /* media flows or may flow */
} GwParticipantState;

/* LiveKit's TimedVersion: when something last changed; of two in one microsecond the one with more ticks is
 * newer. */
typedef struct
{
  gint64 unix_micro;
  gint32 ticks;
} GwVersion;

typedef struct
{
  char *sid; /* TR_...; NULL: nothing published */
  guint64 media_track;
  gboolean muted;
  GwVersion version;
} GwTrack;

typedef struct _GwRoom GwRoom;

/* What a participant may do. */
typedef enum
{
  GW_MAY_PUBLISH = 1 << 0,   /* be heard */
  GW_MAY_SUBSCRIBE = 1 << 1, /* hear the others */
  GW_MAY_SEND = 1 << 2,      /* send text */
  GW_MAY_ALL = GW_MAY_PUBLISH | GW_MAY_SUBSCRIBE | GW_MAY_SEND,
} GwMay;

typedef struct
{
  char *sid;      /* PA_... */
  char *identity; /* unique in the room */
  char *name;
  char *metadata;
  GHashTable *attributes; /* char* -> char*, owned */
  GwParticipantKind kind;
  GwParticipantState state;
  CfgWall joined_at;
  guint32 version;        /* how often it, or its track, has changed */
  GwMay may, may_at_most; /* now; what its token allows */
  GwTrack track;          /* its audio */
  double gain_db;         /* how loud it is for everybody; 0: as it is */
  GHashTable *gains;      /* (nullable): and for some of them: sid -> double, both owned; gateway/gains.h */
  GwRoom *room;           /* not owned */
  guint64 leg;            /* the media engine's; 0: none */
  gpointer call;          /* GwCall*, not owned; SIP */
  gpointer session;       /* GwSession*, not owned; WebRTC */
} GwParticipant;

struct _GwRoom
{
  char *sid; /* RM_... */
  char *name;
  char *metadata;
  char **codecs;         /* (nullable): of those who come without a choice of their own, first one first */
  guint empty_timeout_s; /* kept so long when nobody ever came */
  guint departure_timeout_s; /* kept so long after the last one left */
  guint max_participants;    /* 0: GW_ROOM_MAX_PARTICIPANTS */
  CfgWall created_at;
  GwVersion version;
  CfgMonotonic empty_since; /* meaningful while empty */
  gboolean was_joined;
  gboolean is_bridge;      /* two calls that go through us: none stays there alone */
  GPtrArray *participants; /* owned, in the order of joining */
  guint64 media_room;
  gboolean is_unrecorded; /* what a rule or trunk had recorded was stopped, and somebody was there since */
  gboolean is_unheard;    /* the media engine does not tell who speaks: nobody watches */
};

/* How a room is made that somebody comes into. */
typedef struct
{
  guint empty_timeout_s, departure_timeout_s, max_participants;
  char *metadata; /* (nullable) */
} GwRoomOptions;

/** gw_version_next: one that is newer than @version, whatever the clock says. */
void gw_version_next (GwVersion *version, CfgWall now);
/** gw_track_changed: @participant's, or there is one now, or none any more: both have another version. */
void gw_track_changed (GwParticipant *participant, CfgWall now);

/** gw_room_take_options: (nullable). */
void gw_room_take_options (GwRoom *room, const GwRoomOptions *options);
/** gw_room_new: an empty room with a fresh sid and the default timeouts. (transfer full) */
GwRoom *gw_room_new (const char *name, CfgMonotonic now, CfgWall wall) G_GNUC_WARN_UNUSED_RESULT;
void gw_room_free (GwRoom *room);

/** gw_room_takes: FALSE with ALREADY_EXISTS when the identity is taken, RESOURCE_EXHAUSTED when the room is
 * full, INVALID_ARGUMENT when the identity is empty or too long. */
gboolean gw_room_takes (const GwRoom *room, const char *identity, GError **error);
/** gw_room_add: Returns: (transfer none): the participant, owned by the room; NULL with the errors of
 * gw_room_takes. */
GwParticipant *gw_room_add (GwRoom *room, const char *identity, const char *name, GwParticipantKind kind,
                            CfgWall wall, GError **error);
/** gw_room_remove: frees @participant; nobody has a gain for it any more. The room's version is the caller's
 * to count. */
void gw_room_remove (GwRoom *room, GwParticipant *participant, CfgMonotonic now);
GwParticipant *gw_room_find (const GwRoom *room, const char *identity);
GwParticipant *gw_room_find_sid (const GwRoom *room, const char *sid);
GwParticipant *gw_room_find_track (const GwRoom *room, guint64 media_track);

/** gw_room_unique_identity: @wanted, or @wanted with _2, _3 ... when taken. (transfer full) */
char *gw_room_unique_identity (const GwRoom *room, const char *wanted) G_GNUC_WARN_UNUSED_RESULT;

/** gw_room_has_somebody: whoever rings, or is being called, is not there yet. */
gboolean gw_room_has_somebody (const GwRoom *room);

/** gw_room_closes_at: when an empty room ends. Returns: FALSE while somebody is in it. */
gboolean gw_room_closes_at (const GwRoom *room, CfgMonotonic *at);

/** gw_name_check: refuses an empty, overlong or non-UTF-8 name and control characters; @what for the text. */
gboolean gw_name_check (const char *what, const char *name, GError **error);

void gw_participant_set_attribute (GwParticipant *participant, const char *key, const char *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GwRoom, gw_room_free)
