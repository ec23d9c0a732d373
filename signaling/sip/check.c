/* What a user may put into our requests: the stack itself would let a header value inject further headers. */
#include "signaling/sip/sip.h"

#include "config/base/error.h"
#include "config/base/header.h"

#include <sofia-sip/url.h>

#include <arpa/inet.h>
#include <string.h>

#define MAX_URI 512

static gboolean
invalid (GError **error, const char *text)
{
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, text);
  return FALSE;
}

static gboolean
has_uri_characters (const char *uri)
{
  for (const char *c = uri; *c != '\0'; c++)
    if ((guchar)*c <= ' ' || (guchar)*c >= 0x7f || strchr ("<>\"\\^`{|}", *c) != NULL)
      return FALSE;
  return TRUE;
}

static gboolean
is_host (const char *host)
{
  gsize length = host != NULL ? strlen (host) : 0;
  struct in6_addr in6;
  char address[INET6_ADDRSTRLEN];

  if (length == 0 || length > 253)
    return FALSE;
  if (host[0] == '[')
    {
      if (host[length - 1] != ']' || length - 2 >= sizeof address)
        return FALSE;
      memcpy (address, host + 1, length - 2);
      address[length - 2] = '\0';
      return inet_pton (AF_INET6, address, &in6) == 1;
    }
  for (const char *c = host; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && *c != '-' && *c != '.' && *c != '_')
      return FALSE;
  return host[0] != '.' && host[0] != '-';
}

static gboolean
is_port (const char *port)
{
  guint64 number;

  if (port == NULL)
    return TRUE;
  return g_ascii_string_to_unsigned (port, 10, 1, 65535, &number, NULL);
}

static gboolean
check_parameters (const char *parameters, GError **error)
{
  g_auto (GStrv) words = g_strsplit (parameters, ";", 32);

  for (guint i = 0; words[i] != NULL; i++)
    {
      if (g_ascii_strncasecmp (words[i], "maddr=", 6) == 0
          || g_ascii_strncasecmp (words[i], "method=", 7) == 0
          || g_ascii_strncasecmp (words[i], "comp=", 5) == 0)
        return invalid (error, "the SIP address has a parameter that is not allowed (maddr, method or comp)");
      if (g_ascii_strncasecmp (words[i], "transport=", 10) == 0
          && g_ascii_strcasecmp (words[i] + 10, "udp") != 0 && g_ascii_strcasecmp (words[i] + 10, "tcp") != 0
          && g_ascii_strcasecmp (words[i] + 10, "tls") != 0)
        return invalid (error, "the transport of a SIP address is udp, tcp or tls");
    }
  return TRUE;
}

gboolean
sig_sip_check_uri (const char *uri, GError **error)
{
  url_t url[1];

  if (uri == NULL || *uri == '\0')
    return invalid (error, "the SIP address is empty");
  if (strlen (uri) > MAX_URI)
    return invalid (error, "the SIP address is too long");
  if (!has_uri_characters (uri))
    return invalid (error, "the SIP address has characters that are not allowed in it");

  g_autofree char *copy = g_strdup (uri);
  if (url_d (url, copy) < 0)
    return invalid (error, "the SIP address cannot be read");
  if (url->url_type != url_sip && url->url_type != url_sips)
    return invalid (error, "a SIP address begins with sip: or sips:");
  if (!is_host (url->url_host))
    return invalid (error, "the SIP address has no valid host");
  if (!is_port (url->url_port))
    return invalid (error, "the port of a SIP address is between 1 and 65535");
  if (url->url_password != NULL || url->url_path != NULL || url->url_headers != NULL
      || url->url_fragment != NULL)
    return invalid (error, "a password, a path or headers inside of the SIP address are not allowed");
  if (url->url_type == url_sips && url->url_params != NULL && url_has_param (url, "transport"))
    return invalid (error, "a sips: address goes over TLS and takes no transport");
  return url->url_params == NULL || check_parameters (url->url_params, error);
}

gboolean
sig_sip_check_header (const char *name, const char *value, GError **error)
{
  return cfg_header_check (name, value, error);
}
