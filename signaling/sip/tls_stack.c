/* In front of the stack's TLS: functions of its library, exported by it and called by it through the dynamic
 * linker, that this program defines anew and that call the library's own. What passes between the two is
 * opaque here; the SSL object of a connection is caught when OpenSSL makes it, over its hook for ex-data.
 *
 *   tls_init_master     a listener                     belongs to the SigSipTls attached just then
 *   tls_init_secondary  a connection                   gets a SigSipTlsConnection, found by it and by socket
 *   tls_connect         an event before the handshake  set up, handshake, its failure told to who waits
 *   SSL_connect, _accept  its own step of it           is the one that was made here
 *   tls_read, _write    later                          keepalives (RFC 5626) and the reason of a failure
 *   tls_free            the end                        the SSL object goes, which the library forgets
 *   tport_by_name       a connection for a request     one made for another host is not taken
 *   tport_tcp_init_secondary   any stream              a peer that is gone is noticed */
#include "signaling/sip/tls_private.h"

#include "config/base/clock.h"
#include "config/base/log.h"
#include "signaling/core/sip_framing.h"
#include "signaling/sip/streams.h"

#include <sofia-sip/su_wait.h>
#include <sofia-sip/tport.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define EXPORTED      __attribute__ ((visibility ("default")))
#define MAX_FAILURES  256
#define FAILURE_US    (5 * G_USEC_PER_SEC) /* those who wait for the connection hear of it at once */
#define HANDSHAKE_US  (10 * G_USEC_PER_SEC)
#define PING_AFTER_US (60 * G_USEC_PER_SEC)
#define TICK_MS       2000
#define LOG_EACH_US   G_USEC_PER_SEC
#define PROBE_AFTER_S 60
#define PROBE_EACH_S  10
#define PROBES        3
#define UNANSWERED_MS 30000

typedef struct _StackTls StackTls; /* struct tls_s of the stack */
typedef struct _StackIssues StackIssues;
typedef struct _StackPrimary StackPrimary;

typedef struct
{
  SigSipTls *tls;
  StackTls *of;   /* the stack's */
  tport_t *tport; /* (nullable) before its first event */
  SSL *ssl;
  SSL_CTX *context; /* the listener's, of the stack */
  int fd;
  gboolean accepted, set_up, established;
  gboolean writing; /* a write of the stack is to be repeated: no other may come between */
  char *host;       /* that is called, as in the URI without brackets; of an accepted one its address */
  char address[INET6_ADDRSTRLEN];
  guint16 port;
  char *cipher;
  gint64 since_us, heard_us, sent_us;
  SigSipFraming framing;
  void *read; /* (nullable): of the stack's buffer, read and not fetched yet */
  gssize n_read;
} SigSipTlsConnection;

static SigSipTls *attached;
static GHashTable *masters;  /* StackTls -> SigSipTls */
static GHashTable *by_stack; /* StackTls -> SigSipTlsConnection */
static GHashTable *by_fd;    /* socket -> SigSipTlsConnection */
static GHashTable *by_tport; /* tport_t -> SigSipTlsConnection */
static SSL **catcher;        /* (nullable): where the next SSL object is noted */
/* What the library is shown while it handles an event of the handshake. Other threads speak DTLS. */
static _Thread_local gboolean hides_certificate;
static _Thread_local const SSL *replayed; /* (nullable): its handshake went on here already, with this */
static _Thread_local int replayed_result;

/* ---- declarations of the library's functions, whose headers it does not install ---- */

StackTls *tls_init_master (StackIssues *issues);
StackTls *tls_init_secondary (StackTls *master, int fd, int accept);
void tls_free (StackTls *of);
int tls_connect (su_root_magic_t *magic, su_wait_t *wait, tport_t *tport);
ssize_t tls_read (StackTls *of);
void *tls_read_buffer (StackTls *of, size_t n);
ssize_t tls_write (StackTls *of, void *bytes, size_t n);
int tls_want_write (StackTls *of, int events);
int tport_tcp_init_secondary (tport_t *tport, int fd, int accepted, char const **reason);
void tport_error_report (tport_t *tport, int error, su_sockaddr_t const *address);
int tport_set_secondary_timer (tport_t *tport);

