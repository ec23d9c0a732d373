/* How files of recordings are named: a path with "{room}" and the like in it. Pure. */
#pragma once

#include <glib.h>

#define CFG_RECORDING_FILE_MAX   512
#define CFG_RECORDING_FILE_PARTS 8

/** cfg_is_recording_file: a relative path without "." and ".." and control characters, in which only {room},
 * {identity}, {id}, {date} and {time} stand in braces. */
gboolean cfg_is_recording_file (const char *text);
