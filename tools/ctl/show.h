/* One call as text: what it was, its timeline, and the ladder of its SIP messages; events and log lines as
 * one line each. Pure. */
#pragma once

#include <glib.h>
#include <jansson.h>

/** ctl_show_call: @trace: the answer of call.trace. (transfer full) */
char *ctl_show_call (const json_t *trace) G_GNUC_WARN_UNUSED_RESULT;

/** ctl_show_event: params of a notification "event", with the newline. (transfer full) */
char *ctl_show_event (const json_t *event) G_GNUC_WARN_UNUSED_RESULT;

/** ctl_show_log_line: @line: an object as logging.format json writes it. (transfer full): the line as
 * logging.format text writes it, with the newline. */
char *ctl_show_log_line (const json_t *line) G_GNUC_WARN_UNUSED_RESULT;
