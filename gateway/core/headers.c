#include "gateway/core/headers.h"

#include <string.h>

#include "config/base/header.h"
#include "gateway/core/room.h"

/* What providers tell of a call, under LiveKit's names. */
static const CfgPair provider_headers[] = {
  { (char *)"X-Twilio-AccountSid", (char *)"sip.twilio.accountSid" },
  { (char *)"X-Twilio-CallSid", (char *)"sip.twilio.callSid" },
  { (char *)"X-call_leg_id", (char *)"sip.telnyx.callLegID" },
  { (char *)"X-call_session_id", (char *)"sip.telnyx.callSessionID" },
  { (char *)"X-Amzn-ConnectContactId", (char *)"sip.amazon.contactId" },
  { (char *)"X-Amzn-ConnectInitialContactId", (char *)"sip.amazon.initialContactId" },
  { (char *)"X-Amzn-SourceAccount", (char *)"sip.amazon.sourceAccount" },
  { (char *)"X-Amzn-SourceArn", (char *)"sip.amazon.sourceArn" },
  { (char *)"X-Amzn-TargetArn", (char *)"sip.amazon.targetArn" },
};

static gboolean
is_secret (const char *name)
{
  return g_ascii_strcasecmp (name, "Authorization") == 0
         || g_ascii_strcasecmp (name, "Proxy-Authorization") == 0;
}

static gboolean
is_included (const char *name, CfgIncludeHeaders include)
{
  return include == CFG_INCLUDE_ALL_HEADERS
         || (include == CFG_INCLUDE_X_HEADERS && g_ascii_strncasecmp (name, "x-", 2) == 0);
}

/* A cut in the middle of a character would be no text any more. */
static void
cut (GString *text)
{
  const char *end;

  if (text->len <= GW_ATTRIBUTE_MAX_BYTES)
    return;
  g_string_truncate (text, GW_ATTRIBUTE_MAX_BYTES);
  (void)!g_utf8_validate (text->str, -1, &end);
  g_string_truncate (text, (gsize)(end - text->str));
}

/* Returns: (transfer full) (nullable): NULL when there is none of that name. */
static char *
header_value (const CfgHeader *headers, gsize n_headers, const char *name)
{
  GString *value = NULL;

  if (is_secret (name))
    return NULL;
  for (gsize i = 0; i < n_headers; i++)
    {
      if (g_ascii_strcasecmp (headers[i].name, name) != 0)
        continue;
      if (value == NULL)
        value = g_string_new (headers[i].value);
      else if (value->len <= GW_ATTRIBUTE_MAX_BYTES)
        g_string_append_printf (value, ", %s", headers[i].value);
    }
  if (value == NULL)
    return NULL;
  cut (value);
  return g_string_free (value, FALSE);
}

static void
take_map (const CfgPair *pairs, gsize n_pairs, const CfgHeader *headers, gsize n_headers,
          GHashTable *attributes)
{
  for (gsize i = 0; i < n_pairs; i++)
    {
      char *value = header_value (headers, n_headers, pairs[i].name);

      if (value != NULL)
        g_hash_table_replace (attributes, g_strdup (pairs[i].value), value);
    }
}

void
gw_headers_to_attributes (const CfgTrunkSettings *trunk, CfgIncludeHeaders include, const CfgHeader *headers,
                          gsize n_headers, GHashTable *attributes)
{
  n_headers = MIN (n_headers, GW_HEADERS_MAX);
  take_map (provider_headers, G_N_ELEMENTS (provider_headers), headers, n_headers, attributes);
  for (gsize i = 0; i < n_headers; i++)
    {
      g_autofree char *lower = g_ascii_strdown (headers[i].name, -1);
      char *value = is_included (lower, include) ? header_value (headers, n_headers, lower) : NULL;

      if (value != NULL)
        g_hash_table_replace (attributes, g_strconcat ("sip.h.", lower, NULL), value);
    }
  if (trunk != NULL)
    take_map (trunk->headers_to_attributes, trunk->n_headers_to_attributes, headers, n_headers, attributes);
}

static void
add (GArray *list, const char *name, const char *value)
{
  const CfgHeader header = { name, value };

  for (guint i = 0; i < list->len; i++)
    if (g_ascii_strcasecmp (g_array_index (list, CfgHeader, i).name, name) == 0)
      {
        g_array_index (list, CfgHeader, i) = header;
        return;
      }
  g_array_append_val (list, header);
}

GArray *
gw_headers_merge (const CfgTrunkSettings *trunk, GHashTable *attributes, const CfgHeader *base, gsize n_base,
                  const char **refused)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (CfgHeader));

  if (refused != NULL)
    *refused = NULL;
  for (gsize i = 0; trunk != NULL && i < trunk->n_headers; i++)
    add (list, trunk->headers[i].name, trunk->headers[i].value);
  for (gsize i = 0; trunk != NULL && attributes != NULL && i < trunk->n_attributes_to_headers; i++)
    {
      const CfgPair *pair = &trunk->attributes_to_headers[i];
      const char *value = g_hash_table_lookup (attributes, pair->name);

      if (value == NULL)
        continue;
      if (cfg_header_check (pair->value, value, NULL))
        add (list, pair->value, value);
      else if (refused != NULL)
        *refused = pair->value;
    }
  for (gsize i = 0; i < n_base; i++)
    add (list, base[i].name, base[i].value);
  return list;
}

gboolean
gw_include_headers_parse (const char *word, CfgIncludeHeaders otherwise, CfgIncludeHeaders *include)
{
  static const struct
  {
    const char *word;
    CfgIncludeHeaders include;
  } words[] = {
    { "x", CFG_INCLUDE_X_HEADERS },     { "SIP_X_HEADERS", CFG_INCLUDE_X_HEADERS },
    { "none", CFG_INCLUDE_NO_HEADERS }, { "SIP_NO_HEADERS", CFG_INCLUDE_NO_HEADERS },
    { "all", CFG_INCLUDE_ALL_HEADERS }, { "SIP_ALL_HEADERS", CFG_INCLUDE_ALL_HEADERS },
  };

  *include = otherwise;
  if (word == NULL || *word == '\0')
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if (strcmp (words[i].word, word) == 0)
      {
        *include = words[i].include;
        return TRUE;
      }
  return FALSE;
}

const char *
gw_trunk_number (const CfgTrunkSettings *trunk, guint64 turn, guint32 random)
{
  guint n = 0, wanted;

  for (char **number = trunk->numbers; *number != NULL; number++)
    n += strcmp (*number, "*") != 0;
  if (n == 0)
    return NULL;
  wanted = trunk->number_selection == CFG_NUMBER_FIRST    ? 0
           : trunk->number_selection == CFG_NUMBER_RANDOM ? random % n
                                                          : (guint)(turn % n);
  for (char **number = trunk->numbers; *number != NULL; number++)
    if (strcmp (*number, "*") != 0 && wanted-- == 0)
      return *number;
  g_assert_not_reached ();
}
