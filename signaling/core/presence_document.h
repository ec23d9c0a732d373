/* The documents that tell phones about extensions and calls: PIDF (RFC 3863, with the activity of RFC 4480)
 * and dialog-info (RFC 4235). Pure. */
#pragma once

#include <glib.h>

#define SIG_DIALOG_INFO_MAX 200 /* dialogs in a document; what is beyond is left out */

typedef struct
{
  const char *entity;    /* sip: URI of the extension */
  gboolean is_available; /* it can be called */
  gboolean is_busy;      /* it is in a call */
  const char *note;      /* (nullable): for people */
  const char *timestamp; /* (nullable): RFC 3339 */
} SigPresence;

/** sig_presence_write: (transfer full) */
char *sig_presence_write (const SigPresence *presence) G_GNUC_WARN_UNUSED_RESULT;

typedef enum
{
  SIG_DIALOG_TRYING,
  SIG_DIALOG_EARLY,
  SIG_DIALOG_CONFIRMED,
} SigDialogInfoState;

/* One call, seen from the entity. Call-ID and tags stay with us: with them anybody could take the call over
 * (RFC 3891). */
typedef struct
{
  const char *id; /* unique in the document */
  gboolean is_initiator;
  SigDialogInfoState state;
  const char *local_uri, *local_display;   /* (nullable) each */
  const char *remote_uri, *remote_display; /* (nullable) each */
} SigDialogInfo;

/** sig_dialog_info_write: the full state of @entity; @version counts up with each document. (transfer full)
 */
char *sig_dialog_info_write (const char *entity, guint version, const SigDialogInfo *dialogs,
                             gsize n) G_GNUC_WARN_UNUSED_RESULT;
