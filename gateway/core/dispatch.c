#include "gateway/core/dispatch.h"

#include <string.h>

#include "config/base/address.h"
#include "config/base/error.h"
#include "config/base/ids.h"
#include "gateway/core/room.h"

char *
gw_stable_id (const char *prefix, const char *name)
{
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, name, -1);

  return g_strdup_printf ("%s%.12s", prefix, sum);
}

void
gw_dispatch_clear (GwDispatch *dispatch)
{
  g_clear_pointer (&dispatch->room, g_free);
  g_clear_pointer (&dispatch->trunk_id, g_free);
  g_clear_pointer (&dispatch->rule_id, g_free);
}

/* +15551234567 and 15551234567 are one number. */
static gboolean
same_number (const char *a, const char *b)
{
  if (*a == '+')
    a++;
  if (*b == '+')
    b++;
  return strcmp (a, b) == 0;
}

static gboolean
address_allowed (const CfgTrunkSettings *trunk, const char *address)
{
  if (trunk->allowed_addresses[0] == NULL)
    return TRUE;
  for (char **text = trunk->allowed_addresses; *text != NULL; text++)
    {
      CfgAddressRange range;

      if (cfg_address_range_parse (*text, &range) && cfg_address_range_contains (&range, address))
        return TRUE;
    }
  return FALSE;
}

static gboolean
number_served (const CfgTrunkSettings *trunk, const char *called)
{
  if (trunk->numbers[0] == NULL)
    return TRUE;
  for (char **number = trunk->numbers; *number != NULL; number++)
    if (same_number (*number, called))
      return TRUE;
  return FALSE;
}

static const CfgTrunkSettings *
find_trunk (const CfgSettings *settings, const GwDispatchFacts *facts, GError **error)
{
  gboolean source_known = FALSE;

  for (gsize i = 0; i < settings->n_trunks; i++)
    {
      const CfgTrunkSettings *trunk = &settings->trunks[i];

      if (!(trunk->direction & CFG_TRUNK_INBOUND) || !address_allowed (trunk, facts->source_address))
        continue;
      source_known = TRUE;
      if (number_served (trunk, facts->called))
        return trunk;
    }
  if (source_known)
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_NOT_FOUND,
                         "no inbound trunk serves the called number: add it to the trunk's numbers");
  else
    g_set_error_literal (
        error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED,
        "no inbound trunk takes calls from this address: add it to a trunk's allowed_addresses");
  return NULL;
}

static const CfgDispatchRuleSettings *
find_rule (const CfgSettings *settings, const CfgTrunkSettings *trunk)
{
  const CfgDispatchRuleSettings *general = NULL;

  for (gsize i = 0; i < settings->n_dispatch_rules; i++)
    {
      const CfgDispatchRuleSettings *rule = &settings->dispatch_rules[i];

      if (rule->trunks[0] == NULL && general == NULL)
        general = rule;
      if (trunk != NULL && g_strv_contains ((const char *const *)rule->trunks, trunk->name))
        return rule;
    }
  return general;
}

static char *
rule_room (const CfgDispatchRuleSettings *rule, const GwDispatchFacts *facts)
{
  switch (rule->type)
    {
    case CFG_RULE_DIRECT:
      return g_strdup (rule->room);
    case CFG_RULE_INDIVIDUAL:
      {
        g_autofree char *unique = cfg_id_new ("");

        return g_strdup_printf ("%s_%s_%s", rule->room_prefix, facts->caller, unique);
      }
    case CFG_RULE_CALLEE:
      return g_strconcat (rule->room_prefix, facts->called, NULL);
    default:
      g_assert_not_reached ();
    }
}

static gboolean
fill (GwDispatch *result, char *room, const CfgTrunkSettings *trunk, const CfgDispatchRuleSettings *rule,
      GError **error)
{
  g_autofree char *owned_room = room;

  memset (result, 0, sizeof *result);
  if (!gw_name_check ("room", room, NULL))
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "the called name cannot be a room's name");
      return FALSE;
    }
  result->room = g_steal_pointer (&owned_room);
  result->trunk = trunk;
  result->rule = rule;
  if (trunk != NULL)
    result->trunk_id = gw_stable_id ("ST_", trunk->name);
  result->rule_id = gw_stable_id ("SDR_", rule == NULL ? "" : rule->name != NULL ? rule->name : result->room);
  return TRUE;
}

gboolean
gw_dispatch (const CfgSettings *settings, const GwDispatchFacts *facts, GwDispatch *result, GError **error)
{
  const CfgTrunkSettings *trunk = NULL;
  const CfgDispatchRuleSettings *rule;

  if (settings->n_trunks > 0)
    {
      trunk = find_trunk (settings, facts, error);
      if (trunk == NULL)
        return FALSE;
      /* With an outbound address the credentials are for calling out only. */
      if (trunk->auth_username != NULL && !(trunk->direction & CFG_TRUNK_OUTBOUND))
        {
          g_set_error (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED,
                       "trunk \"%s\" wants callers to prove credentials, which this version cannot check: "
                       "use allowed_addresses instead of auth_username",
                       trunk->name);
          return FALSE;
        }
    }
  rule = find_rule (settings, trunk);
  if (rule != NULL)
    return fill (result, rule_room (rule, facts), trunk, rule, error);
  if (settings->demo || settings->implicit_callee_rule)
    return fill (result, g_strdup (facts->called), trunk, NULL, error);
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "no dispatch rule is for this trunk");
  return FALSE;
}
