#include "signaling/core/identity.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ELEMENTS 32 /* of one kind of header */

/* ---- text ---- */

static const char *
skip_space (const char *at)
{
  while (*at == ' ' || *at == '\t')
    at++;
  return at;
}

/* What a header, a log or an attribute can bear. */
static char *
clean (char *text)
{
  char *valid = g_utf8_make_valid (text, -1);

  for (char *c = valid; *c != '\0'; c++)
    if ((guchar)*c < ' ' || *c == 0x7f)
      *c = ' ';
  g_free (text);
  return g_strstrip (valid);
}

static char *
unescape (const char *text, gsize length)
{
  GString *out = g_string_sized_new (length);

  for (gsize i = 0; i < length; i++)
    if (text[i] == '%' && i + 2 < length && g_ascii_isxdigit (text[i + 1]) && g_ascii_isxdigit (text[i + 2])
        && (text[i + 1] != '0' || text[i + 2] != '0'))
      {
        g_string_append_c (
            out, (char)(g_ascii_xdigit_value (text[i + 1]) << 4 | g_ascii_xdigit_value (text[i + 2])));
        i += 2;
      }
    else
      g_string_append_c (out, text[i]);
  return clean (g_string_free (out, FALSE));
}

char *
sig_plain_number (const char *number)
{
  const char *digits = *number == '+' ? number + 1 : number;
  GString *out;

  if (*digits == '\0' || strspn (digits, "0123456789ABCDabcd*#-.()") != strlen (digits)
      || strpbrk (digits, "0123456789") == NULL)
    return g_strdup (number);
  out = g_string_new (NULL);
  for (const char *c = number; *c != '\0'; c++)
    if (strchr ("-.()", *c) == NULL)
      g_string_append_c (out, *c);
  return g_string_free (out, FALSE);
}

/* ---- one address ---- */

/* Past the closing quote of the string that begins at @at; NULL: there is none. @out: (nullable) */
static const char *
take_quoted (const char *at, GString *out)
{
  for (at++; *at != '"'; at++)
    {
      if (*at == '\\' && at[1] != '\0')
        at++;
      if (*at == '\0')
        return NULL;
      if (out != NULL)
        g_string_append_c (out, *at);
    }
  return at + 1;
}

/* The end of parameters: a comma, or the end of the text, outside of quotes. NULL: malformed. */
static const char *
skip_parameters (const char *at)
{
  while (*at != '\0' && *at != ',')
    {
      at = *at == '"' ? take_quoted (at, NULL) : at + 1;
      if (at == NULL)
        return NULL;
    }
  return at;
}

static void
take_sip (SigIdentity *out, const char *rest, gsize length)
{
  const char *end = rest + length;
  const char *at = memchr (rest, '@', length);
  const char *host = at != NULL ? at + 1 : rest;
  gsize host_length;

  if (at != NULL)
    {
      gsize user_length = 0;

      while (rest + user_length < at && strchr (";:", rest[user_length]) == NULL)
        user_length++;
      out->user = unescape (rest, user_length);
    }
  if (host < end && *host == '[')
    {
      const char *bracket = memchr (host, ']', (gsize)(end - host));

      host++;
      host_length = bracket != NULL ? (gsize)(bracket - host) : 0;
    }
  else
    for (host_length = 0; host + host_length < end && strchr (":;?", host[host_length]) == NULL;)
      host_length++;
  out->host = clean (g_strndup (host, host_length));
}

static void
take_tel (SigIdentity *out, const char *rest, gsize length)
{
  gsize number = 0;

  while (number < length && strchr (";?", rest[number]) == NULL)
    number++;
  out->user = unescape (rest, number);
  out->is_tel = TRUE;
}

static gboolean
take_uri (SigIdentity *out, const char *uri, gsize length)
{
  static const char *const schemes[] = { "sip:", "sips:", "tel:" };

  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    {
      gsize size = strlen (schemes[i]);
      g_autofree char *raw = NULL;

      if (length < size || g_ascii_strncasecmp (uri, schemes[i], size) != 0)
        continue;
      if (i < 2)
        take_sip (out, uri + size, length - size);
      else
        take_tel (out, uri + size, length - size);
      raw = out->user != NULL ? out->user : g_strdup ("");
      out->user = sig_plain_number (raw);
      if (out->host == NULL)
        out->host = g_strdup ("");
      return out->user[0] != '\0' || out->host[0] != '\0';
    }
  return FALSE;
}

/* Display name and where the URI begins and ends. Returns: behind the address; NULL: malformed. */
static const char *
take_address (const char *at, GString *display, const char **uri, gsize *length)
{
  const char *open;

  if (*at == '"')
    at = take_quoted (at, display);
  if (at == NULL)
    return NULL;
  at = skip_space (at);
  open = at + strcspn (at, "<,;\"");
  if (*open == '<')
    {
      const char *close = strchr (open, '>');

      if (close == NULL)
        return NULL;
      if (display->len == 0)
        g_string_append_len (display, at, open - at);
      *uri = skip_space (open + 1);
      *length = (gsize)(close - *uri);
      return close + 1;
    }
  *uri = at; /* addr-spec: what follows a semicolon is of the header */
  *length = strcspn (at, ";, \t");
  return *length > 0 ? at + *length : NULL;
}

