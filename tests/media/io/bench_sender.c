/* Makes media for a receiver under load: peers that send one packet of 20 ms each, evenly spread over time.
 *
 *   bench_sender [--cpu N]
 *
 * Standard input, one peer per line:
 *   webrtc|DESCRIPTION          an offerer as load_peer_describe tells it; the answer is the next line of
 * output plain|IP|PORT|KEY           SRTP over UDP with AEAD_AES_128_GCM and this base64 key, no answer stats
 * answered with "stats SENT CONNECTED FAILED" Ends with its input. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "media/io/udp.h"
#include "tools/load/peer.h"

#define SLOTS      20 /* of 1 ms; a peer sends in one of them */
#define SAMPLES    160
#define RTP_HEADER 12

typedef struct _Generator Generator;

typedef struct
{
  Generator *generator;
  LoadPeer *peer; /* or: */
  MediaUdp *udp;
  MediaAddress to;
  MediaSrtp *srtp;
  guint32 ssrc;
  guint16 sequence;
  guint32 timestamp;
} Sender;

struct _Generator
{
  MediaPump *pump;
  MediaCertificate *certificate;
  MediaDtlsContext *dtls_context;
  GPtrArray *senders;
  GString *input;
  MediaPumpTimer timer;
  CfgMonotonic next;
  guint slot;
  guint64 n_sent;
  guint n_connected;
  guint n_failed;
};

static void
answer (const char *text)
{
  fputs (text, stdout);
  fputc ('\n', stdout);
  fflush (stdout);
}

static void
on_described (LoadPeer *peer, gpointer user)
{
  g_autofree char *line = load_peer_describe (peer);

  (void)user;
  answer (line);
}

static void
on_state (LoadPeer *peer, LoadPeerState state, gpointer user)
{
  Sender *sender = user;

  (void)peer;
  if (state == LOAD_PEER_CONNECTED)
    sender->generator->n_connected++;
  else if (state == LOAD_PEER_FAILED)
    sender->generator->n_failed++;
}

static const LoadPeerOps ops = { .described = on_described, .state = on_state };

static void
send_one (Sender *sender)
{
  guint8 packet[MEDIA_PACKET_SIZE];
  const guint32 timestamp = g_htonl (sender->timestamp);
  const guint32 ssrc = g_htonl (sender->ssrc);
  gssize length = RTP_HEADER + SAMPLES;
  int error;

  memset (packet, 0xff, (gsize)length);
  packet[0] = 0x80;
  packet[1] = 0;
  packet[2] = (guint8)(sender->sequence >> 8);
  packet[3] = (guint8)sender->sequence;
  memcpy (packet + 4, &timestamp, sizeof timestamp);
  memcpy (packet + 8, &ssrc, sizeof ssrc);
  sender->sequence++;
  sender->timestamp += SAMPLES;
  if (sender->peer != NULL)
    error = load_peer_send (sender->peer, packet, (gsize)length);
  else
    {
      length = media_srtp_protect_rtp (sender->srtp, packet, (gsize)length, sizeof packet);
      error = length < 0 ? (int)length
                         : media_udp_send (sender->udp, MEDIA_UDP_RTP, packet, (gsize)length, &sender->to);
    }
  if (error == 0)
    sender->generator->n_sent++;
}

/* Every millisecond the peers of one slot send; a late generator sends for the slots it missed. */
static void
on_slot (CfgMonotonic now, gpointer user)
{
  Generator *generator = user;

  for (guint n = 0; n < SLOTS && generator->next.us <= now.us; n++)
    {
      for (guint i = generator->slot; i < generator->senders->len; i += SLOTS)
        send_one (g_ptr_array_index (generator->senders, i));
      generator->slot = (generator->slot + 1) % SLOTS;
      generator->next = cfg_monotonic_add_us (generator->next, CFG_US_PER_MS);
    }
  if (generator->next.us <= now.us)
    generator->next = cfg_monotonic_add_us (now, CFG_US_PER_MS);
  media_pump_start_timer (generator->pump, &generator->timer, generator->next);
}

static gboolean
open_webrtc (Generator *generator, Sender *sender, const char *description)
{
  static const char *const loopback[] = { "127.0.0.1", NULL };
  const LoadPeerConfig config = { .pump = generator->pump,
                                  .dtls_context = generator->dtls_context,
                                  .certificate = generator->certificate,
                                  .offerer = FALSE,
                                  .ice = { .bind_addresses = loopback } };

  sender->peer = load_peer_new (&config, &ops, sender, NULL);
  return sender->peer != NULL && load_peer_set_remote (sender->peer, description, NULL);
}

