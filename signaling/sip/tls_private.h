/* What tls.c and tls_stack.c share. */
#pragma once

#include "signaling/sip/tls.h"

struct _SigSipTls
{
  SSL_CTX *server, *client;
  gboolean verify, verify_callers;
  GHashTable *peers;   /* host in lower case -> SigSipTlsRules */
  GHashTable *aliases; /* address -> host */

  /* tls_stack.c */
  GHashTable *connections; /* SigSipTlsConnection, a set; owned */
  GHashTable *failures;    /* host in lower case -> words */
  GSource *tick;           /* (nullable) */
};
