#include "gateway/core/dispatch.h"

#include <string.h>

#include "config/base/address.h"
#include "config/base/error.h"
#include "config/base/host_list.h"
#include "config/base/ids.h"
#include "gateway/core/pin.h"
#include "gateway/core/room.h"

void
gw_dispatch_clear (GwDispatch *dispatch)
{
  g_clear_pointer (&dispatch->room, g_free);
  g_clear_pointer (&dispatch->caller, g_free);
  g_clear_pointer (&dispatch->trunk_id, g_free);
  g_clear_pointer (&dispatch->rule_id, g_free);
}

#define SEPARATORS "-.() "

static gboolean
is_number (const char *text)
{
  return *text != '\0' && strspn (text, "+0123456789" SEPARATORS) == strlen (text);
}

/* +15551234567, 15551234567 and +1 (555) 123-4567 are one number (RFC 3966 5.1.1). */
static gboolean
same_number (const char *a, const char *b)
{
  if (strcmp (a, b) == 0)
    return TRUE;
  if (!is_number (a) || !is_number (b))
    return FALSE;
  a += strspn (a, "+" SEPARATORS);
  b += strspn (b, "+" SEPARATORS);
  while (*a != '\0' && *a == *b)
    {
      a += 1 + strspn (a + 1, SEPARATORS);
      b += 1 + strspn (b + 1, SEPARATORS);
    }
  return *a == '\0' && *b == '\0';
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

const char *
gw_dispatch_called (const CfgSettings *settings, const char *registration, const char *user)
{
  const CfgTrunkSettings *trunk
      = registration != NULL ? cfg_settings_find_trunk (settings, registration) : NULL;

  if (trunk == NULL || trunk->numbers[0] == NULL || strcmp (trunk->numbers[0], "*") == 0)
    return user;
  return user[0] == '\0' || g_strcmp0 (cfg_trunk_account (trunk), user) == 0 ? trunk->numbers[0] : user;
}

/* The call is for @trunk, but for what the caller must prove. */
static gboolean
trunk_fits (const CfgTrunkSettings *trunk, const GwDispatchFacts *facts, Misses *misses)
{
  gboolean is_its_registration
      = facts->registration != NULL && trunk->register_ && strcmp (trunk->name, facts->registration) == 0;

  if (!is_its_registration
      && (!(trunk->direction & CFG_TRUNK_INBOUND) || !address_allowed (trunk, facts->source_address)))
    return FALSE;
  misses->source_known = TRUE;
  if (!is_its_registration && !number_listed (trunk->numbers, facts->called))
    return FALSE;
  misses->number_known = TRUE;
  if (!number_listed (trunk->allowed_numbers, facts->caller))
    return FALSE;
  misses->caller_known = TRUE;
  return TRUE;
}

static gboolean
trunk_routes (const CfgTrunkSettings *trunk, const GwDispatchFacts *facts)
{
  return facts->foreign_host != NULL
         && cfg_host_list_contains ((const char *const *)trunk->allowed_targets, facts->foreign_host,
                                    facts->foreign_port);
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

/* @routes: only trunks that route the call */
static GwAccess
find_access (const CfgSettings *settings, const GwDispatchFacts *facts, gboolean routes, const char *username,
             const char **password, Misses *misses)
{
  GwAccess access = GW_ACCESS_REFUSED;

  for (gsize i = 0; i < settings->n_trunks; i++)
    {
      const CfgTrunkSettings *trunk = &settings->trunks[i];

      if (!trunk_fits (trunk, facts, misses) || (routes && !trunk_routes (trunk, facts)))
        continue;
      if (!cfg_trunk_asks_for_password (trunk))
        return GW_ACCESS_OPEN;
      access = GW_ACCESS_PASSWORD;
      if (*password == NULL && g_strcmp0 (trunk->auth_username, username) == 0)
        *password = trunk->auth_password;
    }
  return access;
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
  if (facts->foreign_host != NULL)
    access = find_access (settings, facts, TRUE, username, password, &misses);
  if (access == GW_ACCESS_REFUSED)
    access = find_access (settings, facts, FALSE, username, password, &misses);
  if (access == GW_ACCESS_REFUSED)
    explain_miss (&misses, error);
  return access;
}

/* @routes: only trunks that route the call */
static const CfgTrunkSettings *
find_trunk (const CfgSettings *settings, const GwDispatchFacts *facts, gboolean routes, Misses *misses)
{
  for (gsize i = 0; i < settings->n_trunks; i++)
    {
      const CfgTrunkSettings *trunk = &settings->trunks[i];

      if (trunk_fits (trunk, facts, misses) && (!routes || trunk_routes (trunk, facts))
          && (!cfg_trunk_asks_for_password (trunk) || g_strcmp0 (trunk->auth_username, facts->username) == 0))
        return trunk;
    }
  return NULL;
}

/* A network's word counts where it comes over a trunk of ours that is trusted (RFC 3325 5). */
static const char *
trusted_caller (const CfgTrunkSettings *trunk, const GwDispatchFacts *facts)
{
  if (trunk != NULL && trunk->trust_id_inbound && facts->asserted != NULL && facts->asserted[0] != '\0')
    return facts->asserted;
  return facts->caller;
}

static const char *
shown_caller (const CfgTrunkSettings *trunk, const GwDispatchFacts *facts)
{
  if (facts->is_private)
    return "anonymous";
  return trusted_caller (trunk, facts);
}

static gboolean
rule_fits (const CfgDispatchRuleSettings *rule, const CfgTrunkSettings *trunk, const GwDispatchFacts *facts)
{
  if (rule->trunks[0] != NULL
      && (trunk == NULL || !g_strv_contains ((const char *const *)rule->trunks, trunk->name)))
    return FALSE;
  return number_listed (rule->inbound_numbers, trusted_caller (trunk, facts))
         && number_listed (rule->numbers, facts->called);
}

/* The lower one goes first. */
static guint
rule_rank (const CfgDispatchRuleSettings *rule)
{
  guint rank = rule->trunks[0] == NULL;

  rank = rank * 2 + (rule->inbound_numbers[0] == NULL);
  rank = rank * 2 + (rule->numbers[0] == NULL);
  rank = rank * 2 + (rule->pin == NULL);
  return rank * 4 + (guint)rule->type;
}

static const CfgDispatchRuleSettings *
better_rule (const CfgDispatchRuleSettings *best, const CfgDispatchRuleSettings *rule)
{
  return best == NULL || rule_rank (rule) < rule_rank (best) ? rule : best;
}

static const CfgDispatchRuleSettings *
find_rule (const CfgSettings *settings, const CfgTrunkSettings *trunk, const GwDispatchFacts *facts)
{
  const CfgDispatchRuleSettings *best = NULL;

  for (gsize i = 0; i < settings->n_dispatch_rules; i++)
    {
      const CfgDispatchRuleSettings *rule = &settings->dispatch_rules[i];

      if (rule_fits (rule, trunk, facts))
        best = better_rule (best, rule);
    }
  return best;
}

/* Compares all of both, whatever is in them. */
static gboolean
same_pin (const char *a, const char *b)
{
  char first[GW_PIN_MAX_DIGITS + 1] = { 0 }, second[GW_PIN_MAX_DIGITS + 1] = { 0 };
  volatile guint difference = strlen (a) != strlen (b);

  g_strlcpy (first, a, sizeof first);
  g_strlcpy (second, b, sizeof second);
  for (gsize i = 0; i < sizeof first; i++)
    difference |= (guint)(first[i] ^ second[i]);
  explicit_bzero (second, sizeof second);
  return difference == 0;
}

static const CfgDispatchRuleSettings *
find_rule_by_pin (const CfgSettings *settings, const CfgTrunkSettings *trunk, const GwDispatchFacts *facts,
                  const char *pin)
{
  const CfgDispatchRuleSettings *best = NULL;

  for (gsize i = 0; i < settings->n_dispatch_rules; i++)
    {
      const CfgDispatchRuleSettings *rule = &settings->dispatch_rules[i];
      gboolean fits = rule_fits (rule, trunk, facts);

      if (rule->pin != NULL && same_pin (rule->pin, pin) && fits)
        best = better_rule (best, rule);
    }
  return best;
}

static char *
rule_room (const CfgDispatchRuleSettings *rule, const GwDispatchFacts *facts, const char *caller)
{
  const gboolean is_individual = rule->type == CFG_RULE_INDIVIDUAL;
  g_autofree char *unique = NULL;

  if (rule->type == CFG_RULE_DIRECT)
    return g_strdup (rule->room);
  if (rule->randomize)
    unique = cfg_id_new ("_");
  return g_strconcat (rule->room_prefix, is_individual ? "_" : "", is_individual ? caller : facts->called,
                      unique, NULL);
}

/* @room: (transfer full) (nullable): NULL: after the PIN */
static gboolean
fill (GwDispatch *result, char *room, const CfgTrunkSettings *trunk, const CfgDispatchRuleSettings *rule,
      const char *caller, GError **error)
{
  g_autofree char *owned_room = room;

  memset (result, 0, sizeof *result);
  if (room != NULL && !gw_name_check ("room", room, NULL))
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_NOT_FOUND, "the called name cannot be a room's name");
      return FALSE;
    }
  result->room = g_steal_pointer (&owned_room);
  result->caller = g_strdup (caller);
  result->trunk = trunk;
  result->rule = rule;
  if (trunk != NULL)
    result->trunk_id = g_strdup (trunk->id);
  if (result->room != NULL)
    result->rule_id = rule != NULL ? g_strdup (rule->id) : cfg_id_stable ("SDR_", "");
  return TRUE;
}

