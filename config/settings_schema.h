/* The keys of the configuration. Internal to config/. */
#pragma once

#include "config/settings.h"
#include "config/settings_reader.h"

/* The top level; the object is a CfgSettings. */
extern const CfgKey cfg_settings_keys[];

/** cfg_settings_check: what no key can say alone: names that must exist, keys that need one another; fills
 * demo (not with @may_demo FALSE), implicit_callee_rule, ids, directions and warnings. FALSE with the
 * reader's error. */
gboolean cfg_settings_check (CfgReader *reader, CfgSettings *settings, gboolean may_demo);

/** cfg_settings_check_trunk: the same of one trunk beside those of @settings, which were checked, and instead
 * of the one with its id. FALSE with the reader's error. */
gboolean cfg_settings_check_trunk (CfgReader *reader, const CfgSettings *settings, CfgTrunkSettings *trunk);
/** cfg_settings_check_rule: of one rule. FALSE, without an error, too when another takes the same calls. */
gboolean cfg_settings_check_rule (CfgReader *reader, const CfgSettings *settings,
                                  CfgDispatchRuleSettings *rule);

/** cfg_trunk_clear: frees what it has. */
void cfg_trunk_clear (CfgTrunkSettings *trunk);
void cfg_rule_clear (CfgDispatchRuleSettings *rule);

/** cfg_settings_key: the row @name of the top level. */
const CfgKey *cfg_settings_key (const char *name);

/** cfg_check_trunk_files: a trunk of the API names those that the configuration allows it. */
gboolean cfg_check_trunk_files (CfgReader *reader, const CfgSettings *settings, const CfgTrunkSettings *trunk,
                                const char *path);
/** cfg_check_trunk_calls: what settings_trunk.c says; @path is the trunk's. Also its defaults. */
gboolean cfg_check_trunk_calls (CfgReader *reader, CfgTrunkSettings *trunk, const char *path);
/** cfg_check_ports: no two of HTTP, SIP over TCP and SIP over TLS listen on one port of one address. */
gboolean cfg_check_ports (CfgReader *reader, const CfgSettings *settings);