static gboolean
open_plain (Sender *sender, char **parts)
{
  MediaSrtpKeys keys;

  if (g_strv_length (parts) != 4
      || !media_address_parse (&sender->to, parts[1], (guint16)g_ascii_strtoull (parts[2], NULL, 10))
      || !media_srtp_keys_from_base64 (&keys, MEDIA_SRTP_AEAD_AES_128_GCM, parts[3]))
    return FALSE;
  sender->udp = media_udp_new (parts[1], (MediaPortRange){ 0, 0 }, NULL);
  sender->srtp = media_srtp_new (&keys, &keys, NULL);
  sender->generator->n_connected++;
  return sender->udp != NULL && sender->srtp != NULL;
}

static void
run_command (Generator *generator, const char *line)
{
  g_auto (GStrv) parts = g_strsplit (line, "|", -1);
  Sender *sender;
  gboolean opened;

  if (g_str_equal (line, "stats"))
    {
      g_autofree char *stats = g_strdup_printf ("stats %" G_GUINT64_FORMAT " %u %u", generator->n_sent,
                                                generator->n_connected, generator->n_failed);

      answer (stats);
      return;
    }
  sender = g_new0 (Sender, 1);
  sender->generator = generator;
  sender->ssrc = generator->senders->len + 1;
  g_ptr_array_add (generator->senders, sender);
  opened = g_str_has_prefix (line, "webrtc|")  ? open_webrtc (generator, sender, line + strlen ("webrtc|"))
           : g_str_has_prefix (line, "plain|") ? open_plain (sender, parts)
                                               : FALSE;
  if (!opened)
    {
      fprintf (stderr, "not a peer: %s\n", line);
      exit (1);
    }
}

static void
on_input (guint32 events, CfgMonotonic now, gpointer user)
{
  Generator *generator = user;
  char bytes[4096];
  const gssize n = read (STDIN_FILENO, bytes, sizeof bytes);
  char *end;

  (void)events;
  (void)now;
  if (n == 0 || (n < 0 && errno != EAGAIN))
    media_pump_quit (generator->pump);
  if (n <= 0)
    return;
  g_string_append_len (generator->input, bytes, n);
  while ((end = strchr (generator->input->str, '\n')) != NULL)
    {
      *end = '\0';
      run_command (generator, generator->input->str);
      g_string_erase (generator->input, 0, end - generator->input->str + 1);
    }
}

static void
free_sender (gpointer data)
{
  Sender *sender = data;

  g_clear_pointer (&sender->peer, load_peer_free);
  g_clear_pointer (&sender->udp, media_udp_free);
  g_clear_pointer (&sender->srtp, media_srtp_free);
  g_free (sender);
}

static gboolean
set_up (Generator *generator)
{
  GError *error = NULL;

  generator->pump = media_pump_new (&error);
  generator->certificate = generator->pump != NULL ? media_certificate_new (&error) : NULL;
  generator->dtls_context
      = generator->certificate != NULL ? media_dtls_context_new (generator->certificate, &error) : NULL;
  if (generator->dtls_context == NULL)
    {
      fprintf (stderr, "%s\n", error->message);
      return FALSE;
    }
  generator->senders = g_ptr_array_new_with_free_func (free_sender);
  generator->input = g_string_new (NULL);
  generator->timer = (MediaPumpTimer){ .func = on_slot, .user = generator };
  return TRUE;
}

static void
raise_descriptor_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) == 0)
    {
      limit.rlim_cur = limit.rlim_max;
      (void)setrlimit (RLIMIT_NOFILE, &limit);
    }
}

int
main (int argc, char **argv)
{
  Generator generator = { 0 };
  guint64 input_id;

  if (argc == 3 && g_str_equal (argv[1], "--cpu"))
    {
      cpu_set_t cpus;

      CPU_ZERO (&cpus);
      CPU_SET ((gsize)g_ascii_strtoull (argv[2], NULL, 10), &cpus);
      (void)sched_setaffinity (0, sizeof cpus, &cpus);
    }
  raise_descriptor_limit ();
  if (!set_up (&generator))
    return 1;
  (void)fcntl (STDIN_FILENO, F_SETFL, O_NONBLOCK);
  input_id = media_pump_add_fd (generator.pump, STDIN_FILENO, EPOLLIN, on_input, &generator);
  if (input_id == 0)
    {
      fprintf (stderr, "standard input must be a pipe or a terminal\n");
      return 1;
    }
  generator.next = cfg_monotonic_now ();
  media_pump_start_timer (generator.pump, &generator.timer, generator.next);
  media_pump_run (generator.pump);
  media_pump_stop_timer (generator.pump, &generator.timer);
  media_pump_remove_fd (generator.pump, input_id);
  g_ptr_array_unref (generator.senders);
  g_string_free (generator.input, TRUE);
  media_pump_free (generator.pump);
  media_dtls_context_free (generator.dtls_context);
  media_certificate_free (generator.certificate);
  return 0;
}
