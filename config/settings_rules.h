/* Dispatch rules beside one another. Internal to config/. */
#pragma once

#include "config/settings_reader.h"

/**
 * cfg_rules_check_clashes:
 *
 * Two rules clash when some call is for both and nothing in their order of precedence
 * (gateway/core/dispatch.h) tells which of them takes it. One that another type always goes before is warned
 * of: it takes no call.
 *
 * Returns: FALSE with the error kept in @reader; it names both.
 */
gboolean cfg_rules_check_clashes (CfgReader *reader, const CfgSettings *settings);
/** cfg_rules_is_apart: no rule of @settings but the one with its id takes a call that @rule is for as well.
 */
gboolean cfg_rules_is_apart (const CfgSettings *settings, const CfgDispatchRuleSettings *rule);
