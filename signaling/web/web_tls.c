/* Certificates: from files, or made in memory for --self-signed, with the names of this machine. */
#include "signaling/web/web_private.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "signaling/tls/certificate.h"

#define SELF_SIGNED_DAYS 390 /* phones refuse certificates that live longer than 398 */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SSL_CTX, SSL_CTX_free)

static void
append_address (GString *names, const struct sockaddr *address)
{
  char text[INET6_ADDRSTRLEN];

  if (address->sa_family == AF_INET)
    inet_ntop (AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, text, sizeof text);
  else if (address->sa_family == AF_INET6)
    inet_ntop (AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, text, sizeof text);
  else
    return;
  g_string_append_printf (names, ",IP:%s", text);
}

/* Every name under which this machine may be reached in its network. */
static char *
alternative_names (void)
{
  g_autoptr (GString) names = g_string_new ("DNS:localhost");
  struct ifaddrs *list = NULL;
  const char *host = g_get_host_name ();

  if (host[strspn (host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.")] == '\0')
    g_string_append_printf (names, ",DNS:%s,DNS:%s.local", host, host);
  if (getifaddrs (&list) == 0)
    {
      guint n = 0;

      for (const struct ifaddrs *i = list; i != NULL && n < 64; i = i->ifa_next)
        if (i->ifa_addr != NULL && (i->ifa_flags & IFF_UP))
          {
            append_address (names, i->ifa_addr);
            n++;
          }
      freeifaddrs (list);
    }
  return g_string_free (g_steal_pointer (&names), FALSE);
}

/* OpenSSL's, for each new connection. Certificates of each kind have a place of their own in a context, and
 * none can be taken out of it: beside a new one of RSA, clients would go on with the old one of ECDSA. */
static int
give_certificate (SSL *ssl, void *user)
{
  const SigWeb *web = user;
  STACK_OF (X509) *chain = NULL;

  if (web->reloaded == NULL)
    return 1;
  SSL_certs_clear (ssl);
  (void)SSL_CTX_get0_chain_certs (web->reloaded, &chain);
  return SSL_use_cert_and_key (ssl, SSL_CTX_get0_certificate (web->reloaded),
                               SSL_CTX_get0_privatekey (web->reloaded), chain, 1);
}

gboolean
sig_web_tls_setup (SigWeb *web, SSL_CTX *ssl, GError **error)
{
  g_autofree char *names = NULL;

  SSL_CTX_set_min_proto_version (ssl, TLS1_2_VERSION);
  web->ssl = ssl;
  if (web->tls_cert == NULL)
    {
      names = alternative_names ();
      return sig_tls_use_self_signed (ssl, names, SELF_SIGNED_DAYS, error);
    }
  SSL_CTX_set_cert_cb (ssl, give_certificate, web);
  return sig_tls_use_files (ssl, "TLS", web->tls_cert, web->tls_key, error);
}

/* A context that holds nothing but the files'. Returns: (transfer full) (nullable) */
static SSL_CTX *
read_files (const SigWeb *web, GError **error)
{
  g_autoptr (SSL_CTX) context = SSL_CTX_new (TLS_server_method ());

  if (!sig_tls_use_files (context, "TLS", web->tls_cert, web->tls_key, error))
    return NULL;
  return g_steal_pointer (&context);
}

/* Before libwebsockets has them: it does not come clean out of a certificate refused while it starts. */
gboolean
sig_web_tls_check (SigWeb *web, GError **error)
{
  g_autoptr (SSL_CTX) trial = web->tls_cert != NULL ? read_files (web, error) : NULL;

  return web->tls_cert == NULL || trial != NULL;
}

gboolean
sig_web_reload_tls (SigWeb *web, GError **error)
{
  SSL_CTX *context;

  if (web->ssl == NULL || web->tls_cert == NULL)
    return TRUE;
  context = read_files (web, error);
  if (context == NULL)
    return FALSE;
  SSL_CTX_free (web->reloaded);
  web->reloaded = context;
  return TRUE;
}