/* The library's own function behind the one of the same name here, into @pointer. */
#define REAL(pointer, name)                                                                                  \
  do                                                                                                         \
    {                                                                                                        \
      void *symbol_ = dlsym (RTLD_NEXT, name);                                                               \
      g_assert (symbol_ != NULL);                                                                            \
      *(void **)&(pointer) = symbol_;                                                                        \
    }                                                                                                        \
  while (0)

/* ---- connections ---- */

static void
on_new_ssl (void *parent, void *value, CRYPTO_EX_DATA *data, int index, long number, void *pointer)
{
  if (catcher != NULL)
    *catcher = parent;
}

static void
initialise (void)
{
  if (masters != NULL)
    return;
  masters = g_hash_table_new (NULL, NULL);
  by_stack = g_hash_table_new (NULL, NULL);
  by_fd = g_hash_table_new (NULL, NULL);
  by_tport = g_hash_table_new (NULL, NULL);
  g_assert (CRYPTO_get_ex_new_index (CRYPTO_EX_INDEX_SSL, 0, NULL, on_new_ssl, NULL, NULL) >= 0);
}

static SigSipTlsConnection *
find (StackTls *of)
{
  return by_stack != NULL ? g_hash_table_lookup (by_stack, of) : NULL;
}

static void
note_peer (SigSipTlsConnection *c, const tport_t *tport)
{
  const tp_name_t *name = tport_name (tport);
  union
  {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
  } a = { 0 };
  socklen_t length = sizeof a;

  c->tport = (tport_t *)tport;
  g_hash_table_insert (by_tport, c->tport, c);
  if (getpeername (c->fd, &a.any, &length) == 0)
    {
      const void *bytes
          = a.any.sa_family == AF_INET ? (const void *)&a.in.sin_addr : (const void *)&a.in6.sin6_addr;
      inet_ntop (a.any.sa_family, bytes, c->address, sizeof c->address);
      c->port = ntohs (a.any.sa_family == AF_INET ? a.in.sin_port : a.in6.sin6_port);
    }
  const char *host = c->accepted || name->tpn_canon == NULL ? c->address : name->tpn_canon;
  gsize n = strlen (host);
  c->host = *host == '[' && n > 2 ? g_strndup (host + 1, n - 2) : g_strdup (host);
  if (c->port == 0 && name->tpn_port != NULL)
    c->port = (guint16)g_ascii_strtoull (name->tpn_port, NULL, 10);
}

/* Of strangers who knock, a line a second is enough. */
static gboolean
may_log (const SigSipTlsConnection *c)
{
  static gint64 last;
  gint64 now = g_get_monotonic_time ();

  if (!c->accepted)
    return TRUE;
  if (last != 0 && now - last < LOG_EACH_US)
    return FALSE;
  last = now;
  return TRUE;
}

static void
note_failure (SigSipTlsConnection *c, const char *reason)
{
  GHashTable *failures = c->tls->failures;

  if (may_log (c))
    cfg_log (c->accepted ? CFG_LOG_INFO : CFG_LOG_WARN, "sip", NULL,
             c->accepted ? "TLS connection from a caller failed" : "TLS connection failed",
             CFG_STR ("host", c->host), CFG_INT ("port", c->port), CFG_STR ("reason", reason));
  if (c->accepted || c->host == NULL)
    return;
  if (g_hash_table_size (failures) >= MAX_FAILURES)
    g_hash_table_remove_all (failures);
  SigSipTlsFailure *failure = g_new0 (SigSipTlsFailure, 1);
  failure->reason = g_strdup (reason);
  failure->at_us = g_get_monotonic_time ();
  g_hash_table_replace (failures, g_ascii_strdown (c->host, -1), failure);
}

