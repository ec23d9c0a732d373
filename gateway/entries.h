/* Trunks and dispatch rules made through the API, beside those of the configuration file. They are kept in
 * the store, obey the same keys and checks, and together with the file they are what Gateway.settings says.
 */
#pragma once

#include "gateway/gateway.h"
#include "gateway/store.h"

typedef struct _GwEntries GwEntries;

/** gw_entries_new: takes over what @store has loaded; gw_entries_merge makes it count. */
GwEntries *gw_entries_new (GwStore *store);
void gw_entries_free (GwEntries *entries);

/**
 * gw_entries_merge: the settings of the file @file with the entries behind them. An entry that does not go
 * with the file any more (its name is taken, its trunk is gone) is left out, with a warning in the log: the
 * file wins.
 *
 * @never_demo: as CfgEntries
 * Returns: owned by @entries until the next merge or change.
 */
const CfgSettings *gw_entries_merge (GwEntries *entries, const CfgSettings *file, gboolean never_demo);

/** GwEntryDone: @id: of the entry, NULL with @error; @error: the disk cannot be written, nothing has changed.
 */
typedef void (*GwEntryDone) (Gateway *gateway, gpointer user, const char *id, const GError *error);

/**
 * gw_entry_put: makes an entry, or changes one.
 * @id: (nullable): NULL: a new one gets an id
 * @fields: (transfer none): keys as in the configuration; when @id is there they replace its own, null
 * removes
 * @field: (out) (transfer full) (nullable): with @error, which of the fields is wrong
 * @done: once it is on the disk
 *
 * It counts at once. Returns: (nullable): its id, until @done; NULL with NOT_FOUND, INVALID_ARGUMENT,
 * ALREADY_EXISTS, FAILED_PRECONDITION (it stands in the configuration file), and @done is not called.
 */
const char *gw_entry_put (Gateway *gateway, GwStoreKind kind, const char *id, json_t *fields,
                          GwEntryDone done, gpointer user, char **field, GError **error);
/** gw_entry_json: the trunk or rule with @id, as trunk.list and dispatch_rule.list tell it. (transfer full)
 * (nullable) */
json_t *gw_entry_json (Gateway *gateway, GwStoreKind kind, const char *id);

/** GwEntryTimes: us 0: unknown: it was made by a version that did not note them, or stands in the file. */
typedef struct
{
  CfgWall created, updated;
} GwEntryTimes;
/** gw_entries_times: when @id was made and changed last. @entries: (nullable): then it is unknown. */
GwEntryTimes gw_entries_times (const GwEntries *entries, GwStoreKind kind, const char *id);

/** gw_entry_delete: @id or name. A trunk that a rule made through the API names is not deleted. */
gboolean gw_entry_delete (Gateway *gateway, GwStoreKind kind, const char *id, GwEntryDone done, gpointer user,
                          GError **error);
