/* The order in which calls that are up are listed, and places in it. Pure.
 *
 * The newest first; of one instant by their ids. A place is behind one call, and stays where it is when that
 * call is gone: pages never leave out a call that is up all the time, nor list it twice. */
#pragma once

#include <glib.h>

typedef struct
{
  gint64 created_us;
  const char *id; /* "SCL_..." */
} GwListPlace;

/** gw_list_place_compare: < 0: @a is listed before @b. */
int gw_list_place_compare (const GwListPlace *a, const GwListPlace *b);
/** gw_list_place_text: for page_token. (transfer full) */
char *gw_list_place_text (const GwListPlace *place) G_GNUC_WARN_UNUSED_RESULT;
/** gw_list_place_parse: Returns: FALSE: @text is none; else @place->id points into @text. */
gboolean gw_list_place_parse (const char *text, GwListPlace *place);
