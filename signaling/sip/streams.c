#include "signaling/sip/streams.h"

#include "signaling/sip/drops.h"

#include <sofia-sip/msg_addr.h>

#include <dlfcn.h>
#include <string.h>
#include <sys/socket.h>

#define EXPORTED   __attribute__ ((visibility ("default")))
#define TICK_MS    500
#define GARBAGE_US (1 * G_USEC_PER_SEC) /* for the answer to get away */

typedef struct
{
  guint8 address[16];
  guint16 port;
} Peer;

typedef struct
{
  SigSipStreams *streams;
  int fd;
  Peer peer;
  SigSipPeer name;
  gint64 since_us;   /* accepted */
  gint64 partial_us; /* since when a message is incomplete; 0: none is */
  gint64 garbage_us; /* 0: none came */
  gboolean has_spoken, is_shut;
} Stream;

/* The connections of one source: an address, or an IPv6 network. */
typedef struct
{
  SigSipSource source;
  guint n, n_silent;
} Count;

struct _SigSipStreams
{
  SigSip *sip;
  SigSipStreamLimits limits;
  GHashTable *by_peer; /* Peer -> Stream, both the stream's */
  GHashTable *counts;  /* SigSipSource -> Count, both the count's */
  GSource *tick;
};

static GHashTable *by_fd; /* int -> Stream, owned; of all endpoints */

/* ---- who is who ---- */

static guint
peer_hash (gconstpointer data)
{
  const Peer *peer = data;
  guint32 hash = 2166136261u ^ peer->port;

  for (gsize i = 0; i < sizeof peer->address; i++)
    hash = (hash ^ peer->address[i]) * 16777619u;
  return hash;
}

static gboolean
peer_equal (gconstpointer a, gconstpointer b)
{
  const Peer *left = a, *right = b;

  return left->port == right->port && memcmp (left->address, right->address, sizeof left->address) == 0;
}

static void
peer_from (const su_sockaddr_t *address, Peer *peer)
{
  static const guint8 mapped[12] = { [10] = 0xff, [11] = 0xff };

  memset (peer, 0, sizeof *peer);
  peer->port = g_ntohs (address->su_port);
  if (address->su_family == AF_INET)
    {
      memcpy (peer->address, mapped, sizeof mapped);
      memcpy (peer->address + sizeof mapped, &address->su_sin.sin_addr, 4);
    }
  else
    memcpy (peer->address, &address->su_sin6.sin6_addr, sizeof peer->address);
}

static Count *
count_of (const Stream *stream)
{
  GHashTable *counts = stream->streams->counts;
  Count *count = g_hash_table_lookup (counts, &stream->name.source);

  if (count == NULL)
    {
      count = g_new0 (Count, 1);
      count->source = stream->name.source;
      g_hash_table_insert (counts, &count->source, count);
    }
  return count;
}

static void
stream_free (gpointer data)
{
  Stream *stream = data;
  GHashTable *by_peer = stream->streams->by_peer;
  Count *count = count_of (stream);

  count->n--;
  count->n_silent -= stream->has_spoken ? 0 : 1;
  if (count->n == 0)
    g_hash_table_remove (stream->streams->counts, &count->source);
  if (g_hash_table_lookup (by_peer, &stream->peer) == stream)
    g_hash_table_remove (by_peer, &stream->peer);
  g_free (stream);
}

static void
shut (Stream *stream, SigSipDrop why)
{
  if (stream->is_shut)
    return;
  stream->is_shut = TRUE;
  sig_sip_drops_note (stream->streams->sip, why, stream->name.host);
  (void)shutdown (stream->fd, SHUT_RDWR); /* the stack reads the end, and closes */
}

/* ---- checks ---- */

static void
check (Stream *stream, gint64 now)
{
  const SigSipStreamLimits *limits = &stream->streams->limits;

  if (stream->garbage_us != 0 && now - stream->garbage_us >= GARBAGE_US)
    shut (stream, SIG_SIP_DROP_GARBAGE);
  else if (stream->partial_us != 0
           && now - stream->partial_us >= limits->message_ms * G_GINT64_CONSTANT (1000))
    shut (stream, SIG_SIP_DROP_SLOW);
  else if (!stream->has_spoken && stream->partial_us == 0
           && now - stream->since_us >= limits->silence_ms * G_GINT64_CONSTANT (1000))
    shut (stream, SIG_SIP_DROP_SILENT);
}

static gboolean
on_tick (gpointer data)
{
  SigSipStreams *streams = data;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, streams->by_peer);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    check (value, g_get_monotonic_time ());
  return G_SOURCE_CONTINUE;
}

