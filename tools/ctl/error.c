#include "tools/ctl/error.h"

G_DEFINE_QUARK (ctl - error - quark, ctl_error)
