#include "tests/signaling/sip_harness.h"

#include "config/base/log.h"

#include <sofia-sip/su_time.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ------------------------------------------------------------------ endpoint */

static void
keep (char **field, const char *value)
{
  g_free (*field);
  *field = g_strdup (value);
}

/* Of the last INVITEs that came, as they were captured. */
static char *transactions[64];
static guint n_transactions;

static gboolean
was_captured (const char *transaction)
{
  for (gsize i = 0; i < G_N_ELEMENTS (transactions); i++)
    if (g_strcmp0 (transactions[i], transaction) == 0)
      return TRUE;
  return FALSE;
}

static void
on_invite (gpointer owner, SigSipCallId call, const SigSipInvite *invite)
{
  Endpoint *e = owner;
  GString *headers = g_string_new (NULL);

  g_assert_true (was_captured (invite->transaction));
  e->call = call;
  e->n_invites++;
  keep (&e->from_user, invite->from_user);
  keep (&e->from_display, invite->from_display);
  keep (&e->request_user, invite->request_user);
  keep (&e->source_address, invite->source_address);
  keep (&e->transport, invite->transport);
  keep (&e->username, invite->username);
  keep (&e->over, invite->registration);
  keep (&e->sdp, invite->sdp);
  e->source_port = invite->source_port;
  e->supports_timer = invite->supports_timer;
  keep (&e->request_uri, invite->request_uri);
  e->request_port = invite->request_port;
  e->is_local = invite->is_local;
  e->came_back = invite->came_back;
  e->max_forwards = invite->max_forwards;
  for (gsize i = 0; i < invite->n_headers; i++)
    g_string_append_printf (headers, "%s=%s;", invite->headers[i].name, invite->headers[i].value);
  keep (&e->headers, headers->str);
  g_string_free (headers, TRUE);
  g_string_append (e->heard, "invite ");
  if (e->auto_reject != 0)
    sig_sip_call_reject (e->sip, call, e->auto_reject, NULL);
  if (e->auto_refuse != 0)
    sig_sip_call_refuse (e->sip, call, e->auto_refuse, "Q.850;cause=42");
  if (e->auto_ring)
    sig_sip_call_ring (e->sip, call);
  if (e->auto_answer)
    sig_sip_call_answer (e->sip, call, invite->sdp != NULL ? ANSWER : OFFER);
}

static void
on_access (gpointer owner, const SigSipAsker *asker, SigSipAccessAnswer *answer)
{
  Endpoint *e = owner;

  if (e->access != NULL)
    e->access (e, asker, answer);
}

static void
on_registration (gpointer owner, const SigSipRegistration *registration, SigSipRegistrationAnswer *answer)
{
  Endpoint *e = owner;

  if (e->registration != NULL)
    e->registration (e, registration, answer);
}

static void
on_progress (gpointer owner, SigSipCallId call, int status, const char *phrase, const char *sdp)
{
  Endpoint *e = owner;

  keep (&e->sdp, sdp);
  g_string_append_printf (e->heard, "progress:%d ", status);
}

static void
on_answered (gpointer owner, SigSipCallId call, const char *sdp)
{
  Endpoint *e = owner;

  keep (&e->sdp, sdp);
  g_string_append (e->heard, "answered ");
}

static void
on_acked (gpointer owner, SigSipCallId call, const char *sdp)
{
  Endpoint *e = owner;

  keep (&e->sdp, sdp);
  e->n_acked++;
  g_string_append (e->heard, sdp != NULL ? "acked+sdp " : "acked ");
  if (e->auto_hangup_on_ack)
    sig_sip_call_hangup (e->sip, call, NULL);
}

static void
on_pracked (gpointer owner, SigSipCallId call, const char *sdp)
{
  Endpoint *e = owner;

  keep (&e->sdp, sdp);
  g_string_append (e->heard, "pracked ");
}

static void
on_reoffer (gpointer owner, SigSipCallId call, const char *sdp)
{
  Endpoint *e = owner;

  keep (&e->sdp, sdp);
  g_string_append (e->heard, sdp != NULL ? "reoffer " : "reoffer:none ");
  if (e->auto_answer_reoffer)
    sig_sip_call_answer_reoffer (e->sip, call, sdp != NULL ? ANSWER : OFFER);
}

