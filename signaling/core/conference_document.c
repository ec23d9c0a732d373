#include "signaling/core/conference_document.h"

#include "signaling/core/xml.h"

struct _SigConferenceTold
{
  GHashTable *users; /* char* entity -> guint64* hash of what was told */
  guint count;       /* told last */
};

SigConferenceTold *
sig_conference_told_new (void)
{
  SigConferenceTold *told = g_new0 (SigConferenceTold, 1);

  told->users = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return told;
}

void
sig_conference_told_free (SigConferenceTold *told)
{
  if (told == NULL)
    return;
  g_hash_table_unref (told->users);
  g_free (told);
}

static guint64
hash_of (const char *text)
{
  guint64 hash = G_GUINT64_CONSTANT (14695981039346656037); /* FNV-1a */

  for (; *text != '\0'; text++)
    hash = (hash ^ (guchar)*text) * G_GUINT64_CONSTANT (1099511628211);
  return hash;
}

static void
write_user (GString *out, const SigConferenceUser *user)
{
  g_string_append (out, "<user");
  sig_xml_attribute (out, "entity", user->entity);
  g_string_append (out, " state=\"full\">");
  sig_xml_element (out, "display-text", user->display);
  g_string_append (out, "<endpoint");
  sig_xml_attribute (out, "entity", user->endpoint);
  g_string_append_printf (out, "><status>%s</status><joining-method>%s</joining-method>",
                          user->is_connected ? "connected"
                          : user->was_called ? "dialing-out"
                                             : "dialing-in",
                          user->was_called ? "dialed-out" : "dialed-in");
  if (user->joined_at != NULL)
    {
      g_string_append (out, "<joining-info>");
      sig_xml_element (out, "when", user->joined_at);
      g_string_append (out, "</joining-info>");
    }
  if (user->media_label != NULL)
    {
      g_string_append (out, "<media id=\"1\"><type>audio</type>");
      sig_xml_element (out, "label", user->media_label);
      sig_xml_element (out, "status", user->media_status);
      g_string_append (out, "</media>");
    }
  g_string_append (out, "</endpoint></user>\n");
}

/* Those who are gone: told as deleted, and forgotten. */
static void
write_deleted (GString *out, const SigConference *conference, SigConferenceTold *told)
{
  g_autoptr (GHashTable) present = g_hash_table_new (g_str_hash, g_str_equal);
  GHashTableIter iter;
  gpointer entity;

  for (gsize i = 0; i < conference->n_users; i++)
    g_hash_table_add (present, (gpointer)conference->users[i].entity);
  g_hash_table_iter_init (&iter, told->users);
  while (g_hash_table_iter_next (&iter, &entity, NULL))
    {
      if (g_hash_table_contains (present, entity))
        continue;
      g_string_append (out, "<user");
      sig_xml_attribute (out, "entity", entity);
      g_string_append (out, " state=\"deleted\"/>\n");
      g_hash_table_iter_remove (&iter);
    }
}

/* Returns: FALSE when somebody did not fit. */
static gboolean
write_users (GString *out, const SigConference *conference, SigConferenceTold *told, gsize max_bytes)
{
  gboolean wrote = FALSE, all = TRUE;

  for (gsize i = 0; i < conference->n_users; i++)
    {
      const SigConferenceUser *user = &conference->users[i];
      const guint64 *known = g_hash_table_lookup (told->users, user->entity);
      g_autoptr (GString) text = g_string_new (NULL);
      guint64 hash;

      write_user (text, user);
      hash = hash_of (text->str);
      if (known != NULL && *known == hash)
        continue;
      if (wrote && out->len + text->len > max_bytes)
        {
          all = FALSE;
          continue;
        }
      g_string_append (out, text->str);
      g_hash_table_replace (told->users, g_strdup (user->entity), g_memdup2 (&hash, sizeof hash));
      wrote = TRUE;
    }
  return all;
}

char *
sig_conference_write (const SigConference *conference, SigConferenceTold *told, guint version, gboolean full,
                      gsize max_bytes, gboolean *more)
{
  g_autoptr (GString) users = g_string_new (NULL);
  GString *out;

  if (full)
    g_hash_table_remove_all (told->users);
  write_deleted (users, conference, told);
  *more = !write_users (users, conference, told, max_bytes > 1024 ? max_bytes - 1024 : 0);
  if (!full && users->len == 0 && told->count == conference->n_users)
    return NULL;
  told->count = (guint)conference->n_users;

  out = g_string_new (SIG_XML_HEAD "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\"");
  sig_xml_attribute (out, "entity", conference->entity);
  g_string_append_printf (out, " state=\"%s\" version=\"%u\">\n", full ? "full" : "partial", version);
  if (full)
    {
      g_string_append (out, "<conference-description>");
      sig_xml_element (out, "display-text", conference->name);
      if (conference->max_users > 0)
        g_string_append_printf (out, "<maximum-user-count>%u</maximum-user-count>", conference->max_users);
      g_string_append (out, "</conference-description>\n");
    }
  g_string_append_printf (
      out, "<conference-state><user-count>%u</user-count><active>%s</active></conference-state>\n",
      told->count, told->count > 0 ? "true" : "false");
  g_string_append_printf (out, "<users%s>\n%s</users>\n</conference-info>\n",
                          full ? "" : " state=\"partial\"", users->str);
  return g_string_free (out, FALSE);
}
