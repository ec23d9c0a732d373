/* Where a recording is written: of the template of the configuration or a request, the path below the
 * directory. Pure. */
#pragma once

#include <glib.h>

#include "config/base/clock.h"

typedef struct
{
  const char *room;
  const char *identity; /* (nullable): of a recording of one participant */
  const char *id;
  CfgWall at; /* UTC in the name */
} GwRecordingFacts;

/**
 * gw_recording_path:
 * @template: as cfg_is_recording_file
 * @extension: "wav", "ogg": appended unless the template ends with it
 *
 * What stands for a word in braces has letters, digits and "-_+@=." only, whatever the room's name has.
 *
 * Returns: (transfer full): the path; NULL with INVALID_ARGUMENT when @template is none.
 */
char *gw_recording_path (const char *template, const GwRecordingFacts *facts, const char *extension,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
