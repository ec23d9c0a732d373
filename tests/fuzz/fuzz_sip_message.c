/* Messages as they come from the network, through the gate and the stack's parser, in one datagram or in
 * pieces of a stream: what is passed on as whole has no target that the stack would fall over. */
#include "tests/fuzz/fuzz.h"

#include "signaling/sip/internal.h"
#include "tests/torture/torture.h"

#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_buffer.h>
#include <sofia-sip/sip_util.h>

#include <arpa/inet.h>
#include <string.h>

static SigSip *endpoint;

static msg_t *
message_new (gboolean is_stream)
{
  msg_t *message = msg_create (endpoint->parser, 0);
  su_sockaddr_t address = { 0 };

  g_assert_nonnull (message);
  msg_maxsize (message, SIG_SIP_MAX_MESSAGE);
  address.su_family = AF_INET;
  address.su_port = g_htons (5060);
  address.su_sin.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  msg_set_address (message, &address, sizeof address.su_sin);
  msg_addrinfo (message)->ai_socktype = is_stream ? SOCK_STREAM : SOCK_DGRAM;
  msg_addrinfo (message)->ai_protocol = is_stream ? IPPROTO_TCP : IPPROTO_UDP;
  return message;
}

static void
check_url (const url_t *url)
{
  g_assert_true (url->url_type == url_sip || url->url_type == url_sips);
  g_assert_nonnull (url->url_host);
}

static void
check_whole (msg_t *message)
{
  const sip_t *sip = sip_object (message);

  if ((sip->sip_flags & MSG_FLG_ERROR) || sip_sanity_check (sip) < 0) /* the stack refuses it */
    return;
  g_assert_true (sip->sip_request != NULL || sip->sip_status != NULL);
  for (const sip_route_t *route = sip->sip_route; route != NULL; route = route->r_next)
    if (sip->sip_request != NULL)
      check_url (route->r_url);
  if (sip->sip_request == NULL || sip->sip_request->rq_method == sip_method_register)
    return;
  g_assert_cmpint (sip->sip_request->rq_url->url_type, !=, url_invalid);
  for (const sip_contact_t *contact = sip->sip_contact; contact != NULL; contact = contact->m_next)
    check_url (contact->m_url);
}

/* Returns: FALSE: there is no room for it. */
static gboolean
feed (msg_t *message, const guint8 *data, gsize size, gboolean is_end)
{
  msg_iovec_t parts[8] = { { 0 } };
  gssize n = msg_recv_iovec (message, parts, G_N_ELEMENTS (parts), (usize_t)MAX (size, 1), is_end);
  gsize at = 0;

  if (n < 0)
    return FALSE;
  for (gssize i = 0; i < n && at < size; i++)
    {
      gsize part = MIN (size - at, (gsize)parts[i].mv_len);
      memcpy (parts[i].mv_base, data + at, part);
      at += part;
    }
  msg_recv_commit (message, (usize_t)size, is_end);
  return TRUE;
}

static void
run_stream (FuzzBytes *bytes)
{
  msg_t *message = message_new (TRUE);

  while (message != NULL && fuzz_more (bytes))
    {
      gsize got, step = 1 + 3 * (gsize)fuzz_u8 (bytes);
      g_autofree guint8 *chunk = fuzz_block (bytes, step, &got);
      int result = feed (message, chunk, got, FALSE) ? 0 : -1;

      while (result == 0 && message != NULL && (result = msg_extract (message)) > 0)
        {
          msg_t *next = msg_next (message);

          check_whole (message);
          msg_destroy (message);
          message = next;
          result = 0;
        }
      if (message == NULL)
        message = message_new (TRUE);
      if (result < 0)
        break;
    }
  msg_destroy (message);
}

static void
run_datagram (FuzzBytes *bytes)
{
  gsize size = (gsize)(bytes->end - bytes->at), got;
  g_autofree guint8 *all = fuzz_block (bytes, size, &got);
  msg_t *message = message_new (FALSE);

  if (feed (message, all, got, TRUE) && msg_extract (message) > 0)
    check_whole (message);
  msg_destroy (message);
}

static void
run (const guint8 *data, gsize size)
{
  FuzzBytes bytes = { data, data + size };

  if (endpoint == NULL)
    {
      endpoint = g_new0 (SigSip, 1);
      endpoint->parser = sig_sip_parser_new (endpoint);
      endpoint->session_timer.enabled = TRUE;
    }
  if (size == 0)
    return;
  if (fuzz_u8 (&bytes) & 1)
    run_stream (&bytes);
  else
    run_datagram (&bytes);
}

static void
add_torture (void (*add) (const void *data, gsize size))
{
  g_autoptr (GPtrArray) messages = torture_load (g_getenv ("TORTURE_MESSAGES"));

  for (guint i = 0; i < messages->len; i++)
    for (guint is_tcp = 0; is_tcp < 2; is_tcp++)
      {
        g_autoptr (GBytes) bytes = torture_bytes (messages->pdata[i], is_tcp == 1);
        gsize size;
        const guint8 *data = g_bytes_get_data (bytes, &size);
        g_autoptr (GByteArray) seed = g_byte_array_new ();
        const guint8 kind = (guint8)is_tcp, step = 255;

        g_byte_array_append (seed, &kind, 1);
        for (gsize at = 0; at < size; at += 766)
          {
            if (is_tcp)
              g_byte_array_append (seed, &step, 1);
            g_byte_array_append (seed, data + at, (guint)MIN (766, size - at));
          }
        add (seed->data, seed->len);
      }
}

static const char *const words[] = { "\r\n",
                                     "\r\n\r\n",
                                     "Via: SIP/2.0/TCP a;branch=z9hG4bK1\r\n",
                                     "Contact: <tel:1>\r\n",
                                     "Route: <urn:a>\r\n",
                                     "Content-Length: ",
                                     "l:9\r\n",
                                     "CSeq: 4294967296 ",
                                     " SIP/2.0",
                                     " HTTP/1.1",
                                     "<sip:",
                                     ";;,,",
                                     "sip:a@[::1",
                                     "%00",
                                     "\"",
                                     "\\",
                                     NULL };

const FuzzTarget fuzz_target
    = { .name = "sip_message", .run = run, .words = words, .rounds = 20000, .more_seeds = add_torture };
