#include "config/base/error.h"

G_DEFINE_QUARK (cfg_error, cfg_error)

const char *
cfg_error_word (CfgErrorCode code)
{
  static const char *const words[] = {
    [CFG_ERROR_CANCELED] = "canceled",
    [CFG_ERROR_UNKNOWN] = "unknown",
    [CFG_ERROR_INVALID_ARGUMENT] = "invalid_argument",
    [CFG_ERROR_DEADLINE_EXCEEDED] = "deadline_exceeded",
    [CFG_ERROR_NOT_FOUND] = "not_found",
    [CFG_ERROR_ALREADY_EXISTS] = "already_exists",
    [CFG_ERROR_PERMISSION_DENIED] = "permission_denied",
    [CFG_ERROR_UNAUTHENTICATED] = "unauthenticated",
    [CFG_ERROR_RESOURCE_EXHAUSTED] = "resource_exhausted",
    [CFG_ERROR_FAILED_PRECONDITION] = "failed_precondition",
    [CFG_ERROR_ABORTED] = "aborted",
    [CFG_ERROR_OUT_OF_RANGE] = "out_of_range",
    [CFG_ERROR_UNIMPLEMENTED] = "unimplemented",
    [CFG_ERROR_INTERNAL] = "internal",
    [CFG_ERROR_UNAVAILABLE] = "unavailable",
  };

  if ((gsize)code >= G_N_ELEMENTS (words) || words[code] == NULL)
    return "unknown";
  return words[code];
}
