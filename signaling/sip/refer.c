/* REFER inside of a dialog, both ways (RFC 3515, 4488, 5589).
 *
 *   of the peer:  REFER -> ops.refer -> sig_sip_call_answer_refer: 202, NOTIFY "100"
 *                 sig_sip_call_refer_progress* -> NOTIFY; the one with a final status ends the subscription
 *   ours:         sig_sip_call_transfer: REFER -> ops.transfer: ACCEPTED, PROGRESS*, DONE
 *
 * At most one each at a time. One NOTIFY of ours is on its way at once, and what came up meanwhile is told
 * with the next: a provisional state that is out of date is left out, the final one never. */
#include "signaling/sip/door.h"

#include "config/base/error.h"

#include <sofia-sip/sip_extra.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/su_string.h>

#include <string.h>

#define SUBSCRIPTION_S  300
#define FIRST_NOTIFY_T1 64 /* a peer that said 202 and nothing else is given up after 64 x T1 */
#define MAX_TRANSFER_S  3600
#define MAX_FRAG_PHRASE 128
#define MAX_REFERRED_BY 512
#define MAX_PASSED_ON   8

struct _SigSipRefer
{
  /* of the peer */
  nta_incoming_t *request; /* (nullable): not answered yet; only inside of ops.refer */
  guint n_taken;
  guint32 cseq;
  gboolean is_active, is_quiet; /* is_quiet: it wants no NOTIFY */
  gboolean is_notifying;
  int status; /* to be told; 0: nothing new */
  char *phrase;

  /* ours */
  gboolean is_sent, is_accepted, was_notified, was_sent;
  guint32 sent_cseq;
  guint timeout_s;
  CfgMonotonic sent_at;
  GSource *timer;
};

static SigSipRefer *
of_call (SigSipCall *call)
{
  if (call->refer == NULL)
    call->refer = g_new0 (SigSipRefer, 1);
  return call->refer;
}

static void
clear_timer (SigSipRefer *refer)
{
  if (refer->timer != NULL)
    g_source_destroy (refer->timer);
  g_clear_pointer (&refer->timer, g_source_unref);
}

void
sig_sip_refer_free (SigSipRefer *refer)
{
  clear_timer (refer);
  g_free (refer->phrase);
  g_free (refer);
}

static void add_line (GPtrArray *lines, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
add_line (GPtrArray *lines, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_ptr_array_add (lines, g_strdup_vprintf (format, arguments));
  va_end (arguments);
}

/* ---- NOTIFY: how the peer's REFER goes on ---- */

static void notify (SigSipCall *call);

static void
on_notified (SigSipCall *call, guint32 cseq, int status, sip_t const *answer)
{
  SigSipRefer *refer = call->refer;

  refer->is_notifying = FALSE;
  if (status < 200 || status >= 300) /* RFC 6665 4.2.2: the subscription is over; the call is not */
    refer->is_active = FALSE;
  if (refer->is_active && refer->status != 0)
    notify (call);
}

static void
notify (SigSipCall *call)
{
  SigSipRefer *refer = call->refer;
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);
  gboolean is_last = refer->status >= 200;
  g_autofree char *body = g_strdup_printf ("SIP/2.0 %d %s\r\n", refer->status, refer->phrase);

  if (refer->n_taken > 1) /* RFC 3515 2.4.6: the first one of a dialog needs no id */
    add_line (lines, "Event: refer;id=%u", refer->cseq);
  else
    add_line (lines, "Event: refer");
  if (is_last)
    add_line (lines, "Subscription-State: terminated;reason=noresource");
  else
    add_line (lines, "Subscription-State: active;expires=%d", SUBSCRIPTION_S);
  add_line (lines, "Content-Type: message/sipfrag;version=2.0");
  refer->status = 0;
  refer->is_active = !is_last;
  refer->is_notifying = sig_sip_inside_send (call, SIP_METHOD_NOTIFY, lines, body, on_notified) != 0;
  if (!refer->is_notifying)
    refer->is_active = FALSE;
}

static void
note_progress (SigSipCall *call, int status, const char *phrase)
{
  SigSipRefer *refer = call->refer;
  g_autofree char *text = sig_sip_text (phrase);

  refer->status = status;
  g_free (refer->phrase);
  refer->phrase = g_strndup (text, MAX_FRAG_PHRASE);
  if (!refer->is_notifying)
    notify (call);
}

