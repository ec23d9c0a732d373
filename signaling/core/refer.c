#include "signaling/core/refer.h"

#include "config/base/error.h"

#include <arpa/inet.h>
#include <string.h>

#define MAX_TAG     256
#define MAX_CALL_ID 256
#define MAX_USER    128
#define MAX_HOST    253

static gboolean
invalid (GError **error, const char *text)
{
  g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, text);
  return FALSE;
}

static const char *
skip_space (const char *at)
{
  while (*at == ' ' || *at == '\t')
    at++;
  return at;
}

static gboolean
is_token_char (char c)
{
  return g_ascii_isalnum (c) || (c != '\0' && strchr ("-.!%*_+`'~", c) != NULL);
}

/* "word" of RFC 3261 25.1, of which a Call-ID is made. */
static gboolean
is_word_char (char c)
{
  return is_token_char (c) || (c != '\0' && strchr ("()<>:\\\"/[]?{}", c) != NULL);
}

static gsize
token_length (const char *at)
{
  gsize length = 0;

  while (is_token_char (at[length]))
    length++;
  return length;
}

/* Past the closing quote; NULL when there is none. */
static const char *
skip_quoted (const char *at)
{
  for (at++; *at != '"'; at++)
    {
      if (*at == '\\')
        at++;
      if (*at == '\0' || ((guchar)*at < ' ' && *at != '\t'))
        return NULL;
    }
  return at + 1;
}

/* ---- parameters: *( ; token [ = token / host / quoted-string ] ) ---- */

typedef struct
{
  const char *name, *value;
  gsize name_length, value_length; /* value_length 0: no value */
} Parameter;

/* Returns: 1 with the next parameter, 0 at the end of the text, -1 when it is malformed. */
static int
next_parameter (const char **cursor, Parameter *parameter)
{
  const char *at = skip_space (*cursor);

  memset (parameter, 0, sizeof *parameter);
  if (*at == '\0')
    return 0;
  if (*at != ';')
    return -1;
  at = skip_space (at + 1);
  parameter->name = at;
  parameter->name_length = token_length (at);
  at = skip_space (at + parameter->name_length);
  if (parameter->name_length == 0)
    return -1;
  if (*at == '=')
    {
      const char *end;

      at = skip_space (at + 1);
      if (*at == '"')
        end = skip_quoted (at);
      else
        for (end = at; is_token_char (*end) || (*end != '\0' && strchr ("[]:", *end) != NULL); end++)
          ;
      if (end == NULL || end == at)
        return -1;
      parameter->value = at;
      parameter->value_length = (gsize)(end - at);
      at = end;
    }
  *cursor = at;
  return 1;
}

static gboolean
is_named (const Parameter *parameter, const char *name)
{
  return strlen (name) == parameter->name_length
         && g_ascii_strncasecmp (parameter->name, name, parameter->name_length) == 0;
}

/* A tag: a token, once. */
static gboolean
take_tag (const Parameter *parameter, char **tag)
{
  if (*tag != NULL || parameter->value_length == 0 || parameter->value_length > MAX_TAG
      || token_length (parameter->value) != parameter->value_length)
    return FALSE;
  *tag = g_strndup (parameter->value, parameter->value_length);
  return TRUE;
}

static gsize
call_id_length (const char *text)
{
  gsize length = 0, after;

  while (is_word_char (text[length]))
    length++;
  if (length == 0 || text[length] != '@')
    return length;
  for (after = length + 1; is_word_char (text[after]);)
    after++;
  return after > length + 1 ? after : 0;
}

static gboolean
parse_dialog (const char *text, const char *local, const char *remote, SigReplaces *result, GError **error)
{
  gsize length;
  Parameter parameter;
  int more;

  memset (result, 0, sizeof *result);
  if (text == NULL || strlen (text) > SIG_REFER_MAX_TEXT)
    return invalid (error, "the name of the dialog is missing or too long");
  text = skip_space (text);
  length = call_id_length (text);
  if (length == 0 || length > MAX_CALL_ID)
    return invalid (error, "the name of the dialog begins with no Call-ID");
  result->call_id = g_strndup (text, length);
  text += length;
  while ((more = next_parameter (&text, &parameter)) > 0)
    {
      if ((is_named (&parameter, local) && !take_tag (&parameter, &result->to_tag))
          || (is_named (&parameter, remote) && !take_tag (&parameter, &result->from_tag)))
        more = -1;
      else if (is_named (&parameter, "early-only"))
        result->early_only = TRUE;
      if (more < 0)
        break;
    }
  if (more < 0)
    return invalid (error, "the parameters of the dialog's name are malformed");
  if (result->to_tag == NULL || result->from_tag == NULL)
    return invalid (error, "the name of the dialog lacks a tag");
  return TRUE;
}

