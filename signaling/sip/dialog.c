/* The dialog's values as they pass by (RFC 3261 12): the stack has them too, but gives them to nobody. */
#include "signaling/sip/internal.h"

#include <sofia-sip/su_alloc.h>

#include <string.h>

#define MAX_ROUTES 16

static void
set (char **field, const char *value)
{
  if (value == NULL)
    return;
  g_free (*field);
  *field = g_utf8_make_valid (value, -1);
}

static void
set_uri (su_home_t *home, char **field, const url_t *url)
{
  set (field, url_as_string (home, url));
}

/* The route set is fixed by the first 2xx, or by the INVITE when we are called (RFC 3261 12.1). */
static void
set_routes (SigSipCall *call, su_home_t *home, const sip_record_route_t *routes)
{
  GPtrArray *list = g_ptr_array_new ();

  for (; routes != NULL && list->len < MAX_ROUTES; routes = routes->r_next)
    {
      char *text = g_strdup_printf ("<%s>", url_as_string (home, routes->r_url));
      if (call->is_outbound)
        g_ptr_array_insert (list, 0, text);
      else
        g_ptr_array_add (list, text);
    }
  g_ptr_array_add (list, NULL);
  g_strfreev (call->dialog.route_set);
  call->dialog.route_set = (char **)g_ptr_array_free (list, FALSE);
}

/**
 * sig_sip_dialog_note: keeps what @message says about the dialog.
 * @from_peer: TRUE for a request received, FALSE for an answer received to a request of ours
 */
void
sig_sip_dialog_note (SigSipCall *call, sip_t const *message, gboolean from_peer)
{
  SigSipDialogState *dialog = &call->dialog;
  su_home_t home[1] = { SU_HOME_INIT (home) };

  if (message == NULL || message->sip_from == NULL || message->sip_to == NULL || message->sip_cseq == NULL)
    return;
  sig_sip_note_allow (call, message);
  su_home_init (home);
  const sip_addr_t *local = from_peer ? message->sip_to : message->sip_from;
  const sip_addr_t *remote = from_peer ? message->sip_from : message->sip_to;
  gboolean is_first = !call->is_answered;

  if (message->sip_call_id != NULL && dialog->call_id == NULL)
    set (&dialog->call_id, message->sip_call_id->i_id);
  if (dialog->local_uri == NULL)
    set_uri (home, &dialog->local_uri, local->a_url);
  if (dialog->remote_uri == NULL)
    set_uri (home, &dialog->remote_uri, remote->a_url);
  if (local->a_tag != NULL)
    set (&dialog->local_tag, local->a_tag);
  if (remote->a_tag != NULL && (is_first || dialog->remote_tag == NULL))
    set (&dialog->remote_tag, remote->a_tag);
  if (from_peer)
    dialog->remote_cseq = message->sip_cseq->cs_seq;
  else if (message->sip_cseq->cs_seq > dialog->local_cseq)
    dialog->local_cseq = message->sip_cseq->cs_seq;

  sip_method_t method = message->sip_cseq->cs_method;
  if (message->sip_contact != NULL && (method == sip_method_invite || method == sip_method_update)
      && (message->sip_status == NULL || message->sip_status->st_status < 300))
    set_uri (home, &dialog->remote_target, message->sip_contact->m_url);
  if (is_first && method == sip_method_invite)
    set_routes (call, home, message->sip_record_route);
  su_home_deinit (home);
}

/** sig_sip_dialog_note_contact: makes our Contact of this call, with @user (nullable) in it. */
void
sig_sip_dialog_note_contact (SigSipCall *call, const char *user)
{
  g_free (call->dialog.local_contact);
  call->dialog.local_contact = sig_sip_contact_make (call->listener, &call->peer, user, call->is_sips);
}

/** sig_sip_dialog_note_own_tag: the tag that the stack gave to our side of an INVITE received just now. */
void
sig_sip_dialog_note_own_tag (SigSipCall *call)
{
  su_home_t home[1] = { SU_HOME_INIT (home) };

  su_home_init (home);
  const sip_replaces_t *replaces = nua_handle_make_replaces (call->nh, home, 0);
  if (replaces != NULL)
    set (&call->dialog.local_tag, replaces->rp_from_tag);
  su_home_deinit (home);
}

static char *
or_empty (const char *text)
{
  return g_strdup (text != NULL ? text : "");
}

gboolean
sig_sip_call_export (SigSip *sip, SigSipCallId id, SigSipDialogState *state)
{
  static const char *const no_routes[] = { NULL };
  SigSipCall *call = sig_sip_call_live (sip, id);

  memset (state, 0, sizeof *state);
  if (call == NULL)
    return FALSE;
  call = sig_sip_fork_speaker (call);

  const SigSipDialogState *dialog = &call->dialog;
  state->call_id = or_empty (dialog->call_id);
  state->local_uri = or_empty (dialog->local_uri);
  state->local_tag = or_empty (dialog->local_tag);
  state->local_contact = or_empty (dialog->local_contact);
  state->remote_uri = or_empty (dialog->remote_uri);
  state->remote_tag = or_empty (dialog->remote_tag);
  state->remote_target = or_empty (dialog->remote_target);
  state->route_set = g_strdupv (dialog->route_set != NULL ? dialog->route_set : (char **)no_routes);
  state->local_cseq = dialog->local_cseq;
  state->remote_cseq = dialog->remote_cseq;
  state->transport = g_strdup (sig_sip_peer_transport (&call->peer));
  state->peer_address = g_strdup (call->peer.host);
  state->peer_port = call->peer.port;
  return TRUE;
}

void
sig_sip_dialog_state_clear (SigSipDialogState *state)
{
  g_free (state->call_id);
  g_free (state->local_uri);
  g_free (state->local_tag);
  g_free (state->local_contact);
  g_free (state->remote_uri);
  g_free (state->remote_tag);
  g_free (state->remote_target);
  g_strfreev (state->route_set);
  g_free (state->transport);
  g_free (state->peer_address);
  memset (state, 0, sizeof *state);
}
