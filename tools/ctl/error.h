/* What can go wrong in switchroomctl: the code of an error is the status that the program ends with. */
#pragma once

#include <glib.h>

typedef enum
{
  CTL_ERROR_REFUSED = 1, /* the gateway said no: not found, busy, ... */
  CTL_ERROR_USAGE,       /* the command line, or a file that it names */
  CTL_ERROR_UNREACHABLE, /* no connection, a certificate that is not trusted, the connection is lost */
  CTL_ERROR_DENIED,      /* the token is not valid, or lacks a grant */
} CtlErrorCode;

#define CTL_ERROR (ctl_error_quark ())
GQuark ctl_error_quark (void);