gboolean
sig_replaces_parse (const char *text, SigReplaces *result, GError **error)
{
  return parse_dialog (text, "to-tag", "from-tag", result, error);
}

gboolean
sig_target_dialog_parse (const char *text, SigReplaces *result, GError **error)
{
  return parse_dialog (text, "local-tag", "remote-tag", result, error);
}

char *
sig_replaces_write (const SigReplaces *replaces)
{
  return g_strdup_printf ("%s;to-tag=%s;from-tag=%s%s", replaces->call_id, replaces->to_tag,
                          replaces->from_tag, replaces->early_only ? ";early-only" : "");
}

void
sig_replaces_clear (SigReplaces *replaces)
{
  g_clear_pointer (&replaces->call_id, g_free);
  g_clear_pointer (&replaces->to_tag, g_free);
  g_clear_pointer (&replaces->from_tag, g_free);
  replaces->early_only = FALSE;
}

/* ---- name-addr and addr-spec ---- */

/* Returns: (transfer full) (nullable): the URI of "Ann" <uri>;parameters or uri;parameters. */
static char *
addr_uri (const char *text)
{
  const char *at = skip_space (text), *end, *rest;
  Parameter parameter;
  int more;

  if (*at == '"')
    {
      at = skip_quoted (at);
      if (at == NULL || *(at = skip_space (at)) != '<')
        return NULL;
    }
  else if (strchr (at, '<') != NULL)
    for (; *at != '<'; at++)
      if (!is_token_char (*at) && *at != ' ' && *at != '\t')
        return NULL;
  if (*at == '<')
    {
      end = strchr (++at, '>');
      if (end == NULL)
        return NULL;
      rest = end + 1;
    }
  else
    rest = end = at + strcspn (at, "; \t");
  g_autofree char *uri = g_strndup (at, (gsize)(end - at));
  while ((more = next_parameter (&rest, &parameter)) > 0)
    ;
  return more == 0 && *uri != '\0' ? g_steal_pointer (&uri) : NULL;
}

static gboolean
has_uri_characters (const char *uri)
{
  for (const char *c = uri; *c != '\0'; c++)
    if ((guchar)*c <= ' ' || (guchar)*c >= 0x7f || strchr ("<>\"\\^`{|}", *c) != NULL)
      return FALSE;
  return TRUE;
}

/* RFC 3986 2.1; what is hidden must be text: no NUL, no line end, UTF-8. (transfer full) (nullable) */
static char *
unescape (const char *text, gsize length)
{
  g_autoptr (GString) out = g_string_sized_new (length);

  for (gsize i = 0; i < length; i++)
    {
      char c = text[i];
      if (c == '%')
        {
          if (i + 2 >= length || !g_ascii_isxdigit (text[i + 1]) || !g_ascii_isxdigit (text[i + 2]))
            return NULL;
          c = (char)(g_ascii_xdigit_value (text[i + 1]) * 16 + g_ascii_xdigit_value (text[i + 2]));
          i += 2;
        }
      if ((guchar)c < ' ' || c == 0x7f)
        return NULL;
      g_string_append_c (out, c);
    }
  if (!g_utf8_validate (out->str, (gssize)out->len, NULL))
    return NULL;
  return g_strdup (out->str);
}

