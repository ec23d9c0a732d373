#include "media/transport_private.h"

void
media_transport_free (MediaTransport *transport)
{
  transport->class->free (transport);
}

gboolean
media_transport_is_rtc (const MediaTransport *transport)
{
  return transport->class->restart_ice != NULL;
}

gboolean
media_transport_attach (MediaTransport *transport, MediaPump *pump)
{
  return transport->class->attach (transport, pump);
}

void
media_transport_detach (MediaTransport *transport)
{
  transport->class->detach (transport);
}

void
media_transport_configure (MediaTransport *transport, const MediaPlan *plan)
{
  if (transport->class->configure != NULL)
    transport->class->configure (transport, plan);
}

void
media_transport_add_candidate (MediaTransport *transport, const char *candidate)
{
  if (transport->class->add_candidate != NULL)
    transport->class->add_candidate (transport, candidate);
}

void
media_transport_restart_ice (MediaTransport *transport, const char *remote_ufrag, const char *remote_pwd)
{
  if (transport->class->restart_ice != NULL)
    transport->class->restart_ice (transport, remote_ufrag, remote_pwd);
}

CfgMonotonic
media_transport_arrival (const MediaTransport *transport, CfgMonotonic now)
{
  return transport->class->arrival (transport, now);
}

void
media_transport_expect_send (const MediaTransport *transport, MediaTrail *trail)
{
  transport->class->expect_send (transport, trail);
}

gboolean
media_transport_send_rtp (MediaTransport *transport, guint8 *packet, gsize length)
{
  return transport->class->send_rtp (transport, packet, length);
}

gboolean
media_transport_send_rtcp (MediaTransport *transport, guint8 *packet, gsize length)
{
  return transport->class->send_rtcp (transport, packet, length);
}

void
media_transport_forget_ssrc (MediaTransport *transport, guint32 ssrc)
{
  if (transport->class->forget_ssrc != NULL)
    transport->class->forget_ssrc (transport, ssrc);
}

void
media_transport_get_stats (const MediaTransport *transport, MediaLegStats *stats)
{
  stats->strangers = transport->strangers;
  transport->class->get_stats (transport, stats);
}

void
media_transport_export (const MediaTransport *transport, MediaLegState *state)
{
  transport->class->export(transport, state);
}

void
media_transport_import (MediaTransport *transport, const MediaLegState *state)
{
  if (transport->class->import != NULL)
    transport->class->import (transport, state);
}
