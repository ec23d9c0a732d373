/* What the main thread may ask of a worker. A command for a leg that is on its way here waits for it; one for
 * a leg that is gone does nothing. */
#include "media/worker_private.h"

#include "config/base/memory.h"

typedef struct
{
  CfgMessage base;
  MediaCommand *command; /* NULL when it was taken out to wait */
} CommandMessage;

void
media_command_free (MediaCommand *command)
{
  g_clear_pointer (&command->udp, media_udp_free);
  g_clear_pointer (&command->arriving, media_worker_leg_free_detached);
  g_free (command->text);
  g_free (command->text2);
  g_free (command->fingerprint);
  g_strfreev (command->candidates);
  if (command->plan != NULL)
    {
      media_srtp_keys_clear (&command->plan->srtp_local);
      media_srtp_keys_clear (&command->plan->srtp_remote);
    }
  g_free (command->plan);
  g_clear_pointer (&command->play, media_play_free);
  if (command->recorder != NULL)
    media_recorder_free (command->recorder, MEDIA_RECORD_GONE);
  g_free (command);
}

static void
run_message (CfgMessage *base, gpointer owner)
{
  media_command_run (owner, g_steal_pointer (&((CommandMessage *)base)->command));
}

static void
destroy_message (CfgMessage *base)
{
  CommandMessage *message = (CommandMessage *)base;

  g_clear_pointer (&message->command, media_command_free);
  g_free (message);
}

void
media_worker_post (MediaWorker *worker, MediaCommand *command)
{
  CommandMessage *message = g_new0 (CommandMessage, 1);

  message->base.run = run_message;
  message->base.destroy = destroy_message;
  message->command = command;
  cfg_mailbox_post (worker->mailbox, &message->base, CFG_MAILBOX_MUST_DELIVER);
}

void
media_command_run (MediaWorker *worker, MediaCommand *command)
{
  GPtrArray *waiting = command->leg == 0 || command->never_waits
                           ? NULL
                           : g_hash_table_lookup (worker->expected, &command->leg);
  MediaWorkerLeg *leg;

  if (waiting != NULL)
    {
      g_ptr_array_add (waiting, command);
      return;
    }
  leg = command->leg == 0 ? NULL : g_hash_table_lookup (worker->legs, &command->leg);
  if (command->leg == 0 || leg != NULL || command->even_if_gone)
    command->apply (worker, leg, command);
  media_command_free (command);
}

void
media_worker_leg_arrived (MediaWorker *worker, MediaLegId id)
{
  GPtrArray *waiting = g_hash_table_lookup (worker->expected, &id);
  g_autoptr (GPtrArray) commands = NULL;

  if (waiting == NULL)
    return;
  commands = g_ptr_array_ref (waiting);
  g_hash_table_remove (worker->expected, &id);
  g_ptr_array_set_free_func (commands, NULL);
  for (guint i = 0; i < commands->len; i++)
    media_command_run (worker, g_ptr_array_index (commands, i));
}

static MediaCommand *
command_new (MediaLegId leg, void (*apply) (MediaWorker *, MediaWorkerLeg *, MediaCommand *))
{
  MediaCommand *command = g_new0 (MediaCommand, 1);

  command->leg = leg;
  command->apply = apply;
  return command;
}

static void
on_speakers (gpointer user, MediaRoomId room, const MediaSpeaker *speakers, gsize n)
{
  media_worker_tell_speakers (user, room, speakers, n);
}

static void
on_room_play_ended (gpointer user, MediaPlayId play, MediaPlayEnd end, const char *error)
{
  media_worker_tell_play_ended (user, play, end, error);
}

static const MediaRoomOps room_ops = { .speakers = on_speakers, .play_ended = on_room_play_ended };

static void
count_rooms (MediaWorker *worker)
{
  atomic_store_explicit (&worker->counters.n_rooms, g_hash_table_size (worker->rooms), memory_order_relaxed);
}

static void
apply_room_new (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  const MediaRoomConfig config = { .id = command->room,
                                   .mix_speakers = worker->config.engine->mix_speakers,
                                   .opus_complexity = worker->opus_complexity,
                                   .meter = &worker->meter };
  MediaRoom *room = media_room_new (&config, &room_ops, worker);

  g_hash_table_insert (worker->rooms, g_memdup2 (&command->room, sizeof command->room), room);
  media_worker_add_room (worker, room);
  count_rooms (worker);
}