static gboolean
take_header (SigReferTo *refer, const char *text, gsize length, GError **error)
{
  const char *equals = memchr (text, '=', length);

  if (equals == NULL || equals == text)
    return invalid (error, "the headers of the address are malformed");
  g_autofree char *name = unescape (text, (gsize)(equals - text));
  g_autofree char *value = unescape (equals + 1, length - (gsize)(equals + 1 - text));
  if (name == NULL || value == NULL || token_length (name) != strlen (name))
    return invalid (error, "a header in the address is malformed");
  if (g_ascii_strcasecmp (name, "Replaces") == 0)
    {
      if (refer->has_replaces)
        return invalid (error, "the address has Replaces twice");
      refer->has_replaces = TRUE;
      return sig_replaces_parse (value, &refer->replaces, error);
    }
  if (refer->n_headers == SIG_REFER_MAX_HEADERS)
    return invalid (error, "the address has too many headers");
  refer->headers[refer->n_headers++]
      = (SigReferHeader){ .name = g_steal_pointer (&name), .value = g_steal_pointer (&value) };
  return TRUE;
}

static gboolean
take_headers (SigReferTo *refer, const char *text, GError **error)
{
  for (;;)
    {
      gsize length = strcspn (text, "&");
      if (!take_header (refer, text, length, error))
        return FALSE;
      if (text[length] == '\0')
        return TRUE;
      text += length + 1;
    }
}

static gboolean
is_host (const char *host, gsize length)
{
  char address[INET6_ADDRSTRLEN];
  struct in6_addr in6;

  if (length == 0 || length > MAX_HOST)
    return FALSE;
  if (*host == '[')
    {
      if (host[length - 1] != ']' || length < 3 || length - 2 >= sizeof address)
        return FALSE;
      memcpy (address, host + 1, length - 2);
      address[length - 2] = '\0';
      return inet_pton (AF_INET6, address, &in6) == 1;
    }
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (host[i]) && strchr ("-._", host[i]) == NULL)
      return FALSE;
  return *host != '.' && *host != '-';
}

static gboolean
take_user (SigReferTo *refer, const char *text, gsize length)
{
  const char *colon = memchr (text, ':', length);
  const char *parameters = memchr (text, ';', length);

  if (colon != NULL && (parameters == NULL || colon < parameters)) /* a password */
    return FALSE;
  refer->user = unescape (text, parameters != NULL ? (gsize)(parameters - text) : length);
  return refer->user != NULL && *refer->user != '\0' && strlen (refer->user) <= MAX_USER;
}

static gboolean
take_host (SigReferTo *refer, const char *text, gsize length)
{
  const char *from = *text == '[' ? memchr (text, ']', length) : text;
  const char *colon = from != NULL ? memchr (from, ':', length - (gsize)(from - text)) : NULL;
  gsize host_length = colon != NULL ? (gsize)(colon - text) : length;

  if (!is_host (text, host_length))
    return FALSE;
  if (colon != NULL)
    {
      g_autofree char *port = g_strndup (colon + 1, length - host_length - 1);
      guint64 number;
      if (!g_ascii_string_to_unsigned (port, 10, 1, 65535, &number, NULL))
        return FALSE;
      refer->port = (guint16)number;
    }
  refer->host = *text == '[' ? g_strndup (text + 1, host_length - 2) : g_strndup (text, host_length);
  return TRUE;
}

/* ";a;method=INVITE;b": @method is taken out. FALSE: malformed. */
static gboolean
take_uri_parameters (SigReferTo *refer, const char *text, GString *uri)
{
  g_auto (GStrv) words = g_strsplit (text, ";", 32);

  for (guint i = 1; words[0] != NULL && words[i] != NULL; i++)
    {
      gsize name = strcspn (words[i], "=");
      if (name == 0)
        return FALSE;
      if (name == strlen ("method") && g_ascii_strncasecmp (words[i], "method=", 7) == 0)
        {
          const char *value = words[i] + 7;
          if (refer->method != NULL || *value == '\0' || token_length (value) != strlen (value))
            return FALSE;
          refer->method = g_ascii_strup (value, -1);
        }
      else
        g_string_append_printf (uri, ";%s", words[i]);
    }
  return TRUE;
}

