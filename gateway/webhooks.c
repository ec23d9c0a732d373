#include "gateway/webhooks.h"

#include <curl/curl.h>
#include <string.h>

#include "config/base/ids.h"
#include "config/base/log.h"
#include "config/base/memory.h"
#include "config/base/thread.h"
#include "gateway/rooms.h"
#include "gateway/twirp.h"
#include "signaling/core/livekit.h"
#include "signaling/core/token.h"

#define N_TRIES    5 /* after 1, 2, 4 and 8 s */
#define TIMEOUT_MS 10000L
#define GOODBYE_US (3 * G_USEC_PER_SEC)
#define REST_US    (5 * G_USEC_PER_SEC)

/* In place of a body: no more will come. */
static char quit_mark[1];

/* One URL. Of its thread and its owner: the last of them frees it. */
typedef struct
{
  gatomicrefcount refs;
  char *url, *api_key, *secret;
  char *shown;         /* url without what may be secret in it */
  GAsyncQueue *bodies; /* char*, owned; quit_mark at the end */
  GThread *thread;
  GMutex lock;
  GCond changed;
  gboolean is_aborted, is_done; /* under lock */
  gint n_dropped;               /* since the last event that was queued; of the main thread */
  gint n_sent, n_failed;        /* atomic */
} Target;

struct _GwWebhooks
{
  GPtrArray *targets;
  char **urls; /* what it was made of */
  char *api_key, *secret;
};

static void
target_unref (Target *target)
{
  if (!g_atomic_ref_count_dec (&target->refs))
    return;
  g_async_queue_unref (target->bodies);
  g_mutex_clear (&target->lock);
  g_cond_clear (&target->changed);
  g_free (target->url);
  g_free (target->shown);
  g_free (target->api_key);
  g_free (target->secret);
  g_free (target);
}

/* ---- the thread of a URL ---- */

static gboolean
is_aborted (Target *target)
{
  gboolean aborted;

  g_mutex_lock (&target->lock);
  aborted = target->is_aborted;
  g_mutex_unlock (&target->lock);
  return aborted;
}

static int
on_progress (void *user, curl_off_t total_in, curl_off_t in, curl_off_t total_out, curl_off_t out)
{
  return is_aborted (user);
}

/* The answer is of no interest, and may be endless. */
static size_t
on_answer (char *data, size_t size, size_t n, void *user)
{
  return size * n;
}