static char *
peer_key (const char *address, guint16 port)
{
  return g_strdup_printf ("%s %u", address, port);
}

static void
note_established (SigSipTlsConnection *c)
{
  g_autofree char *key = g_ascii_strdown (c->host, -1);

  c->established = TRUE;
  c->heard_us = c->sent_us = g_get_monotonic_time ();
  c->cipher = g_strdup_printf ("%s %s", SSL_get_version (c->ssl), SSL_get_cipher_name (c->ssl));
  g_hash_table_remove (c->tls->failures, key);
  g_hash_table_replace (c->tls->by_peer, peer_key (c->address, c->port), c);
  cfg_log (c->accepted ? CFG_LOG_DEBUG : CFG_LOG_INFO, "sip", NULL, "TLS connection established",
           CFG_STR ("host", c->host), CFG_INT ("port", c->port), CFG_STR ("tls", c->cipher));
}

static void
connection_free (SigSipTlsConnection *c)
{
  g_hash_table_remove (by_stack, c->of);
  if (g_hash_table_lookup (by_fd, GINT_TO_POINTER (c->fd)) == c)
    g_hash_table_remove (by_fd, GINT_TO_POINTER (c->fd));
  if (c->tport != NULL && g_hash_table_lookup (by_tport, c->tport) == c)
    g_hash_table_remove (by_tport, c->tport);
  g_hash_table_remove (c->tls->connections, c);
  g_autofree char *key = peer_key (c->address, c->port);
  if (g_hash_table_lookup (c->tls->by_peer, key) == c)
    g_hash_table_remove (c->tls->by_peer, key);
  g_free (c->host);
  g_free (c->cipher);
  g_free (c);
}

/* ---- ticks: handshakes that stand still, connections of ours that are idle ---- */

static gboolean
can_write (const SigSipTlsConnection *c)
{
  struct pollfd poller = { .fd = c->fd, .events = POLLOUT };

  return c->established && !c->writing && poll (&poller, 1, 0) == 1 && (poller.revents & POLLOUT);
}

static void
send_keepalive (SigSipTlsConnection *c, const char *text)
{
  if (!can_write (c))
    return;
  ERR_clear_error ();
  (void)SSL_write (c->ssl, text, (int)strlen (text));
  ERR_clear_error ();
  c->sent_us = g_get_monotonic_time ();
}

static void
close_stalled (SigSipTlsConnection *c)
{
  tport_t *tport = c->tport;

  note_failure (c, "the TLS handshake took too long");
  tport_error_report (tport, ETIMEDOUT, NULL); /* c is gone */
  tport_set_secondary_timer (tport);
}

static gboolean
on_tick (gpointer data)
{
  SigSipTls *tls = data;
  g_autoptr (GList) all = g_hash_table_get_keys (tls->connections);
  gint64 now = g_get_monotonic_time ();

  for (GList *link = all; link != NULL; link = link->next)
    {
      SigSipTlsConnection *c = link->data;
      if (!g_hash_table_contains (tls->connections, c))
        continue;
      if (!c->established && c->tport != NULL && now - c->since_us > HANDSHAKE_US)
        close_stalled (c);
      else if (c->established && !c->accepted && now - MAX (c->heard_us, c->sent_us) > PING_AFTER_US)
        send_keepalive (c, "\r\n\r\n");
    }
  return G_SOURCE_CONTINUE;
}

/* ---- what the endpoint calls ---- */

void
sig_sip_tls_attach (SigSipTls *tls)
{
  initialise ();
  attached = tls;
  if (tls == NULL || tls->tick != NULL)
    return;
  tls->tick = g_timeout_source_new (TICK_MS);
  g_source_set_callback (tls->tick, on_tick, tls, NULL);
  g_source_attach (tls->tick, g_main_context_get_thread_default ());
}

static gboolean
belongs_to (gpointer key, gpointer value, gpointer tls)
{
  return value == tls;
}