static void
fill_route (GwDispatch *result, const CfgTrunkSettings *trunk)
{
  memset (result, 0, sizeof *result);
  result->is_routed = TRUE;
  result->trunk = trunk;
  result->room = cfg_id_new ("route_");
  result->trunk_id = g_strdup (trunk->id);
}

/* FALSE with @error: no trunk takes the call, or the one that does has other targets. */
static gboolean
choose_trunk (const CfgSettings *settings, const GwDispatchFacts *facts, const CfgTrunkSettings **trunk,
              gboolean *is_routed, GError **error)
{
  Misses misses = { 0 };

  *trunk = facts->foreign_host != NULL ? find_trunk (settings, facts, TRUE, &misses) : NULL;
  *is_routed = *trunk != NULL;
  if (*trunk == NULL)
    *trunk = find_trunk (settings, facts, FALSE, &misses);
  if (*trunk == NULL)
    explain_miss (&misses, error);
  else if (!*is_routed && facts->foreign_host != NULL && (*trunk)->allowed_targets[0] != NULL)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED,
                   "the call is for another host, which allowed_targets of trunk \"%s\" does not list",
                   (*trunk)->name);
      return FALSE;
    }
  return *trunk != NULL;
}

gboolean
gw_dispatch (const CfgSettings *settings, const GwDispatchFacts *facts, GwDispatch *result, GError **error)
{
  const CfgTrunkSettings *trunk = NULL;
  const CfgDispatchRuleSettings *rule;
  const char *caller;
  gboolean is_routed = FALSE;

  if (settings->n_trunks > 0 && cfg_settings_find_user (settings, facts->username) == NULL
      && !choose_trunk (settings, facts, &trunk, &is_routed, error))
    return FALSE;
  if (is_routed)
    {
      fill_route (result, trunk);
      result->caller = g_strdup (shown_caller (trunk, facts));
      return TRUE;
    }
  rule = find_rule (settings, trunk, facts);
  caller = shown_caller (trunk, facts);
  if (rule != NULL)
    return fill (result, rule->pin == NULL ? rule_room (rule, facts, caller) : NULL, trunk, rule, caller,
                 error);
  if (settings->demo || settings->implicit_callee_rule)
    return fill (result, g_strdup (facts->called), trunk, NULL, caller, error);
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_NOT_FOUND,
                       "no dispatch rule is for this call, by its trunk, caller and number");
  return FALSE;
}

gboolean
gw_dispatch_pin (const CfgSettings *settings, const GwDispatchFacts *facts, const char *trunk,
                 const char *pin, GwDispatch *result, GError **error)
{
  const CfgTrunkSettings *found = cfg_settings_find_trunk (settings, trunk);
  const CfgDispatchRuleSettings *rule = find_rule_by_pin (settings, found, facts, pin);
  const char *caller = shown_caller (found, facts);

  if (rule != NULL)
    return fill (result, rule_room (rule, facts, caller), found, rule, caller, error);
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED, "no dispatch rule has this PIN");
  return FALSE;
}

int
gw_dispatch_room (const CfgSettings *settings, const GwDispatchFacts *facts, char **room)
{
  g_auto (GwDispatch) dispatch = { 0 };
  g_autoptr (GError) error = NULL;

  if (!gw_dispatch (settings, facts, &dispatch, &error))
    return g_error_matches (error, CFG_ERROR, CFG_ERROR_PERMISSION_DENIED) ? 403 : 404;
  if (dispatch.rule != NULL && dispatch.rule->pin != NULL && dispatch.rule->pin[0] != '\0')
    return 403;
  *room = g_steal_pointer (&dispatch.room);
  return 200;
}