const char *
sig_name_addr_parse (const char *text, SigIdentity *out, char **parameters)
{
  g_autoptr (GString) display = g_string_new (NULL);
  const char *uri = NULL, *after, *end;
  gsize length = 0;

  memset (out, 0, sizeof *out);
  if (parameters != NULL)
    *parameters = NULL;
  after = take_address (skip_space (text), display, &uri, &length);
  end = after != NULL ? skip_parameters (after) : NULL;
  if (end == NULL || !take_uri (out, uri, length))
    {
      sig_identity_clear (out);
      return NULL;
    }
  out->display = clean (g_strdup (display->str));
  if (parameters != NULL)
    {
      /* those of the URI too: History-Info has its cause there */
      g_autofree char *of_uri = g_strndup (uri, length), *of_header = g_strndup (after, (gsize)(end - after));

      *parameters = g_strconcat (of_header, " ", of_uri + strcspn (of_uri, ";?"), NULL);
    }
  return *end == ',' ? skip_space (end + 1) : end;
}

void
sig_identity_clear (SigIdentity *identity)
{
  g_clear_pointer (&identity->display, g_free);
  g_clear_pointer (&identity->user, g_free);
  g_clear_pointer (&identity->host, g_free);
  identity->is_tel = FALSE;
}

char *
sig_name_addr_write (const char *display, const char *uri)
{
  GString *out = g_string_new (NULL);
  g_autofree char *text = clean (g_strdup (display != NULL ? display : ""));

  if (text[0] != '\0')
    {
      g_string_append_c (out, '"');
      for (const char *c = text; *c != '\0'; c++)
        {
          if (*c == '"' || *c == '\\')
            g_string_append_c (out, '\\');
          g_string_append_c (out, *c);
        }
      g_string_append (out, "\" ");
    }
  g_string_append_printf (out, "<%s>", uri);
  return g_string_free (out, FALSE);
}

/* ---- parameters ---- */

/* Returns: (transfer full) (nullable): the value of @name in `;a=b;c="d"`. */
static char *
parameter (const char *text, const char *name)
{
  gsize size = strlen (name);

  for (const char *at = strchr (text, ';'); at != NULL; at = strchr (at, ';'))
    {
      at = skip_space (at + 1);
      if (g_ascii_strncasecmp (at, name, size) != 0)
        continue;
      const char *value = skip_space (at + size);
      if (*value != '=')
        continue;
      value = skip_space (value + 1);
      if (*value == '"')
        {
          GString *out = g_string_new (NULL);
          if (take_quoted (value, out) != NULL)
            return clean (g_string_free (out, FALSE));
          g_string_free (out, TRUE);
          return NULL;
        }
      return clean (g_strndup (value, strcspn (value, ";?, \t>")));
    }
  return NULL;
}

/* ---- what the headers say together ---- */

static gboolean
is_number (const SigIdentity *identity)
{
  return identity->is_tel || identity->user[0] == '+' || g_ascii_isdigit (identity->user[0]);
}

static void
keep (SigIdentity *kept, gboolean *has, SigIdentity *found)
{
  sig_identity_clear (kept);
  *kept = *found;
  memset (found, 0, sizeof *found);
  *has = TRUE;
}

/* One sip: and one tel: may be there (RFC 3325 9.1): the one that is a number. */
static void
read_asserted (const char *value, SigIdentities *out)
{
  guint n = 0;

  for (const char *at = value; at != NULL && *at != '\0' && n < MAX_ELEMENTS; n++)
    {
      g_auto (SigIdentity) found = { 0 };

      at = sig_name_addr_parse (at, &found, NULL);
      if (at == NULL || found.user[0] == '\0')
        continue;
      if (!out->has_asserted || (!is_number (&out->asserted) && is_number (&found)))
        keep (&out->asserted, &out->has_asserted, &found);
    }
}

static gboolean
hides (const char *privacy)
{
  return privacy != NULL
         && (g_ascii_strcasecmp (privacy, "full") == 0 || g_ascii_strcasecmp (privacy, "uri") == 0);
}

static void
read_remote_party (const char *value, SigIdentities *out)
{
  guint n = 0;

  for (const char *at = value; at != NULL && *at != '\0' && n < MAX_ELEMENTS; n++)
    {
      g_auto (SigIdentity) found = { 0 };
      g_autofree char *parameters = NULL, *party = NULL, *privacy = NULL;

      at = sig_name_addr_parse (at, &found, &parameters);
      if (at == NULL)
        return;
      party = parameter (parameters, "party");
      privacy = parameter (parameters, "privacy");
      if (party != NULL && g_ascii_strcasecmp (party, "calling") != 0)
        continue;
      out->is_private |= hides (privacy);
      if (!out->has_asserted && found.user[0] != '\0')
        keep (&out->asserted, &out->has_asserted, &found);
    }
}

