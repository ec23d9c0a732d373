/* The keys of the configuration. Internal to config/. */
#pragma once

#include "config/settings.h"
#include "config/settings_reader.h"

/* The top level; the object is a CfgSettings. */
extern const CfgKey cfg_settings_keys[];

/** cfg_settings_check: what no key can say alone: names that must exist, keys that need one another; fills
 * demo, implicit_callee_rule, directions and warnings. FALSE with the reader's error. */
gboolean cfg_settings_check (CfgReader *reader, CfgSettings *settings);
