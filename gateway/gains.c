#include "gateway/gains.h"

#include "config/base/error.h"

static void
apply (Gateway *gateway, const GwParticipant *participant, const GwParticipant *listener, double gain_db)
{
  if (participant->leg != 0 && (listener == NULL || listener->leg != 0))
    media_engine_leg_set_gain (gateway->media, participant->leg, listener != NULL ? listener->leg : 0,
                               gain_db);
}

static const double *
find (const GwParticipant *participant, const GwParticipant *listener)
{
  return participant->gains != NULL ? g_hash_table_lookup (participant->gains, listener->sid) : NULL;
}

gboolean
gw_gains_set (Gateway *gateway, GwParticipant *participant, const GwParticipant *listener, double gain_db,
              GError **error)
{
  if (listener == NULL)
    participant->gain_db = gain_db;
  else
    {
      if (participant->gains == NULL)
        participant->gains = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      if (find (participant, listener) == NULL && g_hash_table_size (participant->gains) >= MEDIA_MAX_GAINS)
        {
          g_set_error (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED,
                       "%d listeners have a gain of their own for \"%s\", and more cannot", MEDIA_MAX_GAINS,
                       participant->identity);
          return FALSE;
        }
      g_hash_table_replace (participant->gains, g_strdup (listener->sid),
                            g_memdup2 (&gain_db, sizeof gain_db));
    }
  apply (gateway, participant, listener, gain_db);
  return TRUE;
}

void
gw_gains_follow (Gateway *gateway, const GwParticipant *participant)
{
  const GPtrArray *others = participant->room->participants;

  if (participant->gain_db != 0)
    apply (gateway, participant, NULL, participant->gain_db);
  for (guint i = 0; i < others->len; i++)
    {
      const GwParticipant *other = g_ptr_array_index (others, i);
      const double *to_other = find (participant, other), *from_other = find (other, participant);

      if (to_other != NULL)
        apply (gateway, participant, other, *to_other);
      if (from_other != NULL && other != participant)
        apply (gateway, other, participant, *from_other);
    }
}

typedef struct
{
  MediaLegId leg, listener;
} Pair;

GArray *
gw_gains_left_behind (const GwParticipant *participant)
{
  const GPtrArray *others = participant->room->participants;
  GArray *pairs = g_array_new (FALSE, FALSE, sizeof (Pair));

  for (guint i = 0; i < others->len; i++)
    {
      const GwParticipant *other = g_ptr_array_index (others, i);
      const Pair to_other = { participant->leg, other->leg }, from_other = { other->leg, participant->leg };

      if (find (participant, other) != NULL)
        g_array_append_val (pairs, to_other);
      if (find (other, participant) != NULL && other != participant)
        g_array_append_val (pairs, from_other);
    }
  return pairs;
}

void
gw_gains_forget (Gateway *gateway, GArray *pairs)
{
  for (guint i = 0; i < pairs->len; i++)
    {
      const Pair *pair = &g_array_index (pairs, Pair, i);

      media_engine_leg_unset_gain (gateway->media, pair->leg, pair->listener);
    }
  g_array_unref (pairs);
}
