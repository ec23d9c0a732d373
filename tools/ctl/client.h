/* A connection to the gateway's JSON API: one request at a time, and the notifications between. Everything
 * blocks; one thread. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "tools/ctl/access.h"

typedef struct _CtlClient CtlClient;

typedef struct
{
  const CtlUrl *url;
  const char *token;
  const char *ca_file; /* (nullable) */
  gboolean insecure;   /* any certificate is good */
  guint connect_s;     /* give up the connecting after so long */
  guint answer_s;      /* the same for each answer; 0: never */
} CtlTarget;

/**
 * ctl_client_connect:
 * Returns: (transfer full) (nullable): NULL with CTL_ERROR_UNREACHABLE, or CTL_ERROR_DENIED where the gateway
 * does not take the token.
 */
CtlClient *ctl_client_connect (const CtlTarget *target, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ctl_client_free (CtlClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlClient, ctl_client_free)

/**
 * ctl_client_call:
 * @params: (transfer full)
 *
 * Returns: (transfer full) (nullable): the result; NULL with CTL_ERROR_REFUSED or CTL_ERROR_DENIED, then
 * ctl_client_refusal has the answer; or with CTL_ERROR_UNREACHABLE.
 */
json_t *ctl_client_call (CtlClient *client, const char *method, json_t *params,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** ctl_client_refusal: (nullable): the error object of the last answer that was one; the client's. */
const json_t *ctl_client_refusal (const CtlClient *client);

/** ctl_client_next: waits for the next notification. (transfer full) (nullable): NULL with
 * CTL_ERROR_UNREACHABLE when the connection is lost. */
json_t *ctl_client_next (CtlClient *client, GError **error) G_GNUC_WARN_UNUSED_RESULT;
