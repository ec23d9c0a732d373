#include "gateway/core/caller_id.h"

#include <string.h>

#include "signaling/core/identity.h"

char *
gw_escape_user (const char *user)
{
  return g_uri_escape_string (user, "-_.!~*'()&=+$,#", FALSE);
}

char *
gw_uri_host (const char *host)
{
  gboolean is_bare_ipv6 = host[0] != '[' && strchr (host, ':') != strrchr (host, ':');

  return g_strdup_printf (is_bare_ipv6 ? "[%s]" : "%s", host);
}

/* Without the port: it says where to call, not who we are. */
static char *
domain_of (const char *address)
{
  const char *colon = strrchr (address, ':');

  if (address[0] == '[')
    return g_strndup (address, strcspn (address, "]") + 1);
  return colon != NULL && strchr (address, ':') == colon ? g_strndup (address, (gsize)(colon - address))
                                                         : gw_uri_host (address);
}

static char *
choose_host (const GwCallerFacts *facts)
{
  const CfgTrunkSettings *trunk = facts->trunk;

  if (facts->host != NULL)
    return gw_uri_host (facts->host);
  if (trunk != NULL && trunk->from_host != NULL)
    return gw_uri_host (trunk->from_host);
  if (trunk != NULL && trunk->register_)
    return domain_of (trunk->outbound_address);
  return gw_uri_host (facts->local_address);
}

void
gw_caller_id (const GwCallerFacts *facts, GwCallerId *id)
{
  const CfgTrunkSettings *trunk = facts->trunk;
  g_autofree char *host = choose_host (facts);
  const char *account = trunk == NULL              ? NULL
                        : trunk->from_user != NULL ? trunk->from_user
                        : trunk->register_         ? trunk->auth_username
                                                   : NULL;
  const char *number = facts->number != NULL ? facts->number : account != NULL ? account : "switchroom";
  const char *user = trunk != NULL && trunk->from_user != NULL ? trunk->from_user : number;
  g_autofree char *escaped = gw_escape_user (user), *escaped_number = gw_escape_user (number);
  g_autofree char *uri = g_strdup_printf ("sip:%s@%s", escaped_number, host);

  memset (id, 0, sizeof *id);
  if (facts->is_private)
    id->from_uri = g_strdup ("sip:anonymous@anonymous.invalid");
  else if (facts->number != NULL || facts->host != NULL || account != NULL
           || (trunk != NULL && trunk->from_host != NULL))
    id->from_uri = g_strdup_printf ("sip:%s@%s", escaped, host);
  id->from_display = g_strdup (facts->is_private ? "Anonymous" : facts->display);
  if (facts->is_private)
    id->privacy = g_strdup ("id");
  if (trunk != NULL && trunk->send_pai)
    id->asserted = sig_name_addr_write (facts->display, uri);
  if (trunk != NULL && trunk->send_rpid)
    {
      g_autofree char *address = sig_name_addr_write (facts->display, uri);

      id->remote = g_strdup_printf ("%s;party=calling;privacy=%s;screen=no", address,
                                    facts->is_private ? "full" : "off");
    }
}

void
gw_caller_id_clear (GwCallerId *id)
{
  g_clear_pointer (&id->from_uri, g_free);
  g_clear_pointer (&id->from_display, g_free);
  g_clear_pointer (&id->asserted, g_free);
  g_clear_pointer (&id->remote, g_free);
  g_clear_pointer (&id->privacy, g_free);
}

static gboolean
is_context (const char *context)
{
  gsize length = strlen (context);

  return length > 0 && length <= 128
         && strspn (context, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.") == length;
}

char *
gw_tel_user (const char *text)
{
  g_auto (GStrv) parts = NULL;
  g_autofree char *number = NULL, *escaped = NULL;

  if (g_ascii_strncasecmp (text, "tel:", 4) != 0)
    return NULL;
  parts = g_strsplit (text + 4, ";", 16);
  if (parts[0] == NULL
      || strspn (parts[0] + (parts[0][0] == '+'), "0123456789ABCDabcd*#-.()")
             != strlen (parts[0]) - (parts[0][0] == '+'))
    return NULL;
  number = sig_plain_number (parts[0]);
  if (number[0] == '\0' || strcmp (number, "+") == 0)
    return NULL;
  escaped = gw_escape_user (number);
  for (char **part = parts + 1; number[0] != '+' && *part != NULL; part++)
    if (g_ascii_strncasecmp (*part, "phone-context=", 14) == 0)
      return is_context (*part + 14) ? g_strdup_printf ("%s;phone-context=%s", escaped, *part + 14) : NULL;
  return g_steal_pointer (&escaped);
}
