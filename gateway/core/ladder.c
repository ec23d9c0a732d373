#include "gateway/core/ladder.h"

#include <string.h>

#define WIDTH     46
#define MAX_LABEL 40

struct _GwLadder
{
  GString *text;
  CfgWall first;
  gboolean has_first;
  char remote[80], local[64]; /* of the last headline */
};

GwLadder *
gw_ladder_new (void)
{
  GwLadder *ladder = g_new0 (GwLadder, 1);

  ladder->text = g_string_new (NULL);
  return ladder;
}

void
gw_ladder_label (GString *label, const GwTraceMessage *message)
{
  const char *end = memchr (message->text, '\r', message->size);
  gsize size = end != NULL ? (gsize)(end - message->text) : message->size;
  const char *from = message->text, *space = memchr (from, ' ', size);

  if (size > 8 && strncmp (from, "SIP/2.0 ", 8) == 0)
    {
      from += 8;
      size -= 8;
    }
  else if (space != NULL)
    size = (gsize)(space - from);
  for (gsize i = 0; i < MIN (size, MAX_LABEL - 6); i++)
    g_string_append_c (label, g_ascii_isprint (from[i]) ? from[i] : '?');
}

gboolean
gw_ladder_has_sdp (const GwTraceMessage *message)
{
  return g_strstr_len (message->text, (gssize)message->size, "\r\n\r\nv=0") != NULL;
}

static void
headline (GwLadder *ladder, const GwTraceMessage *message)
{
  g_autofree char *remote = g_strdup_printf ("%s %s", message->transport, message->remote);

  if (strcmp (ladder->remote, remote) == 0 && strcmp (ladder->local, message->local) == 0)
    return;
  g_strlcpy (ladder->remote, remote, sizeof ladder->remote);
  g_strlcpy (ladder->local, message->local, sizeof ladder->local);
  int gap = (int)(WIDTH - strlen (remote));
  g_string_append_printf (ladder->text, "%10s  %s%*s%s\n", "", remote, MAX (gap, 2), "", message->local);
}

void
gw_ladder_add (GwLadder *ladder, const GwTraceMessage *message)
{
  g_autoptr (GString) label = g_string_new (NULL);
  double after_s;
  int dashes;

  if (!ladder->has_first)
    ladder->first = message->time;
  ladder->has_first = TRUE;
  headline (ladder, message);
  gw_ladder_label (label, message);
  if (gw_ladder_has_sdp (message))
    g_string_append (label, " (SDP)");
  after_s = (double)(message->time.us - ladder->first.us) / CFG_US_PER_S;
  dashes = WIDTH - 6 - (int)label->len - !message->is_sent; /* for the '>' */
  g_string_append_printf (ladder->text, "%+10.3f  ", after_s);
  if (message->is_sent)
    g_string_append_printf (ladder->text, "|<-- %s ", label->str);
  else
    g_string_append_printf (ladder->text, "|--- %s ", label->str);
  for (; dashes > 0; dashes--)
    g_string_append_c (ladder->text, '-');
  g_string_append (ladder->text, message->is_sent ? "|\n" : ">|\n");
}

char *
gw_ladder_free_to_text (GwLadder *ladder)
{
  char *text = g_string_free (ladder->text, FALSE);

  g_free (ladder);
  return text;
}
