/* One error domain for the control path. The codes are Twirp's words (as LiveKit's API uses them), so that
 * an error keeps its meaning from the place where it arises up to the API's answer. */
#pragma once

#include <glib.h>

typedef enum
{
  CFG_ERROR_CANCELED,
  CFG_ERROR_UNKNOWN,
  CFG_ERROR_INVALID_ARGUMENT,
  CFG_ERROR_DEADLINE_EXCEEDED,
  CFG_ERROR_NOT_FOUND,
  CFG_ERROR_ALREADY_EXISTS,
  CFG_ERROR_PERMISSION_DENIED,
  CFG_ERROR_UNAUTHENTICATED,
  CFG_ERROR_RESOURCE_EXHAUSTED,
  CFG_ERROR_FAILED_PRECONDITION,
  CFG_ERROR_ABORTED,
  CFG_ERROR_OUT_OF_RANGE,
  CFG_ERROR_UNIMPLEMENTED,
  CFG_ERROR_INTERNAL,
  CFG_ERROR_UNAVAILABLE,
} CfgErrorCode;

#define CFG_ERROR (cfg_error_quark ())
GQuark cfg_error_quark (void);

/** cfg_error_word: the Twirp word of @code, for example "not_found". Static string, never NULL. */
const char *cfg_error_word (CfgErrorCode code);