void
sig_sip_tls_detach (SigSipTls *tls)
{
  g_autoptr (GList) left = g_hash_table_get_keys (tls->connections);

  for (GList *link = left; link != NULL; link = link->next)
    connection_free (link->data);
  if (masters != NULL)
    g_hash_table_foreach_remove (masters, belongs_to, tls);
  if (tls->tick == NULL)
    return;
  g_source_destroy (tls->tick);
  g_clear_pointer (&tls->tick, g_source_unref);
}

const char *
sig_sip_tls_describe (const SigSipTls *tls, const char *host, guint16 port)
{
  g_autofree char *key = peer_key (host, port);
  const SigSipTlsConnection *c = g_hash_table_lookup (tls->by_peer, key);

  return c != NULL ? c->cipher : NULL;
}

const char *
sig_sip_tls_failure (const SigSipTls *tls, const char *host)
{
  g_autofree char *key = g_ascii_strdown (host, -1);

  const SigSipTlsFailure *failure = g_hash_table_lookup (tls->failures, key);

  return failure != NULL && g_get_monotonic_time () - failure->at_us < FAILURE_US ? failure->reason : NULL;
}

guint
sig_sip_tls_n_connections (const SigSipTls *tls)
{
  return g_hash_table_size (tls->connections);
}

/* ---- in front of the library ---- */

EXPORTED StackTls *
tls_init_master (StackIssues *issues)
{
  StackTls *(*real) (StackIssues *);
  StackTls *master;

  REAL (real, "tls_init_master");
  master = real (issues); /* finds no file, and says so */
  ERR_clear_error ();
  if (master != NULL && attached != NULL)
    g_hash_table_insert (masters, master, attached);
  return master;
}

EXPORTED StackTls *
tls_init_secondary (StackTls *master, int fd, int accept)
{
  StackTls *(*real) (StackTls *, int, int);
  SigSipTls *tls = masters != NULL ? g_hash_table_lookup (masters, master) : NULL;
  SSL *ssl = NULL;

  REAL (real, "tls_init_secondary");
  catcher = &ssl;
  StackTls *of = real (master, fd, accept);
  catcher = NULL;
  if (of == NULL || ssl == NULL || tls == NULL)
    return of;

  SigSipTlsConnection *c = g_new0 (SigSipTlsConnection, 1);
  c->tls = tls;
  c->of = of;
  c->ssl = ssl;
  c->context = SSL_get_SSL_CTX (ssl);
  c->fd = fd;
  c->accepted = accept != 0;
  c->since_us = g_get_monotonic_time ();
  g_hash_table_insert (by_stack, of, c);
  g_hash_table_insert (by_fd, GINT_TO_POINTER (fd), c);
  g_hash_table_add (tls->connections, c);
  return of;
}

EXPORTED void
tls_free (StackTls *of)
{
  void (*real) (StackTls *);
  SigSipTlsConnection *c = of != NULL ? find (of) : NULL;
  SSL *ssl = c != NULL ? c->ssl : NULL;

  REAL (real, "tls_free");
  if (masters != NULL && of != NULL)
    g_hash_table_remove (masters, of);
  if (ssl != NULL) /* the library takes the BIO from it, and the listener's context, and leaves it */
    {
      BIO_up_ref (SSL_get_rbio (ssl));
      SSL_CTX_up_ref (c->context);
    }
  if (c != NULL)
    connection_free (c);
  ERR_clear_error ();
  real (of);
  SSL_free (ssl);
  ERR_clear_error ();
}

