/* What is played to everybody in a room, and the turns of what is played or sent to single legs in it. */
#include "media/room_private.h"

static void
tell_ended (const MediaRoom *room, MediaPlayId play, MediaPlayEnd end, const char *error)
{
  if (room->ops != NULL && room->ops->play_ended != NULL)
    room->ops->play_ended (room->user, play, end, error);
}

void
media_room_play (MediaRoom *room, MediaPlay *play)
{
  if (media_plays_are_full (room->plays))
    {
      tell_ended (room, media_play_get_id (play), MEDIA_PLAY_FAILED, "too much is played there already");
      media_play_free (play);
      return;
    }
  g_ptr_array_add (room->plays, play);
  room->dirty = TRUE;
}

void
media_room_stop_play (MediaRoom *room, MediaPlayId id)
{
  for (guint i = 0; i < room->plays->len; i++)
    if (media_play_get_id (g_ptr_array_index (room->plays, i)) == id)
      {
        if (media_play_stop (g_ptr_array_index (room->plays, i)))
          return;
        g_ptr_array_remove_index (room->plays, i);
        tell_ended (room, id, MEDIA_PLAY_STOPPED, NULL);
        room->dirty = TRUE;
        return;
      }
}

void
media_room_end_plays (MediaRoom *room)
{
  for (guint i = 0; i < room->plays->len; i++)
    {
      const MediaPlay *play = g_ptr_array_index (room->plays, i);

      tell_ended (room, media_play_get_id (play), media_play_end_with (play, MEDIA_PLAY_GONE), NULL);
    }
  g_ptr_array_set_size (room->plays, 0);
}

void
media_room_advance_plays (MediaRoom *room)
{
  for (guint i = room->plays->len; i-- > 0;)
    {
      MediaPlay *play = g_ptr_array_index (room->plays, i);
      const guint rate_hz = media_play_rate_hz (play);
      const char *error = NULL;
      MediaPlayEnd end;

      if (media_play_advance (play, &end, &error))
        {
          room->dirty |= media_play_rate_hz (play) != rate_hz;
          continue;
        }
      tell_ended (room, media_play_get_id (play), end, error);
      g_ptr_array_remove_index (room->plays, i);
      room->dirty = TRUE;
    }
  for (guint i = 0; i < room->playing->len; i++)
    room->dirty |= media_leg_advance_plays (g_ptr_array_index (room->playing, i));
}

void
media_room_turn_digits (MediaRoom *room, CfgMonotonic now)
{
  for (guint i = 0; i < room->dialling->len; i++)
    room->dirty |= !media_sink_turn_digits (g_ptr_array_index (room->dialling, i), now);
}
