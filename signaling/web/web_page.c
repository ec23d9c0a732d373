/* The files of the page, out of the binary. Paths are looked up in a table, so that nothing else of the
 * machine can ever be named. */
#include "signaling/web/web_private.h"

#include <string.h>

#define PREFIX "/switchroom/page/"

/* Made by glib-compile-resources. */
GResource *sig_web_page_get_resource (void);

static const struct
{
  const char *suffix, *content_type;
} types[] = {
  { ".html", "text/html; charset=utf-8" },
  { ".js", "text/javascript; charset=utf-8" },
  { ".css", "text/css; charset=utf-8" },
  { ".svg", "image/svg+xml" },
};

static void
file_free (gpointer data)
{
  SigWebFile *file = data;

  g_bytes_unref (file->bytes);
  g_free (file->etag);
  g_free (file);
}

static SigWebFile *
file_new (GBytes *bytes, const char *name)
{
  SigWebFile *file = g_new0 (SigWebFile, 1);
  g_autofree char *digest = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);

  file->bytes = g_bytes_ref (bytes);
  file->content_type = "application/octet-stream";
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_has_suffix (name, types[i].suffix))
      file->content_type = types[i].content_type;
  file->etag = g_strdup_printf ("\"%.16s\"", digest);
  return file;
}

GHashTable *
sig_web_page_load (void)
{
  GHashTable *page = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, file_free);
  GResource *resource = sig_web_page_get_resource ();
  g_auto (GStrv) names = g_resource_enumerate_children (resource, PREFIX, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autofree char *path = g_strconcat (PREFIX, names[i], NULL);
      g_autoptr (GBytes) bytes = g_resource_lookup_data (resource, path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);

      if (bytes == NULL)
        continue;
      g_hash_table_insert (page, g_strconcat ("/", names[i], NULL), file_new (bytes, names[i]));
      if (strcmp (names[i], "index.html") == 0)
        g_hash_table_insert (page, g_strdup ("/"), file_new (bytes, names[i]));
    }
  return page;
}

const SigWebFile *
sig_web_page_find (SigWeb *web, const char *path)
{
  return g_hash_table_lookup (web->page, path);
}