/* Returns: FALSE: the connection is over and @error is an errno. @result: (out): of OpenSSL */
static gboolean
shake_hands (SigSipTlsConnection *c, int *result, int *error)
{
  socklen_t length = sizeof *error;

  *error = 0;
  if (getsockopt (c->fd, SOL_SOCKET, SO_ERROR, error, &length) == 0 && *error != 0)
    {
      note_failure (c, g_strerror (*error));
      return FALSE;
    }
  ERR_clear_error ();
  errno = 0;
  *result = c->accepted ? SSL_accept (c->ssl) : SSL_connect (c->ssl);
  switch (SSL_get_error (c->ssl, *result))
    {
    case SSL_ERROR_NONE:
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return TRUE;
    default:
      break;
    }
  g_autofree char *reason = sig_sip_tls_reason (c->ssl, *result);
  note_failure (c, reason);
  *error = EPROTO; /* not one that is tried again */
  return FALSE;
}

EXPORTED int
tls_connect (su_root_magic_t *magic, su_wait_t *wait, tport_t *tport)
{
  int (*real) (su_root_magic_t *, su_wait_t *, tport_t *);
  int fd = wait->fd, error = 0, progress = 0, result;
  SigSipTlsConnection *c = by_fd != NULL ? g_hash_table_lookup (by_fd, GINT_TO_POINTER (fd)) : NULL;

  REAL (real, "tls_connect");
  if (c == NULL)
    return real (magic, wait, tport);
  if (!c->set_up)
    {
      c->set_up = TRUE;
      note_peer (c, tport);
      if (c->accepted)
        sig_sip_tls_setup_accepted (c->tls, c->ssl);
      else
        sig_sip_tls_setup_connecting (c->tls, c->ssl, c->host);
    }
  if (!shake_hands (c, &progress, &error))
    {
      tport_error_report (tport, error, NULL);
      tport_set_secondary_timer (tport);
      return 0;
    }
  /* A second step here could fail, which the library keeps to itself. */
  hides_certificate = TRUE;
  replayed = c->ssl;
  replayed_result = progress;
  result = real (magic, wait, tport);
  replayed = NULL;
  hides_certificate = FALSE;
  ERR_clear_error ();
  c = g_hash_table_lookup (by_fd, GINT_TO_POINTER (fd));
  if (c != NULL && !c->established && SSL_is_init_finished (c->ssl))
    note_established (c);
  return result;
}

EXPORTED int
SSL_connect (SSL *ssl)
{
  int (*real) (SSL *);

  if (replayed == ssl)
    return replayed_result;
  REAL (real, "SSL_connect");
  return real (ssl);
}

EXPORTED int
SSL_accept (SSL *ssl)
{
  int (*real) (SSL *);

  if (replayed == ssl)
    return replayed_result;
  REAL (real, "SSL_accept");
  return real (ssl);
}

/* The library reads the names in it, forgets the memory, and uses them for nothing that we asked for. */
EXPORTED X509 *
SSL_get1_peer_certificate (const SSL *ssl)
{
  X509 *(*real) (const SSL *);

  if (hides_certificate)
    return NULL;
  REAL (real, "SSL_get1_peer_certificate");
  return real (ssl);
}

/* The other side of TLS 1.3 refuses a certificate of ours after the handshake is over for us. */
static void
note_late_failure (SigSipTlsConnection *c)
{
  g_autofree char *reason = sig_sip_tls_reason (c->ssl, -1);

  if (strstr (reason, "refused") != NULL)
    note_failure (c, reason);
}

/* Reads, and takes keepalives out of what was read. */
static ssize_t
read_on (SigSipTlsConnection *c)
{
  ssize_t (*real) (StackTls *);
  void *(*buffer) (StackTls *, size_t);

  REAL (real, "tls_read");
  REAL (buffer, "tls_read_buffer");
  for (;;)
    {
      ERR_clear_error ();
      ssize_t n = real (c->of);
      int error = errno;
      if (n < 0 && error != EAGAIN)
        note_late_failure (c);
      errno = error;
      if (n <= 0)
        return n;
      c->heard_us = g_get_monotonic_time ();
      c->read = buffer (c->of, (size_t)n);
      guint n_pings;
      switch (sig_sip_framing_feed (&c->framing, c->read, (gsize)n, &n_pings))
        {
        case SIG_SIP_PING:
          send_keepalive (c, "\r\n");
          break;
        case SIG_SIP_PONG:
          break;
        case SIG_SIP_NO_KEEPALIVE:
        default:
          if (n_pings > 0)
            send_keepalive (c, "\r\n");
          return c->n_read = n;
        }
    }
}

