/* Calls that we make: participant.create. */
#include "gateway/call_private.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/ids.h"
#include "config/base/log.h"
#include "gateway/capture.h"
#include "gateway/core/caller_id.h"
#include "gateway/core/headers.h"
#include "gateway/core/sip_status.h"
#include "gateway/extensions.h"
#include "gateway/plays.h"
#include "gateway/rooms.h"
#include "gateway/tls.h"
#include "gateway/trunks.h"
#include "signaling/sip/register.h"

/* Where and how: from a configured trunk or the request's own. */
typedef struct
{
  char *hostname; /* host or host:port; NULL: call_to is a whole URI */
  const char *transport;
  const char *auth_username, *auth_password, *number, *from_host;
  char *trunk_id;                /* (nullable) */
  const CfgTrunkSettings *trunk; /* (nullable): the configured one */
  gboolean is_private;
  char *extension;    /* (nullable): an extension of ours instead */
  GwExtensionWay way; /* to its phones */
} Route;

static void
route_clear (Route *route)
{
  g_free (route->hostname);
  g_free (route->trunk_id);
  g_free (route->extension);
  gw_extension_way_clear (&route->way);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Route, route_clear)

static gboolean
route_by_trunk (Gateway *gateway, const GwDialParams *params, Route *route, GError **error)
{
  const CfgTrunkSettings *trunk = gw_trunks_find (gateway, params->trunk_id);

  if (trunk == NULL)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "no trunk is named \"%s\"", params->trunk_id);
      return FALSE;
    }
  if (!(trunk->direction & CFG_TRUNK_OUTBOUND))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
                   "trunk \"%s\" takes calls only: it has no outbound_address", trunk->name);
      return FALSE;
    }
  route->hostname = g_strdup (trunk->outbound_address);
  route->transport = trunk->transport == CFG_SIP_TLS   ? "tls"
                     : trunk->transport == CFG_SIP_TCP ? "tcp"
                     : trunk->transport == CFG_SIP_UDP ? "udp"
                                                       : NULL;
  route->trunk = trunk;
  if (params->from_number == NULL)
    route->number = gw_trunks_next_number (gateway, trunk);
  if (route->number == NULL && trunk->register_)
    route->number = cfg_trunk_account (trunk);
  route->trunk_id = g_strdup (trunk->id);
  route->is_private = trunk->hides_caller;
  return TRUE;
}

static gboolean
take_privacy (const GwDialParams *params, Route *route, GError **error)
{
  if (params->privacy == NULL)
    return TRUE;
  route->is_private = strcmp (params->privacy, "id") == 0;
  if (route->is_private || strcmp (params->privacy, "none") == 0)
    return TRUE;
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "privacy: must be \"none\" or \"id\"");
  return FALSE;
}

static gboolean
route_to_extension (Gateway *gateway, const GwDialParams *params, Route *route, GError **error)
{
  if (!gw_extension_way (gateway, route->extension, &route->way, error))
    return FALSE;
  route->hostname = gw_extension_address (gateway, route->way.local);
  route->number = params->from_number;
  route->from_host = params->from_host != NULL ? params->from_host : route->hostname;
  return TRUE;
}

static gboolean
find_route (Gateway *gateway, const GwDialParams *params, Route *route, GError **error)
{
  const CfgSettings *settings = gateway->settings;
  gboolean is_uri = g_str_has_prefix (params->call_to, "sip:") || g_str_has_prefix (params->call_to, "sips:");

  if (params->trunk_id == NULL && params->hostname == NULL)
    route->extension = gw_extension_of_uri (gateway, params->call_to);
  if (route->extension != NULL)
    return route_to_extension (gateway, params, route, error) && take_privacy (params, route, error);
  if (params->trunk_id != NULL && !route_by_trunk (gateway, params, route, error))
    return FALSE;
  if (!take_privacy (params, route, error))
    return FALSE;
  if (params->hostname != NULL)
    {
      g_free (route->hostname);
      route->hostname = g_strdup (params->hostname);
    }
  if (route->hostname == NULL && !is_uri)
    {
      g_set_error_literal (
          error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
          settings->sip.registrar.enabled
              ? "sip_call_to is no extension: sip_trunk_id, trunk.hostname, or a whole sip: "
                "URI in sip_call_to is needed"
              : "sip_trunk_id, trunk.hostname, or a whole sip: URI in sip_call_to is needed");
      return FALSE;
    }
  if (params->transport != NULL)
    route->transport = params->transport;
  if (params->auth_username != NULL)
    route->auth_username = params->auth_username;
  if (params->auth_password != NULL)
    route->auth_password = params->auth_password;
  if (params->from_number != NULL)
    route->number = params->from_number;
  route->from_host = params->from_host;
  return TRUE;
}

