/* The command line, the signals and the main loop. */
#include <glib-unix.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "config/base/error.h"
#include "config/base/log.h"
#include "config/base/thread.h"
#include "config/settings_files.h"
#include "gateway/gateway.h"
#include "gateway/redis.h"
#include "gateway/service.h"
#include "gateway/tls.h"
#include "gateway/unusable.h"

#define DEFAULT_DRAIN_S 30
#define OWN_PAGES_BYTES (64 * 1024)

typedef struct
{
  char *config_path, *log_level;
  gboolean check_config, version;
  int drain_timeout_s;
  GatewayOptions options;
} Arguments;

typedef struct
{
  GMainLoop *loop;
  Gateway *gateway;
  CfgSettings *settings;
  const CfgSettings *started; /* those of the start; owned when they are not `settings` */
  const Arguments *arguments;
  guint n_terminations;
  gboolean stopping;
  guint drain_source;
  int drained_s;
} Process;

static gboolean
parse_arguments (int *argc, char ***argv, Arguments *arguments, GError **error)
{
  const GOptionEntry entries[] = {
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &arguments->config_path,
      "The configuration; default: none, demo mode", "FILE" },
    { "check-config", 0, 0, G_OPTION_ARG_NONE, &arguments->check_config, "Read the configuration and end",
      NULL },
    { "standalone", 0, 0, G_OPTION_ARG_NONE, &arguments->options.standalone,
      "Run without the configured Redis", NULL },
    { "open", 0, 0, G_OPTION_ARG_NONE, &arguments->options.open,
      "Without trunks: take calls on every address, not on loopback only", NULL },
    { "self-signed", 0, 0, G_OPTION_ARG_NONE, &arguments->options.self_signed,
      "https with a certificate made now: browsers on other machines need https for the microphone", NULL },
    { "log-level", 0, 0, G_OPTION_ARG_STRING, &arguments->log_level, "debug, info, warn or error", "LEVEL" },
    { "drain-timeout", 0, 0, G_OPTION_ARG_INT, &arguments->drain_timeout_s,
      "Seconds that SIGTERM waits for calls to end; default 30", "SECONDS" },
    { "version", 0, 0, G_OPTION_ARG_NONE, &arguments->version, "Print the version and end", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- phone calls in WebRTC rooms");

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    {
      if (error != NULL && *error != NULL && (*error)->domain == G_OPTION_ERROR)
        {
          char *message = g_strconcat ((*error)->message, "; see --help", NULL);

          g_free ((*error)->message);
          (*error)->message = message;
        }
      return FALSE;
    }
  if (arguments->drain_timeout_s < 0)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                           "--drain-timeout: must be a number of seconds, 0 or more");
      return FALSE;
    }
  if (*argc > 1)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                   "unknown argument: %s; a configuration is given with --config FILE, see --help",
                   (*argv)[1]);
      return FALSE;
    }
  return TRUE;
}

static CfgSettings *
load_settings (const Arguments *arguments, GError **error)
{
  return arguments->config_path != NULL ? cfg_settings_load (arguments->config_path, error)
                                        : cfg_settings_new_default ();
}

static gboolean
effective_level (const Arguments *arguments, const CfgSettings *settings, CfgLogLevel *level, GError **error)
{
  *level = settings->logging.level;
  if (arguments->log_level == NULL || cfg_log_level_parse (arguments->log_level, level))
    return TRUE;
  g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
               "--log-level: must be debug, info, warn or error, not %s", arguments->log_level);
  return FALSE;
}

/* @file: the settings of the file alone; @merged: with the trunks and rules of the API */
static void
log_warnings (const CfgSettings *file, const CfgSettings *merged)
{
  for (char **warning = merged->warnings; *warning != NULL; warning++)
    cfg_warn ("config", NULL, "Configuration warning", CFG_STR ("warning", *warning));
  gw_unusable_log (file);
}

static void
log_settings (const Arguments *arguments, const CfgSettings *settings)
{
  if (settings->demo)
    cfg_info ("config", NULL,
              arguments->options.open
                  ? "Demo mode: no trunks are configured, a call to any name lands in the room of that name"
                  : "Demo mode: no trunks are configured, SIP listens on loopback only, a call to any name "
                    "lands in "
                    "the room of that name");
  if (settings->implicit_callee_rule)
    cfg_info ("config", NULL, "No dispatch rules: each called number is a room");
  if (settings->redis.address != NULL)
    cfg_info ("config", NULL,
              arguments->options.standalone ? "Redis is configured but not used: --standalone"
                                            : "Redis is reachable; this version runs as a single node");
}

/* ---- signals ---- */

static void
on_stopped (gpointer data)
{
  Process *process = data;

  g_main_loop_quit (process->loop);
}

static void
stop (Process *process)
{
  g_clear_handle_id (&process->drain_source, g_source_remove);
  if (process->stopping)
    return;
  process->stopping = TRUE;
  gateway_stop (process->gateway, on_stopped, process);
}

static void
on_drained (gpointer data)
{
  stop (data);
}

