/* The order in which the servers of a SIP domain are tried (RFC 3263, RFC 2782). Pure: the dice are thrown
 * by the caller. */
#pragma once

#include <glib.h>

typedef struct
{
  guint16 priority, weight, port;
  char target[256]; /* without the last dot; "" is "no such service here" (RFC 2782) */
} SigSrv;

/**
 * sig_srv_order: sorts by priority, and draws within one priority by weight, so that each server comes first
 * as often as its weight says.
 * @random: returns a number from 0 to @max, both included
 */
void sig_srv_order (SigSrv *records, gsize n, guint32 (*random) (guint32 max, gpointer user), gpointer user);

typedef struct
{
  guint16 order, preference;
  char flags[8], service[32];
  char replacement[256];
} SigNaptr;

typedef enum
{
  SIG_NAPTR_UDP = 1 << 0,
  SIG_NAPTR_TCP = 1 << 1,
} SigNaptrService;

/**
 * sig_naptr_order: sorts by order, then preference, and keeps those that lead to a service of @services by
 * SRV (flag "s", no expression).
 * Returns: how many are left
 */
gsize sig_naptr_order (SigNaptr *records, gsize n, guint services);
/** sig_naptr_service: "SIP+D2U" is UDP, "SIP+D2T" TCP; 0 for others (TLS has no names here: RFC 3263 4). */
guint sig_naptr_service (const SigNaptr *record);