static void
on_reanswer (gpointer owner, SigSipCallId call, int status, const char *phrase, const char *sdp)
{
  Endpoint *e = owner;

  keep (&e->sdp, sdp);
  g_string_append_printf (e->heard, "reanswer:%d ", status);
}

static void
on_ended (gpointer owner, SigSipCallId call, const SigSipEnd *end)
{
  static const char *const causes[] = { "bye", "cancel", "local", "rejected", "timeout", "failed" };
  Endpoint *e = owner;

  e->n_ended++;
  keep (&e->phrase, end->phrase);
  keep (&e->reason, end->reason);
  g_string_append_printf (e->heard, "ended:%s:%d ", causes[end->cause], end->status);
}

static void
on_digit (gpointer owner, SigSipCallId call, char digit, guint duration_ms)
{
  Endpoint *e = owner;

  g_assert_cmpuint (call, ==, e->call);
  g_string_append_printf (e->heard, "digit:%c:%u ", digit, duration_ms);
}

static int
on_message (gpointer owner, const SigSipMessage *message)
{
  Endpoint *e = owner;

  g_assert_true (message->call == 0 || message->call == e->call);
  keep (&e->username, message->username);
  g_assert_cmpstr (message->content_type, ==, "text/plain");
  g_string_append_printf (e->heard, "message:%s:%s:%s:%s ", message->call != 0 ? "call" : "outside",
                          message->from_user, message->request_user, message->text);
  return e->auto_message != 0 ? e->auto_message : 200;
}

static int
on_subscribe (gpointer owner, const SigSipSubscribe *subscribe)
{
  Endpoint *e = owner;

  e->subscription = subscribe->id;
  keep (&e->username, subscribe->username);
  g_string_append_printf (e->heard, "subscribe:%s:%s:%u ", sig_event_package_name (subscribe->package),
                          subscribe->entity, subscribe->expires_s);
  return e->auto_subscribe != 0 ? e->auto_subscribe : 200;
}

static char *
on_notification (gpointer owner, SigSipSubscriptionId id, const SigSipNotification *asked, gboolean *more)
{
  Endpoint *e = owner;

  g_assert_cmpuint (id, <=, e->subscription);
  e->asked = *asked;
  e->n_asked++;
  *more = e->document_has_more;
  e->document_has_more = FALSE;
  return e->document != NULL ? g_strdup_printf ("%s v%u", e->document, asked->version) : NULL;
}

static void
on_unsubscribed (gpointer owner, SigSipSubscriptionId id)
{
  Endpoint *e = owner;

  g_assert_cmpuint (id, <=, e->subscription);
  g_string_append (e->heard, "unsubscribed ");
}

static void
on_registered (gpointer owner, const char *name)
{
  Endpoint *e = owner;
  SigSipRegisterState state;

  g_assert_true (sig_sip_registered (e->sip, name, &state));
  g_string_append_printf (e->heard, "%s:%s ", name, sig_registration_state_name (state.core.state));
}

/* The stack reads another way when messages are shown, as the gateway has them by default. */
static void
on_captured (gpointer owner, const SigSipCaptured *message)
{
  const gboolean is_answer = message->size > 4 && g_ascii_strncasecmp (message->text, "SIP/", 4) == 0;
  const gboolean is_ours = message->transaction == NULL;

  g_assert_nonnull (owner);
  g_assert_nonnull (message->call_id);
  g_assert_cmpuint (message->size, >, 0);
  if (message->is_sent) /* what is received may be anything */
    g_assert_true (is_ours != is_answer);
  if (is_ours && message->is_sent) /* RFC 3261 8.1.1.3 */
    g_assert_nonnull (message->own_tag);
  if (message->begins_call && !is_ours)
    {
      char **place = &transactions[n_transactions++ % G_N_ELEMENTS (transactions)];

      g_free (*place);
      *place = g_strdup (message->transaction);
    }
}

