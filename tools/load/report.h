/* What came of a load, as tables for people or as one JSON object. */
#pragma once

#include "tools/load/scenario.h"

/** load_report_print: to standard output, as the options say. Returns: FALSE when somebody did not come up or
 * was sent away. */
gboolean load_report_print (const Load *load, const LoadOutcome *outcome);