SigSipStreams *
sig_sip_streams_new (SigSip *sip, const SigSipStreamLimits *limits)
{
  SigSipStreams *streams = g_new0 (SigSipStreams, 1);

  g_assert (limits->per_source > 0 && limits->in_all > 0 && limits->message_ms > 0 && limits->silence_ms > 0);
  if (by_fd == NULL)
    by_fd = g_hash_table_new_full (NULL, NULL, NULL, stream_free);
  streams->sip = sip;
  streams->limits = *limits;
  streams->by_peer = g_hash_table_new (peer_hash, peer_equal);
  streams->counts = g_hash_table_new_full (sig_sip_source_hash, sig_sip_source_equal, NULL, g_free);
  streams->tick = g_timeout_source_new (TICK_MS);
  g_source_set_callback (streams->tick, on_tick, streams, NULL);
  g_source_attach (streams->tick, sip->context);
  return streams;
}

static gboolean
belongs_to (gpointer fd, gpointer stream, gpointer streams)
{
  return ((Stream *)stream)->streams == streams;
}

void
sig_sip_streams_free (SigSipStreams *streams)
{
  if (streams == NULL)
    return;
  g_hash_table_foreach_remove (by_fd, belongs_to, streams);
  g_source_destroy (streams->tick);
  g_source_unref (streams->tick);
  g_hash_table_unref (streams->by_peer);
  g_hash_table_unref (streams->counts);
  g_free (streams);
}

guint
sig_sip_streams_n (const SigSipStreams *streams)
{
  return g_hash_table_size (streams->by_peer);
}

/* ---- news ---- */

static gboolean
is_too_many (const Stream *stream)
{
  const SigSipStreamLimits *limits = &stream->streams->limits;
  const Count *count = count_of (stream);

  return g_hash_table_size (stream->streams->by_peer) > limits->in_all || count->n > limits->per_source
         || count->n_silent > (limits->per_source + 1) / 2;
}

void
sig_sip_streams_accepted (int fd)
{
  su_sockaddr_t own = { 0 }, peer = { 0 };
  socklen_t own_length = sizeof own, peer_length = sizeof peer;
  SigSip *sip;

  if (by_fd == NULL || getsockname (fd, &own.su_sa, &own_length) != 0
      || getpeername (fd, &peer.su_sa, &peer_length) != 0)
    return;
  sip = sig_sip_endpoint_at (g_ntohs (own.su_port));
  if (sip == NULL || sip->streams == NULL)
    return;
  Stream *stream = g_new0 (Stream, 1);
  stream->streams = sip->streams;
  stream->fd = fd;
  peer_from (&peer, &stream->peer);
  sig_sip_peer_from (&peer, &stream->name);
  stream->since_us = g_get_monotonic_time ();
  count_of (stream)->n++;
  count_of (stream)->n_silent++;
  g_hash_table_replace (by_fd, GINT_TO_POINTER (fd), stream);
  g_hash_table_replace (sip->streams->by_peer, &stream->peer, stream);
  if (is_too_many (stream))
    shut (stream, SIG_SIP_DROP_CONNECTIONS);
}

void
sig_sip_streams_read (SigSip *sip, msg_t *message, SigSipStreamNews news)
{
  Peer peer;
  Stream *stream;

  if (sip->streams == NULL)
    return;
  peer_from (msg_addr (message), &peer);
  stream = g_hash_table_lookup (sip->streams->by_peer, &peer);
  if (stream == NULL) /* one that we opened */
    return;
  if (news == SIG_SIP_STREAM_GARBAGE && stream->garbage_us == 0)
    stream->garbage_us = g_get_monotonic_time ();
  if (news == SIG_SIP_STREAM_WAITS && stream->partial_us == 0)
    stream->partial_us = g_get_monotonic_time ();
  if (news == SIG_SIP_STREAM_MESSAGE)
    {
      if (!stream->has_spoken)
        count_of (stream)->n_silent--;
      stream->has_spoken = TRUE;
      stream->partial_us = 0;
    }
}

/* The stack closes every socket with this. */
EXPORTED int
su_close (su_socket_t fd)
{
  static int (*real) (su_socket_t);

  if (real == NULL)
    *(void **)&real = dlsym (RTLD_NEXT, "su_close");
  g_assert (real != NULL);
  if (by_fd != NULL)
    g_hash_table_remove (by_fd, GINT_TO_POINTER (fd));
  return real (fd);
}
