#include "gateway/presence.h"

#include <string.h>

#include "config/base/log.h"
#include "gateway/call_private.h"
#include "gateway/core/dispatch.h"
#include "gateway/events.h"
#include "gateway/extensions.h"
#include "gateway/rooms.h"
#include "signaling/core/conference_document.h"
#include "signaling/core/presence_document.h"

typedef struct
{
  SigSipSubscriptionId id;
  SigEventPackage package;
  char *entity, *user, *room;
  gboolean is_extension; /* it is about user, an extension; room is "" then, but in demo mode */
  SigConferenceTold *told;
} Watch;

struct _GwPresence
{
  GHashTable *watches; /* SigSipSubscriptionId -> Watch, owned */
};

static void
watch_free (gpointer data)
{
  Watch *watch = data;

  sig_conference_told_free (watch->told);
  g_free (watch->entity);
  g_free (watch->user);
  g_free (watch->room);
  g_free (watch);
}

GwPresence *
gw_presence_new (void)
{
  GwPresence *presence = g_new0 (GwPresence, 1);

  presence->watches = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, watch_free);
  return presence;
}

void
gw_presence_free (GwPresence *presence)
{
  g_hash_table_unref (presence->watches);
  g_free (presence);
}

/* Who may call there may look, too: the same dispatch as for a call. */
static int
find_room (Gateway *gateway, const SigSipSubscribe *subscribe, char **name)
{
  const GwDispatchFacts facts
      = { .called = gw_dispatch_called (gateway->settings, subscribe->registration, subscribe->request_user),
          .registration = subscribe->registration,
          .caller = subscribe->from_user,
          .source_address = subscribe->source_address,
          .username = subscribe->username };

  return gw_dispatch_room (gateway->settings, &facts, name);
}

/* Of an extension other extensions may know what it does, in demo mode everybody. */
static gboolean
is_about_extension (Gateway *gateway, const SigSipSubscribe *subscribe)
{
  if (subscribe->package == SIG_EVENT_CONFERENCE || !gw_extension_exists (gateway, subscribe->request_user))
    return FALSE;
  return gateway->settings->demo
         || gw_extension_caller (gateway, subscribe->username, subscribe->from_user) != NULL;
}

int
gw_presence_on_subscribe (gpointer data, const SigSipSubscribe *subscribe)
{
  Gateway *gateway = data;
  gboolean is_extension = is_about_extension (gateway, subscribe);
  /* in demo mode it is a room, too */
  g_autofree char *room
      = is_extension ? g_strdup (gateway->settings->demo ? subscribe->request_user : "") : NULL;
  int status = is_extension ? 200 : find_room (gateway, subscribe, &room);
  Watch *watch;

  if (status == 200 && !is_extension && gw_rooms_find (gateway, room) == NULL
      && (subscribe->package == SIG_EVENT_CONFERENCE || !gateway->settings->demo))
    status = 404;
  cfg_info ("sip", &(CfgLogContext){ .room = room }, "Subscription",
            CFG_STR ("event", sig_event_package_name (subscribe->package)), CFG_INT ("status", status),
            CFG_STR ("fromIP", subscribe->source_address));
  if (status != 200)
    return status;
  watch = g_new0 (Watch, 1);
  watch->id = subscribe->id;
  watch->package = subscribe->package;
  watch->entity = g_strdup (subscribe->entity);
  watch->user = g_strdup (subscribe->request_user);
  watch->room = g_steal_pointer (&room);
  watch->is_extension = is_extension;
  watch->told = sig_conference_told_new ();
  g_hash_table_insert (gateway->presence->watches, &watch->id, watch);
  return 200;
}

void
gw_presence_on_unsubscribed (gpointer data, SigSipSubscriptionId id)
{
  g_hash_table_remove (((Gateway *)data)->presence->watches, &id);
}

static char *
write_conference (Gateway *gateway, Watch *watch, const SigSipNotification *asked, gboolean *more)
{
  const GwRoom *room = gw_rooms_find (gateway, watch->room);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  guint n = room != NULL ? room->participants->len : 0;
  g_autofree SigConferenceUser *users = g_new0 (SigConferenceUser, MAX (n, 1));
  const char *at = strchr (watch->entity, '@');
  SigConference conference = { .entity = watch->entity, .name = watch->room, .users = users, .n_users = n };

  for (guint i = 0; i < n; i++)
    {
      const GwParticipant *one = g_ptr_array_index (room->participants, i);
      const GwCall *call = one->call;
      g_autofree char *user = g_uri_escape_string (one->identity, "+", FALSE);
      char *entity = g_strdup_printf ("sip:%s%s", user, at != NULL ? at : ""),
           *joined = gw_time_text (one->joined_at);

      g_ptr_array_add (texts, entity);
      g_ptr_array_add (texts, joined);
      users[i] = (SigConferenceUser){
        .entity = entity,
        .display = one->name,
        .endpoint = entity,
        .was_called = call != NULL && !call->v.inbound,
        .is_connected = one->state == GW_PARTICIPANT_ACTIVE || call == NULL,
        .joined_at = joined,
        .media_label = one->track.sid,
        .media_status = one->track.muted ? "recvonly" : "sendrecv",
      };
    }
  return sig_conference_write (&conference, watch->told, asked->version, asked->full, asked->max_bytes, more);
}