/* RFC 3323 4.2, RFC 3325 9.3: values between semicolons, in the field also between commas. */
static void
read_privacy (const char *value, SigIdentities *out)
{
  g_auto (GStrv) words = g_strsplit_set (value, ";, ", MAX_ELEMENTS);

  for (char **word = words; *word != NULL; word++)
    if (g_ascii_strcasecmp (*word, "id") == 0 || g_ascii_strcasecmp (*word, "user") == 0
        || g_ascii_strcasecmp (*word, "header") == 0 || g_ascii_strcasecmp (*word, "full") == 0)
      out->is_private = TRUE;
}

/* The first one is the latest (RFC 5806 6). */
static void
read_diversion (const char *value, SigIdentities *out)
{
  g_auto (SigIdentity) found = { 0 };
  g_autofree char *parameters = NULL, *privacy = NULL;

  if (out->has_diverter || sig_name_addr_parse (value, &found, &parameters) == NULL)
    return;
  privacy = parameter (parameters, "privacy");
  out->is_diverter_private = hides (privacy);
  g_free (out->diversion_reason);
  out->diversion_reason = parameter (parameters, "reason");
  keep (&out->diverter, &out->has_diverter, &found);
}

/* RFC 4458: the cause of a URI that a call was sent on to. */
static const char *
reason_of (long cause)
{
  switch (cause)
    {
    case 302:
      return "unconditional";
    case 404:
    case 503:
      return "unavailable";
    case 408:
      return "no-answer";
    case 480:
    case 487:
      return "deflection";
    case 486:
      return "user-busy";
    default:
      return NULL;
    }
}

/* The entry with a cause is where the call went, the one before it who sent it there. */
static void
read_history (const GString *value, SigIdentities *out)
{
  g_auto (SigIdentity) before = { 0 };
  gboolean has_before = FALSE, is_private = FALSE;
  guint n = 0;

  for (const char *at = value->str; at != NULL && *at != '\0' && n < MAX_ELEMENTS; n++)
    {
      g_auto (SigIdentity) found = { 0 };
      g_autofree char *raw = NULL, *parameters = NULL, *cause = NULL;

      at = sig_name_addr_parse (at, &found, &raw);
      if (at == NULL)
        return;
      parameters = unescape (raw, strlen (raw));
      cause = parameter (parameters, "cause");
      if (has_before && cause != NULL)
        {
          g_free (out->diversion_reason);
          out->diversion_reason = g_strdup (reason_of (strtol (cause, NULL, 10)));
          out->is_diverter_private = is_private;
          keep (&out->diverter, &out->has_diverter, &before);
        }
      is_private = strstr (parameters, "Privacy=history") != NULL;
      keep (&before, &has_before, &found);
    }
}

static gboolean
is_named (const CfgHeader *header, const char *name)
{
  return g_ascii_strcasecmp (header->name, name) == 0;
}

void
sig_identities_read (const CfgHeader *headers, gsize n_headers, SigIdentities *out)
{
  g_autoptr (GString) history = g_string_new (NULL);

  memset (out, 0, sizeof *out);
  for (gsize i = 0; i < n_headers; i++)
    {
      g_autofree char *value = g_strndup (headers[i].value, SIG_IDENTITY_MAX_TEXT);

      if (is_named (&headers[i], "P-Asserted-Identity"))
        read_asserted (value, out);
      else if (is_named (&headers[i], "Privacy"))
        read_privacy (value, out);
      else if (is_named (&headers[i], "Diversion"))
        read_diversion (value, out);
      else if (is_named (&headers[i], "History-Info") && history->len < SIG_IDENTITY_MAX_TEXT)
        g_string_append_printf (history, "%s%s", history->len > 0 ? "," : "", value);
    }
  for (gsize i = 0; i < n_headers; i++)
    {
      g_autofree char *value = g_strndup (headers[i].value, SIG_IDENTITY_MAX_TEXT);

      if (is_named (&headers[i], "Remote-Party-ID"))
        read_remote_party (value, out);
    }
  if (!out->has_diverter)
    read_history (history, out);
}

void
sig_identities_clear (SigIdentities *identities)
{
  sig_identity_clear (&identities->asserted);
  sig_identity_clear (&identities->diverter);
  g_clear_pointer (&identities->diversion_reason, g_free);
  memset (identities, 0, sizeof *identities);
}

gboolean
sig_identity_tells_caller (const char *name)
{
  static const char *const names[] = {
    "From",
    "f",
    "Contact",
    "m",
    "P-Asserted-Identity",
    "P-Preferred-Identity",
    "Remote-Party-ID",
    "Call-Info",
    "Reply-To",
    "Identity",
    "Subject",
    "s",
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_ascii_strcasecmp (names[i], name) == 0)
      return TRUE;
  return FALSE;
}
