#include "signaling/core/sip_framing.h"

#include <string.h>

#define PING "\r\n\r\n"

enum
{
  BETWEEN,
  HEADERS,
  BODY,
};

/* The number in "Content-Length: 12" or "l: 12" (RFC 3261 20.14); FALSE for any other line. */
static gboolean
content_length (const char *line, guint64 *length)
{
  gsize name = strcspn (line, ": \t");
  const char *colon = line + name + strspn (line + name, " \t");
  gboolean is_it = (name == 14 && g_ascii_strncasecmp (line, "Content-Length", 14) == 0)
                   || (name == 1 && g_ascii_tolower (line[0]) == 'l');

  if (!is_it || *colon != ':')
    return FALSE;
  *length = g_ascii_strtoull (colon + 1, NULL, 10);
  return TRUE;
}

static void
end_line (SigSipFraming *framing)
{
  if (framing->n_line == 0)
    framing->state = framing->body > 0 ? BODY : BETWEEN;
  framing->line[framing->n_line] = '\0';
  (void)content_length (framing->line, &framing->body);
  framing->n_line = 0;
}

static void
feed_header (SigSipFraming *framing, char octet)
{
  if (octet == '\n')
    end_line (framing);
  else if (octet != '\r' && framing->n_line + 1 < sizeof framing->line)
    framing->line[framing->n_line++] = octet;
}

/* Returns: TRUE at the last octet of a ping. */
static gboolean
feed_between (SigSipFraming *framing, char octet)
{
  if (octet == '\r' || octet == '\n')
    {
      framing->ping = octet == PING[framing->ping] ? framing->ping + 1 : octet == '\r';
      if (framing->ping < strlen (PING))
        return FALSE;
      framing->ping = 0;
      return TRUE;
    }
  framing->ping = 0;
  framing->state = HEADERS;
  framing->body = 0;
  framing->n_line = 0;
  feed_header (framing, octet);
  return FALSE;
}

SigSipKeepalive
sig_sip_framing_feed (SigSipFraming *framing, const char *bytes, gsize n, guint *n_pings)
{
  *n_pings = 0;
  if (framing->state == BETWEEN && n == 4 && memcmp (bytes, PING, 4) == 0)
    {
      framing->ping = 0;
      return SIG_SIP_PING;
    }
  if (framing->state == BETWEEN && n == 2 && memcmp (bytes, "\r\n", 2) == 0)
    {
      framing->ping = 0;
      return SIG_SIP_PONG;
    }
  while (n > 0)
    {
      gsize step = 1;

      if (framing->state == BODY)
        {
          step = (gsize)MIN (framing->body, n);
          framing->body -= step;
          framing->state = framing->body > 0 ? BODY : BETWEEN;
        }
      else if (framing->state == HEADERS)
        feed_header (framing, *bytes);
      else if (feed_between (framing, *bytes))
        ++*n_pings;
      bytes += step;
      n -= step;
    }
  return SIG_SIP_NO_KEEPALIVE;
}
