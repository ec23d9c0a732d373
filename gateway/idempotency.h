/* Idempotency keys: a request that is sent again with its key is not done again. In memory: the calls that
 * the answers speak of do not outlive the process either. */
#pragma once

#include "gateway/api.h"

typedef struct _GwIdempotency GwIdempotency;

GwIdempotency *gw_idempotency_new (void);
/** gw_idempotency_free: when no request is being worked on any more. */
void gw_idempotency_free (GwIdempotency *idempotency);

/**
 * gw_idempotency_begin: once per request, when all else of it was checked.
 * @params: with idempotency_key, or without
 *
 * Keys count per API key of the token, and for tokens for one room per room.
 *
 * Returns: TRUE: go on, and gw_idempotency_failed when nothing came of it. FALSE: @request was answered, or
 * will be together with the first one; or @error is set: ALREADY_EXISTS (other parameters under this key),
 * RESOURCE_EXHAUSTED.
 */
gboolean gw_idempotency_begin (Gateway *gateway, GwRequest *request, json_t *params, GError **error);
/** gw_idempotency_failed: @request is refused before anything was done: its key is free again. */
void gw_idempotency_failed (Gateway *gateway, GwRequest *request);