static const SigSipOps endpoint_ops = {
  .access = on_access,
  .registration = on_registration,
  .invite = on_invite,
  .progress = on_progress,
  .answered = on_answered,
  .acked = on_acked,
  .pracked = on_pracked,
  .reoffer = on_reoffer,
  .reanswer = on_reanswer,
  .ended = on_ended,
  .digit = on_digit,
  .message = on_message,
  .subscribe = on_subscribe,
  .notification = on_notification,
  .unsubscribed = on_unsubscribed,
  .registered = on_registered,
  .captured = on_captured,
};

static guint16
free_port (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  int tcp = socket (AF_INET, SOCK_STREAM, 0), udp = socket (AF_INET, SOCK_DGRAM, 0);

  g_assert_cmpint (bind (tcp, (struct sockaddr *)&address, sizeof address), ==, 0);
  g_assert_cmpint (getsockname (tcp, (struct sockaddr *)&address, &length), ==, 0);
  gboolean both = bind (udp, (struct sockaddr *)&address, sizeof address) == 0;
  close (tcp);
  close (udp);
  return both ? ntohs (address.sin_port) : free_port ();
}

Endpoint *
endpoint_new (const EndpointOptions *options)
{
  static const EndpointOptions none = { 0 };
  static const char *const both[] = { "127.0.0.1", "::1", NULL };
  static const char *const all[] = { NULL };
  const char *one[] = { "127.0.0.1", NULL };
  Endpoint *e = g_new0 (Endpoint, 1);
  GError *error = NULL;

  if (options == NULL)
    options = &none;
  if (g_getenv ("G_MESSAGES_DEBUG") != NULL) /* with NUA_DEBUG=9, NTA_DEBUG=9 or TPORT_LOG=1 */
    cfg_log_set_level (CFG_LOG_DEBUG);
  if (options->bind != NULL)
    one[0] = options->bind;
  const gboolean has_tls_port = options->tls != NULL || options->may_have_tls;
  e->heard = g_string_new (NULL);
  e->port = free_port ();
  e->tls_port = has_tls_port ? free_port () : 0;
  SigSipConfig config = {
    .bind = g_strcmp0 (options->bind, "both") == 0  ? both
            : g_strcmp0 (options->bind, "all") == 0 ? all
                                                    : one,
    .port = e->port,
    .transports = (options->transports != 0 ? options->transports : SIG_SIP_UDP | SIG_SIP_TCP)
                  | (options->tls != NULL ? SIG_SIP_TLS : 0),
    .tls = options->tls,
    .tls_port = e->tls_port,
    .external_address = options->external_address,
    .user_agent = "Test",
    .takes_register = options->takes_register,
    .digest_algorithms = options->digest_algorithms,
    .invites_per_second_per_source = options->invites_per_second,
    .connections_per_source = options->connections_per_source,
    .message_timeout_ms = options->message_timeout_ms,
    .silence_timeout_ms = options->silence_timeout_ms,
    .t1_ms = options->t1_ms,
    .resolv_conf = options->resolv_conf,
    .hosts_file = options->hosts_file,
    .min_subscription_s = options->min_subscription_s,
  };
  e->sip = sig_sip_new (&config, &endpoint_ops, e, &error);
  for (guint i = 0; e->sip == NULL && i < 10; i++) /* a port was free, until somebody else took it */
    {
      g_clear_error (&error);
      config.port = e->port = free_port ();
      config.tls_port = e->tls_port = has_tls_port ? free_port () : 0;
      e->sip = sig_sip_new (&config, &endpoint_ops, e, &error);
    }
  g_assert_no_error (error);
  g_assert_nonnull (e->sip);
  return e;
}

static void
on_shut_down (gpointer user)
{
  *(gboolean *)user = TRUE;
}

void
endpoint_free (Endpoint *e)
{
  gboolean done = FALSE;
  SigSipStats stats;

  if (!e->is_shut_down)
    {
      sig_sip_shutdown (e->sip, on_shut_down, &done);
      run_until (done);
    }
  sig_sip_get_stats (e->sip, &stats);
  g_assert_cmpuint (stats.n_calls, ==, 0);
  sig_sip_free (e->sip);
  g_string_free (e->heard, TRUE);
  char *texts[]
      = { e->from_user, e->from_display, e->request_user, e->request_uri, e->source_address, e->transport,
          e->username,  e->headers,      e->sdp,          e->phrase,      e->reason,         e->over };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (texts[i]);
  g_free (e);
}

