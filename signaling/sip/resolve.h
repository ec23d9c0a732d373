/* Where the servers of a SIP domain are (RFC 3263): NAPTR, SRV, A and AAAA, over the stack's asynchronous
 * resolver. The stack would do this itself, but tries the next server only after the 32 s of a transaction,
 * never after a 503, and only in the address family of the listener that it was given to before. Names in
 * the system's hosts file come first, as everywhere on the machine. */
#pragma once

#include "signaling/sip/sip.h"

typedef struct _SigSipResolver SigSipResolver;
typedef struct _SigSipLookup SigSipLookup;

#define SIG_SIP_MAX_PLACES 16

typedef struct
{
  char host[64]; /* numeric, without brackets */
  guint16 port;
  SigSipTransports transport;
} SigSipPlace;

typedef struct
{
  const char *host;           /* a name */
  guint16 port;               /* 0: none was given, SRV records are asked for */
  SigSipTransports transport; /* 0: NAPTR or SRV records may choose one of `allowed` */
  SigSipTransports allowed;   /* TLS is never chosen, only asked for */
  gboolean prefers_ipv6;      /* which family comes first */
} SigSipQuestion;

/** @places: in the order to try, n_places of them; 0: nothing was found, or nobody answered within 8 s */
typedef void (*SigSipResolved) (gpointer user, const SigSipPlace *places, gsize n_places);

/** sig_sip_resolver_new: @root: su_root_t. @conf: (nullable): instead of /etc/resolv.conf */
SigSipResolver *sig_sip_resolver_new (void *root, GMainContext *context, const char *conf,
                                      const char *hosts) G_GNUC_WARN_UNUSED_RESULT;
/** sig_sip_resolver_free: no lookup may be left. */
void sig_sip_resolver_free (SigSipResolver *resolver);

/**
 * sig_sip_resolve:
 * @done: called once, in a later turn of the loop
 * Returns: for sig_sip_lookup_cancel, until @done was called
 */
SigSipLookup *sig_sip_resolve (SigSipResolver *resolver, const SigSipQuestion *question, SigSipResolved done,
                               gpointer user);
/** sig_sip_lookup_cancel: @done will not be called; the lookup is freed. */
void sig_sip_lookup_cancel (SigSipLookup *lookup);
