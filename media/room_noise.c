/* How loud comfort noise is: as the lines of those who are heard, so that a pause of theirs does not sound
 * like a line that went dead. A sender of comfort noise packets says it himself; of the others the level
 * between words is known from who speaks. Looked at only when such a packet is due: five times a second for a
 * sink that is silent, and once per tick for a room. */
#include "media/room_private.h"

#define LEVEL_UNKNOWN  70 /* -dBov */
#define LEVEL_LOUDEST  45 /* a line that hisses more is not worth it */
#define LEVEL_QUIETEST 75 /* what speech processing left of a room: still not nothing */

/* Returns: MEDIA_LEVEL_SILENCE when nothing came of it. */
static guint8
level_of (const MediaSource *source)
{
  if (source->tells_noise)
    return CLAMP (source->noise_level, LEVEL_LOUDEST, LEVEL_QUIETEST);
  if (!source->speech.have_level)
    return MEDIA_LEVEL_SILENCE;
  return CLAMP (media_speech_floor (&source->speech), LEVEL_LOUDEST, LEVEL_QUIETEST);
}

/* Noises of unequal level add up to hardly more than the louder one. */
static void
look_around (MediaRoom *room)
{
  room->noise_tick = room->ticks;
  room->noisiest = NULL;
  room->noise_level = room->next_noise_level = MEDIA_LEVEL_SILENCE;
  for (guint i = 0; i < room->sources->len; i++)
    {
      const MediaSource *source = g_ptr_array_index (room->sources, i);
      const guint8 level = level_of (source);

      if (level < room->noise_level)
        {
          if (source->leg != room->noisiest)
            room->next_noise_level = room->noise_level;
          room->noisiest = source->leg;
          room->noise_level = level;
        }
      else if (source->leg != room->noisiest)
        room->next_noise_level = MIN (room->next_noise_level, level);
    }
}

guint8
media_room_noise_level (MediaRoom *room, const MediaSink *sink)
{
  guint8 level = MEDIA_LEVEL_SILENCE;

  if (sink->from != NULL)
    level = level_of (sink->from);
  else if (room != NULL)
    {
      if (room->noise_tick != room->ticks)
        look_around (room);
      level = room->noisiest == sink->leg ? room->next_noise_level : room->noise_level;
    }
  return level == MEDIA_LEVEL_SILENCE ? LEVEL_UNKNOWN : level;
}
