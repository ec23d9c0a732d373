/* The event packages that can be subscribed to (RFC 6665), and their documents' type. Pure. */
#pragma once

#include <glib.h>

#define SIG_EVENT_ALLOW "presence, dialog, conference"

typedef enum
{
  SIG_EVENT_NONE,
  SIG_EVENT_PRESENCE,   /* RFC 3856 */
  SIG_EVENT_DIALOG,     /* RFC 4235 */
  SIG_EVENT_CONFERENCE, /* RFC 4575 */
} SigEventPackage;

/** sig_event_package_find: @name: of the Event header, without parameters. SIG_EVENT_NONE: not ours. */
SigEventPackage sig_event_package_find (const char *name);
const char *sig_event_package_name (SigEventPackage package);
/** sig_event_package_type: the type of its documents. */
const char *sig_event_package_type (SigEventPackage package);
/** sig_event_package_accepted: whether @range, one entry of an Accept header, is a place for them. */
gboolean sig_event_package_accepted (SigEventPackage package, const char *range);