static char *
target_uri (const GwDialParams *params, const Route *route)
{
  g_autofree char *user = NULL, *host = NULL;

  if (route->extension == NULL
      && (g_str_has_prefix (params->call_to, "sip:") || g_str_has_prefix (params->call_to, "sips:")))
    return g_strdup (params->call_to);
  user = gw_tel_user (params->call_to);
  gboolean is_tel = user != NULL; /* which RFC 3261 19.1.6 wants to be seen still */
  if (!is_tel)
    user = gw_escape_user (route->extension != NULL ? route->extension : params->call_to);
  host = gw_uri_host (route->hostname);
  return g_strdup_printf ("sip:%s@%s%s%s%s", user, host, route->transport != NULL ? ";transport=" : "",
                          route->transport != NULL ? route->transport : "", is_tel ? ";user=phone" : "");
}

/* "host:port;..." or "[::1]:5060;..." without brackets, port and what follows. */
static char *
bare_host (const char *host)
{
  if (*host == '[')
    return g_strndup (host + 1, strcspn (host + 1, "]"));
  return g_strndup (host, strcspn (host, ":;?>"));
}

/* The host of "sip:user@host:port;...", bare. */
static char *
uri_host (const char *uri)
{
  const char *at = strchr (uri, '@');

  return bare_host (at != NULL ? at + 1 : strchr (uri, ':') + 1);
}

/* Without escapes where that gives a text. */
static char *
uri_user (const char *uri)
{
  const char *start = strchr (uri, ':') + 1;
  const char *at = strchr (start, '@');
  gsize length = at != NULL ? MIN ((gsize)(at - start), strcspn (start, ";")) : 0;
  g_autofree char *raw = g_strndup (start, length);
  g_autofree char *plain = g_uri_unescape_string (raw, NULL);

  if (plain == NULL || plain[0] == '\0' || !gw_name_check ("user", plain, NULL))
    return g_steal_pointer (&raw);
  return g_steal_pointer (&plain);
}

/* A configured trunk's credentials are for its own host; no request sends them elsewhere. */
static void
take_trunk_credentials (Route *route, const char *host)
{
  g_autofree char *own = NULL;

  if (route->trunk == NULL || route->auth_username != NULL)
    return;
  own = bare_host (route->trunk->outbound_address);
  if (g_ascii_strcasecmp (own, host) != 0)
    return;
  route->auth_username = route->trunk->auth_username;
  route->auth_password = route->trunk->auth_password;
}

static gboolean
check_headers (json_t *headers, GArray *list, GError **error)
{
  const char *name;
  json_t *value;

  json_object_foreach (headers, name, value)
  {
    SigSipHeader header = { .name = name, .value = json_string_value (value) };

    if (header.value == NULL)
      {
        g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "headers: %s: must be a string", name);
        return FALSE;
      }
    if (!sig_sip_check_header (header.name, header.value, error))
      {
        g_prefix_error (error, "headers: %s: ", name);
        return FALSE;
      }
    g_array_append_val (list, header);
  }
  return TRUE;
}

static gboolean
join (GwCall *call, const GwDialParams *params, GError **error)
{
  GwRoom *room = gw_rooms_ensure (call->gateway, params->room, error);
  g_autofree char *identity = g_strdup (params->identity), *name = g_strdup (params->name);
  const char *key;
  json_t *value;

  if (room == NULL)
    return FALSE;
  if (identity == NULL)
    {
      g_autofree char *wanted
          = params->hide_number ? cfg_id_new ("sip_") : g_strconcat ("sip_", call->v.to, NULL);

      identity = gw_room_unique_identity (room, wanted);
    }
  if (name == NULL)
    name = params->hide_number ? g_strdup ("Phone") : g_strconcat ("Phone ", call->v.to, NULL);
  if (!gw_call_join (call, room, identity, name, error))
    return FALSE;
  if (!params->hide_number)
    gw_call_set_attribute (call, "sip.phoneNumber", call->v.to);
  gw_call_set_attribute (call, "sip.hostname", call->v.peer);
  if (params->metadata != NULL)
    {
      g_free (call->participant->metadata);
      call->participant->metadata = g_strdup (params->metadata);
    }
  json_object_foreach (params->attributes, key, value)
  {
    gw_call_set_attribute (call, key, json_string_value (value));
  }
  return TRUE;
}

