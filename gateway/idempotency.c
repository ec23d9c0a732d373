#include "gateway/idempotency.h"

#include "config/base/clock.h"
#include "config/base/error.h"
#include "gateway/core/once.h"

#define MAX_ENTRIES 10000
#define LIFETIME_US (24 * 3600 * (gint64)CFG_US_PER_S)
#define MAX_WAITERS 16 /* of one request that is being worked on */

struct _GwIdempotency
{
  GwOnce *once;
};

/* Of one key: who waits for the answer, then the answer. */
typedef struct
{
  GPtrArray *waiters; /* GwRequest* */
  gboolean is_done;
  json_t *result, *data; /* (nullable) */
  GError *error;         /* (nullable) */
} Outcome;

static void
outcome_free (gpointer data)
{
  Outcome *outcome = data;

  g_assert (outcome->waiters->len == 0);
  g_ptr_array_unref (outcome->waiters);
  json_decref (outcome->result);
  json_decref (outcome->data);
  g_clear_error (&outcome->error);
  g_free (outcome);
}

GwIdempotency *
gw_idempotency_new (void)
{
  GwIdempotency *idempotency = g_new0 (GwIdempotency, 1);

  idempotency->once = gw_once_new (MAX_ENTRIES, LIFETIME_US, outcome_free);
  return idempotency;
}

void
gw_idempotency_free (GwIdempotency *idempotency)
{
  if (idempotency == NULL)
    return;
  gw_once_free (idempotency->once);
  g_free (idempotency);
}

static void
answer (GwRequest *request, const Outcome *outcome)
{
  const char *name;
  json_t *value;

  json_object_foreach (outcome->data, name, value)
  {
    gw_request_set_error_data (request, name, json_incref (value));
  }
  if (outcome->error != NULL)
    gw_request_fail (request, outcome->error);
  else
    gw_request_reply (request, json_incref (outcome->result));
}

typedef struct
{
  GwIdempotency *idempotency;
  guint64 id;
} Watch;

static void
on_answered (gpointer user, json_t *result, const GError *error, json_t *data)
{
  g_autofree Watch *watch = user;
  Outcome *outcome = gw_once_value (watch->idempotency->once, watch->id);
  g_autoptr (GPtrArray) waiters = NULL;

  if (outcome == NULL) /* gw_idempotency_failed */
    {
      json_decref (result);
      return;
    }
  outcome->is_done = TRUE;
  outcome->result = result;
  outcome->error = error != NULL ? g_error_copy (error) : NULL;
  outcome->data = json_incref (data);
  waiters = g_steal_pointer (&outcome->waiters);
  outcome->waiters = g_ptr_array_new ();
  for (guint i = 0; i < waiters->len; i++)
    {
      g_autoptr (GwRequest) waiter = g_ptr_array_index (waiters, i);

      answer (waiter, outcome);
    }
  gw_once_finish (watch->idempotency->once, watch->id, cfg_monotonic_now ());
}

/* Of everything that was asked for but the key, whatever the order. */
static char *
digest_of (json_t *params)
{
  char *text = json_dumps (params, JSON_COMPACT | JSON_SORT_KEYS);
  char *digest;

  g_assert (text != NULL);
  digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
  free (text);
  return digest;
}

static gboolean
wait_with (Outcome *outcome, GwRequest *request, GError **error)
{
  if (outcome->is_done)
    {
      answer (request, outcome);
      return TRUE;
    }
  if (outcome->waiters->len < MAX_WAITERS)
    {
      g_ptr_array_add (outcome->waiters, gw_request_ref (request));
      return TRUE;
    }
  g_set_error (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED,
               "idempotency_key: %d requests wait for the answer to the first one already", MAX_WAITERS);
  return FALSE;
}

gboolean
gw_idempotency_begin (Gateway *gateway, GwRequest *request, json_t *params, GError **error)
{
  GwIdempotency *idempotency = gateway->idempotency;
  const SigToken *token = gw_request_token (request);
  g_autofree char *key = g_strdup (gw_param_string (params, "idempotency_key"));
  g_autofree char *scope = NULL, *digest = NULL;
  Outcome *outcome;
  Watch *watch;
  guint64 id;

  if (key == NULL)
    return TRUE;
  if (key[0] == '\0')
    {
      gw_request_set_error_data (request, "field", json_string ("idempotency_key"));
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                           "idempotency_key: must not be empty");
      return FALSE;
    }
  digest = digest_of (params);
  scope = g_strdup_printf ("%s\n%s", token->api_key, token->room != NULL ? token->room : "");
  outcome = g_new0 (Outcome, 1);
  outcome->waiters = g_ptr_array_new ();
  switch (gw_once_claim (idempotency->once, scope, key, digest, outcome, cfg_monotonic_now (), &id))
    {
    case GW_ONCE_NEW:
      watch = g_new0 (Watch, 1);
      watch->idempotency = idempotency;
      watch->id = id;
      gw_request_watch_answer (request, on_answered, watch);
      return TRUE;
    case GW_ONCE_KNOWN:
      (void)!wait_with (gw_once_value (idempotency->once, id), request, error);
      return FALSE;
    case GW_ONCE_OTHER:
      gw_request_set_error_data (request, "field", json_string ("idempotency_key"));
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_ALREADY_EXISTS,
                           "idempotency_key: it was used for a request with other parameters");
      return FALSE;
    case GW_ONCE_FULL:
    default:
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED,
                           "idempotency_key: too many requests with keys are being worked on");
      return FALSE;
    }
}

void
gw_idempotency_failed (Gateway *gateway, GwRequest *request)
{
  const Watch *watch = gw_request_watcher (request, on_answered);

  if (watch != NULL)
    gw_once_forget (gateway->idempotency->once, watch->id);
}
