#include "tools/load/janus.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "config/base/ids.h"
#include "tools/load/describe.h"
#include "tools/load/plain.h"
#include "tools/load/websocket.h"

#define KEEP_ALIVE_US (20 * CFG_US_PER_S)

struct _LoadJanus
{
  Load *load;
  LoadSocket *socket;
  json_int_t session, control;
  guint first_room; /* rooms outlive us there: others each time */
  guint n_rooms_made;
  gboolean ready;
  char *failure;
  MediaPumpTimer keep_alive;
  GPtrArray *waiting; /* of Member, borrowed */
};

typedef struct
{
  LoadJanus *janus;
  LoadParticipant *participant;
  LoadPlain *plain;
  json_int_t handle;
} Member;

static void
send_json (LoadJanus *janus, json_t *message)
{
  char *text = json_dumps (message, JSON_COMPACT);

  load_socket_send (janus->socket, text);
  free (text);
  json_decref (message);
}

/* @kind and @number come back with the answer. */
static void
ask (LoadJanus *janus, const char *what, char kind, guint number, json_int_t handle, json_t *more)
{
  g_autofree char *transaction = g_strdup_printf ("%c%u", kind, number);
  json_t *message = json_pack ("{s:s, s:s}", "janus", what, "transaction", transaction);

  if (janus->session != 0)
    json_object_set_new (message, "session_id", json_integer (janus->session));
  if (handle != 0)
    json_object_set_new (message, "handle_id", json_integer (handle));
  if (more != NULL)
    {
      json_object_update (message, more);
      json_decref (more);
    }
  send_json (janus, message);
}

static void
attach (LoadJanus *janus, char kind, guint number)
{
  ask (janus, "attach", kind, number, 0, json_pack ("{s:s}", "plugin", "janus.plugin.audiobridge"));
}

static void
fail_all (LoadJanus *janus, const char *why)
{
  if (janus->failure == NULL)
    janus->failure = g_strdup (why);
  for (guint i = 0; i < janus->load->participants->len; i++)
    {
      LoadParticipant *participant = g_ptr_array_index (janus->load->participants, i);

      if (participant->kind == LOAD_JANUS && participant->state != LOAD_NEW)
        load_participant_fail (participant, "Janus: %s", why);
    }
}

static void
make_next_room (LoadJanus *janus)
{
  json_t *body
      = json_pack ("{s:s, s:i, s:i, s:b, s:b}", "request", "create", "room",
                   (int)(janus->first_room + janus->n_rooms_made), "sampling_rate",
                   (int)janus->load->options->janus_rate_hz, "allow_rtp_participants", 1, "permanent", 0);

  ask (janus, "message", 'r', janus->n_rooms_made, janus->control, json_pack ("{s:o}", "body", body));
}

static void
on_room (LoadJanus *janus)
{
  if (++janus->n_rooms_made < janus->load->options->n_rooms)
    {
      make_next_room (janus);
      return;
    }
  janus->ready = TRUE;
  for (guint i = 0; i < janus->waiting->len; i++)
    {
      const Member *member = g_ptr_array_index (janus->waiting, i);

      attach (janus, 'p', member->participant->index);
    }
  g_ptr_array_set_size (janus->waiting, 0);
}

/* ---- a participant ---- */

static void
send_join (Member *member)
{
  const LoadParticipant *participant = member->participant;
  const MediaCodec *codec = media_codec_get (participant->flow.frames->codec);
  g_autofree char *name = g_ascii_strdown (media_codec_get_name (codec), -1);
  const int payload_type = load_describe_payload_type (participant->flow.frames->codec);
  const guint nth_room = participant->room - participant->load->options->n_rooms; /* behind the gateway's */
  json_t *rtp = json_pack ("{s:s, s:i, s:i}", "ip", "127.0.0.1", "port", (int)load_plain_port (member->plain),
                           "payload_type", payload_type);
  json_t *body
      = json_pack ("{s:s, s:i, s:s, s:s, s:o}", "request", "join", "room",
                   (int)(member->janus->first_room + nth_room), "display", "load", "codec", name, "rtp", rtp);

  ask (member->janus, "message", 'j', participant->index, member->handle, json_pack ("{s:o}", "body", body));
}

static void
on_joined (Member *member, const json_t *message)
{
  LoadParticipant *participant = member->participant;
  const json_t *data = json_object_get (json_object_get (message, "plugindata"), "data");
  const json_t *rtp = json_object_get (data, "rtp");
  const char *error = json_string_value (json_object_get (data, "error"));
  const char *ip = json_string_value (json_object_get (rtp, "ip"));

  if (error != NULL || ip == NULL
      || !load_plain_set_remote (member->plain, g_str_equal (ip, "0.0.0.0") ? "127.0.0.1" : ip,
                                 (guint16)json_integer_value (json_object_get (rtp, "port"))))
    {
      load_participant_fail (participant, "Janus: %s", error != NULL ? error : "no address in its answer");
      return;
    }
  participant->flow.payload_type = load_describe_payload_type (participant->flow.frames->codec);
  load_flow_add_format (&participant->flow, participant->flow.payload_type, participant->flow.frames->codec);
  load_participant_set_up (participant);
}

