#include "gateway/core/dispatch.h"

#include <string.h>

#include "config/base/address.h"
#include "config/base/error.h"
#include "config/base/ids.h"
#include "gateway/core/room.h"

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

/* @numbers: empty: any */
static gboolean
number_listed (char **numbers, const char *wanted)
{
  if (numbers[0] == NULL)
    return TRUE;
  for (char **number = numbers; *number != NULL; number++)
    if (same_number (*number, wanted))
      return TRUE;
  return FALSE;
}

/* How far the trunks went along with a call that none of them takes. */
typedef struct
{
  gboolean source_known, number_known, caller_known;
} Misses;

/* The call is for @trunk, but for what the caller must prove. */
static gboolean
trunk_fits (const CfgTrunkSettings *trunk, const GwDispatchFacts *facts, Misses *misses)
{
  if (!(trunk->direction & CFG_TRUNK_INBOUND) || !address_allowed (trunk, facts->source_address))
    return FALSE;
  misses->source_known = TRUE;
  if (!number_listed (trunk->numbers, facts->called))
    return FALSE;
  misses->number_known = TRUE;
  if (!number_listed (trunk->allowed_numbers, facts->caller))
    return FALSE;
  misses->caller_known = TRUE;
  return TRUE;
}

static void
explain_miss (const Misses *misses, GError **error)
{
  if (!misses->source_known)
    g_set_error_literal (
        error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED,
        "no inbound trunk takes calls from this address: add it to a trunk's allowed_addresses");
  else if (!misses->number_known)
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_NOT_FOUND,
                         "no inbound trunk serves the called number: add it to the trunk's numbers");
  else if (!misses->caller_known)
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED,
                         "no inbound trunk takes calls from this caller: add it to allowed_numbers");
  else
    g_set_error_literal (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED,
                         "the trunk wants the caller to prove auth_username");
}

GwAccess
gw_dispatch_access (const CfgSettings *settings, const GwDispatchFacts *facts, const char *username,
                    const char **password, GError **error)
{
  GwAccess access = GW_ACCESS_REFUSED;
  Misses misses = { 0 };

  *password = NULL;
  if (settings->demo)
    return GW_ACCESS_OPEN;
  for (gsize i = 0; i < settings->n_trunks; i++)
    {
      const CfgTrunkSettings *trunk = &settings->trunks[i];

      if (!trunk_fits (trunk, facts, &misses))
        continue;
      if (!cfg_trunk_asks_for_password (trunk))
        return GW_ACCESS_OPEN;
      access = GW_ACCESS_PASSWORD;
      if (*password == NULL && g_strcmp0 (trunk->auth_username, username) == 0)
        *password = trunk->auth_password;
    }
  if (access == GW_ACCESS_REFUSED)
    explain_miss (&misses, error);
  return access;
}

static const CfgTrunkSettings *
find_trunk (const CfgSettings *settings, const GwDispatchFacts *facts, GError **error)
{
  Misses misses = { 0 };

  for (gsize i = 0; i < settings->n_trunks; i++)
    {
      const CfgTrunkSettings *trunk = &settings->trunks[i];

      if (trunk_fits (trunk, facts, &misses)
          && (!cfg_trunk_asks_for_password (trunk) || g_strcmp0 (trunk->auth_username, facts->username) == 0))
        return trunk;
    }
  explain_miss (&misses, error);
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
    result->trunk_id = g_strdup (trunk->id);
  result->rule_id = rule != NULL ? g_strdup (rule->id) : cfg_id_stable ("SDR_", "");
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
    }
  rule = find_rule (settings, trunk);
  if (rule != NULL)
    return fill (result, rule_room (rule, facts), trunk, rule, error);
  if (settings->demo || settings->implicit_callee_rule)
    return fill (result, g_strdup (facts->called), trunk, NULL, error);
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "no dispatch rule is for this trunk");
  return FALSE;
}
