/* Which call of ours a Replaces header names (RFC 3891 3). */
#include "signaling/sip/internal.h"

#include "signaling/sip/address.h"

#include <string.h>

static gboolean
is_named (const SigSipCall *call, const SigReplaces *replaces)
{
  const SigSipDialogState *dialog = &call->dialog;

  return dialog->call_id != NULL && dialog->local_tag != NULL && dialog->remote_tag != NULL
         && strcmp (dialog->call_id, replaces->call_id) == 0
         && strcmp (dialog->local_tag, replaces->to_tag) == 0
         && strcmp (dialog->remote_tag, replaces->from_tag) == 0;
}

/**
 * sig_sip_replaces_find:
 * @id: (out): the call, as its owner knows it; 0 when there is none
 *
 * Returns: 0, or what to refuse with: 481 nothing of ours, or an early dialog that we did not begin; 603 it
 * is over already; 486 it is answered and only an early one was meant.
 */
int
sig_sip_replaces_find (SigSip *sip, const SigReplaces *replaces, SigSipCallId *id)
{
  GHashTableIter iter;
  gpointer value;

  *id = 0;
  g_hash_table_iter_init (&iter, sip->calls);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      SigSipCall *call = value;
      if (!is_named (call, replaces))
        continue;
      if (call->ended)
        return 603;
      if (call->is_answered && replaces->early_only)
        return 486;
      if (!call->is_answered && !call->is_outbound)
        return 481;
      *id = sig_sip_told_id (call);
      return 0;
    }
  return 481;
}

gboolean
sig_sip_is_own_address (SigSip *sip, const char *host, guint16 port)
{
  if (host == NULL || *host == '\0' || (port != 0 ? port : 5060) != sip->port)
    return FALSE;
  if (g_ascii_strcasecmp (host, "localhost") == 0)
    host = "127.0.0.1";
  if (sip->external_address != NULL && strcmp (sip->external_address, host) == 0)
    return TRUE;
  for (guint i = 0; i < sip->listeners->len; i++)
    if (strcmp (((SigSipListener *)g_ptr_array_index (sip->listeners, i))->address, host) == 0)
      return TRUE;
  return FALSE;
}
