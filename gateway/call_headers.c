/* The headers of a call: those of the peer become attributes, ours come from the trunk and from attributes.
 */
#include "gateway/call_private.h"

#include "config/base/log.h"
#include "gateway/core/headers.h"
#include "gateway/trunks.h"

/* Whoever wants privacy is in none of the attributes. */
static GArray *
public_headers (const CfgHeader *headers, gsize n_headers, gboolean is_private)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (CfgHeader));

  for (gsize i = 0; i < n_headers; i++)
    if (!is_private || !sig_identity_tells_caller (headers[i].name))
      g_array_append_val (list, headers[i]);
  return list;
}

void
gw_call_take_headers (GwCall *call, const CfgHeader *headers, gsize n_headers)
{
  const CfgTrunkSettings *trunk = gw_trunks_find (call->gateway, call->v.trunk_id);
  g_autoptr (GArray) list = public_headers (headers, n_headers, call->v.is_private);
  g_autoptr (GHashTable) attributes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GHashTableIter iter;
  gpointer key, value;

  gw_headers_to_attributes (trunk, (CfgIncludeHeaders)call->v.include_headers, (const CfgHeader *)list->data,
                            list->len, attributes);
  g_hash_table_iter_init (&iter, attributes);
  while (g_hash_table_iter_next (&iter, &key, &value))
    gw_call_set_attribute (call, key, value);
}

void
gw_call_take_identities (GwCall *call, const SigSipInvite *invite, const SigIdentities *identities,
                         const CfgTrunkSettings *trunk)
{
  gboolean is_trusted = trunk != NULL && trunk->trust_id_inbound;
  const char *display = invite->from_display;

  if (is_trusted && identities->has_asserted && identities->asserted.display[0] != '\0')
    display = identities->asserted.display;
  if (!identities->is_private && display[0] != '\0')
    gw_call_set_attribute (call, "sip.displayName", display);
  if (!is_trusted || !identities->has_diverter || identities->is_diverter_private)
    return;
  gw_call_set_attribute (call, "sip.divertedFrom", identities->diverter.user);
  gw_call_set_attribute (call, "sip.diversionReason", identities->diversion_reason);
}

static void
warn_of_refused (const GwCall *call, const char *refused)
{
  const CfgLogContext context = gw_call_log_context (call);

  if (refused != NULL)
    cfg_warn ("sip", &context,
              "An attribute cannot be sent as a header: line ends, control characters or too long",
              CFG_STR ("header", refused));
}

GArray *
gw_call_merge_headers (GwCall *call, const CfgTrunkSettings *trunk, const CfgHeader *asked, gsize n_asked)
{
  GHashTable *attributes = call->participant != NULL ? call->participant->attributes : call->attributes;
  const char *refused;
  GArray *list = gw_headers_merge (trunk, attributes, asked, n_asked, &refused);

  warn_of_refused (call, refused);
  return list;
}

void
gw_call_send_headers (GwCall *call, gboolean is_end)
{
  const CfgTrunkSettings *trunk = gw_trunks_find (call->gateway, call->v.trunk_id);
  CfgTrunkSettings mapped_only;
  g_autoptr (GArray) list = NULL;

  if (trunk == NULL || (trunk->n_attributes_to_headers == 0 && (is_end || trunk->n_headers == 0)))
    return;
  mapped_only = *trunk;
  mapped_only.n_headers = 0;
  list = gw_call_merge_headers (call, is_end ? &mapped_only : trunk, NULL, 0);
  sig_sip_call_set_headers (call->gateway->sip, call->sip, (const SigSipHeader *)list->data, list->len);
}

void
gw_call_on_answer_headers (gpointer data, SigSipCallId sip, const SigSipHeader *headers, gsize n_headers)
{
  GwCall *call = gw_call_by_sip (data, sip);

  if (call != NULL && gw_call_is_live (call->v.state))
    gw_call_take_headers (call, headers, n_headers);
}
