#include "config/base/words.h"

#include <string.h>

guint
cfg_edit_distance (const char *a, const char *b)
{
  guint row[64];
  gsize n = strlen (b);

  if (n >= G_N_ELEMENTS (row))
    return G_MAXUINT;
  for (guint j = 0; j <= n; j++)
    row[j] = j;
  for (guint i = 1; *a != '\0'; a++, i++)
    {
      guint diagonal = row[0];

      row[0] = i;
      for (guint j = 1; j <= n; j++)
        {
          guint replaced = diagonal + (*a != b[j - 1]);

          diagonal = row[j];
          row[j] = MIN (replaced, MIN (row[j], row[j - 1]) + 1);
        }
    }
  return row[n];
}
