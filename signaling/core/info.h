/* Key presses in the body of a SIP INFO. No RFC defines them: these are the three forms that phones and
 * gateways in the field send, read as Asterisk reads them. Pure. */
#pragma once

#include <glib.h>

#define SIG_INFO_ACCEPT                                                                                      \
  "application/dtmf-relay, application/dtmf, application/vnd.nortelnetworks.digits, "                        \
  "application/media_control+xml"
#define SIG_INFO_DTMF_TYPE           "application/dtmf-relay"
#define SIG_INFO_DEFAULT_DURATION_MS 100
#define SIG_INFO_MAX_DURATION_MS     10000
#define SIG_INFO_MAX_BYTES           4096

typedef enum
{
  SIG_INFO_NOTHING,     /* understood, and nothing to do: no body, a hook flash, a request for a picture */
  SIG_INFO_DIGIT,       /* digit and duration_ms are set */
  SIG_INFO_MALFORMED,   /* a type that we read, with a body that we cannot: 400 */
  SIG_INFO_UNSUPPORTED, /* another type: 415 */
} SigInfoKind;

typedef struct
{
  SigInfoKind kind;
  char digit; /* 0-9, *, #, A-D */
  guint duration_ms;
} SigInfo;

/**
 * sig_info_parse:
 * @content_type: (nullable): without parameters, in any case
 * @body: (nullable): @size bytes, not ended by NUL
 */
SigInfo sig_info_parse (const char *content_type, const char *body, gsize size);

/** sig_info_write: the body of type SIG_INFO_DTMF_TYPE for one key. (transfer full) (nullable): NULL when
 * @digit is no key. Lower case letters count. */
char *sig_info_write (char digit, guint duration_ms) G_GNUC_WARN_UNUSED_RESULT;
