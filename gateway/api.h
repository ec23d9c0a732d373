/* The JSON API: connections, requests, and the table of methods. What the methods do is in api_*.c. */
#pragma once

#include "config/settings_fields.h"
#include "gateway/api_shape.h"
#include "gateway/gateway.h"

#define GW_API_MAX_WAITING 1000 /* requests of one connection that are not answered yet */

typedef struct _GwSent GwSent;

/* One WebSocket. */
struct _GwConn
{
  SigWebConnId id;
  SigToken *token;              /* what it may do */
  char *secret_sum;             /* of the secret that signed it: SHA-256 in hex */
  GwSession *session;           /* not owned; one at most */
  gboolean is_closing, was_cut; /* was_cut: the token has expired, and what it allowed was ended */
  guint n_watches;              /* rooms asked for with room.watch */
  guint n_waiting;              /* requests that are not answered yet */
  GwSent *sent;                 /* (nullable): reach.h: its participant was sent to another room */
};

typedef struct _GwRequest GwRequest;

typedef enum
{
  GW_PARAM_STRING, /* one line: no control characters */
  GW_PARAM_TEXT,   /* any characters but NUL */
  GW_PARAM_INT,
  GW_PARAM_REAL, /* a number; min and max are whole ones */
  GW_PARAM_BOOL,
  GW_PARAM_OBJECT, /* of GwParam.members; without those: strings by name */
  GW_PARAM_LIST,   /* of strings */
} GwParamType;

typedef struct _GwParam GwParam;

struct _GwParam
{
  const char *name;
  const char *aliases[2]; /* (nullable) each: accepted for name */
  GwParamType type;
  gboolean required;
  const char *doc;
  gint64 min, max;        /* INT: range; STRING and TEXT: longest in bytes (max), 0: GW_NAME_MAX_BYTES */
  const char *otherwise;  /* (nullable): the default, for the manual: "30", "false", "the trunk's" */
  const char *words;      /* (nullable): STRING: one of these, between spaces */
  const GwParam *members; /* (nullable): OBJECT: what it may have, ended by one without a name */
};

/* Which grant a method needs. A token with a room is good for that room only. */
typedef enum
{
  GW_GRANT_ANY,       /* any valid token */
  GW_GRANT_ROOM_JOIN, /* roomJoin, or roomAdmin */
  GW_GRANT_ROOM_ADMIN,
  GW_GRANT_ROOM_CREATE,
  GW_GRANT_ROOM_LIST,
  GW_GRANT_SIP_CALL,     /* sip.call or sip.admin */
  GW_GRANT_SIP_TRANSFER, /* that and roomAdmin */
  GW_GRANT_SIP_READ,     /* sip.call, sip.admin or roomAdmin */
  GW_GRANT_SIP_ADMIN,    /* of what belongs to no room: not with a token for one room */
} GwGrant;

/**
 * GwApiFunc:
 * @params: checked against the method's table, aliases already renamed
 *
 * Returns: (transfer full): the result; NULL with @error; or NULL without one when the answer comes later:
 * then the function keeps gw_request_ref (@request).
 */
typedef json_t *(*GwApiFunc) (Gateway *gateway, GwRequest *request, json_t *params, GError **error);

typedef struct
{
  const char *name;
  GwGrant grant;
  const char *room_param; /* (nullable): the parameter that names the room which the grant is about */
  GwApiFunc run;
  const GwParam *params; /* ended by one without a name; (nullable) */
  const char *doc;
  const CfgKey *(*keys) (void); /* (nullable): it takes these keys of the configuration too, but for id */
  const GwField *result;        /* the members of its result; gw_no_fields: {} */
  const char *errors; /* (nullable): error.data.code words besides GW_COMMON_ERRORS, between spaces */
  const char *example, *answer; /* (nullable): params and result as JSON, for the manual */
  const char *more;             /* (nullable): Markdown for the manual */
} GwMethod;

/* What every method may answer. */
#define GW_COMMON_ERRORS "invalid_argument permission_denied unauthenticated internal"
/* What a call that failed is answered with, by the SIP status (core/sip_status.h). */
#define GW_SIP_ERRORS                                                                                        \
  "not_found deadline_exceeded resource_exhausted aborted failed_precondition out_of_range "                 \
  "unavailable unimplemented unknown"

/* The tables of api_*.c, each ended by an entry without a name. */
extern const GwMethod gw_auth_methods[];
extern const GwMethod gw_server_methods[];
extern const GwMethod gw_room_methods[];
extern const GwMethod gw_participant_methods[];
extern const GwMethod gw_play_methods[];
extern const GwMethod gw_record_methods[];
extern const GwMethod gw_call_methods[];
extern const GwMethod gw_entry_methods[];
extern const GwMethod gw_session_methods[];
extern const GwMethod gw_transfer_methods[];

/** gw_api_method: the @index-th method of all tables, NULL behind the last. */
const GwMethod *gw_api_method (guint index);

/** gw_api_schema: what server.methods answers. (transfer full) */
json_t *gw_api_schema (void);

