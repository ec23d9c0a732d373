/* One trunk or rule more, another one or one less, without reading all the others again.
 *
 * What needs a look at the others' own texts, or changes what they mean (a trunk that rules name is renamed,
 * the last trunk goes, two rules take the same calls), is not done here: cfg_settings_with is for that, and
 * has the errors. */
#pragma once

#include "config/settings.h"

typedef struct _CfgChange CfgChange;

typedef struct
{
  gboolean is_rule; /* else a trunk */
  const char *id;
  const char *text; /* (nullable): its JSON, with the id; NULL: it goes */
} CfgChanged;

/**
 * cfg_change_new:
 * @settings: that of cfg_settings_with, which stay as they are
 *
 * Returns: (transfer full) (nullable): NULL with @error, that of cfg_settings_with but for the entry's place
 * in its list, which is 0: the entry is wrong; NULL without: it is not that simple.
 */
CfgChange *cfg_change_new (const CfgSettings *settings, const CfgChanged *what,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** cfg_change_next: what the settings will be; valid while neither they nor @change do anything. */
const CfgSettings *cfg_change_next (const CfgChange *change);
/** cfg_change_apply: makes @settings, those of cfg_change_new, what they will be. (transfer full) */
void cfg_change_apply (CfgChange *change, CfgSettings *settings);
/** cfg_change_free: they stay as they are. */
void cfg_change_free (CfgChange *change);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CfgChange, cfg_change_free)