static gboolean
concerns (const Watch *watch, const GwCall *call)
{
  if (watch->is_extension && gw_call_is_live (call->v.state) && g_strcmp0 (call->extension, watch->user) == 0)
    return TRUE;
  if (watch->is_extension && watch->room[0] == '\0')
    return FALSE;
  return gw_call_is_live (call->v.state)
         && (g_strcmp0 (call->v.room_name, watch->room) == 0
             || g_strcmp0 (call->v.inbound ? call->v.from : call->v.to, watch->user) == 0);
}

static gboolean
initiates (const Watch *watch, const GwCall *call)
{
  return call->v.inbound == (g_strcmp0 (call->v.from, watch->user) == 0);
}

static char *
write_calls (Gateway *gateway, const Watch *watch, guint version)
{
  g_autoptr (GArray) dialogs = g_array_new (FALSE, FALSE, sizeof (SigDialogInfo));
  gboolean is_busy = FALSE;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, gateway->calls);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const GwCall *call = value;
      const SigDialogInfo dialog = {
        .id = call->v.id,
        .is_initiator = watch->is_extension ? call->v.inbound : initiates (watch, call),
        .state = call->v.was_answered ? SIG_DIALOG_CONFIRMED : SIG_DIALOG_EARLY,
      };

      if (!concerns (watch, call))
        continue;
      is_busy |= g_strcmp0 (call->v.inbound ? call->v.from : call->v.to, watch->user) == 0
                 || g_strcmp0 (call->extension, watch->user) == 0;
      g_array_append_val (dialogs, dialog);
    }
  if (watch->package == SIG_EVENT_DIALOG)
    return sig_dialog_info_write (watch->entity, version, (const SigDialogInfo *)dialogs->data, dialogs->len);
  return sig_presence_write (
      &(SigPresence){ .entity = watch->entity,
                      .is_available = is_busy || gw_extension_is_available (gateway, watch->user)
                                      || gw_rooms_find (gateway, watch->room) != NULL,
                      .is_busy = is_busy });
}

char *
gw_presence_on_notification (gpointer data, SigSipSubscriptionId id, const SigSipNotification *asked,
                             gboolean *more)
{
  Gateway *gateway = data;
  Watch *watch = g_hash_table_lookup (gateway->presence->watches, &id);

  if (watch == NULL)
    return NULL;
  return watch->package == SIG_EVENT_CONFERENCE ? write_conference (gateway, watch, asked, more)
                                                : write_calls (gateway, watch, asked->version);
}

void
gw_presence_room_changed (Gateway *gateway, const char *room, const char *type)
{
  gboolean is_over = strcmp (type, "room_finished") == 0;
  gboolean is_status = strcmp (type, "call_status") == 0;
  GHashTableIter iter;
  gpointer value;

  if (gateway->sip == NULL || gateway->stopping || strcmp (type, "dtmf_received") == 0
      || strcmp (type, "message_received") == 0)
    return;
  g_hash_table_iter_init (&iter, gateway->presence->watches);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Watch *watch = value;

      if (strcmp (watch->room, room) != 0 && (!is_status || watch->package == SIG_EVENT_CONFERENCE))
        continue;
      if (!is_over || watch->package != SIG_EVENT_CONFERENCE)
        {
          sig_sip_subscription_changed (gateway->sip, watch->id);
          continue;
        }
      sig_sip_subscription_end (gateway->sip, watch->id, "noresource");
      g_hash_table_iter_remove (&iter);
    }
}

void
gw_presence_extension_changed (Gateway *gateway, const char *user)
{
  GHashTableIter iter;
  gpointer value;

  if (gateway->sip == NULL || gateway->stopping)
    return;
  g_hash_table_iter_init (&iter, gateway->presence->watches);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Watch *watch = value;

      if (watch->package == SIG_EVENT_PRESENCE && strcmp (watch->user, user) == 0)
        sig_sip_subscription_changed (gateway->sip, watch->id);
    }
}
