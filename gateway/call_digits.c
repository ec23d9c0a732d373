/* Digits that a phone is sent: as telephone-events or tones by its media leg, or one INFO each, as the
 * trunk's `dtmf` says. Which digits is nowhere told. */
#include "gateway/call_private.h"

#include <string.h>

#include "config/base/error.h"
#include "config/base/log.h"
#include "gateway/rooms.h"
#include "media/core/dtmf.h"
#include "signaling/core/info.h"
#include "signaling/sip/requests.h"

static gboolean
takes_events (const GwCall *call)
{
  const SigSdpPlanSection *audio = sig_sdp_plan_audio (call->plan);

  return audio != NULL && audio->dtmf_send_pt != 0;
}

gboolean
gw_call_detects_tones (const GwCall *call)
{
  const SigSdpPlanSection *audio = sig_sdp_plan_audio (call->plan);

  if (call->v.dtmf == CFG_DTMF_INBAND)
    return TRUE;
  return call->v.dtmf == CFG_DTMF_AUTO && audio != NULL && audio->n_dtmf_recv_pts == 0;
}

/* Without telephone-events a phone that presses its keys by INFO is sent them so too. */
static gboolean
is_sent_info (const GwCall *call)
{
  return call->v.dtmf == CFG_DTMF_INFO
         || (call->v.dtmf == CFG_DTMF_AUTO && call->out.knows_info && !takes_events (call));
}

gboolean
gw_call_takes_info (const GwCall *call)
{
  return call->v.dtmf == CFG_DTMF_AUTO || call->v.dtmf == CFG_DTMF_INFO;
}

/* ---- by INFO ---- */

static void
on_sent (gpointer user, int status, const char *phrase)
{
  g_autofree char *id = user;

  if (status >= 300)
    cfg_warn ("sip", &((CfgLogContext){ .call_id = id }), "The phone did not take a digit by INFO",
              CFG_INT ("status", status), CFG_STR ("phrase", phrase));
}

static gboolean
send_next (gpointer data)
{
  GwCall *call = data;
  GString *left = call->out.left;
  const char digit = left->str[0];
  const guint pause_ms = media_dtmf_pause_ms (digit);
  g_autofree char *body = pause_ms == 0 ? sig_info_write (digit, MEDIA_DTMF_TONE_MS) : NULL;
  char *id;

  call->out.source = 0;
  if (digit == '\0')
    return G_SOURCE_REMOVE;
  g_string_erase (left, 0, 1);
  if (body != NULL)
    {
      id = g_strdup (call->v.id);
      if (!sig_sip_call_send_info (call->gateway->sip, call->sip, SIG_INFO_DTMF_TYPE, body, on_sent, id))
        on_sent (id, 480, "not sent");
      explicit_bzero (body, strlen (body));
    }
  call->out.source
      = g_timeout_add (pause_ms > 0 ? pause_ms : MEDIA_DTMF_TONE_MS + MEDIA_DTMF_GAP_MS, send_next, call);
  return G_SOURCE_REMOVE;
}

static void
send_by_info (GwCall *call, const char *digits)
{
  if (call->out.left == NULL)
    call->out.left = g_string_new (NULL);
  g_string_append (call->out.left, digits);
  if (call->out.source == 0)
    call->out.source = g_idle_add (send_next, call);
}

/* ---- all ways ---- */

/* The leg holds so many; what it would drop is refused while somebody can be told. */
static gboolean
check_room_for (GwCall *call, gsize n, CfgMonotonic now, GError **error)
{
  if (cfg_monotonic_diff_us (now, call->out.idle_at) >= 0)
    call->out.n_waiting = 0;
  if (call->out.n_waiting + n <= MEDIA_DTMF_QUEUE_MAX)
    return TRUE;
  g_set_error (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED,
               "digits: %u are still being sent, and no more than %u may wait", call->out.n_waiting,
               MEDIA_DTMF_QUEUE_MAX);
  return FALSE;
}

gboolean
gw_call_send_digits (GwCall *call, const char *digits, GError **error)
{
  const gint64 duration_ms = media_dtmf_duration_ms (digits, MEDIA_DTMF_TONE_MS, MEDIA_DTMF_GAP_MS);
  const CfgMonotonic now = cfg_monotonic_now ();

  if (duration_ms < 0)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                           "digits: must be of 0-9 * # A-D, and the pauses w (0.5 s), W (1 s) and , (2 s)");
      return FALSE;
    }
  if (!call->v.was_answered || call->plan == NULL)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION, "the phone has not answered yet");
      return FALSE;
    }
  if (call->v.dtmf == CFG_DTMF_RFC4733 && !takes_events (call))
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
                           "the phone takes no telephone-events, and dtmf: rfc4733 allows nothing else");
      return FALSE;
    }
  if (!check_room_for (call, strlen (digits), now, error))
    return FALSE;
  if (is_sent_info (call))
    send_by_info (call, digits);
  else if (!media_engine_leg_send_dtmf (call->gateway->media, call->leg, digits))
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION, "the phone has no media");
      return FALSE;
    }
  gw_call_note (call, "dtmf_sent", /* how many, never which */
                json_pack ("{s:i, s:s}", "count", (int)strlen (digits), "by",
                           is_sent_info (call)   ? "info"
                           : takes_events (call) ? "telephone-event"
                                                 : "tones"));
  call->out.n_waiting += (guint)strlen (digits);
  if (cfg_monotonic_diff_us (now, call->out.idle_at) >= 0)
    call->out.idle_at = now;
  call->out.idle_at = cfg_monotonic_add_us (call->out.idle_at, duration_ms * CFG_US_PER_MS);
  return TRUE;
}

void
gw_call_pass_digit (const GwCall *from, GwCall *to, char digit, GwDigitSource source)
{
  const char text[] = { digit, '\0' };
  const gboolean is_audible = source == GW_DIGIT_MEDIA && gw_call_detects_tones (from);

  if (!is_audible || is_sent_info (to) || takes_events (to))
    (void)gw_call_send_digits (to, text, NULL);
}

/* ---- participant.create's dtmf ---- */

static void
tell_status (GwCall *call, const char *status)
{
  if (call->participant == NULL)
    return;
  gw_call_set_attribute (call, "sip.callStatus", status);
  gw_rooms_changed (call->gateway, call->participant);
}

static gboolean
on_first_sent (gpointer data)
{
  GwCall *call = data;

  call->out.first_source = 0;
  tell_status (call, gw_call_status_word (call->v.state));
  return G_SOURCE_REMOVE;
}

void
gw_call_send_first_digits (GwCall *call)
{
  g_autofree char *digits = g_steal_pointer (&call->out.first);
  const CfgLogContext context = gw_call_log_context (call);
  g_autoptr (GError) error = NULL;

  if (digits == NULL)
    return;
  if (!gw_call_send_digits (call, digits, &error))
    {
      cfg_warn ("media", &context, "The digits of the call were not sent",
                CFG_STR ("reason", error->message));
      return;
    }
  tell_status (call, "automation");
  call->out.first_source = g_timeout_add (
      (guint)(cfg_monotonic_diff_us (call->out.idle_at, cfg_monotonic_now ()) / CFG_US_PER_MS) + 1,
      on_first_sent, call);
}

void
gw_call_digits_ended (GwCall *call)
{
  g_clear_handle_id (&call->out.source, g_source_remove);
  g_clear_handle_id (&call->out.first_source, g_source_remove);
  g_clear_pointer (&call->out.first, g_free);
  if (call->out.left != NULL)
    g_string_free (g_steal_pointer (&call->out.left), TRUE);
}
