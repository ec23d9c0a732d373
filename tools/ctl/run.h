/* What the commands of switchroomctl share. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "tools/ctl/access.h"
#include "tools/ctl/client.h"
#include "tools/ctl/error.h"

/* The command line. */
typedef struct
{
  CtlAccess flags;
  char *config;
  gboolean insecure, json, wide, help, version;
  int timeout_s;
  char *output;
  /* of `token` */
  char *room, *identity, *name, *ttl;
  char **grants;
} CtlOptions;

typedef struct
{
  const CtlOptions *options;
  CtlAccess access; /* all sources together */
  CtlUrl url;
  gboolean is_stream; /* the connection is to last */
  CtlClient *client;  /* (nullable) */
  json_t *methods;    /* (nullable): of server.methods */
} CtlRun;

/** ctl_run_connect: makes the connection where there is none; ctl_run_disconnect ends it. */
gboolean ctl_run_connect (CtlRun *run, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ctl_run_disconnect (CtlRun *run);
/** ctl_run_call: connects where it is needed; as ctl_client_call. */
json_t *ctl_run_call (CtlRun *run, const char *method, json_t *params,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** ctl_run_method: (nullable): what server.methods says of @name; CTL_ERROR_USAGE where there is no such
 * method. */
const json_t *ctl_run_method (CtlRun *run, const char *name, GError **error);
/** ctl_run_methods: {name: {description, params}}; (nullable) with @error. */
const json_t *ctl_run_methods (CtlRun *run, GError **error);

/** ctl_print: @text to standard output, at once. FALSE with CTL_ERROR_UNREACHABLE: nobody reads it. */
gboolean ctl_print (const char *text, GError **error);
/** ctl_print_json: as one line. */
gboolean ctl_print_json (const json_t *value, GError **error);

/* The commands; @args: what follows the command's name, NULL-terminated. */
gboolean ctl_do_method (CtlRun *run, const char *method, char **args, GError **error);
gboolean ctl_do_call_show (CtlRun *run, char **args, GError **error);
gboolean ctl_do_call_pcap (CtlRun *run, char **args, GError **error);
gboolean ctl_do_watch (CtlRun *run, char **args, GError **error);
gboolean ctl_do_logs (CtlRun *run, char **args, GError **error);
gboolean ctl_do_token (CtlRun *run, char **args, GError **error);
gboolean ctl_do_methods (CtlRun *run, char **args, GError **error);
gboolean ctl_do_help (CtlRun *run, char **args, GError **error);
gboolean ctl_do_complete (CtlRun *run, char **args, GError **error);

/** ctl_print_help: of the whole program. */
void ctl_print_help (void);
