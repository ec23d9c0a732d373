/* What the dispatch rule of a call says of its participant and of the room that it may make. Copied: a call
 * outlives the configuration. */
#include "gateway/call_private.h"

#include <string.h>

#define SHORTEST_NUMBER 4

static void
free_room_options (GwRoomOptions *options)
{
  if (options != NULL)
    g_free (options->metadata);
  g_free (options);
}

/* Attributes of headers may name the caller too. Short numbers are part of too much to look for them. */
static gboolean
names_caller (const char *key, const char *value, const char *number)
{
  return strcmp (key, "sip.phoneNumber") == 0 || strcmp (key, "sip.displayName") == 0
         || (g_str_has_prefix (key, "sip.h.") && sig_identity_tells_caller (key + strlen ("sip.h.")))
         || (strlen (number) >= SHORTEST_NUMBER && strcmp (key, "sip.callIDFull") != 0
             && strstr (value, number) != NULL);
}

static void
forget_number (GwCall *call)
{
  const char *number = call->v.from[0] == '+' ? call->v.from + 1 : call->v.from;
  GHashTableIter iter;
  gpointer key, value;

  call->hides_number = TRUE;
  g_hash_table_iter_init (&iter, call->attributes);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (names_caller (key, value, number))
      g_hash_table_iter_remove (&iter);
}

void
gw_call_take_rule (GwCall *call, const CfgDispatchRuleSettings *rule)
{
  if (rule == NULL)
    return;
  if (rule->hide_phone_number)
    forget_number (call);
  for (gsize i = 0; i < rule->n_attributes; i++)
    gw_call_set_attribute (call, rule->attributes[i].name, rule->attributes[i].value);
  g_free (call->metadata);
  call->metadata = g_strdup (rule->metadata);
  free_room_options (call->room_options);
  call->room_options = g_new0 (GwRoomOptions, 1);
  *call->room_options = (GwRoomOptions){
    .empty_timeout_s = rule->room_config.empty_timeout_s,
    .departure_timeout_s = rule->room_config.departure_timeout_s,
    .max_participants = rule->room_config.max_participants,
    .metadata = g_strdup (rule->room_config.metadata),
  };
}

gboolean
gw_call_wants_record (const GwCall *call)
{
  return call->records;
}

void
gw_call_rule_clear (GwCall *call)
{
  g_clear_pointer (&call->metadata, g_free);
  g_clear_pointer (&call->room_options, free_room_options);
}
