/* The keys of trunks and dispatch rules, and their values in one of them: for whoever writes them out or
 * documents them, so that a new key is known everywhere at once. */
#pragma once

#include "config/settings.h"

typedef enum
{
  CFG_FIELD_TEXT,
  CFG_FIELD_TEXTS,
  CFG_FIELD_BOOL,
  CFG_FIELD_COUNT,
  CFG_FIELD_SECONDS,
  CFG_FIELD_DURATION, /* written as "30s" or a number of seconds */
  CFG_FIELD_WORD,     /* one of words */
  CFG_FIELD_WORDS,    /* a list of them */
  CFG_FIELD_PAIRS,    /* a mapping of names to texts */
  CFG_FIELD_SECTION,  /* keys of its own */
} CfgFieldType;

typedef struct _CfgKey CfgKey;

typedef struct
{
  const char *name;
  CfgFieldType type;
  gboolean is_secret;
  const char *expected; /* (nullable): what a text must be */
  gint64 min, max;      /* COUNT, SECONDS: range; TEXT: longest in bytes, 0: 1024; lists: longest */
  char **words;         /* NULL-terminated; NULL for other types; of the caller: g_free, not g_strfreev */

  /* Of the object that was asked for. Owned by it. */
  gboolean is_set;
  const char *text; /* TEXT, WORD */
  char **texts;     /* TEXTS, WORDS */
  gint64 number;    /* BOOL, COUNT, SECONDS, DURATION in µs */
  const CfgPair *pairs;
  gsize n_pairs;

  const CfgKey *keys;   /* SECTION: see cfg_field */
  gconstpointer object; /* SECTION: (nullable) */
} CfgField;

/** cfg_trunk_keys: what cfg_field describes of a CfgTrunkSettings. */
const CfgKey *cfg_trunk_keys (void);
/** cfg_rule_keys: of a CfgDispatchRuleSettings. */
const CfgKey *cfg_rule_keys (void);

/**
 * cfg_field: the @index-th of @keys.
 * @object: (nullable): what they are keys of; NULL: no value
 *
 * Returns: FALSE behind the last.
 */
gboolean cfg_field (const CfgKey *keys, guint index, gconstpointer object, CfgField *field);
