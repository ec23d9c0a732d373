/* Whether one more call may begin, and for how long it may ring and last. */
#include "gateway/call_private.h"

#include <string.h>

#include "config/base/error.h"
#include "gateway/overload.h"

#define TOO_MANY  503 /* another gateway may take it */
#define LINE_BUSY 486

typedef enum
{
  LIMIT_CALLS,
  LIMIT_LOAD,
  LIMIT_TRUNK,
  LIMIT_RULE,
  N_LIMITS,
} Limit;

static int
refuse (Gateway *gateway, Limit limit, int status)
{
  gateway->n_over_limit[limit]++;
  return status;
}

static int
admit (Gateway *gateway, const char *room, GError **error)
{
  const CfgLimitSettings *limits = &gateway->settings->limits;

  if (limits->max_calls > 0 && g_hash_table_size (gateway->calls) >= limits->max_calls)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED, "limits.max_calls (%u) is reached",
                   limits->max_calls);
      return refuse (gateway, LIMIT_CALLS, TOO_MANY);
    }
  return gw_admit_to_room (gateway, room, error);
}

int
gw_admit_to_room (Gateway *gateway, const char *room, GError **error)
{
  return gw_load_admit (gateway, room, error) ? 0 : refuse (gateway, LIMIT_LOAD, TOO_MANY);
}

/* @trunk or @rule: ids */
static guint
count_calls (const Gateway *gateway, const char *trunk, const char *rule)
{
  GHashTableIter iter;
  gpointer value;
  guint n = 0;

  g_hash_table_iter_init (&iter, gateway->calls);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const GwCall *call = value;

      n += gw_call_is_live (call->v.state)
           && (trunk != NULL ? g_strcmp0 (call->v.trunk_id, trunk) == 0
                             : g_strcmp0 (call->v.rule_id, rule) == 0);
    }
  return n;
}

int
gw_admit_to_trunk (Gateway *gateway, const CfgTrunkSettings *trunk, GError **error)
{
  if (trunk == NULL || trunk->max_calls == 0 || count_calls (gateway, trunk->id, NULL) < trunk->max_calls)
    return 0;
  g_set_error (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED, "max_calls (%u) of trunk \"%s\" is reached",
               trunk->max_calls, trunk->name);
  return refuse (gateway, LIMIT_TRUNK, TOO_MANY);
}

int
gw_admit_to_rule (Gateway *gateway, const CfgDispatchRuleSettings *rule, GError **error)
{
  if (rule == NULL || rule->max_calls == 0 || count_calls (gateway, NULL, rule->id) < rule->max_calls)
    return 0;
  g_set_error (error, CFG_ERROR, CFG_ERROR_RESOURCE_EXHAUSTED,
               "max_calls (%u) of dispatch rule \"%s\" is reached", rule->max_calls,
               rule->name != NULL ? rule->name : rule->id);
  return refuse (gateway, LIMIT_RULE, LINE_BUSY);
}

int
gw_admit (Gateway *gateway, const char *room, const CfgTrunkSettings *trunk,
          const CfgDispatchRuleSettings *rule, GError **error)
{
  int status = admit (gateway, room, error);

  if (status == 0)
    status = gw_admit_to_trunk (gateway, trunk, error);
  /* A rule with a PIN may be another one than the caller's: it is asked when the PIN is there. */
  if (status == 0 && rule != NULL && rule->pin == NULL)
    status = gw_admit_to_rule (gateway, rule, error);
  return status;
}

static void
take_first (guint *value, guint of_rule, guint of_trunk)
{
  if (*value == 0)
    *value = of_rule != 0 ? of_rule : of_trunk;
}

void
gw_call_take_limits (GwCall *call, const CfgTrunkSettings *trunk, const CfgDispatchRuleSettings *rule)
{
  take_first (&call->ringing_timeout_s, rule != NULL ? rule->ringing_timeout_s : 0,
              trunk != NULL ? trunk->ringing_timeout_s : 0);
  take_first (&call->v.max_duration_s, rule != NULL ? rule->max_call_duration_s : 0,
              trunk != NULL ? trunk->max_call_duration_s : 0);
  take_first (&call->ringing_timeout_s, GW_CALL_DEFAULT_RINGING_S, 0);
  call->records |= (rule != NULL && rule->record) || (trunk != NULL && trunk->record);
}

void
gw_admission_metrics (const Gateway *gateway, GString *text)
{
  static const char *const names[N_LIMITS] = { "calls", "load", "trunk", "rule" };

  g_string_append (text,
                   "# HELP switchroom_calls_over_limit_total Calls refused because a limit was reached.\n"
                   "# TYPE switchroom_calls_over_limit_total counter\n");
  for (guint i = 0; i < N_LIMITS; i++)
    g_string_append_printf (text, "switchroom_calls_over_limit_total{limit=\"%s\"} %" G_GUINT64_FORMAT "\n",
                            names[i], gateway->n_over_limit[i]);
}
