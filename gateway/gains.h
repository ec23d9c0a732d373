/* How loud participants are, for everybody and for single listeners. It is kept with the participants, as the
 * leg that carries them may be another one later: a replaced call, or a browser that has none yet. Main
 * thread. */
#pragma once

#include "gateway/gateway.h"

/**
 * gw_gains_set:
 * @listener: (nullable): for whom, in the same room; NULL: everybody without one of their own
 *
 * Returns: FALSE with RESOURCE_EXHAUSTED when so many listeners have one that no more can.
 */
gboolean gw_gains_set (Gateway *gateway, GwParticipant *participant, const GwParticipant *listener,
                       double gain_db, GError **error);
/** gw_gains_follow: @participant has another leg than before: as it was loud and heard the others, so it is
 * and does. */
void gw_gains_follow (Gateway *gateway, const GwParticipant *participant);
/**
 * gw_gains_left_behind:
 *
 * @participant is about to leave its room with its leg. Those for single listeners end, but not before the
 * leg has left: meanwhile somebody would hear what is not for him. A leg that is freed takes them along.
 *
 * Returns: (transfer full): for gw_gains_forget.
 */
GArray *gw_gains_left_behind (const GwParticipant *participant) G_GNUC_WARN_UNUSED_RESULT;
/** gw_gains_forget: @pairs: (transfer full). The leg has left. */
void gw_gains_forget (Gateway *gateway, GArray *pairs);
