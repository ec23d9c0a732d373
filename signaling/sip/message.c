#include "signaling/sip/internal.h"

#include "signaling/sip/address.h"

#include <sofia-sip/msg_addr.h>
#include <sofia-sip/sip_extra.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/su_string.h>

#include <arpa/inet.h>
#include <string.h>

#define MAX_HEADERS      64
#define MAX_HEADER_NAME  128
#define MAX_HEADER_VALUE 1024
#define MAX_TEXT         256
#define MAX_PHRASES      256

/** sig_sip_text: (transfer full): @text as UTF-8 of bounded length, without control characters; "" for NULL.
 */
char *
sig_sip_text (const char *text)
{
  if (text == NULL)
    return g_strdup ("");

  char *out = g_utf8_make_valid (text, (gssize)strnlen (text, MAX_TEXT));
  for (char *c = out; *c != '\0'; c++)
    if ((guchar)*c < ' ' || *c == 0x7f)
      *c = ' ';
  return out;
}

/** sig_sip_user: (transfer full): the user part, or a tel: number, without its parameters and escapes; of a
 * telephone number without its visual separators. */
char *
sig_sip_user (const url_t *url)
{
  if (url == NULL || url->url_user == NULL)
    return g_strdup ("");

  g_autofree char *raw = g_strndup (url->url_user, MAX_TEXT);
  char *parameters = strchr (raw, ';');
  if (parameters != NULL)
    *parameters = '\0';
  url_unescape (raw, raw);
  if (url->url_type != url_tel && !(url->url_params != NULL && url_has_param (url, "user=phone")))
    return sig_sip_text (raw);
  g_autofree char *plain = sig_plain_number (raw);
  return sig_sip_text (plain);
}

/** sig_sip_host: (transfer full): the host part without brackets, "" for none. */
char *
sig_sip_host (const url_t *url)
{
  if (url == NULL || url->url_host == NULL)
    return g_strdup ("");

  gsize length = strlen (url->url_host);
  if (length >= 2 && url->url_host[0] == '[' && url->url_host[length - 1] == ']')
    {
      g_autofree char *inner = g_strndup (url->url_host + 1, length - 2);
      return sig_sip_text (inner);
    }
  return sig_sip_text (url->url_host);
}

/** sig_sip_display: (transfer full): a display name without its quotes. */
char *
sig_sip_display (const char *display)
{
  if (display == NULL)
    return g_strdup ("");

  GString *out = g_string_new (NULL);
  gboolean quoted = *display == '"';
  for (const char *c = display + (quoted ? 1 : 0); *c != '\0' && out->len < MAX_TEXT; c++)
    {
      if (quoted && *c == '"')
        break;
      if (quoted && *c == '\\' && c[1] != '\0')
        c++;
      g_string_append_c (out, *c);
    }
  char *text = sig_sip_text (out->str);
  g_string_free (out, TRUE);
  return g_strstrip (text);
}

/** sig_sip_reason_header: (transfer full) (nullable): the value of the first Reason header. */
char *
sig_sip_reason_header (sip_t const *message)
{
  if (message == NULL || message->sip_reason == NULL)
    return NULL;

  su_home_t home[1] = { SU_HOME_INIT (home) };
  su_home_init (home);
  char *text = sig_sip_text (sip_header_as_string (home, (sip_header_t *)message->sip_reason));
  su_home_deinit (home);
  return text;
}

static void
make_source (SigSipPeer *peer, const su_sockaddr_t *address)
{
  static const guint8 v4_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

  memset (peer->source.bytes, 0, sizeof peer->source.bytes);
  if (address->su_family == AF_INET)
    {
      memcpy (peer->source.bytes, v4_prefix, sizeof v4_prefix);
      memcpy (peer->source.bytes + 12, &address->su_sin.sin_addr, 4);
    }
  else if (memcmp (&address->su_sin6.sin6_addr, v4_prefix, sizeof v4_prefix) == 0)
    memcpy (peer->source.bytes, &address->su_sin6.sin6_addr, 16);
  else
    memcpy (peer->source.bytes, &address->su_sin6.sin6_addr, 8);
}

