#include "config/settings_rules.h"

#include <string.h>

static const char *
bare_number (const char *number)
{
  return *number == '+' ? number + 1 : number;
}

static const char *
same_text (const char *text)
{
  return text;
}

/* The lists have the same place in the order of precedence, and something is in both: an entry, or anything.
 */
static gboolean
lists_meet (char **a, char **b, const char *(*bare) (const char *text))
{
  if (a[0] == NULL || b[0] == NULL)
    return a[0] == NULL && b[0] == NULL;
  for (; *a != NULL; a++)
    for (char **other = b; *other != NULL; other++)
      if (strcmp (bare (*a), bare (*other)) == 0)
        return TRUE;
  return FALSE;
}

static gboolean
rules_meet (const CfgDispatchRuleSettings *a, const CfgDispatchRuleSettings *b)
{
  return g_strcmp0 (a->pin, b->pin) == 0 && lists_meet (a->trunks, b->trunks, same_text)
         && lists_meet (a->inbound_numbers, b->inbound_numbers, bare_number)
         && lists_meet (a->numbers, b->numbers, bare_number);
}

/* (transfer full) */
static char *
rule_title (const CfgDispatchRuleSettings *rule)
{
  const char *name = rule->name != NULL ? rule->name : rule->id;

  if (rule->line == 0) /* of no file */
    return g_strdup_printf ("\"%s\"", name);
  return rule->name != NULL ? g_strdup_printf ("\"%s\" (line %u)", name, rule->line)
                            : g_strdup_printf ("the rule in line %u", rule->line);
}

static gboolean
check_two (CfgReader *reader, const CfgDispatchRuleSettings *first, const CfgDispatchRuleSettings *second,
           const char *path)
{
  g_autofree char *a = rule_title (first), *b = rule_title (second);

  if (first->type == second->type)
    return cfg_reader_fail_at (
        reader, path,
        "%s and %s take the same calls, and nothing tells which goes first: give one of "
        "them other trunks, inbound_numbers, numbers or another pin, or remove it",
        b, a);
  cfg_reader_warn_at (reader, path,
                      "%s and %s take the same calls: %s takes them all (direct goes before "
                      "individual, individual before callee)",
                      b, a, first->type < second->type ? a : b);
  return TRUE;
}

gboolean
cfg_rules_check_clashes (CfgReader *reader, const CfgSettings *settings)
{
  for (gsize i = 1; i < settings->n_dispatch_rules; i++)
    for (gsize j = 0; j < i; j++)
      {
        const CfgDispatchRuleSettings *first = &settings->dispatch_rules[j],
                                      *second = &settings->dispatch_rules[i];
        g_autofree char *path = NULL;

        if (!rules_meet (first, second))
          continue;
        path = g_strdup_printf ("dispatch_rules[%" G_GSIZE_FORMAT "]", i);
        if (!check_two (reader, first, second, path))
          return FALSE;
      }
  return TRUE;
}

gboolean
cfg_rules_is_apart (const CfgSettings *settings, const CfgDispatchRuleSettings *rule)
{
  for (gsize i = 0; i < settings->n_dispatch_rules; i++)
    if (g_strcmp0 (settings->dispatch_rules[i].id, rule->id) != 0
        && rules_meet (&settings->dispatch_rules[i], rule))
      return FALSE;
  return TRUE;
}