const char *
endpoint_heard (Endpoint *e)
{
  static char *last;

  g_free (last);
  last = g_strchomp (g_strdup (e->heard->str));
  g_string_truncate (e->heard, 0);
  return last;
}

static gboolean
on_tick (gpointer user)
{
  *(gboolean *)user = TRUE;
  return G_SOURCE_REMOVE;
}

void
run_for_ms (guint ms)
{
  gboolean over = FALSE;

  g_timeout_add (ms, on_tick, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
}

void
run_once (void)
{
  if (!g_main_context_iteration (NULL, FALSE))
    g_usleep (500);
}

/* --------------------------------------------------------------------- clock */

static glong stack_offset_s;

extern void (*_su_time) (su_time_t *time);

static void
shift_su_time (su_time_t *time)
{
  if (time != NULL)
    time->tv_sec += (unsigned long)stack_offset_s;
}

/* The stack's GSource asks GLib for the time; this takes the place of GLib's function in the test programs.
 */
G_GNUC_BEGIN_IGNORE_DEPRECATIONS
void
g_source_get_current_time (GSource *source, GTimeVal *time)
{
  gint64 now = g_get_real_time ();

  time->tv_sec = (glong)(now / G_USEC_PER_SEC) + stack_offset_s;
  time->tv_usec = (glong)(now % G_USEC_PER_SEC);
}
G_GNUC_END_IGNORE_DEPRECATIONS

void
advance_stack_s (guint seconds)
{
  _su_time = shift_su_time;
  for (guint i = 0; i < seconds; i++)
    {
      stack_offset_s++;
      run_for_ms (1);
    }
}

/* ---------------------------------------------------------------------- wire */

static socklen_t
loopback (gboolean is_ipv6, guint16 port, struct sockaddr_storage *out)
{
  memset (out, 0, sizeof *out);
  if (is_ipv6)
    {
      struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
      in6->sin6_family = AF_INET6;
      in6->sin6_addr = in6addr_loopback;
      in6->sin6_port = htons (port);
      return sizeof *in6;
    }
  struct sockaddr_in *in = (struct sockaddr_in *)out;
  in->sin_family = AF_INET;
  in->sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  in->sin_port = htons (port);
  return sizeof *in;
}

static Wire *
wire_open (gboolean is_tcp, gboolean is_ipv6)
{
  static guint n;
  Wire *wire = g_new0 (Wire, 1);

  wire->is_tcp = is_tcp;
  wire->is_ipv6 = is_ipv6;
  wire->listener = -1;
  wire->n = ++n;
  wire->buffer = g_string_new (NULL);
  wire->fd = socket (is_ipv6 ? AF_INET6 : AF_INET, is_tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
  return wire;
}

static void
wire_name (Wire *wire, int fd)
{
  struct sockaddr_storage address = { 0 };
  socklen_t length = sizeof address;

  g_assert_cmpint (getsockname (fd, (struct sockaddr *)&address, &length), ==, 0);
  wire->port = ntohs (((struct sockaddr_in *)&address)->sin_port); /* the same place in both families */
}

Wire *
wire_new (gboolean is_tcp, gboolean is_ipv6, guint16 remote_port)
{
  Wire *wire = wire_open (is_tcp, is_ipv6);
  struct sockaddr_storage address = { 0 };
  socklen_t length = loopback (is_ipv6, remote_port, &address);

  wire->remote_port = remote_port;
  g_assert_cmpint (connect (wire->fd, (struct sockaddr *)&address, length), ==, 0);
  wire_name (wire, wire->fd);
  fcntl (wire->fd, F_SETFL, O_NONBLOCK);
  return wire;
}

Wire *
wire_listen (gboolean is_tcp)
{
  Wire *wire = wire_open (is_tcp, FALSE);
  struct sockaddr_storage address = { 0 };
  socklen_t length = loopback (FALSE, 0, &address);

  g_assert_cmpint (bind (wire->fd, (struct sockaddr *)&address, length), ==, 0);
  wire_name (wire, wire->fd);
  fcntl (wire->fd, F_SETFL, O_NONBLOCK);
  if (is_tcp)
    {
      g_assert_cmpint (listen (wire->fd, 4), ==, 0);
      wire->listener = wire->fd;
      wire->fd = -1;
    }
  return wire;
}

Wire *
wire_listen_at (const char *address)
{
  Wire *wire = wire_open (FALSE, FALSE);
  struct sockaddr_in in = { .sin_family = AF_INET };

  g_assert_cmpint (inet_pton (AF_INET, address, &in.sin_addr), ==, 1);
  g_assert_cmpint (bind (wire->fd, (struct sockaddr *)&in, sizeof in), ==, 0);
  wire_name (wire, wire->fd);
  fcntl (wire->fd, F_SETFL, O_NONBLOCK);
  return wire;
}

gboolean
wire_secure (Wire *wire, SSL_CTX *context, const char *name)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_S * G_USEC_PER_SEC;
  int result;

  wire->secure = context;
  if (wire->listener >= 0)
    return TRUE;
  wire->ssl = SSL_new (context);
  SSL_set_fd (wire->ssl, wire->fd);
  SSL_set_connect_state (wire->ssl);
  if (name != NULL)
    SSL_set_tlsext_host_name (wire->ssl, name);
  while ((result = SSL_do_handshake (wire->ssl)) != 1 && g_get_monotonic_time () < deadline)
    {
      if (SSL_get_error (wire->ssl, result) != SSL_ERROR_WANT_READ)
        return FALSE;
      run_once ();
    }
  return result == 1;
}

void
wire_free (Wire *wire)
{
  SSL_free (wire->ssl);
  SSL_CTX_free (wire->secure);
  if (wire->fd >= 0)
    close (wire->fd);
  if (wire->listener >= 0)
    close (wire->listener);
  g_string_free (wire->buffer, TRUE);
  g_free (wire->last);
  g_free (wire);
}

gsize
mutate (GRand *random, char *text)
{
  gsize length = strlen (text);

  for (gint32 n = g_rand_int_range (random, 1, 6); n > 0 && length > 0; n--)
    {
      gsize at = (gsize)g_rand_int_range (random, 0, (gint32)length);
      gsize size = (gsize)g_rand_int_range (random, 1, 24);
      size = MIN (size, length - at);
      switch (g_rand_int_range (random, 0, 4))
        {
        case 0:
          text[at] = (char)g_rand_int_range (random, 1, 256);
          break;
        case 1:
          memmove (text + at, text + at + size, length - at - size + 1);
          length -= size;
          break;
        case 2:
          memset (text + at, "<>;:\"@,=\r\n"[g_rand_int_range (random, 0, 10)], size);
          break;
        default:
          memcpy (text + at, "tel:+1555;*", MIN (size, 11));
          break;
        }
    }
  return length;
}

void
wire_send (Wire *wire, const char *original)
{
  g_autofree char *text = g_strdup (original);
  if (wire->mutate != NULL && mutate (wire->mutate, text) == 0)
    return;
  gssize sent = wire->ssl != NULL ? SSL_write (wire->ssl, text, (int)strlen (text))
                                  : send (wire->fd, text, strlen (text), MSG_NOSIGNAL);

  g_assert_cmpint (sent, ==, strlen (text));
}

static gsize
whole_message (const GString *buffer)
{
  const char *end = strstr (buffer->str, "\r\n\r\n");

  if (end == NULL)
    return 0;
  const char *length = strcasestr (buffer->str, "\r\nContent-Length:");
  if (length == NULL || length > end)
    length = strcasestr (buffer->str, "\r\nl:");
  g_assert_nonnull (length);
  gsize size = (gsize)(end + 4 - buffer->str) + (gsize)g_ascii_strtoull (strchr (length, ':') + 1, NULL, 10);
  return buffer->len >= size ? size : 0;
}

/* UDP: the first packet connects a listening wire to its peer. */
static gssize
wire_receive (Wire *wire, char *data, gsize size)
{
  struct sockaddr_storage from = { 0 };
  socklen_t length = sizeof from;

  if (wire->ssl != NULL)
    return SSL_read (wire->ssl, data, (int)size);
  gssize got = recvfrom (wire->fd, data, size, 0, (struct sockaddr *)&from, &length);

  if (got > 0 && !wire->is_tcp && wire->remote_port == 0)
    {
      g_assert_cmpint (connect (wire->fd, (struct sockaddr *)&from, length), ==, 0);
      wire->remote_port = ntohs (((struct sockaddr_in *)&from)->sin_port);
    }
  return got;
}

static gboolean
wire_take (Wire *wire)
{
  char data[65536];
  gsize size;

  if (wire->fd < 0)
    {
      wire->fd = accept (wire->listener, NULL, NULL);
      if (wire->fd < 0)
        return FALSE;
      fcntl (wire->fd, F_SETFL, O_NONBLOCK);
      if (wire->secure != NULL)
        {
          wire->ssl = SSL_new (wire->secure);
          SSL_set_fd (wire->ssl, wire->fd);
          SSL_set_accept_state (wire->ssl);
        }
    }
  gssize got = wire_receive (wire, data, sizeof data - 1);
  if (got > 0)
    g_string_append_len (wire->buffer, data, got);
  if (wire->buffer->len == 0)
    return FALSE;
  size = wire->is_tcp ? whole_message (wire->buffer) : wire->buffer->len;
  if (size == 0)
    return FALSE;
  g_free (wire->last);
  wire->last = g_strndup (wire->buffer->str, size);
  g_string_erase (wire->buffer, 0, (gssize)size);
  return TRUE;
}

const char *
wire_expect (Wire *wire, const char *start)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE_S * G_USEC_PER_SEC;

  while (g_get_monotonic_time () < deadline)
    {
      if (!wire_take (wire))
        {
          run_once ();
          continue;
        }
      if (g_str_has_prefix (wire->last, start))
        return wire->last;
      if (!g_str_has_prefix (wire->last, "SIP/2.0 1"))
        g_error ("expected \"%s\", got:\n%s", start, wire->last);
    }
  g_error ("expected \"%s\" within %d s, got nothing", start, PATIENCE_S);
}

