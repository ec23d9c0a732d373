/* A database of many calls, for what searches in it. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

/** store_records_new: as a gateway makes it at @path, with @n calls that are over. A call begins every
 * second, the first at one second; one in a hundred is of room "room-7", from "+4930777", to "+4930777", and
 * of trunk "ST_7" each, one in a thousand of direction "outbound". */
sqlite3 *store_records_new (const char *path, guint n) G_GNUC_WARN_UNUSED_RESULT;