static void
take_call_id (GwCall *call)
{
  SigSipDialogState dialog = { 0 };

  if (!sig_sip_call_export (call->gateway->sip, call->sip, &dialog))
    return;
  if (dialog.call_id != NULL)
    {
      g_free (call->v.sip_call_id);
      call->v.sip_call_id = g_strdup (dialog.call_id);
      gw_capture_claim (call->gateway, call->v.sip_call_id, NULL, call->v.id);
      gw_call_set_attribute (call, "sip.callIDFull", call->v.sip_call_id);
    }
  sig_sip_dialog_state_clear (&dialog);
}

static void
add_header (GArray *list, const char *name, const char *value)
{
  const SigSipHeader header = { name, value };

  if (value != NULL)
    g_array_append_val (list, header);
}

/* Headers that were asked for go before what the trunk says of the caller. */
static gboolean
make_headers (GwCall *call, const GwDialParams *params, const Route *route, const GwCallerId *caller,
              GArray **headers, GError **error)
{
  g_autoptr (GArray) asked = g_array_new (FALSE, FALSE, sizeof (SigSipHeader));

  add_header (asked, "P-Asserted-Identity", caller->asserted);
  add_header (asked, "Remote-Party-ID", caller->remote);
  add_header (asked, "Privacy", caller->privacy);
  if (!check_headers (params->headers, asked, error))
    return FALSE;
  *headers = gw_call_merge_headers (call, route->trunk, (const SigSipHeader *)asked->data, asked->len);
  return TRUE;
}

static gboolean
send_invite (GwCall *call, const GwDialParams *params, const Route *route, const char *uri, GError **error)
{
  const GwCallerFacts facts
      = { .trunk = route->trunk,
          .number = route->number,
          .host = route->from_host,
          .display = params->display_name != NULL ? params->display_name : params->from_display,
          .local_address = call->v.announced_address,
          .is_private = route->is_private };
  g_autoptr (GArray) headers = NULL;
  g_auto (GwCallerId) caller = { 0 };
  SigSipRegisterState registered;
  SigSipDial dial = {
    .to_uri = uri,
    .auth_username = route->auth_username,
    .auth_password = route->auth_password,
    .expires_s = call->ringing_timeout_s,
    .follows_redirects = TRUE, /* to the host that was called only, or redirect_hosts */
    .redirect_hosts = params->redirect_hosts,
    .from_display = params->from_display,
    .has_max_forwards = params->is_passed_on,
    .max_forwards = params->max_forwards,
  };

  gw_caller_id (&facts, &caller);
  if (!make_headers (call, params, route, &caller, &headers, error))
    return FALSE;
  if (caller.from_uri != NULL && !sig_sip_check_uri (caller.from_uri, error))
    {
      g_prefix_error_literal (error, "trunk.from_host: ");
      return FALSE;
    }
  dial.from_uri = caller.from_uri;
  dial.from_display = caller.from_display;
  if (route->extension != NULL)
    {
      dial.targets = (const SigSipTarget *)route->way.targets->data;
      dial.n_targets = route->way.targets->len;
      dial.in_parallel = TRUE;
      dial.follows_redirects = FALSE;
    }
  else if (route->trunk != NULL && route->trunk->register_
           && sig_sip_registered (call->gateway->sip, route->trunk->name, &registered))
    dial.service_route = registered.service_route;
  dial.replaces = params->replaces;
  dial.headers = (const SigSipHeader *)headers->data;
  dial.n_headers = headers->len;
  dial.sdp = gw_call_write_offer (call);
  dial.second_sdp = gw_call_write_second_offer (call);
  call->sip = sig_sip_dial (call->gateway->sip, &dial, error);
  if (call->sip == 0)
    return FALSE;
  g_hash_table_insert (call->gateway->calls_by_sip, &call->sip, call);
  take_call_id (call);
  return TRUE;
}

static void
dialtone_start (GwCall *call)
{
  const GwPlayRequest ringing = { .tone = "ringback", .loop = TRUE };
  const CfgLogContext context = gw_call_log_context (call);
  g_autoptr (GError) error = NULL;
  const char *id = gw_play_start (call->gateway, call->participant->room, NULL, &ringing, &error);

  call->dialtone = g_strdup (id);
  if (id == NULL)
    cfg_warn ("media", &context, "No dial tone", CFG_STR ("reason", error->message));
}

