/* The folders of recordings below their directory ("2026/11/22"): made when they are not there, and removed
 * again by the last recording in them when this process made them and none of its recordings came about
 * there. Folders are the process's, whichever thread writes: what is known of them is under a lock that
 * nobody holds while the disk is waited for. */
#pragma once

#include <glib.h>

/** media_record_folders_enter: @file: below @directory, "a/b/name": the recording is in a/b from now on.
 * FALSE when a name of it is empty, "." or "..": then nothing is to be left. */
gboolean media_record_folders_enter (const char *directory, const char *file) G_GNUC_WARN_UNUSED_RESULT;
/** media_record_folders_open: after having entered; makes what is missing, @directory as well, and follows no
 * link below it. Returns: a descriptor; -1 with errno. */
int media_record_folders_open (const char *directory, const char *file) G_GNUC_WARN_UNUSED_RESULT;
/** media_record_folders_leave: @has_file: the recording left something there. */
void media_record_folders_leave (const char *directory, const char *file, gboolean has_file);
