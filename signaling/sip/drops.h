/* What is thrown away without an answer: counted by reason, and a line in the log now and then, so that
 * whoever is flooded hears of it and the log is not. */
#pragma once

#include "signaling/sip/internal.h"

/** sig_sip_drops_note: @host: of the sender, numeric. */
void sig_sip_drops_note (SigSip *sip, SigSipDrop why, const char *host);