/** gw_api_conn_open: (SigWebOps.ws_open) */
int gw_api_conn_open (gpointer gateway, SigWebConnId conn, const SigWebRequest *request, const char **reason);
/** gw_api_message: (SigWebOps.ws_message) */
void gw_api_message (gpointer gateway, SigWebConnId conn, const char *text, gsize size);
/** gw_api_conn_closed: (SigWebOps.ws_closed) */
void gw_api_conn_closed (gpointer gateway, SigWebConnId conn);
/** gw_api_auth_tick: closes the connections whose tokens have expired; one with a session when that is over.
 */
void gw_api_auth_tick (Gateway *gateway);
/** gw_api_auth_reload: the keys may be others: closes the connections whose key is gone or has another
 * secret. */
void gw_api_auth_reload (Gateway *gateway);
/** gw_api_auth_sum: of the secret that signed @token now. (transfer full) (nullable) */
char *gw_api_auth_sum (Gateway *gateway, const SigToken *token);
/** gw_conn_free: for Gateway.conns. */
void gw_conn_free (gpointer conn);

/** gw_api_notify: sends a notification to one connection. @params: (transfer full). */
void gw_api_notify (Gateway *gateway, SigWebConnId conn, const char *method, json_t *params);

GwRequest *gw_request_ref (GwRequest *request);
void gw_request_unref (GwRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GwRequest, gw_request_unref)

/**
 * GwApiDone:
 * @result: (transfer full): NULL with @error
 * @data: (transfer none) (nullable): members for the error's data (field, sip_status_code)
 */
typedef void (*GwApiDone) (gpointer user, json_t *result, const GError *error, json_t *data);

/**
 * gw_api_run: a request that comes another way than by a WebSocket: no session.*, no room.watch.
 * @token: (transfer full)
 * @method: one of those tables
 * @params: (transfer full)
 * @done: once, perhaps before this returns
 */
void gw_api_run (Gateway *gateway, SigToken *token, const char *method, json_t *params, GwApiDone done,
                 gpointer user);

/** gw_api_may: whether @token has the grant that @method needs, in whatever room. */
gboolean gw_api_may (const SigToken *token, const char *method, GError **error);

/** gw_request_conn: the connection it came from, NULL when that is gone, or for gw_api_run. */
GwConn *gw_request_conn (const GwRequest *request);
/** gw_request_own_room: @room as the room to ask gw_token_allows for; NULL where the request's own
 * participant is, or was sent by participant.move: whoever is there may join, watch and speak whatever room
 * the token names. */
const char *gw_request_own_room (GwRequest *request, const char *room);
/** gw_request_token: while the method runs; later its connection may be gone. */
const SigToken *gw_request_token (const GwRequest *request);
/** gw_request_set_error_data: members for error.data (field, sip_status_code). @value: (transfer full). */
void gw_request_set_error_data (GwRequest *request, const char *key, json_t *value);
/** gw_request_reply: answers a request that was kept. @result: (transfer full). Only once. */
void gw_request_reply (GwRequest *request, json_t *result);
/** gw_request_reply_when_written: the same, when every record of a call that was put before is on the disk.
 * On a full one too: it ends no call, and the store has said in the log what it did not write. */
void gw_request_reply_when_written (Gateway *gateway, GwRequest *request, json_t *result);
/** gw_request_reply_text: as gw_request_reply, with the result as JSON text. @result: (transfer full) */
void gw_request_reply_text (GwRequest *request, char *result);
void gw_request_fail (GwRequest *request, const GError *error);
/** gw_request_watch_answer: @watch hears the answer too, before it is sent. One per request. */
void gw_request_watch_answer (GwRequest *request, GwApiDone watch, gpointer user);
/** gw_request_watcher: (nullable): the user of @watch when it is that which hears the answer. */
gpointer gw_request_watcher (const GwRequest *request, GwApiDone watch);

/** gw_grant_words: as "video.roomJoin". */
const char *gw_grant_words (GwGrant grant);
/** gw_token_allows: @room: (nullable): the room in question. */
gboolean gw_token_allows (const SigToken *token, GwGrant grant, const char *room, GError **error);

/** gw_param_string: (nullable): NULL when absent. The same for the others, with their defaults. */
const char *gw_param_string (json_t *params, const char *name);
gint64 gw_param_int (json_t *params, const char *name, gint64 otherwise);
double gw_param_real (json_t *params, const char *name, double otherwise);
gboolean gw_param_bool (json_t *params, const char *name, gboolean otherwise);
/** gw_param_list: NULL when absent or empty. (transfer full) */
char **gw_param_list (json_t *params, const char *name) G_GNUC_WARN_UNUSED_RESULT;

/** gw_api_participant: whom room_name and participant_identity of @params mean. NULL with NOT_FOUND. */
GwParticipant *gw_api_participant (Gateway *gateway, json_t *params, GError **error);

/** gw_codecs_check: refuses names of codecs that there are not. @codecs: (nullable). */
gboolean gw_codecs_check (char **codecs, GError **error);
