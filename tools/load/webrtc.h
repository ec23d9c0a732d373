/* WebRTC participants: session.join over the JSON API, then ICE, DTLS and SRTP of media/io. */
#pragma once

#include "tools/load/participant.h"

/** load_webrtc_take: @participant joins the room of its number. */
void load_webrtc_take (LoadParticipant *participant);
