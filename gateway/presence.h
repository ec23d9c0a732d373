/* What phones subscribe to: the roster of a room, the calls of a room or of a user, whether a user is busy.
 */
#pragma once

#include "gateway/gateway.h"
#include "signaling/sip/subscribe.h"

typedef struct _GwPresence GwPresence;

GwPresence *gw_presence_new (void);
void gw_presence_free (GwPresence *presence);
/** gw_presence_room_changed: something happened in @room: called for each event. */
void gw_presence_room_changed (Gateway *gateway, const char *room, const char *type);
/** gw_presence_extension_changed: a phone of @user has come, gone or become silent. */
void gw_presence_extension_changed (Gateway *gateway, const char *user);

/* SigSipOps */
int gw_presence_on_subscribe (gpointer gateway, const SigSipSubscribe *subscribe);
char *gw_presence_on_notification (gpointer gateway, SigSipSubscriptionId id, const SigSipNotification *asked,
                                   gboolean *more);
void gw_presence_on_unsubscribed (gpointer gateway, SigSipSubscriptionId id);