void
sig_sip_call_refer_progress (SigSip *sip, SigSipCallId id, int status, const char *phrase)
{
  SigSipCall *call = sig_sip_call_live (sip, id);

  if (call == NULL || call->refer == NULL || !call->refer->is_active)
    return;
  status = CLAMP (status, 100, 699);
  note_progress (call, status, phrase != NULL && *phrase != '\0' ? phrase : sig_sip_phrase (status, NULL));
}

/** sig_sip_refer_flush: the dialog is about to end: the final state goes out without waiting any longer. */
void
sig_sip_refer_flush (SigSipCall *call)
{
  SigSipRefer *refer = call->refer;

  if (refer != NULL && refer->is_active && refer->status >= 200)
    notify (call);
}

/** sig_sip_refer_end: the call is over, and with it what was waited for. */
void
sig_sip_refer_end (SigSipCall *call)
{
  if (call->refer != NULL)
    clear_timer (call->refer);
}

/* ---- REFER of the peer ---- */

static void
reply (SigSipCall *call, nta_incoming_t *request, int status, const char *phrase, const char *line,
       const char *other)
{
  nta_incoming_treply (request, status, sig_sip_phrase (status, phrase),
                       TAG_IF (status < 300, SIPTAG_CONTACT_STR (call->dialog.local_contact)),
                       SIPTAG_USER_AGENT_STR (call->sip->user_agent), SIPTAG_ALLOW_STR (call->sip->allow),
                       TAG_IF (line, SIPTAG_HEADER_STR (line)), TAG_IF (other, SIPTAG_HEADER_STR (other)),
                       TAG_END ());
}

void
sig_sip_call_answer_refer (SigSip *sip, SigSipCallId id, int status, const char *phrase)
{
  SigSipCall *call = sig_sip_call_live (sip, id);
  nta_incoming_t *request;

  if (call == NULL || call->refer == NULL || call->refer->request == NULL)
    return;
  request = g_steal_pointer (&call->refer->request);
  status = CLAMP (status, 200, 699);
  reply (call, request, status, phrase, status < 300 && call->refer->is_quiet ? "Refer-Sub: false" : NULL,
         NULL);
  if (status >= 300)
    return;
  call->refer->n_taken++;
  call->refer->is_active = !call->refer->is_quiet;
  if (call->refer->is_active)
    note_progress (call, 100, "Trying");
}

/* What RFC 3261 8.2.2.3 wants to hear back, or NULL. (transfer full) */
static char *
unsupported (sip_t const *message)
{
  static const char *const known[] = { "norefersub", "replaces", "timer", NULL };
  g_autoptr (GString) out = g_string_new (NULL);

  for (const sip_require_t *require = message->sip_require; require != NULL; require = require->k_next)
    for (guint i = 0; require->k_items != NULL && require->k_items[i] != NULL; i++)
      {
        g_autofree char *item = g_ascii_strdown (require->k_items[i], -1);
        if (!g_strv_contains (known, item))
          g_string_append_printf (out, "%s%s", out->len > 0 ? ", " : "Unsupported: ", require->k_items[i]);
      }
  return out->len > 0 ? g_strdup (out->str) : NULL;
}

static gboolean
wants_no_notify (sip_t const *message)
{
  const sip_refer_sub_t *known = sip_refer_sub (message);

  if (known != NULL)
    return known->rs_value != NULL && g_ascii_strcasecmp (known->rs_value, "false") == 0;
  for (const sip_unknown_t *u = message->sip_unknown; u != NULL; u = u->un_next)
    if (u->un_name != NULL && u->un_value != NULL && g_ascii_strcasecmp (u->un_name, "Refer-Sub") == 0)
      return g_ascii_strncasecmp (u->un_value, "false", strlen ("false")) == 0;
  return FALSE;
}

static char *
header_text (su_home_t *home, const void *header)
{
  return header != NULL ? sip_header_as_string (home, header) : NULL;
}

/* What of the headers part is passed on: nothing that would speak for us (RFC 3261 19.1.5). */
static gsize
pass_on (const SigReferTo *to, SigSipHeader *headers)
{
  gsize n = 0;

  for (guint i = 0; i < to->n_headers && n < MAX_PASSED_ON; i++)
    if (g_ascii_strncasecmp (to->headers[i].name, "X-", 2) == 0
        && sig_sip_check_header (to->headers[i].name, to->headers[i].value, NULL))
      headers[n++] = (SigSipHeader){ .name = to->headers[i].name, .value = to->headers[i].value };
  return n;
}

