/* LiveKit's server API: POST /twirp/livekit.RoomService/METHOD and /twirp/livekit.SIP/METHOD, JSON or
 * protobuf.
 *
 * Every method is one of the JSON-RPC methods in other words: the tables here say which one, how its
 * parameters follow from the request and the answer from its result. */
#pragma once

#include <jansson.h>

#include "gateway/gateway.h"

typedef struct
{
  const char *name;
  const char *in, *out; /* messages of signaling/core/livekit.proto */
  const char *method;   /* of the JSON-RPC API */
  /* (transfer full): its parameters; NULL with @error */
  json_t *(*params) (Gateway *gateway, json_t *in, GError **error);
  /* (nullable): an empty answer. @result: (transfer none). (transfer full): NULL with @error */
  json_t *(*answer) (Gateway *gateway, json_t *in, json_t *result, GError **error);
  gboolean missing_is_empty; /* what is asked about is not there: an empty answer, no error */
  gboolean wants_admin;      /* roomAdmin of its room, which the JSON-RPC method can do without */
} GwTwirpMethod;

/* Ended by an entry without a name. */
extern const GwTwirpMethod gw_twirp_room_methods[];
extern const GwTwirpMethod gw_twirp_sip_methods[];

/** gw_twirp_http: FALSE: the path is none of these, nothing was done. */
gboolean gw_twirp_http (Gateway *gateway, const SigWebRequest *request, SigWebResponse *response);

/** gw_twirp_takes: FALSE with UNIMPLEMENTED: @in asks for something that @method does not do here. Fields for
 * such things that are empty are taken out. */
gboolean gw_twirp_takes (const GwTwirpMethod *method, json_t *in, GError **error);

/** gw_livekit_room: our room as LiveKit's Room. The same for a participant and its track. (transfer full) */
json_t *gw_livekit_room (const Gateway *gateway, json_t *room);
json_t *gw_livekit_participant (json_t *participant);

/** gw_twirp_same: (GwTwirpMethod.params) the request as it is. */
json_t *gw_twirp_same (Gateway *gateway, json_t *in, GError **error);
/** gw_twirp_nothing: (GwTwirpMethod.params) none. */
json_t *gw_twirp_nothing (Gateway *gateway, json_t *in, GError **error);
/** gw_twirp_copy: copies those of @names (NULL-terminated) that @from has. */
void gw_twirp_copy (json_t *from, json_t *to, const char *const *names);