static gboolean
on_watchdog (gpointer data)
{
  (void)gw_service_watchdog ();
  return G_SOURCE_CONTINUE;
}

static gboolean
on_drain_second (gpointer data)
{
  Process *process = data;

  if (++process->drained_s < process->arguments->drain_timeout_s)
    {
      gw_service_draining (g_hash_table_size (process->gateway->calls));
      return G_SOURCE_CONTINUE;
    }
  process->drain_source = 0;
  cfg_warn ("main", NULL, "Calls are still up after the drain timeout, ending them");
  stop (process);
  return G_SOURCE_REMOVE;
}

static gboolean
on_terminate (gpointer data)
{
  Process *process = data;

  switch (process->n_terminations++)
    {
    case 0:
      gw_service_stopping ("Draining: no new calls");
      cfg_info ("main", NULL, "Draining: no new calls",
                CFG_INT ("timeout", process->arguments->drain_timeout_s),
                CFG_INT ("calls", g_hash_table_size (process->gateway->calls)),
                CFG_STR ("next", "a second signal ends at once"));
      process->drain_source
          = g_timeout_add (process->arguments->drain_timeout_s > 0 ? 1000 : 0, on_drain_second, process);
      gateway_drain (process->gateway, on_drained, process);
      break;
    case 1:
      cfg_info ("main", NULL, "Quitting");
      stop (process);
      break;
    default: /* the last messages go out, which takes a few seconds at most */
      break;
    }
  return G_SOURCE_CONTINUE;
}

/* The listening addresses stay what they are: behind them, nobody may be let in whom the start had kept out.
 */
static gboolean
may_replace (const Process *process, const CfgSettings *settings, GError **error)
{
  if (!settings->demo || process->settings->demo || process->arguments->options.open)
    return TRUE;
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_FAILED_PRECONDITION,
                       "it has no trunks any more: demo mode needs a restart, or --open");
  return FALSE;
}

static void
free_settings (Process *process)
{
  if (process->settings != process->started)
    cfg_settings_free (process->settings);
  process->settings = NULL;
}

/* The keys stay named with every reload until the restart, or until they are what they were. */
static void
say_what_waits (const CfgSettings *started, const CfgSettings *settings)
{
  g_auto (GStrv) keys = cfg_settings_restart_keys (started, settings);
  g_autofree char *list = g_strjoinv (", ", keys);

  if (keys[0] != NULL)
    cfg_warn ("config", NULL, "Changed keys count after a restart only", CFG_STR ("keys", list));
}

static void
replace_settings (Process *process, CfgSettings *settings)
{
  if (process->gateway->settings->demo && !settings->demo && !process->arguments->options.open
      && process->settings->sip.bind[0] == NULL)
    cfg_warn ("config", NULL, "Trunks are configured now, but SIP listens on loopback only until a restart");
  gateway_set_settings (process->gateway, settings);
  log_warnings (settings, process->gateway->settings);
  say_what_waits (process->started, settings);
  free_settings (process);
  process->settings = settings;
  cfg_info ("config", NULL, "Configuration read again", CFG_INT ("trunks", settings->n_trunks),
            CFG_INT ("rules", settings->n_dispatch_rules));
}

/* Trunks, rules, keys and log level take effect; addresses and ports need a restart. */
static void
reload (Process *process)
{
  g_autoptr (GError) error = NULL;
  CfgSettings *settings;
  CfgLogLevel level;

  if (!cfg_log_reopen (&error))
    {
      cfg_error ("config", NULL, "The log file was not opened again", CFG_STR ("reason", error->message));
      g_clear_error (&error);
    }
  settings = load_settings (process->arguments, &error);
  if (settings == NULL || !effective_level (process->arguments, settings, &level, &error)
      || !may_replace (process, settings, &error))
    {
      cfg_error ("config", NULL, "The configuration was not read again, the old one goes on",
                 CFG_STR ("reason", error->message));
      g_clear_pointer (&settings, cfg_settings_free);
      return;
    }
  if (!sig_web_reload_tls (process->gateway->web, &error))
    {
      cfg_error ("config", NULL, "The certificate was not read again, the old one goes on",
                 CFG_STR ("reason", error->message));
      g_clear_error (&error);
    }
  if (!process->gateway->loopback_only)
    (void)sig_sip_find_addresses (process->gateway->sip);
  cfg_log_set_level (level);
  gw_tls_read_again (process->gateway);
  replace_settings (process, settings);
}

static gboolean
on_hangup (gpointer data)
{
  Process *process = data;

  gw_service_reloading ();
  reload (process);
  if (process->n_terminations == 0)
    gw_service_ready ();
  else
    gw_service_stopping ("Draining: no new calls");
  return G_SOURCE_CONTINUE;
}

/* @key: (nullable): put before a message that does not begin with its key */
static void
say_where (const CfgSettings *settings, GError *error, const char *key)
{
  g_autofree char *message = g_strconcat (key != NULL ? key : "", error->message, NULL);
  char *placed = cfg_settings_place (settings, message);

  g_free (error->message);
  error->message = placed;
}