static void
apply_room_free (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  const CfgMonotonic now = media_pump_now (worker->pump);
  MediaRoom *room = g_hash_table_lookup (worker->rooms, &command->room);

  if (room == NULL)
    return;
  media_room_end_plays (room);
  media_room_end_records (room);
  while (media_room_n_legs (room) > 0)
    {
      MediaLeg *member = media_room_leg (room, media_room_n_legs (room) - 1);

      media_room_remove (room, member, now);
      media_room_add (worker->lobby, member, now);
    }
  g_hash_table_remove (worker->rooms, &command->room);
  g_hash_table_remove (worker->told, &command->room);
  media_worker_remove_room (worker, room);
  media_room_free (room);
  count_rooms (worker);
}

MediaCommand *
media_command_room_new (MediaRoomId room)
{
  MediaCommand *command = command_new (0, apply_room_new);

  command->room = room;
  return command;
}

MediaCommand *
media_command_room_free (MediaRoomId room)
{
  MediaCommand *command = command_new (0, apply_room_free);

  command->room = room;
  return command;
}

void
media_worker_set_opus_complexity (MediaWorker *worker, guint complexity)
{
  worker->opus_complexity = complexity == 0 ? MEDIA_OPUS_COMPLEXITY_0 : (int)complexity;
  atomic_store_explicit (&worker->counters.opus_complexity, complexity, memory_order_relaxed);
  for (guint i = 0; i < MEDIA_WORKER_PHASES; i++)
    for (guint k = 0; k < worker->phases[i]->len; k++)
      media_room_set_opus_complexity (g_ptr_array_index (worker->phases[i], k), worker->opus_complexity);
}

static void
apply_set_opus_complexity (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  media_worker_set_opus_complexity (worker, command->opus_complexity);
}

MediaCommand *
media_command_set_opus_complexity (guint complexity)
{
  MediaCommand *command = command_new (0, apply_set_opus_complexity);

  command->opus_complexity = complexity;
  return command;
}

static void
apply_tidy (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  if (worker->leg_list->len == 0)
    cfg_memory_empty_cache ();
}

MediaCommand *
media_command_tidy (void)
{
  return command_new (0, apply_tidy);
}

static void
apply_leg_new_rtp (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  media_worker_leg_new_rtp (worker, command->leg, g_steal_pointer (&command->udp));
}

MediaCommand *
media_command_leg_new_rtp (MediaLegId leg, MediaUdp *udp)
{
  MediaCommand *command = command_new (leg, apply_leg_new_rtp);

  command->even_if_gone = TRUE;
  command->udp = udp;
  return command;
}

static void
apply_leg_new_rtc (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  media_worker_leg_new_rtc (worker, command->leg, command);
}

MediaCommand *
media_command_leg_new_rtc (MediaLegId leg, const MediaRtcLegConfig *config)
{
  MediaCommand *command = command_new (leg, apply_leg_new_rtc);

  command->even_if_gone = TRUE;
  command->flag = config->controlling;
  command->flag2 = config->dtls_active;
  command->text = g_strdup (config->remote_ufrag);
  command->text2 = g_strdup (config->remote_pwd);
  command->fingerprint = g_strdup (config->remote_fingerprint);
  command->candidates = g_strdupv ((char **)config->remote_candidates);
  return command;
}

static void
apply_add_candidate (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  media_transport_add_candidate (leg->transport, command->text);
}

MediaCommand *
media_command_leg_add_candidate (MediaLegId leg, const char *candidate)
{
  MediaCommand *command = command_new (leg, apply_add_candidate);

  command->text = g_strdup (candidate);
  return command;
}

static void
apply_restart_ice (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  media_transport_restart_ice (leg->transport, command->text, command->text2);
}

MediaCommand *
media_command_leg_restart_ice (MediaLegId leg, const char *ufrag, const char *pwd)
{
  MediaCommand *command = command_new (leg, apply_restart_ice);

  command->text = g_strdup (ufrag);
  command->text2 = g_strdup (pwd);
  return command;
}

