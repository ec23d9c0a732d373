/* How one line of the log looks: pure, so that its escaping can be tested byte by byte. */
#pragma once

#include "config/base/clock.h"
#include "config/base/log.h"

/* A longer value is cut after this many bytes and ends in "…", so that a remote string cannot fill the disk.
 */
#define CFG_LOG_MAX_VALUE_BYTES 512

/* What a line says; the strings are borrowed for the call. */
struct _CfgLogLine
{
  CfgWall time;
  CfgLogLevel level;
  const char *component;
  const CfgLogContext *context; /* nullable */
  const char *event;
  const CfgLogField *fields; /* ended by CFG_LOG_FIELD_END */
};

/**
 * cfg_log_format_line:
 * @out: the line is appended, with its newline
 *
 * Text: `TIME LEVEL component  event  key=value …`. A value that holds a space, a quote, a backslash, an
 * equals sign or anything unprintable stands in double quotes with \n, \u202e and \xff escapes: exactly one
 * newline is ever written, at the end. JSON: one object per line; bytes that are not UTF-8 become U+FFFD.
 */
void cfg_log_format_line (GString *out, CfgLogFormat format, const CfgLogLine *line);

/** cfg_log_append_escaped: @size bytes of @value as they stand between the quotes of a text line. */
void cfg_log_append_escaped (GString *out, const char *value, gsize size);