void
gw_call_dialtone_stop (GwCall *call)
{
  g_autofree char *id = g_steal_pointer (&call->dialtone);

  if (id != NULL)
    (void)gw_play_stop (call->gateway, NULL, NULL, id, NULL); /* the room may be gone */
}

static GwCall *
make_call (Gateway *gateway, const GwDialParams *params, GError **error)
{
  g_auto (Route) route = { 0 };
  g_autofree char *uri = NULL, *host = NULL, *local = NULL;
  CfgIncludeHeaders include;
  GwCall *call;

  if (!find_route (gateway, params, &route, error) || gw_admit_to_trunk (gateway, route.trunk, error) != 0)
    return NULL;
  if (!gw_include_headers_parse (params->include_headers,
                                 route.trunk != NULL ? route.trunk->include_headers : CFG_INCLUDE_X_HEADERS,
                                 &include))
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                           "include_headers: must be \"none\", \"x\" or \"all\"");
      return NULL;
    }
  uri = target_uri (params, &route);
  if (!sig_sip_check_uri (uri, error))
    {
      g_prefix_error_literal (error, "sip_call_to: ");
      return NULL;
    }
  if (!gw_tls_ask (gateway, uri, error))
    return NULL;
  host = uri_host (uri);
  take_trunk_credentials (&route, host);
  local = route.extension != NULL ? g_strdup (route.way.local) : sig_sip_local_address (gateway->sip, host);
  if (local == NULL)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "no address of ours reaches %s", host);
      return NULL;
    }
  call = gw_call_new (gateway, FALSE);
  call->v.to = uri_user (uri);
  call->v.from = g_strdup (route.number != NULL ? route.number : "switchroom");
  call->v.peer = g_strdup (route.hostname != NULL ? route.hostname : host);
  call->extension = g_strdup (route.extension);
  call->v.trunk_id = g_steal_pointer (&route.trunk_id);
  call->v.trunk_number = g_strdup (route.number);
  call->v.codecs = g_strdupv (params->codecs);
  call->v.include_headers = include;
  gw_call_take_policy (call, route.trunk, NULL, params->media_encryption);
  if (params->codecs == NULL)
    gw_call_take_room_codecs (call, gw_rooms_find (gateway, params->room));
  call->v.max_duration_s = params->max_duration_s;
  call->ringing_timeout_s = params->ringing_timeout_s;
  gw_call_take_limits (call, route.trunk, NULL);
  call->hides_number = params->hide_number;
  call->out.first = g_strdup (params->dtmf);
  if (gw_call_open_media (call, local, error) && join (call, params, error)
      && send_invite (call, params, &route, uri, error))
    return call;
  if (call->participant != NULL)
    gw_rooms_remove (call->participant);
  gw_call_discard (call);
  return NULL;
}

json_t *
gw_call_created_json (const GwCall *call)
{
  return json_pack ("{s:s, s:s, s:s, s:s}", "participant_id", call->v.participant_id, "participant_identity",
                    call->v.identity, "room_name", call->v.room_name, "sip_call_id", call->v.id);
}

GwCall *
gw_call_place (Gateway *gateway, const GwDialParams *params, GError **error)
{
  GwCall *call;
  CfgLogContext context;

  if (gateway->draining)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "the gateway is shutting down");
      return NULL;
    }
  if (gw_admit (gateway, params->room, NULL, NULL, error) != 0)
    return NULL;
  gateway->n_calls_total++;
  call = make_call (gateway, params, error);
  if (call == NULL)
    {
      gateway->n_calls_failed++;
      return NULL;
    }
  context = gw_call_log_context (call);
  cfg_info ("sip", &context, "Dialing", CFG_STR ("to", params->hide_number ? NULL : call->v.to),
            CFG_STR ("host", call->v.peer), CFG_STR ("trunk", call->v.trunk_id));
  gw_call_timer_dialled (call);
  gw_call_note (call, "dial", json_pack ("{s:s}", "host", call->v.peer));
  gw_call_handle (call, GW_CALL_EVENT_DIAL);
  if (params->play_dialtone && call->participant != NULL)
    dialtone_start (call);
  return call;
}

/* Who has the id of a call finds the call, also when the process dies now. The call itself does not wait. */
static void
answer_when_written (GwCall *call, GwRequest *request)
{
  gw_request_reply_when_written (call->gateway, request, gw_call_created_json (call));
}

gboolean
gw_call_dial (Gateway *gateway, GwRequest *request, const GwDialParams *params, GError **error)
{
  GwCall *call = gw_call_place (gateway, params, error);

  if (call == NULL)
    return FALSE;
  if (params->wait_until_answered)
    call->waiting = gw_request_ref (request);
  else
    answer_when_written (call, request);
  return TRUE;
}