static void
apply_configure (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  media_transport_configure (leg->transport, command->plan);
  media_leg_configure (leg->leg, command->plan, media_pump_now (worker->pump));
}

MediaCommand *
media_command_leg_configure (MediaLegId leg, const MediaPlan *plan)
{
  MediaCommand *command = command_new (leg, apply_configure);

  command->plan = g_memdup2 (plan, sizeof *plan);
  return command;
}

static void
apply_attach (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  media_worker_leg_enter (leg, command->room);
}

MediaCommand *
media_command_leg_attach (MediaLegId leg, MediaRoomId room)
{
  MediaCommand *command = command_new (leg, apply_attach);

  command->room = room;
  return command;
}

static void
apply_set_muted (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  media_leg_set_muted (leg->leg, command->flag);
}

MediaCommand *
media_command_leg_set_muted (MediaLegId leg, gboolean muted)
{
  MediaCommand *command = command_new (leg, apply_set_muted);

  command->flag = muted;
  return command;
}

static void
apply_set_gain (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  media_leg_set_gain (leg->leg, command->listener, command->gain_db);
}

MediaCommand *
media_command_leg_set_gain (MediaLegId leg, MediaLegId listener, double gain_db)
{
  MediaCommand *command = command_new (leg, apply_set_gain);

  command->listener = listener;
  command->gain_db = gain_db;
  return command;
}

static void
apply_unset_gain (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  media_leg_forget_listener (leg->leg, command->listener);
}

MediaCommand *
media_command_leg_unset_gain (MediaLegId leg, MediaLegId listener)
{
  MediaCommand *command = command_new (leg, apply_unset_gain);

  command->listener = listener;
  return command;
}

static void
apply_set_deaf (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  media_leg_set_deaf (leg->leg, command->flag);
}

MediaCommand *
media_command_leg_set_deaf (MediaLegId leg, gboolean is_deaf)
{
  MediaCommand *command = command_new (leg, apply_set_deaf);

  command->flag = is_deaf;
  return command;
}

static void
apply_leg_play (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  if (leg != NULL)
    media_leg_play (leg->leg, g_steal_pointer (&command->play));
  else
    media_worker_tell_play_ended (worker, media_play_get_id (command->play), MEDIA_PLAY_GONE, NULL);
}

MediaCommand *
media_command_leg_play (MediaLegId leg, MediaPlay *play)
{
  MediaCommand *command = command_new (leg, apply_leg_play);

  command->even_if_gone = TRUE;
  command->play = play;
  return command;
}

static void
apply_leg_stop_play (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  media_leg_stop_play (leg->leg, command->play_id);
}

MediaCommand *
media_command_leg_stop_play (MediaLegId leg, MediaPlayId play)
{
  MediaCommand *command = command_new (leg, apply_leg_stop_play);

  command->play_id = play;
  return command;
}

static void
apply_room_play (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  MediaRoom *room = g_hash_table_lookup (worker->rooms, &command->room);

  if (room != NULL)
    media_room_play (room, g_steal_pointer (&command->play));
  else
    media_worker_tell_play_ended (worker, media_play_get_id (command->play), MEDIA_PLAY_GONE, NULL);
}

MediaCommand *
media_command_room_play (MediaRoomId room, MediaPlay *play)
{
  MediaCommand *command = command_new (0, apply_room_play);

  command->room = room;
  command->play = play;
  return command;
}

static void
apply_room_tell_speakers (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  MediaRoom *room = g_hash_table_lookup (worker->rooms, &command->room);

  if (room != NULL)
    media_room_tell_speakers (room, command->flag);
}

MediaCommand *
media_command_room_tell_speakers (MediaRoomId room, gboolean tell)
{
  MediaCommand *command = command_new (0, apply_room_tell_speakers);

  command->room = room;
  command->flag = tell;
  return command;
}

static void
apply_room_stop_play (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  MediaRoom *room = g_hash_table_lookup (worker->rooms, &command->room);

  if (room != NULL)
    media_room_stop_play (room, command->play_id);
}

MediaCommand *
media_command_room_stop_play (MediaRoomId room, MediaPlayId play)
{
  MediaCommand *command = command_new (0, apply_room_stop_play);

  command->room = room;
  command->play_id = play;
  return command;
}

