/* What is played to one leg alone. */
#include "media/leg_private.h"

MediaSink *
media_leg_carrier (MediaLeg *leg)
{
  for (guint i = 0; i < leg->n_sections; i++)
    if (leg->sections[i]->sink.enabled)
      return &leg->sections[i]->sink;
  return NULL;
}

static void
tell_ended (MediaLeg *leg, MediaPlayId play, MediaPlayEnd end, const char *error)
{
  if (leg->ops->play_ended != NULL)
    leg->ops->play_ended (leg->user, play, end, error);
}

static void
changed (MediaLeg *leg)
{
  if (leg->room != NULL)
    media_room_changed (leg->room);
}

void
media_leg_play (MediaLeg *leg, MediaPlay *play)
{
  if (leg->plays == NULL)
    leg->plays = g_ptr_array_new_with_free_func ((GDestroyNotify)media_play_free);
  if (media_plays_are_full (leg->plays))
    {
      tell_ended (leg, media_play_get_id (play), MEDIA_PLAY_FAILED, "too much is played there already");
      media_play_free (play);
      return;
    }
  g_ptr_array_add (leg->plays, play);
  changed (leg);
}

void
media_leg_stop_play (MediaLeg *leg, MediaPlayId id)
{
  for (guint i = 0; leg->plays != NULL && i < leg->plays->len; i++)
    if (media_play_get_id (g_ptr_array_index (leg->plays, i)) == id)
      {
        if (media_play_stop (g_ptr_array_index (leg->plays, i)) && leg->room != NULL)
          return;
        g_ptr_array_remove_index (leg->plays, i);
        tell_ended (leg, id, MEDIA_PLAY_STOPPED, NULL);
        changed (leg);
        return;
      }
}

void
media_leg_end_plays (MediaLeg *leg)
{
  for (guint i = 0; leg->plays != NULL && i < leg->plays->len; i++)
    {
      const MediaPlay *play = g_ptr_array_index (leg->plays, i);

      tell_ended (leg, media_play_get_id (play), media_play_end_with (play, MEDIA_PLAY_GONE), NULL);
    }
  if (leg->plays != NULL)
    g_ptr_array_set_size (leg->plays, 0);
}

gboolean
media_leg_advance_plays (MediaLeg *leg)
{
  gboolean different = FALSE;

  for (guint i = leg->plays != NULL ? leg->plays->len : 0; i-- > 0;)
    {
      MediaPlay *play = g_ptr_array_index (leg->plays, i);
      const guint rate_hz = media_play_rate_hz (play);
      const char *error = NULL;
      MediaPlayEnd end;

      if (media_play_advance (play, &end, &error))
        {
          different |= media_play_rate_hz (play) != rate_hz;
          continue;
        }
      tell_ended (leg, media_play_get_id (play), end, error);
      g_ptr_array_remove_index (leg->plays, i);
      different = TRUE;
    }
  return different;
}