static gboolean
take_sip (SigReferTo *refer, const char *uri, gsize scheme_length, GError **error)
{
  const char *start = uri + scheme_length + 1;
  const char *at = strchr (start, '@');
  const char *host = at != NULL ? at + 1 : start;
  gsize host_length = strcspn (host, ";");
  g_autoptr (GString) out = g_string_new (NULL);

  if ((at != NULL && !take_user (refer, start, (gsize)(at - start))) || strchr (host, '@') != NULL)
    return invalid (error, "the user part of the address is malformed");
  if (!take_host (refer, host, host_length))
    return invalid (error, "the host part of the address is malformed");
  g_string_append_len (out, uri, (gssize)((gsize)(host - uri) + host_length));
  if (!take_uri_parameters (refer, host + host_length, out))
    return invalid (error, "the parameters of the address are malformed");
  refer->uri = g_strdup (out->str);
  return TRUE;
}

/* RFC 3966: digits and visual separators; the user is the digits, with + where there is one. */
static gboolean
take_tel (SigReferTo *refer, const char *uri, GError **error)
{
  const char *number = uri + strlen ("tel:");
  gsize length = strcspn (number, ";");
  g_autoptr (GString) digits = g_string_new (NULL);

  for (gsize i = 0; i < length; i++)
    if (g_ascii_isxdigit (number[i]) || strchr ("*#", number[i]) != NULL || (number[i] == '+' && i == 0))
      g_string_append_c (digits, number[i]);
    else if (strchr ("-.()", number[i]) == NULL)
      return invalid (error, "the telephone number is malformed");
  if (digits->len == 0 || digits->len > MAX_USER || g_strcmp0 (digits->str, "+") == 0)
    return invalid (error, "the telephone number is empty or too long");
  refer->is_tel = TRUE;
  refer->user = g_strdup (digits->str);
  refer->host = g_strdup ("");
  refer->uri = g_strdup (uri);
  return TRUE;
}

static gboolean
take_uri (SigReferTo *refer, char *uri, GError **error)
{
  char *question = strchr (uri, '?');
  gsize scheme = strcspn (uri, ":");
  gboolean is_sip;

  if (!has_uri_characters (uri) || uri[scheme] != ':' || token_length (uri) != scheme)
    return invalid (error, "the address has characters that are not allowed in it");
  is_sip = (scheme == 3 && g_ascii_strncasecmp (uri, "sip", 3) == 0)
           || (scheme == 4 && g_ascii_strncasecmp (uri, "sips", 4) == 0);
  if (!is_sip && !(scheme == 3 && g_ascii_strncasecmp (uri, "tel", 3) == 0))
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_UNIMPLEMENTED,
                           "only sip:, sips: and tel: addresses can be called");
      return FALSE;
    }
  if (question != NULL)
    *question = '\0';
  if (!(is_sip ? take_sip (refer, uri, scheme, error) : take_tel (refer, uri, error)))
    return FALSE;
  return question == NULL || take_headers (refer, question + 1, error);
}

gboolean
sig_refer_to_parse (const char *text, SigReferTo *result, GError **error)
{
  memset (result, 0, sizeof *result);
  if (text == NULL || strlen (text) > SIG_REFER_MAX_TEXT)
    return invalid (error, "the address is missing or too long");

  g_autofree char *uri = addr_uri (text);
  if (uri == NULL)
    return invalid (error, "the address is malformed");
  if (!take_uri (result, uri, error))
    return FALSE;
  if (result->user == NULL)
    result->user = g_strdup ("");
  return TRUE;
}

void
sig_refer_to_clear (SigReferTo *refer)
{
  g_free (refer->uri);
  g_free (refer->user);
  g_free (refer->host);
  g_free (refer->method);
  sig_replaces_clear (&refer->replaces);
  for (guint i = 0; i < refer->n_headers; i++)
    {
      g_free (refer->headers[i].name);
      g_free (refer->headers[i].value);
    }
  memset (refer, 0, sizeof *refer);
}

char *
sig_referred_by_uri (const char *text)
{
  if (text == NULL || strlen (text) > SIG_REFER_MAX_TEXT)
    return NULL;

  g_autofree char *uri = addr_uri (text);
  return uri != NULL && has_uri_characters (uri) && strchr (uri, ':') != NULL ? g_steal_pointer (&uri) : NULL;
}

