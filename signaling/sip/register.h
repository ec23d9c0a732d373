/* Registrations of ours at providers, by name (signaling/core/registration.h). Part of sip.h: each is a line
 * that calls come in over, and SigSipInvite.registration says which.
 *
 * A REGISTER goes to the servers of the registrar one after the other, each try to all of them. Each try
 * begins without credentials, so that a nonce is never too old. When it is over for good (sig_sip_unregister,
 * sig_sip_shutdown) the provider is told. */
#pragma once

#include "signaling/core/registration.h"
#include "signaling/sip/sip.h"

typedef struct
{
  const char *name;
  const char *registrar; /* sip:host[:port][;transport=udp|tcp|tls]: where REGISTER is sent */
  const char *user;      /* of the address of record and of our Contact; not escaped */
  const char *host;      /* (nullable): of the address of record; default: the registrar's */
  const char *auth_username, *auth_password; /* (nullable): both or none */
  guint expires_s;                           /* > 0 */
} SigSipRegister;

typedef struct
{
  SigRegistration core;
  const char *contact; /* (nullable) what we are registered as */
  const char *server;  /* (nullable): host:port that was asked last */
  const char *seen_as; /* (nullable): host:port that the server sees us at, when a NAT is between us */
  /* (nullable): the way that calls of ours are to take (Service-Route, RFC 3608), for SigSipDial */
  const char *service_route;
  const char *phrase; /* never NULL: of the last answer, or why there was none */
} SigSipRegisterState;

/**
 * sig_sip_register: begins, or changes what has that name; what is there already in the same words goes on.
 * @what: copied
 * Returns: FALSE with INVALID_ARGUMENT.
 */
gboolean sig_sip_register (SigSip *sip, const SigSipRegister *what, GError **error);
/** sig_sip_unregister: takes it back at the provider; the name is free at once. */
void sig_sip_unregister (SigSip *sip, const char *name);
/** sig_sip_registered: @state: (out): its texts are the endpoint's, until the loop turns. FALSE: no such
 * name. */
gboolean sig_sip_registered (SigSip *sip, const char *name, SigSipRegisterState *state);