static int
run (const Arguments *arguments, CfgSettings *settings, GError **error)
{
  Process process = { .arguments = arguments, .settings = settings, .started = settings };
  guint watchdog_ms, watchdog = 0;

  if (settings->redis.address != NULL && !arguments->options.standalone
      && !gw_redis_ping (&settings->redis, error))
    {
      cfg_settings_free (settings);
      return EXIT_FAILURE;
    }
  process.gateway = gateway_new (settings, &arguments->options, error);
  if (process.gateway == NULL)
    {
      say_where (settings, *error, NULL);
      cfg_settings_free (settings);
      return EXIT_FAILURE;
    }
  cfg_thread_give_way (); /* the media threads have been made: they do not */
  log_warnings (settings, process.gateway->settings);
  log_settings (arguments, process.gateway->settings);
  process.loop = g_main_loop_new (NULL, FALSE);
  /* Never removed: one signal more must not kill a process that is ending in order. */
  g_unix_signal_add (SIGTERM, on_terminate, &process);
  g_unix_signal_add (SIGINT, on_terminate, &process);
  g_unix_signal_add (SIGHUP, on_hangup, &process);
  cfg_info ("main", NULL, "Switchroom started", CFG_STR ("version", SWITCHROOM_VERSION),
            CFG_INT ("httpPort", sig_web_port (process.gateway->web)),
            CFG_INT ("sipPort", settings->sip_port));
  gateway_print_welcome (process.gateway);
  gw_service_ready ();
  watchdog_ms = gw_service_watchdog ();
  if (watchdog_ms > 0)
    watchdog = g_timeout_add (MAX (watchdog_ms / 2, 1), on_watchdog, NULL);
  g_main_loop_run (process.loop);
  g_clear_handle_id (&process.drain_source, g_source_remove);
  g_clear_handle_id (&watchdog, g_source_remove);
  gateway_free (process.gateway);
  g_main_loop_unref (process.loop);
  cfg_info ("main", NULL, "Switchroom stopped");
  free_settings (&process);
  cfg_settings_free (settings);
  return EXIT_SUCCESS;
}

/* Whoever checks may be another user, or on another machine: what he cannot use is no mistake in the file.
 */
static void
warn_of_files (const CfgSettings *settings)
{
  g_auto (GStrv) found = cfg_settings_unusable (settings);

  for (char **each = found; *each != NULL; each++)
    fprintf (stderr, "switchroom: warning: %s\n", *each);
}

static int
start (int *argc, char ***argv, Arguments *arguments, GError **error)
{
  CfgSettings *settings;
  CfgLogLevel level;
  int status;

  if (!parse_arguments (argc, argv, arguments, error))
    return EXIT_FAILURE;
  if (arguments->version)
    {
      puts ("switchroom " SWITCHROOM_VERSION);
      return EXIT_SUCCESS;
    }
  settings = load_settings (arguments, error);
  if (settings == NULL)
    return EXIT_FAILURE;
  if (effective_level (arguments, settings, &level, error) && arguments->check_config)
    {
      for (char **warning = settings->warnings; *warning != NULL; warning++)
        fprintf (stderr, "switchroom: warning: %s\n", *warning);
      warn_of_files (settings);
      puts ("The configuration is valid.");
      cfg_settings_free (settings);
      return EXIT_SUCCESS;
    }
  if (*error == NULL && !cfg_log_init (level, settings->logging.format, settings->logging.file, error))
    say_where (settings, *error, "logging.file: ");
  if (*error != NULL)
    {
      cfg_settings_free (settings);
      return EXIT_FAILURE;
    }
  status = run (arguments, settings, error);
  cfg_log_shutdown ();
  return status;
}

/* A call has about five descriptors, and a shell's limit is often 1024: the program takes what it may. */
static void
raise_descriptor_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
    return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit (RLIMIT_NOFILE, &limit);
}

int
main (int argc, char **argv)
{
  Arguments arguments = { .drain_timeout_s = DEFAULT_DRAIN_S };
  g_autoptr (GError) error = NULL;
  int status;

  setlocale (LC_ALL, "C.UTF-8");
  signal (SIGPIPE, SIG_IGN);
  signal (SIGXFSZ, SIG_IGN); /* a limit of a file's size is an error of write() */
  /* The rooms' logs of events are large blocks of which little is touched. Each gets pages of its own as long
   * as the threshold for that does not float: in the heap they would lie on what others have touched before
   * them. */
  mallopt (M_MMAP_THRESHOLD, OWN_PAGES_BYTES);
  /* One heap for the main thread, one for all others: they take memory when a call comes and goes, not for
   * packets, and share what a burst of calls left. */
  mallopt (M_ARENA_MAX, 2);
  raise_descriptor_limit ();
  status = start (&argc, &argv, &arguments, &error);
  if (error != NULL)
    fprintf (stderr, "switchroom: %s\n", error->message);
  g_free (arguments.config_path);
  g_free (arguments.log_level);
  return status;
}