static void
ask (SigSipCall *call, const SigReferTo *to, const char *referred_by)
{
  SigSip *sip = call->sip;
  SigSipHeader headers[MAX_PASSED_ON];
  g_autofree char *replaces = to->has_replaces ? sig_replaces_write (&to->replaces) : NULL;
  SigSipReferral referral = {
    .uri = to->uri,
    .user = to->user,
    .host = to->host,
    .port = to->port,
    .is_tel = to->is_tel,
    .is_local = sig_sip_is_own_address (sip, to->host, to->port),
    .replaces = replaces,
    .referred_by = referred_by,
    .headers = headers,
    .n_headers = pass_on (to, headers),
  };

  if (to->has_replaces)
    referral.replaces_status = sig_sip_replaces_find (sip, &to->replaces, &referral.replaces_call);
  sip->ops->refer (sip->owner, call->id, &referral);
}

/* 0: it can be asked about; else the answer to it. */
static int
check_refer (const SigSipCall *call, sip_t const *message, SigReferTo *to, const char *text,
             const char **phrase)
{
  g_autoptr (GError) error = NULL;

  if (call->ended)
    return 481;
  if (!call->is_answered)
    {
      *phrase = "Not Answered Yet";
      return 403;
    }
  if (text == NULL || message->sip_refer_to->r_next != NULL)
    {
      *phrase = "Exactly One Refer-To Is Needed";
      return 400;
    }
  if (!sig_refer_to_parse (text, to, &error))
    {
      gboolean is_other = g_error_matches (error, CFG_ERROR, CFG_ERROR_UNIMPLEMENTED);
      *phrase = is_other ? "Only Phones Can Be Referred To" : "Bad Refer-To";
      return is_other ? 603 : 400;
    }
  if (to->method != NULL && strcmp (to->method, "INVITE") != 0)
    {
      *phrase = "Only INVITE Can Be Referred To";
      return 501;
    }
  if (call->refer != NULL && (call->refer->is_active || call->refer->request != NULL))
    return 491;
  return call->sip->ops->refer != NULL ? 0 : 603;
}

static int
on_refer (SigSipCall *call, nta_incoming_t *request, sip_t const *message)
{
  g_auto (SigReferTo) to = { 0 };
  g_autofree char *line = unsupported (message);
  const char *phrase = NULL;
  su_home_t home[1] = { SU_HOME_INIT (home) };
  int status;

  sig_sip_dialog_note (call, message, TRUE);
  su_home_init (home);
  status = line != NULL
               ? 420
               : check_refer (call, message, &to, header_text (home, message->sip_refer_to), &phrase);
  if (status != 0)
    reply (call, request, status, phrase, line, NULL);
  else
    {
      SigSipRefer *refer = of_call (call);
      const char *by = header_text (home, message->sip_referred_by);
      g_autofree char *by_uri = sig_referred_by_uri (by);

      refer->request = request;
      refer->cseq = message->sip_cseq->cs_seq;
      refer->is_quiet = wants_no_notify (message);
      ask (call, &to, by_uri != NULL && strlen (by) <= MAX_REFERRED_BY ? by : NULL);
      /* the owner must have answered; the call itself lives until the next turn of the loop */
      if (refer->request != NULL)
        reply (call, g_steal_pointer (&refer->request), 603, NULL, NULL, NULL);
      status = 202;
    }
  su_home_deinit (home);
  return status;
}

/* RFC 6665 4.2.1: the subscription that a REFER began may be refreshed, or ended. */
static int
on_subscribe (SigSipCall *call, nta_incoming_t *request, sip_t const *message)
{
  SigSipRefer *refer = call->refer;
  gboolean ends = message->sip_expires != NULL && message->sip_expires->ex_delta == 0;

  if (call->ended || refer == NULL || !refer->is_active)
    {
      reply (call, request, 481, "Subscription Does Not Exist", NULL, NULL);
      return 481;
    }
  g_autofree char *expires = g_strdup_printf ("Expires: %d", ends ? 0 : SUBSCRIPTION_S);
  reply (call, request, 200, NULL, expires, NULL);
  if (ends)
    refer->is_active = FALSE;
  return 200;
}

/* ---- REFER of ours ---- */

static void
tell (SigSipCall *call, SigSipTransferState state, int status, const char *phrase)
{
  SigSip *sip = call->sip;
  g_autofree char *text = sig_sip_text (phrase);
  const SigSipTransferNews news = { .state = state, .status = status, .phrase = text };

  if (state == SIG_SIP_TRANSFER_DONE)
    {
      call->refer->is_sent = FALSE;
      clear_timer (call->refer);
    }
  if (sip->ops->transfer != NULL)
    sip->ops->transfer (sip->owner, call->id, &news);
}