char *
sig_transfer_target (const char *text, const char *host, GError **error)
{
  g_auto (SigReferTo) parsed = { 0 };
  g_autofree char *stripped = g_strstrip (g_strdup (text)), *uri = NULL;
  gboolean is_uri = g_ascii_strncasecmp (stripped, "sip:", 4) == 0
                    || g_ascii_strncasecmp (stripped, "sips:", 5) == 0
                    || g_ascii_strncasecmp (stripped, "tel:", 4) == 0 || *stripped == '<';

  if (is_uri)
    uri = *stripped == '<' ? g_strdup (stripped) : g_strdup_printf ("<%s>", stripped);
  else
    {
      g_autofree char *user = g_uri_escape_string (stripped, "-_.!~*'()&=+$,", FALSE);
      if (strchr (stripped, '@') == NULL && strpbrk (stripped, ":/<>\"") != NULL)
        {
          invalid (error, "it is no number, and no sip: or tel: address");
          return NULL;
        }
      if (host == NULL && strchr (stripped, '@') == NULL)
        {
          invalid (error, "a plain number needs to know whose it is");
          return NULL;
        }
      uri = strchr (stripped, '@') != NULL ? g_strdup_printf ("<sip:%s>", stripped)
                                           : g_strdup_printf ("<sip:%s@%s>", user, host);
    }
  if (!sig_refer_to_parse (uri, &parsed, error))
    return NULL;
  if (parsed.has_replaces || parsed.n_headers > 0 || parsed.method != NULL)
    {
      invalid (error, "headers and methods are not allowed in it");
      return NULL;
    }
  return g_steal_pointer (&parsed.uri);
}

/* ---- what NOTIFY says ---- */

gboolean
sig_sipfrag_parse (const char *body, gsize size, int *status, char **phrase)
{
  static const char version[] = "SIP/2.0 ";
  gsize start = sizeof version - 1, end;
  int number;

  if (size < start + 3 || g_ascii_strncasecmp (body, version, start) != 0)
    return FALSE;
  for (gsize i = start; i < start + 3; i++)
    if (!g_ascii_isdigit (body[i]))
      return FALSE;
  number = (body[start] - '0') * 100 + (body[start + 1] - '0') * 10 + (body[start + 2] - '0');
  if (number < 100 || number > 699)
    return FALSE;
  start += 3;
  if (start < size && strchr (" \r\n", body[start]) == NULL)
    return FALSE;
  while (start < size && body[start] == ' ')
    start++;
  for (end = start; end < size && end - start < MAX_TAG && strchr ("\r\n", body[end]) == NULL;)
    end++;
  *status = number;
  *phrase = g_utf8_make_valid (body + start, (gssize)(end - start));
  for (char *c = *phrase; *c != '\0'; c++)
    if ((guchar)*c < ' ' || *c == 0x7f)
      *c = ' ';
  return TRUE;
}

gboolean
sig_subscription_state_parse (const char *text, SigSubscriptionState *state)
{
  Parameter parameter;
  gsize length;
  int more;

  memset (state, 0, sizeof *state);
  if (text == NULL || strlen (text) > SIG_REFER_MAX_TEXT)
    return FALSE;
  text = skip_space (text);
  length = token_length (text);
  if (length == 0)
    return FALSE;
  state->is_active = length == 6 && g_ascii_strncasecmp (text, "active", 6) == 0;
  state->is_pending = length == 7 && g_ascii_strncasecmp (text, "pending", 7) == 0;
  state->is_terminated = length == 10 && g_ascii_strncasecmp (text, "terminated", 10) == 0;
  text += length;
  while ((more = next_parameter (&text, &parameter)) > 0)
    {
      g_autofree char *value = g_strndup (parameter.value, parameter.value_length);
      guint64 number;
      if (is_named (&parameter, "reason") && parameter.value_length > 0)
        g_strlcpy (state->reason, value, sizeof state->reason);
      if (is_named (&parameter, "expires") && parameter.value_length > 0
          && g_ascii_string_to_unsigned (value, 10, 0, G_MAXUINT32, &number, NULL))
        state->expires_s = (guint32)number;
    }
  /* Linphone ends its subscriptions with "terminated;reason=reason=noresource": what is known of the state
   * counts */
  return more == 0 || state->is_active || state->is_pending || state->is_terminated;
}
