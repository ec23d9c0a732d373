/* The messages of messages.txt, which says how they are written, as they go over the wire. */
#pragma once

#include <glib.h>

typedef struct
{
  char *name;
  char *section;
  gboolean over_udp, over_tcp;
  char **answers; /* "200", "owner" or "none" */
} TortureMessage;

/** torture_load: @path: of messages.txt. (transfer full) of TortureMessage, at least one; a file that cannot
 * be read ends the program. */
GPtrArray *torture_load (const char *path);
/** torture_bytes: (transfer full): @message over UDP or TCP. */
GBytes *torture_bytes (const TortureMessage *message, gboolean is_tcp);
/** torture_expects: whether @answer is one that is right. */
gboolean torture_expects (const TortureMessage *message, const char *answer);
