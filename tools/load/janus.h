/* A Janus to compare with: its AudioBridge, with plain RTP participants, driven over its WebSocket API (one
 * session, a handle for each participant). The rooms are made first. */
#pragma once

#include "tools/load/participant.h"

typedef struct _LoadJanus LoadJanus;

/** load_janus_new: connects; participants that join before it is ready wait. Returns: (transfer full): NULL
 * with @error. */
LoadJanus *load_janus_new (Load *load, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** load_janus_free: after its participants. */
void load_janus_free (LoadJanus *janus);
void load_janus_take (LoadJanus *janus, LoadParticipant *participant);
