#include "config/settings_change.h"

#include <string.h>

#include "config/settings_schema.h"

/* The arrays of @next are new, their elements own what those of the settings own; but for the one that comes
 * and the one that goes. */
struct _CfgChange
{
  gboolean is_rule;
  CfgSettings next;
  gsize index;          /* of both */
  gboolean comes, goes; /* one at least */
  gpointer old_array;   /* of the settings */
};

static gsize
find_trunk (const CfgSettings *settings, const char *id)
{
  gsize i = 0;

  while (i < settings->n_trunks && strcmp (settings->trunks[i].id, id) != 0)
    i++;
  return i;
}

static gsize
find_rule (const CfgSettings *settings, const char *id)
{
  gsize i = 0;

  while (i < settings->n_dispatch_rules && strcmp (settings->dispatch_rules[i].id, id) != 0)
    i++;
  return i;
}

/* By a rule. */
static gboolean
is_named (const CfgSettings *settings, const CfgTrunkSettings *trunk)
{
  for (gsize i = 0; i < settings->n_dispatch_rules; i++)
    if (g_strv_contains ((const char *const *)settings->dispatch_rules[i].trunks, trunk->name))
      return TRUE;
  return FALSE;
}

static gboolean
means_the_same (const CfgTrunkSettings *a, const CfgTrunkSettings *b)
{
  return strcmp (a->name, b->name) == 0 && a->direction == b->direction && a->register_ == b->register_;
}

/* The array of @n elements of @size with @item (nullable: none) in the place @index. */
static gpointer
changed_array (gconstpointer array, gsize n, gsize size, gsize index, gconstpointer item)
{
  const gsize n_behind = index < n ? n - index - 1 : 0, n_new = item != NULL ? 1 : 0;
  guint8 *changed = g_malloc_n (MAX (index + n_new + n_behind, 1), size);

  if (index > 0)
    memcpy (changed, array, index * size);
  if (item != NULL)
    memcpy (changed + index * size, item, size);
  if (n_behind > 0)
    memcpy (changed + (index + n_new) * size, (const guint8 *)array + (index + 1) * size, n_behind * size);
  return changed;
}

/* An entry by itself, checked beside those of @settings. What is said of other places than this entry is not
 * said here. */
static gboolean
read_entry (const CfgSettings *settings, const CfgChanged *what, CfgSettings *alone, GError **error)
{
  const char *const list = what->is_rule ? "dispatch_rules" : "trunks";
  CfgReader reader;
  gboolean ok;

  cfg_reader_init (&reader, NULL, "");
  ok = cfg_reader_entry (&reader, cfg_settings_key (list), what->text, alone)
       && (what->is_rule ? cfg_settings_check_rule (&reader, settings, alone->dispatch_rules)
                         : cfg_settings_check_trunk (&reader, settings, alone->trunks));
  if (!ok && reader.error != NULL && g_str_has_prefix (reader.error->message, list))
    g_propagate_error (error, g_steal_pointer (&reader.error));
  cfg_reader_clear (&reader);
  return ok;
}

static void
clear_alone (CfgSettings *alone)
{
  for (gsize i = 0; i < alone->n_trunks; i++)
    cfg_trunk_clear (&alone->trunks[i]);
  for (gsize i = 0; i < alone->n_dispatch_rules; i++)
    cfg_rule_clear (&alone->dispatch_rules[i]);
  g_free (alone->trunks);
  g_free (alone->dispatch_rules);
}

static gboolean
is_simple_trunk (const CfgSettings *settings, const CfgChange *change, const CfgTrunkSettings *trunk)
{
  const CfgTrunkSettings *old = change->goes ? &settings->trunks[change->index] : NULL;

  return old == NULL || (trunk != NULL && means_the_same (old, trunk)) || !is_named (settings, old);
}

/* Takes over what @alone has, if it has something. */
static void
take (CfgChange *change, const CfgSettings *settings, CfgSettings *alone)
{
  CfgSettings *next = &change->next;

  if (change->is_rule)
    {
      change->old_array = settings->dispatch_rules;
      next->dispatch_rules
          = changed_array (settings->dispatch_rules, settings->n_dispatch_rules, sizeof *next->dispatch_rules,
                           change->index, alone->dispatch_rules);
      next->n_dispatch_rules += (gsize)change->comes - (gsize)change->goes;
    }
  else
    {
      change->old_array = settings->trunks;
      next->trunks = changed_array (settings->trunks, settings->n_trunks, sizeof *next->trunks, change->index,
                                    alone->trunks);
      next->n_trunks += (gsize)change->comes - (gsize)change->goes;
    }
  next->implicit_callee_rule = next->n_dispatch_rules == 0;
  g_free (alone->trunks);
  g_free (alone->dispatch_rules);
}

CfgChange *
cfg_change_new (const CfgSettings *settings, const CfgChanged *what, GError **error)
{
  const gsize n = what->is_rule ? settings->n_dispatch_rules : settings->n_trunks,
              n_max = what->is_rule ? CFG_SETTINGS_MAX_DISPATCH_RULES : CFG_SETTINGS_MAX_TRUNKS;
  CfgSettings alone = { 0 };
  CfgChange *change;

  /* the first trunk and the last one make a difference to everything */
  if (settings->n_trunks < (what->is_rule ? 1 : 2))
    return NULL;
  change = g_new0 (CfgChange, 1);
  change->is_rule = what->is_rule;
  change->next = *settings;
  change->index = what->is_rule ? find_rule (settings, what->id) : find_trunk (settings, what->id);
  change->goes = change->index < n;
  change->comes = what->text != NULL;
  if ((!change->goes && (!change->comes || n >= n_max))
      || (change->comes && !read_entry (settings, what, &alone, error))
      || (!what->is_rule && !is_simple_trunk (settings, change, alone.trunks)))
    {
      clear_alone (&alone);
      g_free (change);
      return NULL;
    }
  take (change, settings, &alone);
  return change;
}

const CfgSettings *
cfg_change_next (const CfgChange *change)
{
  return &change->next;
}

static gpointer
element (const CfgChange *change, gpointer array)
{
  return (guint8 *)array
         + change->index * (change->is_rule ? sizeof (CfgDispatchRuleSettings) : sizeof (CfgTrunkSettings));
}

static void
clear_element (const CfgChange *change, gpointer array)
{
  if (change->is_rule)
    cfg_rule_clear (element (change, array));
  else
    cfg_trunk_clear (element (change, array));
}

void
cfg_change_apply (CfgChange *change, CfgSettings *settings)
{
  g_assert (change->old_array == (change->is_rule ? (gpointer)settings->dispatch_rules : settings->trunks));
  if (change->goes)
    clear_element (change, change->old_array);
  g_free (change->old_array);
  *settings = change->next;
  g_free (change);
}

void
cfg_change_free (CfgChange *change)
{
  gpointer array = change->is_rule ? (gpointer)change->next.dispatch_rules : change->next.trunks;

  if (change->comes)
    clear_element (change, array);
  g_free (array);
  g_free (change);
}
