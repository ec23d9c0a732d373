/* What tls.c and tls_stack.c share. */
#pragma once

#include "signaling/sip/tls.h"

/* Of the certificate of ours that expires first. */
typedef struct
{
  char *file;       /* (nullable) */
  gint64 expires_s; /* since 1970 */
} SigSipTlsExpiry;

typedef struct
{
  char *reason;
  gint64 at_us; /* monotonic */
} SigSipTlsFailure;

struct _SigSipTls
{
  SSL_CTX *server, *client;
  gboolean verify, verify_callers;
  GHashTable *peers;   /* host in lower case -> SigSipTlsRules */
  GHashTable *aliases; /* address -> host */
  SigSipTlsExpiry expiry;

  /* tls_stack.c */
  GHashTable *connections; /* SigSipTlsConnection, a set; owned */
  GHashTable *by_peer;     /* "address port" -> SigSipTlsConnection that is up */
  GHashTable *failures;    /* host in lower case -> SigSipTlsFailure */
  GSource *tick;           /* (nullable) */
};
