/* A session description that comes in a body of several parts (RFC 5621): from here on it is the body. */
#include "signaling/sip/internal.h"

#include "signaling/core/multipart.h"

#include <sofia-sip/msg_header.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/su_string.h>

static gboolean
may_describe (const sip_t *sip)
{
  switch ((int)sip->sip_cseq->cs_method)
    {
    case sip_method_invite:
    case sip_method_ack:
    case sip_method_prack:
    case sip_method_update:
      return TRUE;
    default:
      return FALSE;
    }
}

void
sig_sip_unpack (msg_t *message, sip_t *sip)
{
  const sip_content_type_t *type = sip->sip_content_type;
  const sip_payload_t *body = sip->sip_payload;
  const char *boundary, *part = NULL;
  gsize length = 0;

  if (body == NULL || body->pl_len > SIG_SIP_MAX_BODY || type == NULL || type->c_type == NULL
      || !su_casenmatch (type->c_type, "multipart/", 10) || sip->sip_cseq == NULL || !may_describe (sip))
    return;
  boundary = msg_header_find_param (type->c_common, "boundary");
  if (boundary == NULL
      || !sig_multipart_find (body->pl_data, body->pl_len, boundary, "application/sdp", &part, &length))
    return;
  su_home_t *home = msg_home (message);
  sip_payload_t *description = sip_payload_create (home, part, (isize_t)length);
  sip_content_type_t *plain = sip_content_type_make (home, "application/sdp");

  if (description == NULL || plain == NULL)
    return;
  sip_header_remove (message, sip, (sip_header_t *)sip->sip_payload);
  sip_header_insert (message, sip, (sip_header_t *)description);
  sip_header_remove (message, sip, (sip_header_t *)sip->sip_content_type);
  sip_header_insert (message, sip, (sip_header_t *)plain);
  if (sip->sip_content_length != NULL)
    sip->sip_content_length->l_length = (uint32_t)length;
}