void
wire_nothing (Wire *wire, guint ms, const char *skip)
{
  gint64 deadline = g_get_monotonic_time () + ms * 1000;

  while (g_get_monotonic_time () < deadline)
    {
      if (wire_take (wire) && (skip == NULL || !g_str_has_prefix (wire->last, skip)))
        g_error ("expected nothing, got:\n%s", wire->last);
      run_once ();
    }
}

char *
wire_header (Wire *wire, const char *name)
{
  g_autofree char *start = g_strdup_printf ("\r\n%s:", name);
  const char *end = strstr (wire->last, "\r\n\r\n");
  const char *found = strcasestr (wire->last, start);

  if (found == NULL || found > end)
    return NULL;
  found += strlen (start);
  return g_strstrip (g_strndup (found, (gsize)(strstr (found, "\r\n") - found)));
}

char *
wire_headers (Wire *wire, const char *name)
{
  g_auto (GStrv) lines = g_strsplit (wire->last, "\r\n", -1);
  g_autofree char *start = g_strdup_printf ("%s:", name);
  GString *out = g_string_new (NULL);

  for (guint i = 1; lines[i] != NULL && *lines[i] != '\0'; i++)
    if (g_ascii_strncasecmp (lines[i], start, strlen (start)) == 0)
      g_string_append_printf (out, "%s%s", out->len > 0 ? ", " : "", g_strstrip (lines[i] + strlen (start)));
  return g_string_free (out, FALSE);
}

gboolean
wire_poll (Wire *wire)
{
  return wire_take (wire);
}

const char *
wire_body (Wire *wire)
{
  return strstr (wire->last, "\r\n\r\n") + 4;
}

struct rlimit
harness_leave_one_descriptor (void)
{
  struct rlimit before, now;
  int next = dup (0);

  g_assert_cmpint (next, >, 0);
  close (next);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &before), ==, 0);
  now = before;
  now.rlim_cur = (rlim_t)next + 1;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &now), ==, 0);
  return before;
}
