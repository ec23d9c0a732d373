#include "gateway/capture.h"

#include <gio/gio.h>
#include <string.h>

#include "config/base/log.h"
#include "gateway/core/ladder.h"
#include "gateway/core/pcap.h"
#include "gateway/core/trace.h"
#include "gateway/events.h"
#include "signaling/core/capture.h"

#define HEP_PORT       9060
#define HEP_MAX_PACKET 65507 /* what a UDP datagram carries */
#define ENDING_US      (2 * CFG_US_PER_S)
#define MAX_ENDING     1000

struct _GwCapture
{
  GwTrace *trace; /* (nullable): capture.enabled is off */
  char *hep_address, *hep_password;
  guint32 hep_node_id;
  GCancellable *cancellable;
  GSocket *socket; /* (nullable): no server is configured, or it is not resolved yet */
  guint64 n_sent, n_unsent;
  GQueue ending; /* of Ending, owned, the oldest first */
};

/* A call that is over, whose last messages may still come. */
typedef struct
{
  CfgMonotonic since;
  char *id;
  GwLateRecord *late; /* (nullable) */
} Ending;

static void
ending_free (gpointer data)
{
  Ending *ending = data;

  g_free (ending->id);
  gw_late_record_free (ending->late);
  g_free (ending);
}

/* ---- HEP ---- */

static void
on_enumerated (GObject *source, GAsyncResult *result, gpointer user)
{
  GwCapture *capture = user;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketAddress) address
      = g_socket_address_enumerator_next_finish (G_SOCKET_ADDRESS_ENUMERATOR (source), result, &error);
  g_autoptr (GSocket) socket = NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* the capture is gone */
  if (address != NULL)
    socket = g_socket_new (g_socket_address_get_family (address), G_SOCKET_TYPE_DATAGRAM,
                           G_SOCKET_PROTOCOL_UDP, &error);
  if (socket != NULL && g_socket_connect (socket, address, NULL, &error))
    {
      g_socket_set_blocking (socket, FALSE);
      capture->socket = g_steal_pointer (&socket);
      cfg_info ("sip", NULL, "Sending SIP messages as HEP", CFG_STR ("to", capture->hep_address));
      return;
    }
  cfg_warn ("sip", NULL, "SIP messages are not sent as HEP: check capture.hep_address",
            CFG_STR ("to", capture->hep_address),
            CFG_STR ("reason", error != NULL ? error->message : "the name has no address"));
}

static void
connect_hep (GwCapture *capture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnectable) connectable
      = g_network_address_parse (capture->hep_address, HEP_PORT, &error);
  g_autoptr (GSocketAddressEnumerator) enumerator = NULL;

  if (connectable == NULL)
    {
      cfg_warn ("sip", NULL, "capture.hep_address cannot be read", CFG_STR ("reason", error->message));
      return;
    }
  enumerator = g_socket_connectable_enumerate (connectable);
  g_socket_address_enumerator_next_async (enumerator, capture->cancellable, on_enumerated, capture);
}

static void
send_hep (GwCapture *capture, const SigSipCaptured *message, CfgWall now)
{
  static guint8 packet[HEP_MAX_PACKET]; /* the main thread's */
  const gboolean sent = message->is_sent;
  const SigHepPacket hep = {
    .source_address = sent ? message->local_address : message->remote_address,
    .destination_address = sent ? message->remote_address : message->local_address,
    .source_port = sent ? message->local_port : message->remote_port,
    .destination_port = sent ? message->remote_port : message->local_port,
    .is_udp = strcmp (message->transport, "udp") == 0,
    .time = now,
    .node_id = capture->hep_node_id,
    .password = capture->hep_password,
    .correlation_id = message->call_id,
    .payload = message->text,
    .size = message->size,
  };
  gsize size = sig_hep_write (&hep, packet, sizeof packet);

  if (size > 0 && g_socket_send (capture->socket, (const char *)packet, size, NULL, NULL) == (gssize)size)
    capture->n_sent++;
  else
    capture->n_unsent++;
}

/* ---- both ---- */

GwCapture *
gw_capture_new (const CfgSettings *settings)
{
  GwCapture *capture = g_new0 (GwCapture, 1);

  capture->cancellable = g_cancellable_new ();
  g_queue_init (&capture->ending);
  if (settings->capture.enabled)
    capture->trace = gw_trace_new ();
  capture->hep_address = g_strdup (settings->capture.hep_address);
  capture->hep_password = g_strdup (settings->capture.hep_password);
  capture->hep_node_id = settings->capture.hep_node_id;
  if (capture->hep_address != NULL)
    connect_hep (capture);
  return capture;
}

void
gw_capture_free (GwCapture *capture)
{
  if (capture == NULL)
    return;
  g_cancellable_cancel (capture->cancellable);
  g_object_unref (capture->cancellable);
  g_clear_object (&capture->socket);
  g_queue_clear_full (&capture->ending, ending_free);
  gw_trace_free (capture->trace);
  g_free (capture->hep_address);
  g_free (capture->hep_password);
  g_free (capture);
}