static gboolean
on_transfer_timeout (gpointer data)
{
  SigSipCall *call = data;

  tell (call, SIG_SIP_TRANSFER_DONE, 408,
        call->refer->was_notified ? "No Final NOTIFY" : "No NOTIFY After the Transfer Was Accepted");
  return G_SOURCE_REMOVE;
}

static void
set_timer (SigSipCall *call, gint64 ms)
{
  SigSipRefer *refer = call->refer;

  clear_timer (refer);
  refer->timer = g_timeout_source_new ((guint)CLAMP (ms, 1, MAX_TRANSFER_S * 1000));
  g_source_set_callback (refer->timer, on_transfer_timeout, call, NULL);
  g_source_attach (refer->timer, call->sip->context);
}

static gint64
time_left_ms (const SigSipRefer *refer)
{
  return refer->timeout_s * G_GINT64_CONSTANT (1000)
         - cfg_monotonic_diff_us (cfg_monotonic_now (), refer->sent_at) / 1000;
}

static void
on_referred (SigSipCall *call, guint32 cseq, int status, sip_t const *answer)
{
  SigSipRefer *refer = call->refer;

  if (!refer->is_sent)
    return;
  if (status >= 200 && status < 300)
    {
      refer->is_accepted = TRUE;
      if (!refer->was_notified)
        set_timer (call, MIN (time_left_ms (refer), (gint64)call->sip->t1_ms * FIRST_NOTIFY_T1));
      tell (call, SIG_SIP_TRANSFER_ACCEPTED, status, answer->sip_status->st_phrase);
    }
  else
    tell (call, SIG_SIP_TRANSFER_DONE, status != 0 ? status : 408,
          answer != NULL ? answer->sip_status->st_phrase : "No Answer to REFER");
}

static gboolean
is_sipfrag (sip_t const *message)
{
  const sip_content_type_t *type = message->sip_content_type;

  return message->sip_payload != NULL && message->sip_payload->pl_len > 0 && type != NULL
         && type->c_type != NULL && su_casematch (type->c_type, "message/sipfrag");
}

/* RFC 3515 2.4.5: what the NOTIFY says counts; one that only ends the subscription tells that nobody knows.
 */
static void
take_notify (SigSipCall *call, sip_t const *message, const SigSubscriptionState *state)
{
  SigSipRefer *refer = call->refer;
  const sip_payload_t *body = message->sip_payload;
  g_autofree char *phrase = NULL;
  int status = 0;

  refer->was_notified = TRUE;
  if (is_sipfrag (message) && !sig_sipfrag_parse (body->pl_data, body->pl_len, &status, &phrase))
    status = 0;
  if (status >= 200)
    tell (call, SIG_SIP_TRANSFER_DONE, status, phrase);
  else if (state->is_terminated)
    tell (call, SIG_SIP_TRANSFER_DONE, 408,
          strcmp (state->reason, "noresource") == 0 ? "Ended Without a Result" : state->reason);
  else
    {
      set_timer (call, time_left_ms (refer));
      if (status > 0)
        tell (call, SIG_SIP_TRANSFER_PROGRESS, status, phrase);
    }
}

static gboolean
names_our_refer (const SigSipRefer *refer, const char *id)
{
  guint64 number;

  return id == NULL
         || (g_ascii_string_to_unsigned (id, 10, 0, G_MAXUINT32, &number, NULL)
             && number == refer->sent_cseq);
}

static int
on_notify (SigSipCall *call, nta_incoming_t *request, sip_t const *message)
{
  SigSipRefer *refer = call->refer;
  SigSubscriptionState state;
  su_home_t home[1] = { SU_HOME_INIT (home) };
  gboolean is_well_formed;

  sig_sip_dialog_note (call, message, TRUE);
  if (call->ended || refer == NULL || !refer->was_sent || !names_our_refer (refer, message->sip_event->o_id))
    {
      reply (call, request, 481, "Subscription Does Not Exist", NULL, NULL);
      return 481;
    }
  su_home_init (home);
  is_well_formed = sig_subscription_state_parse (header_text (home, message->sip_subscription_state), &state);
  su_home_deinit (home);
  if (!is_well_formed)
    {
      reply (call, request, 400, "Bad Subscription-State", NULL, NULL);
      return 400;
    }
  reply (call, request, 200, NULL, NULL, NULL);
  if (refer->is_sent) /* else an echo of one that is over */
    take_notify (call, message, &state);
  return 200;
}

