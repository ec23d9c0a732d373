/* The log: one line per event, an event sentence and key=value fields, as text or as one JSON object.
 *
 *   2026-11-21T07:55:00.123Z INFO  sip  Session refresh successful  callID=SCL_x method=UPDATE
 *
 * Called from the main thread and helper threads, never from a media worker (it posts to the main thread).
 * A line is formatted by the caller and written by a thread of its own, so that a slow disk or a full pipe
 * never blocks the main loop; when the queue is full, lines are dropped and counted, and the count is said.
 * Never log a PIN, password, token, digit or key. */
#pragma once

#include <glib.h>

typedef enum
{
  CFG_LOG_DEBUG,
  CFG_LOG_INFO,
  CFG_LOG_WARN,
  CFG_LOG_ERROR,
} CfgLogLevel;

typedef enum
{
  CFG_LOG_TEXT,
  CFG_LOG_JSON,
} CfgLogFormat;

/* Who a line is about; any member may be NULL. Printed as callID=, room=, participant= before the fields. */
typedef struct
{
  const char *call_id;
  const char *room;
  const char *participant;
} CfgLogContext;

typedef enum
{
  CFG_LOG_FIELD_END,
  CFG_LOG_FIELD_STRING,
  CFG_LOG_FIELD_INT,
  CFG_LOG_FIELD_DOUBLE,
  CFG_LOG_FIELD_BOOL,
} CfgLogFieldType;

typedef struct
{
  CfgLogFieldType type;
  const char *key;
  const char *string;
  gint64 integer;
  double real;
} CfgLogField;

/* A NULL string is printed as an absent field, a real number to hundredths. */
#define CFG_STR(k, v)  ((CfgLogField){ .type = CFG_LOG_FIELD_STRING, .key = (k), .string = (v) })
#define CFG_INT(k, v)  ((CfgLogField){ .type = CFG_LOG_FIELD_INT, .key = (k), .integer = (gint64)(v) })
#define CFG_REAL(k, v) ((CfgLogField){ .type = CFG_LOG_FIELD_DOUBLE, .key = (k), .real = (v) })
#define CFG_BOOL(k, v) ((CfgLogField){ .type = CFG_LOG_FIELD_BOOL, .key = (k), .integer = (v) ? 1 : 0 })

/**
 * cfg_log_init:
 * @path: (nullable): the file to append to; NULL is standard output
 *
 * Before it, and after cfg_log_shutdown, lines go straight to standard error as text: standard output may be
 * somebody's result, a test's for example. Returns: FALSE with @error when the file cannot be opened.
 */
gboolean cfg_log_init (CfgLogLevel level, CfgLogFormat format, const char *path, GError **error);
/**
 * cfg_log_shutdown: writes what is queued and ends the writer thread. Main thread.
 *
 * Somebody who does not read the other end of a pipe holds it up for two seconds at most.
 */
void cfg_log_shutdown (void);
/**
 * cfg_log_reopen:
 *
 * Opens the log file anew under its path, for SIGHUP after logrotate has moved it away. Main thread. Without
 * a file nothing happens. Returns: FALSE with @error when it cannot be opened; the log then goes on in the
 * old file.
 */
gboolean cfg_log_reopen (GError **error);
/** cfg_log_get_stats: @waiting: (out): bytes that the writer has not taken yet; @dropped: (out): lines
 * dropped since the start. Any thread. */
void cfg_log_get_stats (gsize *waiting, guint64 *dropped);
void cfg_log_set_level (CfgLogLevel level);
gboolean cfg_log_enabled (CfgLogLevel level);
/** cfg_log_level_parse: "debug", "info", "warn", "error". Returns: FALSE for any other word. */
gboolean cfg_log_level_parse (const char *word, CfgLogLevel *level);

typedef struct _CfgLogLine CfgLogLine; /* config/base/log_format.h */
typedef void (*CfgLogTap) (gpointer user, const CfgLogLine *line);

/** cfg_log_set_tap: @tap (nullable) sees each line that the calling thread writes from here on; lines of
 * other threads pass by it. */
void cfg_log_set_tap (CfgLogTap tap, gpointer user);

/**
 * cfg_log_event:
 * @component: "sip", "rtc", "room", "api", "media", "main", "config"
 * @context: (nullable):
 * @event: the event sentence, a constant
 * @fields: ended by a field of type CFG_LOG_FIELD_END
 *
 * Values with spaces, quotes or control characters are quoted and escaped, so that a remote string can
 * never forge a line.
 */
void cfg_log_event (CfgLogLevel level, const char *component, const CfgLogContext *context, const char *event,
                    const CfgLogField *fields);

#define cfg_log(level, component, context, event, ...)                                                       \
  cfg_log_event ((level), (component), (context), (event),                                                   \
                 (const CfgLogField[]){ __VA_ARGS__ __VA_OPT__ (, ){ .type = CFG_LOG_FIELD_END } })
#define cfg_debug(...) cfg_log (CFG_LOG_DEBUG, __VA_ARGS__)
#define cfg_info(...)  cfg_log (CFG_LOG_INFO, __VA_ARGS__)
#define cfg_warn(...)  cfg_log (CFG_LOG_WARN, __VA_ARGS__)
#define cfg_error(...) cfg_log (CFG_LOG_ERROR, __VA_ARGS__)
