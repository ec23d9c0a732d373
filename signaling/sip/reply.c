#include "signaling/sip/reply.h"

#include "signaling/sip/requests.h"

#include <sofia-sip/nta_tag.h>
#include <sofia-sip/su_string.h>

#include <string.h>

void
sig_sip_reply_handle (SigSipCall *call, const SigSipReply *reply)
{
  nua_respond (call->nh, reply->status, sig_sip_phrase (reply->status, reply->phrase),
               NUTAG_WITH_CURRENT (call->listener->nua), SIG_SIP_REPLY_TAGS (reply), TAG_END ());
}

void
sig_sip_reply_transaction (SigSipListener *listener, nta_incoming_t *irq, const SigSipReply *reply)
{
  const SigSip *sip = listener->sip;

  nta_incoming_treply (irq, reply->status, sig_sip_phrase (reply->status, reply->phrase),
                       SIPTAG_USER_AGENT_STR (sip->user_agent), SIPTAG_ALLOW_STR (sip->allow),
                       SIG_SIP_REPLY_TAGS (reply), TAG_END ());
  nta_incoming_destroy (irq);
}

static gboolean
has_utf8_charset (const sip_content_type_t *type)
{
  const char *charset = msg_header_find_param (type->c_common, "charset");

  if (charset == NULL)
    return TRUE;
  if (*charset == '"')
    charset++;
  return g_ascii_strncasecmp (charset, "utf-8", 5) == 0 || g_ascii_strncasecmp (charset, "us-ascii", 8) == 0;
}

SigSipReply
sig_sip_text_check (sip_t const *message)
{
  const sip_payload_t *body = message->sip_payload;
  const sip_content_type_t *type = message->sip_content_type;

  if (body == NULL || body->pl_len == 0)
    return (SigSipReply){ .status = 400, .phrase = "Missing Text" };
  if (type == NULL || type->c_type == NULL)
    return (SigSipReply){ .status = 400, .phrase = "Missing Content-Type Header" };
  if (message->sip_content_encoding != NULL)
    return (SigSipReply){ .status = 415, .accept = "text/plain", .accept_encoding = "identity" };
  if (!su_casematch (type->c_type, "text/plain") || !has_utf8_charset (type))
    return (SigSipReply){ .status = 415, .accept = "text/plain" };
  if (body->pl_len > SIG_SIP_MAX_TEXT)
    return (SigSipReply){ .status = 413 };
  if (memchr (body->pl_data, '\0', body->pl_len) != NULL
      || !g_utf8_validate (body->pl_data, (gssize)body->pl_len, NULL))
    return (SigSipReply){ .status = 400, .phrase = "Text Is Not UTF-8" };
  return (SigSipReply){ 0 };
}

const char *
sig_sip_header_value (sip_t const *message, const char *name)
{
  for (const sip_unknown_t *u = message->sip_unknown; u != NULL; u = u->un_next)
    if (u->un_name != NULL && g_ascii_strcasecmp (u->un_name, name) == 0)
      return u->un_value != NULL ? u->un_value : "";
  return NULL;
}
