#include "signaling/core/multipart.h"

#include <string.h>

/* RFC 2046 5.1.1 */
#define MAX_BOUNDARY 70

typedef struct
{
  const char *at, *end;
} Span;

static gboolean
copy_boundary (const char *given, char out[MAX_BOUNDARY + 3])
{
  gsize length = strlen (given);

  if (length >= 2 && given[0] == '"' && given[length - 1] == '"')
    {
      given++;
      length -= 2;
    }
  if (length == 0 || length > MAX_BOUNDARY || given[length - 1] == ' ' || memchr (given, '"', length) != NULL)
    return FALSE;
  memcpy (out, "--", 2);
  memcpy (out + 2, given, length);
  out[2 + length] = '\0';
  return TRUE;
}

/* The next line of @rest, without its end; lines may end in LF alone. */
static gboolean
take_line (Span *rest, Span *line)
{
  const char *lf;

  if (rest->at >= rest->end)
    return FALSE;
  lf = memchr (rest->at, '\n', (gsize)(rest->end - rest->at));
  line->at = rest->at;
  line->end = lf != NULL ? lf : rest->end;
  rest->at = lf != NULL ? lf + 1 : rest->end;
  if (line->end > line->at && line->end[-1] == '\r')
    line->end--;
  return TRUE;
}

/* Whether @line is a delimiter; *@is_last: the one that closes. */
static gboolean
is_delimiter (const Span *line, const char *dashed, gboolean *is_last)
{
  gsize length = strlen (dashed);
  const char *end = line->end;

  while (end > line->at && (end[-1] == ' ' || end[-1] == '\t'))
    end--;
  if ((gsize)(end - line->at) < length || memcmp (line->at, dashed, length) != 0)
    return FALSE;
  *is_last = (gsize)(end - line->at) == length + 2 && end[-1] == '-' && end[-2] == '-';
  return *is_last || (gsize)(end - line->at) == length;
}

/* What stands before the next delimiter, without the line end that belongs to that one. Takes the delimiter,
 * too. */
static gboolean
take_part (Span *rest, const char *dashed, Span *part, gboolean *is_last)
{
  Span line;

  part->at = rest->at;
  while (take_line (rest, &line))
    if (is_delimiter (&line, dashed, is_last))
      {
        part->end = line.at;
        if (part->end > part->at && part->end[-1] == '\n')
          part->end--;
        if (part->end > part->at && part->end[-1] == '\r')
          part->end--;
        return TRUE;
      }
  return FALSE;
}

/* The value of @line when it is the header @name, else NULL. */
static char *
value_of (const Span *line, const char *name)
{
  gsize length = strlen (name);
  const char *at = line->at + length;

  if ((gsize)(line->end - line->at) <= length || g_ascii_strncasecmp (line->at, name, length) != 0)
    return NULL;
  while (at < line->end && (*at == ' ' || *at == '\t'))
    at++;
  if (at == line->end || *at != ':')
    return NULL;
  char *value = g_strndup (at + 1, (gsize)(line->end - at - 1));
  return g_strstrip (value);
}

static gboolean
is_type (const char *value, const char *type)
{
  gsize length = strlen (type);

  return g_ascii_strncasecmp (value, type, length) == 0
         && (value[length] == '\0' || value[length] == ';' || g_ascii_isspace (value[length]));
}

static gboolean
is_required (const char *disposition)
{
  g_auto (GStrv) words = g_strsplit (disposition, ";", 16);

  for (guint i = 1; words[0] != NULL && words[i] != NULL; i++)
    {
      g_auto (GStrv) pair = g_strsplit (words[i], "=", 2);
      if (pair[0] != NULL && pair[1] != NULL && g_ascii_strcasecmp (g_strstrip (pair[0]), "handling") == 0
          && g_ascii_strcasecmp (g_strstrip (pair[1]), "required") == 0)
        return TRUE;
    }
  return FALSE;
}

/* Takes the headers of @part and the blank line off it. A part that names no type is text (RFC 2046 5.1). */
static gboolean
take_headers (Span *part, const char *type, gboolean *must)
{
  gboolean is_it = FALSE;
  Span line;

  *must = FALSE;
  while (take_line (part, &line))
    {
      if (line.at == line.end)
        return is_it;
      g_autofree char *content_type = value_of (&line, "Content-Type");
      g_autofree char *disposition = value_of (&line, "Content-Disposition");
      g_autofree char *encoding = value_of (&line, "Content-Transfer-Encoding");

      if (content_type != NULL)
        is_it = is_type (content_type, type);
      if (disposition != NULL)
        *must = is_required (disposition);
      if (encoding != NULL && g_ascii_strcasecmp (encoding, "binary") != 0
          && g_ascii_strcasecmp (encoding, "8bit") != 0 && g_ascii_strcasecmp (encoding, "7bit") != 0)
        return FALSE;
    }
  return FALSE;
}

gboolean
sig_multipart_find (const char *body, gsize length, const char *boundary, const char *type, const char **part,
                    gsize *part_length)
{
  char dashed[MAX_BOUNDARY + 3];
  Span rest = { body, body + length }, one;
  gboolean is_last = FALSE, found = FALSE;

  if (!copy_boundary (boundary, dashed) || !take_part (&rest, dashed, &one, &is_last)) /* the preamble */
    return FALSE;
  for (guint n = 0; !is_last && take_part (&rest, dashed, &one, &is_last); n++)
    {
      gboolean must;

      if (n == SIG_MULTIPART_MAX_PARTS)
        return FALSE;
      if (!take_headers (&one, type, &must))
        {
          if (must)
            return FALSE;
        }
      else if (!found)
        {
          found = TRUE;
          *part = one.at;
          *part_length = (gsize)(one.end - one.at);
        }
    }
  return found && is_last;
}
