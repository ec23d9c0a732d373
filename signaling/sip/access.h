/* Who may do what, and who can be reached where: the questions that the SIP endpoint asks its owner before it
 * keeps anything of a request, and about registrations (RFC 3261 10). Part of sip.h. */
#pragma once

#include <glib.h>

/* A request that wants something of us; valid during the ops call only. Nothing but the source is proved. */
typedef struct
{
  const char *method;
  const char *request_user, *request_host; /* of the Request-URI */
  guint16 request_port;                    /* 0: none given */
  gboolean is_local;                       /* host and port are ours, or there is no host */
  const char *from_user, *to_user;
  const char *source_address; /* the packet's, numeric */
  const char *registration;   /* (nullable): INVITE, MESSAGE, SUBSCRIBE: the one of ours (register.h) that it
                                 came over */
  const char *username;       /* (nullable): whom the sender says to be, in credentials of our realm */
} SigSipAsker;

typedef enum
{
  SIG_SIP_ACCESS_OPEN,     /* go on, whoever it is */
  SIG_SIP_ACCESS_PASSWORD, /* go on when the sender proves to be asker->username; challenged without one */
  SIG_SIP_ACCESS_REFUSED,
} SigSipAccess;

typedef struct
{
  SigSipAccess access;
  const char *password; /* PASSWORD: (nullable): of asker->username; NULL: there is no such user */
  int status;           /* REFUSED: the final answer */
} SigSipAccessAnswer;

/* One Contact of a REGISTER. */
typedef struct
{
  const char *uri;     /* sip: or sips:, as registered */
  const char *key;     /* equal for what counts as the same contact (RFC 3261 19.1.4, RFC 5626 4.2.1) */
  const char *send_to; /* (nullable): where packets go instead of the URI's host: the source, behind NAT and
                        * over a connection */
  int expires_s;       /* -1: not said */
  guint q_milli;       /* 0-1000; 1000 when not said */
} SigSipContact;

/* A REGISTER whose sender has proved what ops.access asked for; valid during the ops call only. */
typedef struct
{
  const char *username; /* (nullable): proved; NULL where access is open */
  const char *user;     /* of To: the address of record */
  const char *call_id;
  guint32 cseq;
  gboolean removes_all; /* Contact: * */
  const SigSipContact *contacts;
  gsize n_contacts;
  int expires_s;     /* of the Expires header; -1: none */
  const char *route; /* (nullable): of Path, as a Route header has it (RFC 3327) */
  const char *source_address;
  guint16 source_port;
  const char *transport;  /* "udp", "tcp" or "tls" */
  const char *user_agent; /* (nullable) */
} SigSipRegistration;

/* One Contact of our 200. */
typedef struct
{
  const char *uri; /* (not copied): read right after the ops call */
  guint expires_s, q_milli;
} SigSipBinding;

typedef struct
{
  int status;          /* 200, or why not */
  guint min_expires_s; /* with 423 */
  GArray *bindings;    /* of SigSipBinding, to be filled with 200 */
} SigSipRegistrationAnswer;
