/* Whom a phone may have called by REFER, and how. Pure. Nobody gets a call through us who could not have made
 * it himself: what leaves the gateway needs a trunk that says so (docs/decisions/0015-transfers.md). */
#pragma once

#include <glib.h>

#include "config/settings.h"

typedef enum
{
  GW_TRANSFER_REFUSED,
  GW_TRANSFER_EXTENSION, /* the user is registered here */
  GW_TRANSFER_BY_TRUNK,  /* the user is a number to call through the trunk of the call */
  GW_TRANSFER_BY_URI,    /* the URI as it is */
} GwTransferWay;

typedef struct
{
  const CfgTrunkSettings
      *trunk;                   /* (nullable): of the call: demo mode, an extension, a trunk of one request */
  gboolean is_demo_on_loopback; /* no trunks, and SIP on loopback only */
  const char *user, *host;      /* of the target; host "" for tel: */
  gboolean is_tel;
  gboolean is_local;     /* host and port are ours */
  gboolean is_extension; /* somebody registered here has the name `user` */
} GwTransferFacts;

/** gw_transfer_way: @reason: (out): with REFUSED: why, for the log. Static. */
GwTransferWay gw_transfer_way (const GwTransferFacts *facts, const char **reason);