static void
write_address (char *text, gsize size, const char *address, guint16 port)
{
  g_snprintf (text, (gulong)size, strchr (address, ':') != NULL ? "[%s]:%u" : "%s:%u", address, port);
}

/* The name that whoever sends an INVITE gives to itself, and its address. (nullable): not asked for */
static const char *
caller_of (const SigSipCaptured *message)
{
  static GString *text; /* the main thread's, for as long as the process */

  if (message->transaction == NULL || (!message->begins_call && !message->challenges))
    return NULL;
  if (text == NULL)
    text = g_string_new (NULL);
  g_string_printf (text, "%s %s", message->remote_address,
                   message->remote_tag != NULL ? message->remote_tag : "");
  return text->str;
}

void
gw_capture_message (gpointer data, const SigSipCaptured *message)
{
  GwCapture *capture = ((Gateway *)data)->capture;
  const CfgWall now = cfg_wall_now ();
  char local[64], remote[64];

  if (capture == NULL) /* the endpoint is older */
    return;
  if (capture->socket != NULL)
    send_hep (capture, message, now);
  if (capture->trace == NULL)
    return;
  write_address (local, sizeof local, message->local_address, message->local_port);
  write_address (remote, sizeof remote, message->remote_address, message->remote_port);
  gw_trace_add (capture->trace,
                &(GwTraceIds){ .call_id = message->call_id,
                               .own_tag = message->own_tag,
                               .transaction = message->transaction,
                               .caller = caller_of (message),
                               .begins = message->begins_call,
                               .challenges = message->challenges },
                &(GwTraceMessage){ .time = now,
                                   .is_sent = message->is_sent,
                                   .transport = message->transport,
                                   .local = local,
                                   .remote = remote,
                                   .text = message->text,
                                   .size = message->size });
}

void
gw_capture_claim (Gateway *gateway, const char *call_id, const char *transaction, const char *id)
{
  if (gateway->capture->trace != NULL)
    gw_trace_claim (gateway->capture->trace, call_id, transaction, id);
}

void
gw_capture_release (Gateway *gateway, const char *id)
{
  if (gateway->capture->trace != NULL)
    gw_trace_release (gateway->capture->trace, id);
}

static void
finish_oldest (GwCapture *capture)
{
  Ending *ending = g_queue_pop_head (&capture->ending);

  gw_trace_finish (capture->trace, ending->id);
  ending_free (ending);
}

void
gw_capture_finish (Gateway *gateway, const char *id, GwLateRecord *late)
{
  GwCapture *capture = gateway->capture;
  Ending *ending;

  if (capture->trace == NULL)
    {
      gw_late_record_free (late);
      return;
    }
  if (capture->ending.length >= MAX_ENDING)
    finish_oldest (capture);
  ending = g_new0 (Ending, 1);
  ending->since = cfg_monotonic_now ();
  ending->id = g_strdup (id);
  ending->late = late;
  g_queue_push_tail (&capture->ending, ending);
}

void
gw_capture_tick (Gateway *gateway, CfgMonotonic now)
{
  GwCapture *capture = gateway->capture;

  for (const GList *link = capture->ending.head; link != NULL; link = link->next)
    if (((const Ending *)link->data)->late != NULL)
      gw_late_record_update (gateway, ((const Ending *)link->data)->late);
  for (const Ending *oldest; (oldest = g_queue_peek_head (&capture->ending)) != NULL
                             && cfg_monotonic_diff_us (now, oldest->since) >= ENDING_US;)
    finish_oldest (capture);
}

gboolean
gw_capture_foreach (Gateway *gateway, const char *id,
                    void (*function) (gpointer user, const GwTraceMessage *message), gpointer user,
                    guint *n_lost)
{
  GwTrace *trace = gateway->capture->trace;

  return trace != NULL && gw_trace_foreach (trace, id, function, user, n_lost);
}

static void
take_text (char *to, gsize size, const json_t *entry, const char *name)
{
  const char *text = json_string_value (json_object_get (entry, name));

  if (text != NULL)
    g_strlcpy (to, text, size);
}

/* (transfer full): as much of a message as the ladder reads. */
static char *
message_text (const json_t *entry)
{
  const char *label = json_string_value (json_object_get (entry, "message"));
  const gboolean is_answer = label != NULL && g_ascii_isdigit (label[0]);
  const gboolean has_sdp = json_is_true (json_object_get (entry, "sdp"));

  return g_strconcat (is_answer ? "SIP/2.0 " : "", label != NULL ? label : "?", is_answer ? "\r\n" : " \r\n",
                      has_sdp ? "\r\n\r\nv=0" : "", NULL);
}

static gboolean
is_sip (const json_t *entry)
{
  return g_strcmp0 (json_string_value (json_object_get (entry, "event")), "sip") == 0;
}

