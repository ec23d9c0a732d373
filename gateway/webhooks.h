/* Webhooks as LiveKit sends them: rooms, participants and tracks, one POST each to every configured URL,
 * signed.
 *
 * Each URL has a thread that sends in order, and tries again with growing pauses when the receiver does not
 * answer or fails. Nobody waits for it: what does not fit into its queue is dropped, and the next event says
 * how many. */
#pragma once

#include "gateway/gateway.h"

#define GW_WEBHOOK_MAX_WAITING 1000 /* per URL */

typedef struct _GwWebhooks GwWebhooks;

/** gw_webhooks_new: none without URLs. @secret: (nullable): of the webhooks' key; copied. */
GwWebhooks *gw_webhooks_new (const CfgWebhookSettings *settings, const char *api_key, const char *secret);
/** gw_webhooks_retire: what waits is still sent, in the background; nothing new comes. (nullable) */
void gw_webhooks_retire (GwWebhooks *webhooks);
/** gw_webhooks_free: as it, but waits for it, some seconds at most: the process ends. (nullable) */
void gw_webhooks_free (GwWebhooks *webhooks);

/** gw_webhooks_reload: takes the settings of @gateway, when they changed. */
void gw_webhooks_reload (Gateway *gateway);

/** gw_webhooks_event: @type, @fields: as gw_events_emit has them; other events than LiveKit's are left out.
 */
void gw_webhooks_event (Gateway *gateway, const char *room, const char *type, json_t *fields);

void gw_webhooks_metrics (Gateway *gateway, GString *text);
