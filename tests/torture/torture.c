#include "tests/torture/torture.h"

#include <string.h>

typedef struct
{
  TortureMessage public; /* the first member */
  GString *text;         /* as in the file, lines end with LF */
} Message;

static void
message_free (gpointer data)
{
  Message *message = data;

  g_free (message->public.name);
  g_free (message->public.section);
  g_strfreev (message->public.answers);
  g_string_free (message->text, TRUE);
  g_free (message);
}

static Message *
message_new (const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  Message *message = g_new0 (Message, 1);

  if (g_strv_length (words) != 5)
    g_error ("messages.txt: \"%s\" has not five words", line);
  message->public.name = g_strdup (words[1]);
  message->public.section = g_strdup (words[2]);
  message->public.over_udp = strcmp (words[3], "tcp") != 0;
  message->public.over_tcp = strcmp (words[3], "udp") != 0;
  message->public.answers = g_strsplit (words[4], "|", -1);
  message->text = g_string_new (NULL);
  return message;
}

GPtrArray *
torture_load (const char *path)
{
  g_autofree char *file = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *messages = g_ptr_array_new_with_free_func (message_free);
  Message *message = NULL;

  if (!g_file_get_contents (path, &file, NULL, &error))
    g_error ("%s", error->message);
  g_auto (GStrv) lines = g_strsplit (file, "\n", -1);
  for (guint i = 0; lines[i] != NULL && lines[i + 1] != NULL; i++)
    if (g_str_has_prefix (lines[i], "=== "))
      g_ptr_array_add (messages, message = message_new (lines[i]));
    else if (message != NULL && !(message->text->len == 0 && lines[i][0] == '#'))
      g_string_append_printf (message->text, "%s\n", lines[i]);
  g_assert_cmpuint (messages->len, >, 0);
  return messages;
}

/* What stands between the braces of @{...}. */
static void
append_special (GByteArray *out, const char *inner, gboolean is_tcp)
{
  char *end;
  guint64 times = g_ascii_strtoull (inner, &end, 10);

  if (strcmp (inner, "VIA") == 0)
    g_byte_array_append (out, (const guint8 *)(is_tcp ? "TCP" : "UDP"), 3);
  else if (*end == '*')
    for (; times > 0; times--)
      g_byte_array_append (out, (const guint8 *)end + 1, (guint)strlen (end + 1));
  else
    for (const char *c = inner; *c != '\0'; c += c[2] == ' ' ? 3 : 2)
      {
        guint8 octet = (guint8)(g_ascii_xdigit_value (c[0]) << 4 | g_ascii_xdigit_value (c[1]));
        g_assert_true (g_ascii_isxdigit (c[0]) && g_ascii_isxdigit (c[1]));
        g_byte_array_append (out, &octet, 1);
      }
}

GBytes *
torture_bytes (const TortureMessage *message, gboolean is_tcp)
{
  GByteArray *out = g_byte_array_new ();

  for (const char *at = ((const Message *)message)->text->str; *at != '\0'; at++)
    if (at[0] == '@' && at[1] == '{')
      {
        const char *end = strchr (at, '}');
        g_autofree char *inner = g_strndup (at + 2, (gsize)(end - at) - 2);
        append_special (out, inner, is_tcp);
        at = end;
      }
    else if (*at == '\n')
      g_byte_array_append (out, (const guint8 *)"\r\n", 2);
    else
      g_byte_array_append (out, (const guint8 *)at, 1);
  return g_byte_array_free_to_bytes (out);
}

gboolean
torture_expects (const TortureMessage *message, const char *answer)
{
  return g_strv_contains ((const char *const *)message->answers, answer);
}