/* Returns: the HTTP status, 0 when there was none; then @reason says why. */
static long
post (Target *target, CURL *curl, const char *body, char reason[CURL_ERROR_SIZE])
{
  g_autofree char *token
      = sig_webhook_sign (target->api_key, target->secret, body, strlen (body), cfg_wall_now ());
  g_autofree char *authorization = g_strconcat ("Authorization: ", token, NULL);
  struct curl_slist *headers = curl_slist_append (NULL, authorization);
  long status = 0;

  headers = curl_slist_append (headers, "Content-Type: application/webhook+json");
  curl_easy_reset (curl);
  reason[0] = '\0';
  curl_easy_setopt (curl, CURLOPT_URL, target->url);
  curl_easy_setopt (curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt (curl, CURLOPT_POSTFIELDS, body);
  curl_easy_setopt (curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt (curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
  curl_easy_setopt (curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt (curl, CURLOPT_USERAGENT, "Switchroom/" SWITCHROOM_VERSION);
  curl_easy_setopt (curl, CURLOPT_WRITEFUNCTION, on_answer);
  curl_easy_setopt (curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt (curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt (curl, CURLOPT_XFERINFODATA, target);
  curl_easy_setopt (curl, CURLOPT_ERRORBUFFER, reason);
  if (curl_easy_perform (curl) == CURLE_OK)
    curl_easy_getinfo (curl, CURLINFO_RESPONSE_CODE, &status);
  curl_slist_free_all (headers);
  return status;
}

/* Returns: FALSE when it was aborted meanwhile. */
static gboolean
pause_for (Target *target, gint64 seconds)
{
  const gint64 until = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
  gboolean go_on;

  g_mutex_lock (&target->lock);
  while (!target->is_aborted && g_cond_wait_until (&target->changed, &target->lock, until))
    ;
  go_on = !target->is_aborted;
  g_mutex_unlock (&target->lock);
  return go_on;
}

/* 4xx is the receiver's last word, but for those that ask to come later. */
static gboolean
is_worth_another_try (long status)
{
  return status < 200 || status >= 500 || status == 408 || status == 425 || status == 429;
}

static void
deliver (Target *target, CURL *curl, const char *body)
{
  char reason[CURL_ERROR_SIZE];
  long status = 0;

  for (int try = 0; try < N_TRIES; try++)
    {
      if (try > 0 && !pause_for (target, 1 << (try - 1)))
        break;
      status = post (target, curl, body, reason);
      if (status >= 200 && status < 300)
        {
          g_atomic_int_inc (&target->n_sent);
          return;
        }
      if (!is_worth_another_try (status) || is_aborted (target))
        break;
    }
  g_atomic_int_inc (&target->n_failed);
  cfg_warn ("webhook", NULL, "A webhook was not taken", CFG_STR ("url", target->shown),
            CFG_INT ("status", status), CFG_STR ("reason", status == 0 && reason[0] != '\0' ? reason : NULL));
}

/* After a rest the memory of bodies, which are the main thread's, goes back. (transfer full) */
static char *
next_body (Target *target)
{
  char *body = g_async_queue_timeout_pop (target->bodies, REST_US);

  if (body != NULL)
    return body;
  cfg_memory_empty_cache ();
  return g_async_queue_pop (target->bodies);
}

static gpointer
run_target (gpointer data)
{
  Target *target = data;
  CURL *curl = curl_easy_init ();
  char *body;

  g_assert (curl != NULL);
  cfg_thread_give_way ();
  while ((body = next_body (target)) != quit_mark)
    {
      if (!is_aborted (target))
        deliver (target, curl, body);
      g_free (body);
    }
  curl_easy_cleanup (curl);
  g_mutex_lock (&target->lock);
  target->is_done = TRUE;
  g_cond_broadcast (&target->changed);
  g_mutex_unlock (&target->lock);
  target_unref (target);
  return NULL;
}

/* ---- the main thread ---- */

/* A password or a token may stand in front of the host or in the query. (transfer full) */
static char *
without_secrets (const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_ENCODED, NULL);

  return uri != NULL
             ? g_uri_to_string_partial (uri, G_URI_HIDE_USERINFO | G_URI_HIDE_QUERY | G_URI_HIDE_FRAGMENT)
             : g_strdup ("(unreadable)");
}

static Target *
target_new (const char *url, const char *api_key, const char *secret)
{
  Target *target = g_new0 (Target, 1);

  g_atomic_ref_count_init (&target->refs);
  g_atomic_ref_count_inc (&target->refs);
  target->url = g_strdup (url);
  target->shown = without_secrets (url);
  target->api_key = g_strdup (api_key);
  target->secret = g_strdup (secret);
  target->bodies = g_async_queue_new ();
  g_mutex_init (&target->lock);
  g_cond_init (&target->changed);
  target->thread = g_thread_new ("webhook", run_target, target);
  return target;
}

GwWebhooks *
gw_webhooks_new (const CfgWebhookSettings *settings, const char *api_key, const char *secret)
{
  GwWebhooks *webhooks = g_new0 (GwWebhooks, 1);

  webhooks->targets = g_ptr_array_new ();
  webhooks->urls = g_strdupv (settings->urls);
  webhooks->api_key = g_strdup (api_key);
  webhooks->secret = g_strdup (secret);
  for (char **url = settings->urls; *url != NULL && secret != NULL; url++)
    g_ptr_array_add (webhooks->targets, target_new (*url, api_key, secret));
  return webhooks;
}

static void
free_members (GwWebhooks *webhooks)
{
  g_ptr_array_unref (webhooks->targets);
  g_strfreev (webhooks->urls);
  g_free (webhooks->api_key);
  g_free (webhooks->secret);
  g_free (webhooks);
}

void
gw_webhooks_retire (GwWebhooks *webhooks)
{
  if (webhooks == NULL)
    return;
  for (guint i = 0; i < webhooks->targets->len; i++)
    {
      Target *target = g_ptr_array_index (webhooks->targets, i);

      g_async_queue_push (target->bodies, quit_mark);
      g_thread_unref (target->thread);
      target_unref (target);
    }
  free_members (webhooks);
}

void
gw_webhooks_free (GwWebhooks *webhooks)
{
  const gint64 until = g_get_monotonic_time () + GOODBYE_US;

  if (webhooks == NULL)
    return;
  for (guint i = 0; i < webhooks->targets->len; i++)
    g_async_queue_push (((Target *)g_ptr_array_index (webhooks->targets, i))->bodies, quit_mark);
  for (guint i = 0; i < webhooks->targets->len; i++)
    {
      Target *target = g_ptr_array_index (webhooks->targets, i);

      g_mutex_lock (&target->lock);
      while (!target->is_done && g_cond_wait_until (&target->changed, &target->lock, until))
        ;
      target->is_aborted = TRUE;
      g_cond_broadcast (&target->changed);
      g_mutex_unlock (&target->lock);
      g_thread_join (target->thread);
      target_unref (target);
    }
  free_members (webhooks);
}

void
gw_webhooks_reload (Gateway *gateway)
{
  const CfgWebhookSettings *settings = &gateway->settings->webhook;
  const char *api_key = settings->api_key != NULL ? settings->api_key : gateway->settings->api_key;
  const char *secret = gateway_secret (gateway, api_key);
  GwWebhooks *old = gateway->webhooks;

  if (old != NULL && g_strv_equal ((const char *const *)old->urls, (const char *const *)settings->urls)
      && g_strcmp0 (old->api_key, api_key) == 0 && g_strcmp0 (old->secret, secret) == 0)
    return;
  gateway->webhooks = gw_webhooks_new (settings, api_key, secret);
  gw_webhooks_retire (old);
}

static const char *const livekit_events[] = { "room_started",
                                              "room_finished",
                                              "participant_joined",
                                              "participant_left",
                                              "track_published",
                                              "track_unpublished",
                                              NULL };

static json_t *
room_of (Gateway *gateway, const char *name, json_t *fields)
{
  json_t *told = json_object_get (fields, "room_info");
  GwRoom *room = gw_rooms_find (gateway, name);
  json_t *ours = told != NULL ? json_incref (told) : room != NULL ? gw_room_json (room) : NULL;
  json_t *theirs = ours != NULL ? gw_livekit_room (gateway, ours) : json_pack ("{s:s}", "name", name);

  json_decref (ours);
  return theirs;
}

/* Of a track's event there is only the identity. */
static json_t *
participant_of (Gateway *gateway, const char *room_name, json_t *fields)
{
  json_t *told = json_object_get (fields, "participant"), *ours, *theirs;
  const char *identity = json_string_value (json_object_get (fields, "participant_identity"));
  GwRoom *room = gw_rooms_find (gateway, room_name);
  GwParticipant *participant = room != NULL && identity != NULL ? gw_room_find (room, identity) : NULL;

  if (told == NULL && participant == NULL)
    return NULL;
  ours = told != NULL ? json_incref (told) : gw_participant_json (participant);
  theirs = gw_livekit_participant (ours);
  json_decref (ours);
  if (json_object_get (fields, "disconnect_reason") != NULL)
    {
      json_object_set (theirs, "disconnect_reason", json_object_get (fields, "disconnect_reason"));
      json_object_set_new (theirs, "state", json_string ("DISCONNECTED"));
    }
  return theirs;
}

static void
queue (Target *target, json_t *event)
{
  g_autoptr (GBytes) bytes = NULL;

  if (g_async_queue_length (target->bodies) >= GW_WEBHOOK_MAX_WAITING)
    {
      target->n_dropped++;
      return;
    }
  json_object_set_new (event, "num_dropped", json_integer (target->n_dropped));
  target->n_dropped = 0;
  bytes = sig_livekit_encode ("WebhookEvent", SIG_LIVEKIT_JSON_CAMEL, event);
  g_async_queue_push (target->bodies, g_strdup (g_bytes_get_data (bytes, NULL)));
}

void
gw_webhooks_event (Gateway *gateway, const char *room, const char *type, json_t *fields)
{
  g_autofree char *id = NULL;
  json_t *event;

  if (gateway->webhooks == NULL || gateway->webhooks->targets->len == 0
      || !g_strv_contains (livekit_events, type))
    return;
  id = cfg_id_new ("EV_");
  event = json_pack ("{s:s, s:s, s:I, s:o, s:o*, s:O*}", "event", type, "id", id, "created_at",
                     (json_int_t)(cfg_wall_now ().us / CFG_US_PER_S), "room", room_of (gateway, room, fields),
                     "participant", participant_of (gateway, room, fields), "track",
                     json_object_get (fields, "track"));
  for (guint i = 0; i < gateway->webhooks->targets->len; i++)
    queue (g_ptr_array_index (gateway->webhooks->targets, i), event);
  json_decref (event);
}

void
gw_webhooks_metrics (Gateway *gateway, GString *text)
{
  gint sent = 0, failed = 0, waiting = 0;

  for (guint i = 0; gateway->webhooks != NULL && i < gateway->webhooks->targets->len; i++)
    {
      Target *target = g_ptr_array_index (gateway->webhooks->targets, i);

      sent += g_atomic_int_get (&target->n_sent);
      failed += g_atomic_int_get (&target->n_failed);
      waiting += MAX (g_async_queue_length (target->bodies), 0);
    }
  g_string_append_printf (text,
                          "# HELP switchroom_webhooks_total Webhooks by what became of them.\n"
                          "# TYPE switchroom_webhooks_total counter\n"
                          "switchroom_webhooks_total{result=\"taken\"} %d\n"
                          "switchroom_webhooks_total{result=\"failed\"} %d\n"
                          "# HELP switchroom_webhooks_waiting Webhooks that are not sent yet.\n"
                          "# TYPE switchroom_webhooks_waiting gauge\n"
                          "switchroom_webhooks_waiting %d\n",
                          sent, failed, waiting);
}
