/* A name server on loopback that knows what a test tells it, for the stack's resolver. */
#pragma once

#include <glib.h>

typedef struct _DnsServer DnsServer;

DnsServer *dns_server_new (void);
void dns_server_free (DnsServer *server);
/** dns_server_conf: the path of a resolv.conf that names it. */
const char *dns_server_conf (const DnsServer *server);
void dns_server_add_a (DnsServer *server, const char *name, const char *address);
void dns_server_add_aaaa (DnsServer *server, const char *name, const char *address);
void dns_server_add_srv (DnsServer *server, const char *name, guint16 priority, guint16 weight, guint16 port,
                         const char *target);
void dns_server_add_naptr (DnsServer *server, const char *name, guint16 order, guint16 preference,
                           const char *service, const char *replacement);
/** dns_server_asked: "TYPE name " of every question since the last time; types in digits */
const char *dns_server_asked (DnsServer *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DnsServer, dns_server_free)
