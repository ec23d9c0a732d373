/* What the API answers and tells, described. server.methods, the manual (docs/API.md) and the checks of the
 * tests are made of these tables, so that none of them can say something else than another. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "config/settings_fields.h"

typedef enum
{
  GW_FIELD_STRING,
  GW_FIELD_TIME, /* RFC 3339, UTC, with milliseconds */
  GW_FIELD_INT,
  GW_FIELD_REAL,
  GW_FIELD_BOOL,
  GW_FIELD_OBJECT, /* of GwField.shape */
  GW_FIELD_MAP,    /* strings under names that are not known before */
  GW_FIELD_ANY,
} GwFieldType;

typedef enum
{
  GW_FIELD_LIST = 1 << 0,     /* a list of them */
  GW_FIELD_OPTIONAL = 1 << 1, /* may be missing */
  GW_FIELD_NULL = 1 << 2,     /* may be null */
} GwFieldFlags;

/* The name of a field that stands for all members which no other field names. */
#define GW_FIELD_REST "*"

typedef struct _GwShape GwShape;

/* A member of an object. */
typedef struct
{
  const char *name;
  GwFieldType type;
  guint flags; /* GwFieldFlags */
  const char *doc;
  const GwShape *shape; /* OBJECT */
  const char *words;    /* (nullable): STRING: one of these, between spaces */
} GwField;

/* An object that is described once and used in several places. */
struct _GwShape
{
  const char *name, *doc;
  const GwField *fields;        /* ended by one without a name */
  const CfgKey *(*keys) (void); /* (nullable): and these keys of the configuration, but for secrets */
};

/* What the gateway sends unasked: an event (params of the notification event besides seq, epoch, time, type
 * and room), or a notification with a method of its own. */
typedef struct
{
  const char *name, *doc;
  const GwField *fields;
  const char *example; /* those members as JSON */
} GwNews;

/** gw_api_events, gw_api_notifications: each ended by an entry without a name. */
extern const GwNews gw_api_events[];
extern const GwNews gw_api_notifications[];
/* The members of every event. */
extern const GwField gw_event_fields[];
/* The members of error.data. */
extern const GwField gw_error_fields[];

/* No members at all. */
extern const GwField gw_no_fields[];
/* What several methods answer: {room}, {participant}, {participants}, {call}. */
extern const GwField gw_room_answer[];
extern const GwField gw_participant_answer[];
extern const GwField gw_participants_answer[];

extern const GwShape gw_room_shape;
extern const GwShape gw_participant_shape;
extern const GwShape gw_track_shape;
extern const GwShape gw_call_shape;
extern const GwShape gw_timeline_shape;

/** gw_fields_schema: the JSON Schema of an object with @fields; shapes are {"$ref": "#/$defs/NAME"}.
 * (transfer full) */
json_t *gw_fields_schema (const GwField *fields) G_GNUC_WARN_UNUSED_RESULT;
/** gw_shape_schema: the JSON Schema of @shape itself. (transfer full) */
json_t *gw_shape_schema (const GwShape *shape) G_GNUC_WARN_UNUSED_RESULT;
/** gw_shapes_collect: puts the shapes that @fields need, and those need, into @shapes by name
 * (const char* -> const GwShape*). */
void gw_shapes_collect (const GwField *fields, GHashTable *shapes);
/** gw_event_schema: of the params of an event. (transfer full) */
json_t *gw_event_schema (const GwNews *event) G_GNUC_WARN_UNUSED_RESULT;

/**
 * gw_fields_check: whether @object is what @fields describe.
 * @where: (out) (nullable): the member that is not, as room.metadata
 */
gboolean gw_fields_check (const GwField *fields, json_t *object, char **where) G_GNUC_WARN_UNUSED_RESULT;
