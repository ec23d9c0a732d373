/* participant.move: to another room of ours. A phone's leg is handed over, whatever worker the room is on. A
 * browser's stays on its worker: when the room lives elsewhere it is told to join there anew. */
#pragma once

#include "gateway/calls.h"

/**
 * gw_move_admit: before gw_move, where nobody's call depends on it. On the worker where it is now nothing
 * begins: that is always admitted.
 * @to: the name of a room, which need not be there yet
 * Returns: FALSE with @error: RESOURCE_EXHAUSTED.
 */
gboolean gw_move_admit (Gateway *gateway, const GwParticipant *participant, const char *to, GError **error);
/**
 * gw_move:
 * @participant: freed, except when the error is set
 * Returns: the participant in @room, or NULL without @error when a browser was asked to join anew. NULL with
 * @error: ALREADY_EXISTS, RESOURCE_EXHAUSTED, FAILED_PRECONDITION (it is only joining or leaving).
 */
GwParticipant *gw_move (Gateway *gateway, GwParticipant *participant, GwRoom *room, GError **error);