static gboolean
invalid (GError **error, CfgErrorCode code, const char *text)
{
  g_set_error_literal (error, CFG_ERROR, (int)code, text);
  return FALSE;
}

static GPtrArray *
refer_lines (const SigSipCall *call, const SigSipTransfer *transfer)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);

  add_line (lines, "Refer-To: <%s>", transfer->refer_to);
  if (call->dialog.local_uri != NULL)
    add_line (lines, "Referred-By: <%s>", call->dialog.local_uri);
  for (gsize i = 0; i < transfer->n_headers; i++)
    add_line (lines, "%s: %s", transfer->headers[i].name, transfer->headers[i].value);
  return lines;
}

gboolean
sig_sip_call_transfer (SigSip *sip, SigSipCallId id, const SigSipTransfer *transfer, GError **error)
{
  SigSipCall *call = sig_sip_call_live (sip, id);
  g_auto (SigReferTo) to = { 0 };
  SigSipRefer *refer;

  if (call == NULL || !call->is_answered)
    return invalid (error, CFG_ERROR_FAILED_PRECONDITION, "the call is not answered");
  if (!sig_refer_to_parse (transfer->refer_to, &to, error))
    return FALSE;
  for (gsize i = 0; i < transfer->n_headers; i++)
    if (!sig_sip_check_header (transfer->headers[i].name, transfer->headers[i].value, error))
      return FALSE;
  refer = of_call (call);
  if (refer->is_sent)
    return invalid (error, CFG_ERROR_FAILED_PRECONDITION, "a transfer of this call is running already");
  refer->sent_cseq
      = sig_sip_inside_send (call, SIP_METHOD_REFER, refer_lines (call, transfer), NULL, on_referred);
  if (refer->sent_cseq == 0)
    return invalid (error, CFG_ERROR_UNAVAILABLE, "the request cannot be sent to the phone");
  refer->is_sent = refer->was_sent = TRUE;
  refer->is_accepted = refer->was_notified = FALSE;
  refer->timeout_s = CLAMP (transfer->timeout_s, 1, MAX_TRANSFER_S);
  refer->sent_at = cfg_monotonic_now ();
  set_timer (call, time_left_ms (refer));
  return TRUE;
}

/* ---- the door ---- */

static gboolean
is_about_refer (sip_t const *message)
{
  const sip_event_t *event = message->sip_event;

  return event != NULL && event->o_type != NULL && g_ascii_strcasecmp (event->o_type, "refer") == 0;
}

/* Nobody is transferred who is in no call with us. */
static int
refuse_outside (SigSip *sip, nta_incoming_t *request, sip_t const *message)
{
  int status = message->sip_to->a_tag != NULL ? 481 : 403;

  nta_incoming_treply (request, status, status == 481 ? "Call Does Not Exist" : "REFER Needs a Call",
                       SIPTAG_USER_AGENT_STR (sip->user_agent), SIPTAG_ALLOW_STR (sip->allow), TAG_END ());
  return status;
}

/* RFC 3261 21.5.2; NUA leaves out Allow. */
static int
refuse_unknown (SigSip *sip, nta_incoming_t *request)
{
  nta_incoming_treply (request, SIP_501_NOT_IMPLEMENTED, SIPTAG_USER_AGENT_STR (sip->user_agent),
                       SIPTAG_ALLOW_STR (sip->allow), TAG_END ());
  return 501;
}

int
sig_sip_at_door (nua_handle_t *nh, nta_incoming_t *request, sip_t const *message)
{
  sip_method_t method = message->sip_request->rq_method;
  msg_t *received;
  SigSip *sip;
  SigSipCall *call;

  if (method != sip_method_refer && method != sip_method_notify && method != sip_method_subscribe
      && method != sip_method_unknown)
    return 0;
  received = nta_incoming_getrequest (request);
  sip = sig_sip_endpoint_of (received);
  msg_destroy (received);
  if (sip == NULL)
    return 0;
  call = sig_sip_call_find (sip, nua_handle_magic (nh));
  if (method == sip_method_unknown)
    return refuse_unknown (sip, request);
  if (method == sip_method_refer)
    return call != NULL ? on_refer (call, request, message) : refuse_outside (sip, request, message);
  if (call == NULL || !is_about_refer (message))
    return 0;
  return method == sip_method_notify ? on_notify (call, request, message)
                                     : on_subscribe (call, request, message);
}
