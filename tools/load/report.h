/* What came of a load, as tables for people or as one JSON object. */
#pragma once

#include <jansson.h>

#include "tools/load/scenario.h"

/** load_report_json: Returns: (transfer full): what --json prints. */
json_t *load_report_json (const Load *load, const LoadOutcome *outcome) G_GNUC_WARN_UNUSED_RESULT;
/** load_report_print: to standard output, as the options say. Returns: FALSE when somebody did not come up or
 * was sent away. */
gboolean load_report_print (const Load *load, const LoadOutcome *outcome);
