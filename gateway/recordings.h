/* What is recorded of rooms: names for the API, events, and what is left to tell when it is over. */
#pragma once

#include "gateway/api.h"

/* At the same time. With 48 kHz and two channels, what waits for a slow disk is 0.75 MB of each. */
#define GW_RECORDINGS_MAX 1000
/* Of those that are over, so many are still listed. */
#define GW_RECORDINGS_KEPT 200

typedef struct _GwRecordings GwRecordings;

typedef struct
{
  const char *file;           /* (nullable): as cfg_is_recording_file, instead of recordings.file */
  const char *format;         /* (nullable): "wav", "ogg": instead of the file's own or recordings.format */
  guint sample_rate_hz;       /* 0: recordings.sample_rate */
  guint channels;             /* 0: recordings.channels */
  gint64 max_duration_us;     /* 0: recordings.max_duration, which is never exceeded */
  GwParticipant *participant; /* (nullable): alone; with two channels on the left, the others on the right */
  gboolean is_automatic;      /* asked for by a rule or trunk: ends when nobody is in the room any more */
} GwRecordingRequest;

GwRecordings *gw_recordings_new (void);
/** gw_recordings_free: (nullable) */
void gw_recordings_free (GwRecordings *recordings);

/**
 * gw_recording_start:
 * @request: (nullable): answered with {recording} when the file is there, or with why it cannot be
 *
 * Returns: its id "RC_...", owned by the recording; NULL with @error: FAILED_PRECONDITION (recordings.path is
 * not set, the participant has no media), INVALID_ARGUMENT (file), RESOURCE_EXHAUSTED.
 */
const char *gw_recording_start (Gateway *gateway, GwRoom *room, const GwRecordingRequest *what,
                                GwRequest *request, GError **error);
/** gw_recording_stop: Returns: (transfer full): the recording as the API says it; its end is an event. NULL
 * with NOT_FOUND. */
json_t *gw_recording_stop (Gateway *gateway, const char *room, const char *id, GError **error);
/** gw_recordings_json: (transfer full): those of @room (nullable: of all rooms), the newest last. */
json_t *gw_recordings_json (Gateway *gateway, const char *room);

/** gw_recordings_is_recorded: something records @room, or somebody in it, just now. */
gboolean gw_recordings_is_recorded (const Gateway *gateway, const char *room);
/** gw_recordings_want: @room is recorded from now on, once, as a rule or trunk asks for; not when that was
 * stopped and the same people are there. When it cannot be, the event of its end says why, and it is tried
 * again with each tick until the room is empty. */
void gw_recordings_want (Gateway *gateway, GwRoom *room);
/** gw_recordings_room_closed: @room is about to go. */
void gw_recordings_room_closed (Gateway *gateway, const GwRoom *room);
/** gw_recordings_left: @participant is about to go: what is recorded of it alone ends. */
void gw_recordings_left (Gateway *gateway, const GwParticipant *participant);
/** gw_recordings_replaced: @participant has another leg: what is recorded of it alone goes on with that. */
void gw_recordings_replaced (Gateway *gateway, const GwParticipant *participant);
/** gw_recordings_tick: once a second. */
void gw_recordings_tick (Gateway *gateway);
/** gw_recordings_stop_all: Returns: whether there were any: gw_recordings_are_finished says when they are. */
gboolean gw_recordings_stop_all (Gateway *gateway);
gboolean gw_recordings_are_finished (const Gateway *gateway);
/** gw_recordings_give_up: answers those who wait for a file that its disk has not made: nobody will tell. */
void gw_recordings_give_up (Gateway *gateway);
void gw_recordings_metrics (const Gateway *gateway, GString *text);

/** gw_record_started, gw_record_ended: (MediaEngineOps) */
void gw_record_started (gpointer gateway, MediaRecordId record, const char *file);
void gw_record_ended (gpointer gateway, MediaRecordId record, const MediaRecordResult *result);

/* The shape of a recording in the API. */
extern const GwShape gw_recording_shape;
extern const char gw_recording_reasons[]; /* words, as GwField.words */
