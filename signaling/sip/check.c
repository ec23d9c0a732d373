/* What a user may put into our requests: the stack itself would let a header value inject further headers. */
#include "signaling/sip/sip.h"

#include "config/base/error.h"

#include <sofia-sip/url.h>

#include <arpa/inet.h>
#include <string.h>

#define MAX_URI          512
#define MAX_HEADER_NAME  64
#define MAX_HEADER_VALUE 2048

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

static gboolean
is_token (const char *name)
{
  for (const char *c = name; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("-.!%*_+`'~", *c) == NULL)
      return FALSE;
  return *name != '\0';
}

/* Headers that make the dialog, the transaction or the body; with their compact forms. */
static gboolean
is_owned_by_stack (const char *name)
{
  static const char *const names[] = {
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Allow",
    "Allow-Events",
    "Authorization",
    "Call-ID",
    "Contact",
    "CSeq",
    "Date",
    "Expires",
    "Event",
    "From",
    "In-Reply-To",
    "Max-Forwards",
    "MIME-Version",
    "Min-Expires",
    "Min-SE",
    "Path",
    "Proxy-Require",
    "RAck",
    "Record-Route",
    "Refer-To",
    "Replaces",
    "Require",
    "RSeq",
    "Route",
    "Server",
    "Service-Route",
    "Session-Expires",
    "Supported",
    "Timestamp",
    "To",
    "Unsupported",
    "User-Agent",
    "Via",
    "Authentication-Info",
  };

  if (strlen (name) == 1) /* compact forms, whatever they stand for */
    return TRUE;
  if (g_ascii_strncasecmp (name, "Content-", 8) == 0 || g_ascii_strncasecmp (name, "Proxy-Auth", 10) == 0
      || g_ascii_strncasecmp (name, "Security-", 9) == 0 || g_ascii_strncasecmp (name, "SIP-", 4) == 0
      || g_ascii_strcasecmp (name, "WWW-Authenticate") == 0)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_ascii_strcasecmp (name, names[i]) == 0)
      return TRUE;
  return FALSE;
}

gboolean
sig_sip_check_header (const char *name, const char *value, GError **error)
{
  if (name == NULL || value == NULL)
    return invalid (error, "a header needs a name and a value");
  if (strlen (name) > MAX_HEADER_NAME || strlen (value) > MAX_HEADER_VALUE)
    return invalid (error, "the header is too long");
  if (!is_token (name))
    return invalid (error, "the name of the header has characters that are not allowed in it");
  for (const char *c = value; *c != '\0'; c++)
    if (((guchar)*c < ' ' && *c != '\t') || *c == 0x7f)
      return invalid (error, "the value of the header has line ends or control characters");
  if (!g_utf8_validate (value, -1, NULL))
    return invalid (error, "the value of the header is not UTF-8");
  if (is_owned_by_stack (name))
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "the header %s cannot be set", name);
      return FALSE;
    }
  return TRUE;
}