EXPORTED ssize_t
tls_read (StackTls *of)
{
  ssize_t (*real) (StackTls *);
  SigSipTlsConnection *c = find (of);

  if (c != NULL)
    return c->n_read > 0 ? c->n_read : read_on (c);
  REAL (real, "tls_read");
  return real (of);
}

EXPORTED void *
tls_read_buffer (StackTls *of, size_t n)
{
  void *(*real) (StackTls *, size_t);
  SigSipTlsConnection *c = find (of);

  if (c != NULL)
    {
      g_assert ((gssize)n == c->n_read);
      c->n_read = 0;
      return g_steal_pointer (&c->read);
    }
  REAL (real, "tls_read_buffer");
  return real (of, n);
}

EXPORTED ssize_t
tls_write (StackTls *of, void *bytes, size_t n)
{
  ssize_t (*real) (StackTls *, void *, size_t);
  SigSipTlsConnection *c = find (of);
  ssize_t result;

  REAL (real, "tls_write");
  ERR_clear_error ();
  result = real (of, bytes, n);
  if (c != NULL)
    {
      c->writing = result < 0 && errno == EAGAIN;
      c->sent_us = g_get_monotonic_time ();
    }
  return result;
}

EXPORTED int
tls_want_write (StackTls *of, int events)
{
  int (*real) (StackTls *, int);

  REAL (real, "tls_want_write");
  ERR_clear_error ();
  return real (of, events); /* calls tls_write */
}

/* The stack looks for a connection by address alone: one that was checked for another host, or that came from
 * a stranger, is none for this host. An address is met by every connection to it that was checked. */
static gboolean
is_for (const tport_t *tport, const char *host)
{
  const SigSipTlsConnection *c = g_hash_table_lookup (by_tport, tport);
  g_autofree char *bare = *host == '[' && host[1] != '\0' ? g_strndup (host + 1, strlen (host) - 2) : NULL;
  const char *wanted = bare != NULL ? bare : host;

  return c == NULL || g_ascii_strcasecmp (c->host, wanted) == 0
         || (!c->accepted && g_ascii_strcasecmp (c->address, wanted) == 0);
}

EXPORTED tport_t *
tport_by_name (tport_t const *tport, tp_name_t const *name)
{
  tport_t *(*real) (tport_t const *, tp_name_t const *);
  tport_t *found;

  REAL (real, "tport_by_name");
  found = real (tport, name);
  if (found != NULL && by_stack != NULL && name->tpn_canon != NULL && tport_is_secondary (found)
      && tport_has_tls (found) && !is_for (found, name->tpn_canon))
    return tport_parent (found);
  return found;
}

static void
set_option (int fd, int level, int option, int value)
{
  (void)setsockopt (fd, level, option, &value, sizeof value);
}

/* RFC 5626 3.5.1 lets the client find out; this finds out for both, whatever the peer knows: a connection
 * whose other end is gone fails within two minutes, at once when something is sent, and what is sent in the
 * dialog next opens another one. */
EXPORTED int
tport_tcp_init_secondary (tport_t *tport, int fd, int accepted, char const **reason)
{
  int (*real) (tport_t *, int, int, char const **);

  REAL (real, "tport_tcp_init_secondary");
  if (accepted)
    sig_sip_streams_accepted (fd);
  set_option (fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option (fd, IPPROTO_TCP, TCP_KEEPIDLE, PROBE_AFTER_S);
  set_option (fd, IPPROTO_TCP, TCP_KEEPINTVL, PROBE_EACH_S);
  set_option (fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
  set_option (fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNANSWERED_MS);
  return real (tport, fd, accepted, reason);
}
