#include "gateway/trunks.h"

#include <string.h>

#include "gateway/core/headers.h"

struct _GwTrunks
{
  GHashTable *turns; /* char* id -> guint64*, owned */
};

GwTrunks *
gw_trunks_new (void)
{
  GwTrunks *trunks = g_new0 (GwTrunks, 1);

  trunks->turns = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return trunks;
}

void
gw_trunks_free (GwTrunks *trunks)
{
  g_hash_table_unref (trunks->turns);
  g_free (trunks);
}

const CfgTrunkSettings *
gw_trunks_find (const Gateway *gateway, const char *trunk)
{
  const CfgSettings *settings = gateway->settings;

  for (gsize i = 0; trunk != NULL && i < settings->n_trunks; i++)
    if (strcmp (settings->trunks[i].id, trunk) == 0 || strcmp (settings->trunks[i].name, trunk) == 0)
      return &settings->trunks[i];
  return NULL;
}

const char *
gw_trunks_next_number (Gateway *gateway, const CfgTrunkSettings *trunk)
{
  guint64 *turn = g_hash_table_lookup (gateway->trunks->turns, trunk->id);

  if (turn == NULL)
    {
      turn = g_new0 (guint64, 1);
      g_hash_table_insert (gateway->trunks->turns, g_strdup (trunk->id), turn);
    }
  return gw_trunk_number (trunk, (*turn)++, g_random_int ());
}
