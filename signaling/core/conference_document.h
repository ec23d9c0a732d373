/* The roster of a room as RFC 4575 writes it. A SigConferenceTold remembers for one subscriber what it was
 * told, so that the next document says only what has changed, and none is longer than a packet may be: who
 * does not fit comes with the next one. Pure. */
#pragma once

#include <glib.h>

typedef struct
{
  const char *entity;       /* sip: URI, unique in the roster */
  const char *display;      /* (nullable) */
  const char *endpoint;     /* URI of the phone or browser */
  gboolean was_called;      /* dialed-out; else dialed-in */
  gboolean is_connected;    /* else still being called */
  const char *joined_at;    /* (nullable): RFC 3339 */
  const char *media_label;  /* (nullable): NULL: no audio yet */
  const char *media_status; /* sendrecv, recvonly ... */
} SigConferenceUser;

typedef struct
{
  const char *entity; /* sip: URI of the room */
  const char *name;
  guint max_users; /* 0: not told */
  const SigConferenceUser *users;
  gsize n_users;
} SigConference;

typedef struct _SigConferenceTold SigConferenceTold;

SigConferenceTold *sig_conference_told_new (void) G_GNUC_WARN_UNUSED_RESULT;
void sig_conference_told_free (SigConferenceTold *told);

/**
 * sig_conference_write:
 * @told: what the subscriber knows; brought up to date by what is returned
 * @full: the subscriber is to forget what it knows
 * @max_bytes: of the document; one user is written even if it is longer
 * @more: (out): something did not fit: ask again for a partial document
 *
 * Returns: (transfer full) (nullable): NULL when not @full and nothing has changed.
 */
char *sig_conference_write (const SigConference *conference, SigConferenceTold *told, guint version,
                            gboolean full, gsize max_bytes, gboolean *more) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SigConferenceTold, sig_conference_told_free)
