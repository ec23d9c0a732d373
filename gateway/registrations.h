/* Where the phones of extensions are, over a restart: what the registrar holds (gateway/core/registrar.h)
 * goes to the database a moment later, and is read again at the start. A REGISTER is not kept waiting for it:
 * who is killed within that second has the phone register again, as after any other loss (decision 24). */
#pragma once

#include "gateway/gateway.h"

typedef struct _GwRegistrations GwRegistrations;

/** gw_registrations_new: puts what @gateway's store has loaded into its registrar; what is over, or of
 * extensions that are not configured any more, is forgotten. Settings, store and extensions are there. */
GwRegistrations *gw_registrations_new (Gateway *gateway);
/** gw_registrations_free: (nullable) after the store, which tells what became of the last ones. */
void gw_registrations_free (GwRegistrations *registrations);

/** gw_registrations_changed: of extension @user; it is written with the next tick. */
void gw_registrations_changed (Gateway *gateway, const char *user);
/** gw_registrations_tick: once a second: hands some of what has changed to the store. */
void gw_registrations_tick (Gateway *gateway);
/** gw_registrations_flush: hands over all of it: the store is about to close. */
void gw_registrations_flush (Gateway *gateway);