static void
on_member_answer (LoadJanus *janus, char kind, guint index, const char *what, const json_t *message)
{
  LoadParticipant *participant
      = index < janus->load->participants->len ? g_ptr_array_index (janus->load->participants, index) : NULL;
  Member *member;

  if (participant == NULL || participant->kind != LOAD_JANUS)
    return;
  member = participant->driving;
  if (g_str_equal (what, "error"))
    load_participant_fail (
        participant, "Janus: %s",
        json_string_value (json_object_get (json_object_get (message, "error"), "reason")));
  else if (kind == 'p')
    {
      member->handle = json_integer_value (json_object_get (json_object_get (message, "data"), "id"));
      send_join (member);
    }
  else if (kind == 'j' && g_str_equal (what, "event"))
    on_joined (member, message);
  else if (kind == 'l')
    participant->state = LOAD_GONE;
}

static void
on_text (const char *text, gpointer user)
{
  LoadJanus *janus = user;
  json_t *message = json_loads (text, 0, NULL);
  const char *what = json_string_value (json_object_get (message, "janus"));
  const char *transaction = json_string_value (json_object_get (message, "transaction"));
  const json_int_t id = json_integer_value (json_object_get (json_object_get (message, "data"), "id"));

  if (what != NULL && transaction != NULL && !g_str_equal (what, "ack"))
    {
      const guint number = (guint)strtoul (transaction + 1, NULL, 10);

      if (strchr ("car", transaction[0]) != NULL && !g_str_equal (what, "success"))
        fail_all (janus, text);
      else if (transaction[0] == 'c')
        {
          janus->session = id;
          attach (janus, 'a', 0);
        }
      else if (transaction[0] == 'a')
        {
          janus->control = id;
          make_next_room (janus);
        }
      else if (transaction[0] == 'r')
        on_room (janus);
      else
        on_member_answer (janus, transaction[0], number, what, message);
    }
  json_decref (message);
}

static void
on_open (gpointer user)
{
  ask (user, "create", 'c', 0, 0, NULL);
}

static void
on_closed (const char *why, gpointer user)
{
  fail_all (user, why);
}

static const LoadSocketOps socket_ops = { .open = on_open, .text = on_text, .closed = on_closed };

static void
join (LoadParticipant *participant)
{
  Member *member = participant->driving;
  LoadJanus *janus = member->janus;
  GError *error = NULL;

  member->plain = load_plain_new (participant, "127.0.0.1", &error);
  if (member->plain == NULL || janus->failure != NULL)
    load_participant_fail (participant, "Janus: %s", error != NULL ? error->message : janus->failure);
  else if (janus->ready)
    attach (janus, 'p', participant->index);
  else
    g_ptr_array_add (janus->waiting, member);
  g_clear_error (&error);
}

static void
send_media (LoadParticipant *participant, guint8 *packet, gsize length)
{
  Member *member = participant->driving;

  load_plain_send (member->plain, packet, length);
}

static void
leave (LoadParticipant *participant)
{
  Member *member = participant->driving;

  if (member->handle != 0)
    ask (member->janus, "detach", 'l', participant->index, member->handle, NULL);
  else
    participant->state = LOAD_GONE;
}

static void
free_member (LoadParticipant *participant)
{
  Member *member = participant->driving;

  load_plain_free (member->plain);
  g_free (member);
}

static const LoadDriver driver = { .join = join, .send = send_media, .leave = leave, .free = free_member };

void
load_janus_take (LoadJanus *janus, LoadParticipant *participant)
{
  Member *member = g_new0 (Member, 1);

  member->janus = janus;
  member->participant = participant;
  participant->driver = &driver;
  participant->driving = member;
}

static void
on_keep_alive (CfgMonotonic now, gpointer user)
{
  LoadJanus *janus = user;

  if (janus->session != 0)
    ask (janus, "keepalive", 'k', 0, 0, NULL);
  media_pump_start_timer (janus->load->pump, &janus->keep_alive, cfg_monotonic_add_us (now, KEEP_ALIVE_US));
}

LoadJanus *
load_janus_new (Load *load, GError **error)
{
  LoadJanus *janus = g_new0 (LoadJanus, 1);

  janus->load = load;
  janus->first_room = cfg_random_u32 () >> 2;
  janus->waiting = g_ptr_array_new ();
  janus->keep_alive = (MediaPumpTimer){ .func = on_keep_alive, .user = janus };
  janus->socket
      = load_socket_new (load->pump, load->options->janus, NULL, "janus-protocol", &socket_ops, janus, error);
  if (janus->socket == NULL)
    {
      load_janus_free (janus);
      return NULL;
    }
  media_pump_start_timer (load->pump, &janus->keep_alive,
                          cfg_monotonic_add_us (cfg_monotonic_now (), KEEP_ALIVE_US));
  return janus;
}

void
load_janus_free (LoadJanus *janus)
{
  if (janus == NULL)
    return;
  media_pump_stop_timer (janus->load->pump, &janus->keep_alive);
  load_socket_free (janus->socket);
  g_ptr_array_unref (janus->waiting);
  g_free (janus->failure);
  g_free (janus);
}