void
gw_call_answer_waiting (GwCall *call)
{
  g_autoptr (GwRequest) request = g_steal_pointer (&call->waiting);
  g_autoptr (GError) error = NULL;
  int status = call->end.status;

  if (request == NULL)
    return;
  if (call->v.was_answered)
    {
      answer_when_written (call, request);
      return;
    }
  if (status >= 300)
    {
      /* Nobody answered: what the stack says stands for a network that may be there later. */
      CfgErrorCode code
          = call->end.cause == SIG_SIP_END_FAILED ? CFG_ERROR_UNAVAILABLE : gw_sip_error_code (status);

      g_set_error (&error, CFG_ERROR, (int)code, "sip status %d: %s (%s)", status, call->end.phrase,
                   gw_call_end_words (call));
      gw_request_set_error_data (request, "sip_status_code", json_integer (status));
      gw_request_set_error_data (request, "sip_status", json_string (call->end.phrase));
    }
  else
    g_set_error (&error, CFG_ERROR, CFG_ERROR_ABORTED, "the call ended before it was answered: %s",
                 call->hangup_reason != NULL ? call->hangup_reason
                 : call->end.phrase != NULL  ? call->end.phrase
                                             : "cancelled");
  gw_request_fail (request, error);
}

void
gw_call_on_progress (gpointer data, SigSipCallId sip, int status, const char *phrase, const char *sdp)
{
  GwCall *call = gw_call_by_sip (data, sip);
  g_autoptr (GError) error = NULL;
  CfgLogContext context;

  if (call == NULL || !gw_call_is_live (call->v.state))
    return;
  context = gw_call_log_context (call);
  if (call->v.state == GW_CALL_DIALING)
    cfg_info ("sip", &context, "Ringing", CFG_INT ("status", status), CFG_STR ("phrase", phrase));
  gw_call_note (call, "progress", json_pack ("{s:i, s:b}", "status", status, "early_media", sdp != NULL));
  /* One fork after the other may speak: the newest is heard until somebody answers. */
  if (sdp != NULL && (call->awaits_answer || g_strcmp0 (sdp, call->v.remote_sdp) != 0))
    {
      if (gw_call_take_answer (call, sdp, &error))
        {
          cfg_info ("sip", &context, "Early media", CFG_INT ("status", status));
          gw_call_dialtone_stop (call);
          gw_rooms_publish (call->gateway, call->participant, call->v.track);
        }
      else
        cfg_warn ("sip", &context, "The early SDP cannot be used", CFG_STR ("reason", error->message));
    }
  gw_call_handle (call, GW_CALL_EVENT_PROGRESS);
  gw_transfer_progress (call, status, phrase);
  gw_route_progress (call, status, sdp != NULL && call->plan != NULL);
}

void
gw_call_on_answered (gpointer data, SigSipCallId sip, const char *sdp)
{
  GwCall *call = gw_call_by_sip (data, sip);
  g_autoptr (GError) error = NULL;
  g_autofree char *codecs = NULL;
  CfgLogContext context;

  if (call == NULL || !gw_call_is_live (call->v.state))
    return;
  context = gw_call_log_context (call);
  if (sdp == NULL && call->plan == NULL)
    g_set_error_literal (&error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "the 200 has no SDP answer");
  /* An answer in a 18x may be repeated in the 200; a different one (another fork) counts. */
  if (error != NULL || (sdp != NULL && !gw_call_take_answer (call, sdp, &error)))
    {
      cfg_warn ("sip", &context, "The peer's SDP answer cannot be used, hanging up",
                CFG_STR ("reason", error->message));
      gw_call_hangup (call->gateway, call, "bad_sdp");
      return;
    }
  take_call_id (call); /* of the server that answered */
  codecs = gw_sdp_codec_names (call->plan);
  gw_call_mark_answered (call);
  cfg_info ("sip", &context, "Answered", CFG_STR ("codecs", codecs));
  gw_call_handle (call, GW_CALL_EVENT_ANSWER);
  gw_rooms_publish (call->gateway, call->participant, call->v.track);
  gw_call_dialtone_stop (call);
  gw_hold_note_peer (call);
  gw_call_send_first_digits (call);
  gw_call_answer_waiting (call);
  gw_transfer_answered (call);
  gw_route_answered (call);
  if (call->participant != NULL)
    gw_calls_answer_alerting (call->gateway, call->participant->room);
}