static void
apply_room_record (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  MediaRoom *room = g_hash_table_lookup (worker->rooms, &command->room);

  if (room != NULL)
    media_room_record (room, g_steal_pointer (&command->recorder));
}

MediaCommand *
media_command_room_record (MediaRoomId room, MediaRecorder *recorder)
{
  MediaCommand *command = command_new (0, apply_room_record);

  command->room = room;
  command->recorder = recorder;
  return command;
}

static void
apply_room_stop_record (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  MediaRoom *room = g_hash_table_lookup (worker->rooms, &command->room);

  if (room != NULL)
    media_room_stop_record (room, command->record_id, MEDIA_RECORD_STOPPED);
}

MediaCommand *
media_command_room_stop_record (MediaRoomId room, MediaRecordId record)
{
  MediaCommand *command = command_new (0, apply_room_stop_record);

  command->room = room;
  command->record_id = record;
  return command;
}

static void
apply_room_record_leg (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  MediaRoom *room = g_hash_table_lookup (worker->rooms, &command->room);

  if (room != NULL)
    media_room_record_leg (room, command->record_id, command->record_leg);
}

MediaCommand *
media_command_room_record_leg (MediaRoomId room, MediaRecordId record, MediaLegId leg)
{
  MediaCommand *command = command_new (0, apply_room_record_leg);

  command->room = room;
  command->record_id = record;
  command->record_leg = leg;
  return command;
}

static void
apply_send_dtmf (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  /* Checked by who asked; a queue that is full, or a peer on hold for good, loses them. */
  (void)!media_leg_send_dtmf (leg->leg, command->text);
}

MediaCommand *
media_command_leg_send_dtmf (MediaLegId leg, const char *digits)
{
  MediaCommand *command = command_new (leg, apply_send_dtmf);

  command->text = g_strdup (digits);
  return command;
}

static void
apply_stop_dtmf (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  media_leg_stop_dtmf (leg->leg);
}

MediaCommand *
media_command_leg_stop_dtmf (MediaLegId leg)
{
  return command_new (leg, apply_stop_dtmf);
}

static void
apply_free (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  media_worker_leg_close (leg, TRUE);
}

MediaCommand *
media_command_leg_free (MediaLegId leg)
{
  return command_new (leg, apply_free);
}

static void
apply_export (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  MediaEvent *event = media_event_new (MEDIA_EVENT_EXPORTED, command->leg);

  event->state = leg == NULL ? NULL : media_worker_leg_export (leg);
  event->done = command->done;
  event->user = command->user;
  media_worker_send (worker, event, CFG_MAILBOX_MUST_DELIVER);
}

MediaCommand *
media_command_leg_export (MediaLegId leg, void (*done) (gpointer user, const MediaLegState *state),
                          gpointer user)
{
  MediaCommand *command = command_new (leg, apply_export);

  command->even_if_gone = TRUE;
  command->done = done;
  command->user = user;
  return command;
}

static void
free_command (gpointer command)
{
  media_command_free (command);
}

static void
apply_expect (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  g_hash_table_insert (worker->expected, g_memdup2 (&command->leg, sizeof command->leg),
                       g_ptr_array_new_with_free_func (free_command));
}

MediaCommand *
media_command_leg_expect (MediaLegId leg)
{
  MediaCommand *command = command_new (leg, apply_expect);

  command->even_if_gone = TRUE;
  command->never_waits = TRUE;
  return command;
}

static void
apply_arrive (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  media_worker_leg_arrive (worker, g_steal_pointer (&command->arriving));
  media_worker_leg_arrived (worker, command->leg);
}

MediaCommand *
media_command_leg_arrive (MediaWorkerLeg *leg)
{
  MediaCommand *command = command_new (leg->id, apply_arrive);

  command->even_if_gone = TRUE;
  command->never_waits = TRUE;
  command->arriving = leg;
  return command;
}

static void
apply_move (MediaWorker *worker, MediaWorkerLeg *leg, MediaCommand *command)
{
  media_worker_leg_detach (leg);
  media_worker_post (command->to, media_command_leg_arrive (leg));
}

MediaCommand *
media_command_leg_move (MediaLegId leg, MediaWorker *to)
{
  MediaCommand *command = command_new (leg, apply_move);

  command->to = to;
  return command;
}