/* An entry names its ends and transport only where they change. */
char *
gw_capture_ladder (const json_t *timeline)
{
  GwLadder *ladder = gw_ladder_new ();
  char transport[8] = "", local[64] = "", remote[64] = "";
  json_t *entry;
  size_t i;

  json_array_foreach ((json_t *)timeline, i, entry)
  {
    const char *time = json_string_value (json_object_get (entry, "time"));
    g_autoptr (GDateTime) at
        = is_sip (entry) && time != NULL ? g_date_time_new_from_iso8601 (time, NULL) : NULL;
    g_autofree char *text = message_text (entry);
    GwTraceMessage message = { .transport = transport, .local = local, .remote = remote, .text = text };

    if (at == NULL)
      continue;
    take_text (transport, sizeof transport, entry, "transport");
    take_text (local, sizeof local, entry, "local");
    take_text (remote, sizeof remote, entry, "remote");
    message.time.us = g_date_time_to_unix (at) * CFG_US_PER_S + g_date_time_get_microsecond (at);
    message.is_sent = g_strcmp0 (json_string_value (json_object_get (entry, "direction")), "sent") == 0;
    message.size = strlen (text);
    gw_ladder_add (ladder, &message);
  }
  return gw_ladder_free_to_text (ladder);
}

typedef struct
{
  json_t *messages;
  GwLadder *ladder;
} Collected;

static void
collect (gpointer user, const GwTraceMessage *message)
{
  Collected *collected = user;
  g_autofree char *time = gw_time_text (message->time);
  g_autofree char *text = g_utf8_make_valid (message->text, (gssize)message->size);

  for (char *c = text; *c != '\0'; c++)
    if ((guchar)*c < ' ' && *c != '\r' && *c != '\n' && *c != '\t')
      *c = ' ';
  json_array_append_new (collected->messages,
                         json_pack ("{s:s, s:s, s:s, s:s, s:s, s:s}", "time", time, "direction",
                                    message->is_sent ? "sent" : "received", "transport", message->transport,
                                    "local", message->local, "remote", message->remote, "text", text));
  gw_ladder_add (collected->ladder, message);
}

static gboolean foreach (GwTrace *trace, const char *id, const char *call_id,
                         void (*function) (gpointer user, const GwTraceMessage *message), gpointer user,
                         guint * n_lost)
{
  return id != NULL ? gw_trace_foreach (trace, id, function, user, n_lost)
                    : gw_trace_foreach_unclaimed (trace, call_id, function, user, n_lost);
}

json_t *
gw_capture_trace (Gateway *gateway, const char *id, const char *call_id)
{
  GwTrace *trace = gateway->capture->trace;
  Collected collected = { json_array (), gw_ladder_new () };
  g_autofree char *ladder = NULL;
  guint n_lost = 0;
  gboolean is_known = trace != NULL && foreach (trace, id, call_id, collect, &collected, &n_lost);

  ladder = gw_ladder_free_to_text (collected.ladder);
  if (!is_known)
    {
      json_decref (collected.messages);
      return NULL;
    }
  return json_pack ("{s:o, s:i, s:s}", "messages", collected.messages, "lost", (int)n_lost, "ladder", ladder);
}

typedef struct
{
  GByteArray *file;
  int n_messages;
} Packets;

static void
collect_packet (gpointer user, const GwTraceMessage *message)
{
  Packets *packets = user;

  gw_pcap_add (packets->file, message);
  packets->n_messages++;
}

json_t *
gw_capture_pcap (Gateway *gateway, const char *id, const char *call_id)
{
  GwTrace *trace = gateway->capture->trace;
  g_autoptr (GByteArray) file = gw_pcap_new ();
  Packets packets = { .file = file };
  g_autofree char *text = NULL;
  guint n_lost = 0;

  if (trace == NULL || !foreach (trace, id, call_id, collect_packet, &packets, &n_lost))
    return NULL;
  text = g_base64_encode (file->data, file->len);
  return json_pack ("{s:s, s:i, s:i}", "pcap", text, "n_messages", packets.n_messages, "lost", (int)n_lost);
}

void
gw_capture_metrics (Gateway *gateway, GString *text)
{
  const GwCapture *capture = gateway->capture;

  g_string_append_printf (
      text,
      "# HELP switchroom_sip_trace_bytes Kept SIP messages of calls that run.\n"
      "# TYPE switchroom_sip_trace_bytes gauge\n"
      "switchroom_sip_trace_bytes %" G_GSIZE_FORMAT "\n"
      "# HELP switchroom_hep_packets_total SIP messages for the HEP server, by whether they were sent.\n"
      "# TYPE switchroom_hep_packets_total counter\n"
      "switchroom_hep_packets_total{result=\"sent\"} %" G_GUINT64_FORMAT "\n"
      "switchroom_hep_packets_total{result=\"failed\"} %" G_GUINT64_FORMAT "\n",
      capture->trace != NULL ? gw_trace_bytes (capture->trace) : 0, capture->n_sent, capture->n_unsent);
}