/** sig_sip_peer_from: who is at @address; over which transport is not known. */
void
sig_sip_peer_from (const su_sockaddr_t *address, SigSipPeer *peer)
{
  const struct in6_addr *in6 = &address->su_sin6.sin6_addr;

  memset (peer, 0, sizeof *peer);
  make_source (peer, address);
  peer->port = g_ntohs (address->su_port);
  if (address->su_family == AF_INET)
    inet_ntop (AF_INET, &address->su_sin.sin_addr, peer->host, sizeof peer->host);
  else if (IN6_IS_ADDR_V4MAPPED (in6))
    inet_ntop (AF_INET, in6->s6_addr + 12, peer->host, sizeof peer->host);
  else
    {
      inet_ntop (AF_INET6, in6, peer->host, sizeof peer->host);
      peer->is_ipv6 = TRUE;
    }
}

/** sig_sip_peer_of: where @message came from, and how: its Via says what its sender likes. */
void
sig_sip_peer_of (msg_t *message, SigSipPeer *peer)
{
  const SigSip *endpoint = sig_sip_endpoint_of (message);

  sig_sip_peer_from (msg_addr (message), peer);
  peer->is_tcp = msg_addrinfo (message)->ai_protocol == IPPROTO_TCP;
  peer->is_tls = peer->is_tcp && endpoint != NULL && endpoint->tls != NULL
                 && sig_sip_tls_describe (endpoint->tls, peer->host, peer->port) != NULL;
}

/** sig_sip_peer_transport: "udp", "tcp" or "tls", as a URI's parameter has it. */
const char *
sig_sip_peer_transport (const SigSipPeer *peer)
{
  return peer->is_tls ? "tls" : peer->is_tcp ? "tcp" : "udp";
}

/** sig_sip_is_own: TRUE for an answer that the stack made itself, a time-out or an unreachable peer. */
gboolean
sig_sip_is_own (msg_t *message)
{
  return message == NULL || msg_addr (message)->su_family == AF_UNSPEC;
}

/** sig_sip_contact_make: (transfer full): our Contact towards @peer. @user: (nullable) */
char *
sig_sip_contact_make (const SigSipListener *listener, const SigSipPeer *peer, const char *user,
                      gboolean is_sips)
{
  const SigSip *sip = listener->sip;
  const char *address = sig_sip_announced (listener, peer->host);
  gboolean is_ipv6 = sig_sip_address_is_ipv6 (address);
  GString *out = g_string_new (is_sips ? "<sips:" : "<sip:");

  if (user != NULL && *user != '\0' && strlen (user) <= 128)
    {
      g_autofree char *escaped = g_uri_escape_string (user, "+", FALSE);
      g_string_append_printf (out, "%s@", escaped);
    }
  g_string_append_printf (out, is_ipv6 ? "[%s]:%u" : "%s:%u", address,
                          peer->is_tls ? sip->tls_port : sip->port);
  if (peer->is_tcp && !is_sips)
    g_string_append_printf (out, ";transport=%s", sig_sip_peer_transport (peer));
  g_string_append_c (out, '>');
  return g_string_free (out, FALSE);
}

/**
 * sig_sip_body_check: whether the body, if there is one, is a session description.
 * Returns: 0, or the status to refuse with and @phrase.
 */
int
sig_sip_body_check (sip_t const *message, const char **phrase)
{
  const sip_payload_t *body = message->sip_payload;
  const sip_content_type_t *type = message->sip_content_type;

  if (body == NULL || body->pl_len == 0)
    return 0;
  if (type == NULL || type->c_type == NULL)
    {
      *phrase = "Missing Content-Type Header";
      return 400;
    }
  *phrase = NULL;
  if (!su_casematch (type->c_type, "application/sdp"))
    return 415;
  if (message->sip_content_encoding != NULL)
    return 415;
  if (body->pl_len > SIG_SIP_MAX_BODY)
    return 413;
  if (body->pl_len < 2 || strncmp (body->pl_data, "v=", 2) != 0
      || memchr (body->pl_data, '\0', body->pl_len) != NULL)
    {
      *phrase = "Bad Session Description";
      return 400;
    }
  return 0;
}

