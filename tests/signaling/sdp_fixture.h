/* What the SDP tests share: policies, local values, and reading the golden folder. */
#pragma once

#include <glib.h>

#include "signaling/core/sdp.h"

extern const SigSdpPolicy sdp_policy_webrtc;
extern const SigSdpPolicy sdp_policy_sip;

/** sdp_local_webrtc, sdp_local_sip: fixed values of our side. @sections: for every m-line. */
SigSdpLocal sdp_local_webrtc (const SigSdpLocalSection *sections, guint n);
SigSdpLocal sdp_local_sip (void);

/** sdp_golden_read: the file golden/NAME. (transfer full) */
char *sdp_golden_read (const char *name);

/** sdp_golden_check: compares @text (line ends as LF) with golden/NAME; writes it instead when
 * SWITCHROOM_UPDATE_GOLDEN is set. */
void sdp_golden_check (const char *name, const char *text);
