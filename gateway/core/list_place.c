#include "gateway/core/list_place.h"

#include <string.h>

#define PREFIX "up-"

int
gw_list_place_compare (const GwListPlace *a, const GwListPlace *b)
{
  if (a->created_us != b->created_us)
    return a->created_us > b->created_us ? -1 : 1;
  return strcmp (b->id, a->id);
}

char *
gw_list_place_text (const GwListPlace *place)
{
  return g_strdup_printf (PREFIX "%" G_GINT64_FORMAT "-%s", place->created_us, place->id);
}

gboolean
gw_list_place_parse (const char *text, GwListPlace *place)
{
  const char *number = text + strlen (PREFIX);
  char *end = NULL;

  if (!g_str_has_prefix (text, PREFIX) || !g_ascii_isdigit (*number))
    return FALSE;
  place->created_us = g_ascii_strtoll (number, &end, 10);
  place->id = end + 1;
  return *end == '-' && end[1] != '\0';
}