/** sig_sip_body: (transfer full) (nullable): the session description in @message. */
char *
sig_sip_body (sip_t const *message)
{
  const char *phrase;

  if (message == NULL || message->sip_payload == NULL || message->sip_payload->pl_len == 0
      || sig_sip_body_check (message, &phrase) != 0)
    return NULL;
  return g_utf8_make_valid (message->sip_payload->pl_data, (gssize)message->sip_payload->pl_len);
}

/**
 * sig_sip_phrase: @phrase, or the standard one, as a string that lives for ever: the stack keeps the pointer.
 * Bounded: after MAX_PHRASES different ones the standard phrase is used.
 */
const char *
sig_sip_phrase (int status, const char *phrase)
{
  static GHashTable *known;
  const char *standard = sip_status_phrase (status);

  if (phrase == NULL || *phrase == '\0' || strpbrk (phrase, "\r\n") != NULL || strlen (phrase) > MAX_TEXT)
    return standard != NULL ? standard : "Refused";
  if (known == NULL)
    known = g_hash_table_new (g_str_hash, g_str_equal);

  const char *kept = g_hash_table_lookup (known, phrase);
  if (kept == NULL && g_hash_table_size (known) < MAX_PHRASES)
    {
      kept = g_intern_string (phrase);
      g_hash_table_add (known, (gpointer)kept);
    }
  return kept != NULL ? kept : standard != NULL ? standard : "Refused";
}

static void
add_header (GArray *headers, const char *name, const char *value)
{
  if (headers->len >= MAX_HEADERS || name == NULL || value == NULL || strlen (name) > MAX_HEADER_NAME
      || strlen (value) > MAX_HEADER_VALUE)
    return;

  char *text = g_utf8_make_valid (value, -1);
  for (char *c = text; *c != '\0'; c++)
    if ((guchar)*c < ' ' || *c == 0x7f)
      *c = ' ';
  SigSipHeader header = { .name = g_utf8_make_valid (name, -1), .value = text };
  g_array_append_val (headers, header);
}

/* Made by the stack of what it read: no header, or none that is anybody's business. */
static gboolean
is_told (const sip_header_t *header)
{
  const char *name = header->sh_class->hc_name;

  return header->sh_class->hc_hash == msg_unknown_hash
         || (name != NULL && *name != '\0' && header->sh_class != sip_authorization_class
             && header->sh_class != sip_proxy_authorization_class);
}

/** sig_sip_headers: (transfer full): array of SigSipHeader: all in their order, without credentials. */
GArray *
sig_sip_headers (sip_t const *message)
{
  GArray *headers = g_array_new (FALSE, FALSE, sizeof (SigSipHeader));
  const sip_header_t *header = message->sip_request != NULL ? (const sip_header_t *)message->sip_request
                                                            : (const sip_header_t *)message->sip_status;
  su_home_t home[1] = { SU_HOME_INIT (home) };

  su_home_init (home);
  for (; header != NULL && headers->len < MAX_HEADERS; header = (const sip_header_t *)header->sh_succ)
    {
      if (!is_told (header))
        continue;
      if (header->sh_class->hc_hash == msg_unknown_hash)
        add_header (headers, header->sh_unknown->un_name,
                    header->sh_unknown->un_value != NULL ? header->sh_unknown->un_value : "");
      else
        add_header (headers, header->sh_class->hc_name, sip_header_as_string (home, header));
    }
  su_home_deinit (home);
  return headers;
}

/** sig_sip_line_tags: for TAG_NEXT. @lines: (nullable): outlive the tags. g_free() them. */
tagi_t *
sig_sip_line_tags (const GPtrArray *lines)
{
  guint n = lines != NULL ? lines->len : 0;
  tagi_t *tags = g_new0 (tagi_t, n + 1);

  for (guint i = 0; i < n; i++)
    {
      tags[i].t_tag = siptag_header_str;
      tags[i].t_value = tag_str_v (g_ptr_array_index (lines, i));
    }
  return tags;
}

void
sig_sip_headers_free (GArray *headers)
{
  for (guint i = 0; i < headers->len; i++)
    {
      SigSipHeader *header = &g_array_index (headers, SigSipHeader, i);
      g_free ((char *)header->name);
      g_free ((char *)header->value);
    }
  g_array_unref (headers);
}
