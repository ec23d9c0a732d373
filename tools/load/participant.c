#include "tools/load/participant.h"

#include <stdarg.h>
#include <string.h>

#include "config/base/ids.h"
#include "media/core/demux.h"

#define REPORT_TICKS 250 /* 5 s; the first one after one of them */

/* A mark that comes before it was said is one of somebody else, but for the half millisecond of finding it.
 */
#define TOLERANCE_US 2000
#define DELAY_MAX_US 1500000

void
load_rooms_new (Load *load)
{
  load->n_rooms = load->options->n_rooms * (load->options->n_janus > 0 ? 2 : 1);
  load->rooms = g_new0 (LoadRoom, load->n_rooms);
}

guint
load_rooms_place (const Load *load, LoadKind kind, guint nth)
{
  const guint room = nth % load->options->n_rooms;

  return kind == LOAD_JANUS ? load->options->n_rooms + room : room;
}

LoadParticipant *
load_participant_new (Load *load, LoadKind kind, guint room, gboolean talks, const LoadFrames *frames)
{
  LoadParticipant *participant = g_new0 (LoadParticipant, 1);
  LoadRoom *where = &load->rooms[room];

  participant->load = load;
  participant->index = load->participants->len;
  participant->kind = kind;
  participant->room = room;
  participant->report_in = 25 + cfg_random_u32 () % 50;
  load_flow_init (&participant->flow, frames, talks);
  participant->flow.muted = load->options->muted;
  where->n_members++;
  where->n_talkers += talks;
  return participant;
}

void
load_participant_free (LoadParticipant *participant)
{
  if (participant->driver != NULL)
    participant->driver->free (participant);
  load_flow_clear (&participant->flow);
  g_free (participant->failure);
  g_free (participant);
}

void
load_participant_join (LoadParticipant *participant, CfgMonotonic now)
{
  participant->state = LOAD_JOINING;
  participant->began = now;
  participant->driver->join (participant);
}

static void
send_late (guint8 *data, gsize length, CfgMonotonic now, gpointer user)
{
  LoadParticipant *participant = user;

  (void)now;
  if (participant->state == LOAD_UP)
    participant->driver->send (participant, data, length);
}

static void
send_packet (LoadParticipant *participant, guint8 *packet, gsize length, CfgMonotonic now)
{
  const LoadNetemConfig *config = &participant->load->options->up;

  if (load_netem_is_idle (config))
    participant->driver->send (participant, packet, length);
  else
    (void)load_netem_put (participant->load->netem, config, &participant->path_up, packet, length, now,
                          send_late, participant);
}

static void
speak (LoadParticipant *participant, CfgMonotonic now)
{
  guint8 packet[MEDIA_PACKET_SIZE];
  gboolean mark;
  gsize length;

  length = load_flow_next (&participant->flow, packet, &mark);
  if (length == 0)
    return;
  if (mark)
    {
      LoadRoom *room = &participant->load->rooms[participant->room];

      room->marks[room->next].at_us = cfg_monotonic_now ().us + participant->flow.frames->codec_delay_us;
      room->marks[room->next].who = participant;
      room->next = (room->next + 1) % LOAD_ROOM_MARKS;
    }
  send_packet (participant, packet, length, now);
}

void
load_participant_skip (LoadParticipant *participant, CfgMonotonic now)
{
  (void)now;
  load_flow_pass (&participant->flow);
}

void
load_participant_tick (LoadParticipant *participant, CfgMonotonic now)
{
  guint8 packet[MEDIA_PACKET_SIZE];
  gsize length;

  if (participant->state != LOAD_UP)
    {
      load_participant_skip (participant, now);
      return;
    }
  speak (participant, now);
  if (--participant->report_in > 0)
    return;
  participant->report_in = REPORT_TICKS;
  length = load_flow_report (&participant->flow, packet, 1200, now, cfg_wall_now ());
  if (length > 0)
    send_packet (participant, packet, length, now);
}

void
load_participant_begin (LoadParticipant *participant)
{
  participant->measured = participant->state == LOAD_UP;
  participant->network_lost = participant->path_up.lost + participant->path_down.lost;
  load_flow_begin (&participant->flow);
}

void
load_participant_freeze (LoadParticipant *participant)
{
  participant->frozen = TRUE;
  participant->network_lost
      = participant->path_up.lost + participant->path_down.lost - participant->network_lost;
  load_flow_result (&participant->flow, &participant->result);
}

void
load_participant_leave (LoadParticipant *participant)
{
  if (participant->state == LOAD_UP || participant->state == LOAD_JOINING)
    participant->driver->leave (participant);
}

void
load_participant_set_up (LoadParticipant *participant)
{
  if (participant->state != LOAD_JOINING)
    return;
  participant->state = LOAD_UP;
  participant->up = media_pump_now (participant->load->pump);
}

void
load_participant_fail (LoadParticipant *participant, const char *why, ...)
{
  va_list arguments;

  if (participant->state == LOAD_FAILED || participant->state == LOAD_GONE)
    return;
  participant->state = LOAD_FAILED;
  va_start (arguments, why);
  participant->failure = g_strdup_vprintf (why, arguments);
  va_end (arguments);
}

/* Whose mark it was: the last one that somebody else in the room has said by then. */
static void
match_mark (LoadParticipant *participant, gint64 heard_us)
{
  const LoadRoom *room = &participant->load->rooms[participant->room];
  gint64 best_us = -1;

  for (guint i = 0; i < LOAD_ROOM_MARKS; i++)
    if (room->marks[i].who != NULL && room->marks[i].who != participant
        && room->marks[i].at_us <= heard_us + TOLERANCE_US)
      best_us = MAX (best_us, room->marks[i].at_us);
  if (best_us >= 0 && heard_us - best_us <= DELAY_MAX_US)
    load_flow_add_delay (&participant->flow, MAX (heard_us - best_us, 0));
}

static void
hear (guint8 *packet, gsize length, CfgMonotonic now, gpointer user)
{
  LoadParticipant *participant = user;
  const MediaPacketKind kind = media_demux_classify (packet, length);
  gint64 mark_us;

  if (participant->frozen)
    return;
  if (kind == MEDIA_PACKET_RTCP)
    load_flow_receive_report (&participant->flow, packet, length, now);
  if (kind != MEDIA_PACKET_RTP)
    return;
  mark_us = load_flow_receive (&participant->flow, packet, length, now);
  if (mark_us >= 0)
    match_mark (participant, mark_us);
}

void
load_participant_receive (LoadParticipant *participant, guint8 *packet, gsize length, CfgMonotonic now)
{
  const LoadNetemConfig *config = &participant->load->options->down;

  if (participant->state != LOAD_UP && participant->state != LOAD_JOINING)
    return;
  if (load_netem_is_idle (config))
    hear (packet, length, now, participant);
  else
    (void)load_netem_put (participant->load->netem, config, &participant->path_down, packet, length, now,
                          hear, participant);
}
