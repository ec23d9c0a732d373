#include "media/io/ice_candidate.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "config/base/error.h"

enum
{
  TOKEN_FOUNDATION,
  TOKEN_COMPONENT,
  TOKEN_TRANSPORT,
  TOKEN_PRIORITY,
  TOKEN_ADDRESS,
  TOKEN_PORT,
  TOKEN_TYP,
  TOKEN_TYPE,
  N_TOKENS,
};

static const char prefix[] = "candidate:";

static const char *
skip_attribute (const char *candidate)
{
  return g_str_has_prefix (candidate, "a=") ? candidate + 2 : candidate;
}

static gboolean
is_one_line (const char *text)
{
  for (; *text != '\0'; text++)
    if (!g_ascii_isprint (*text))
      return FALSE;
  return TRUE;
}

static gboolean
in_range (const char *digits, guint64 min, guint64 max)
{
  guint64 value;

  return g_ascii_string_to_unsigned (digits, 10, min, max, &value, NULL);
}

static MediaIceCandidateResult
check_tokens (char **tokens)
{
  static const char *const types[] = { "host", "srflx", "prflx", "relay", NULL };
  const gboolean is_udp = g_ascii_strcasecmp (tokens[TOKEN_TRANSPORT], "udp") == 0;
  MediaAddress address;

  if (strlen (tokens[TOKEN_FOUNDATION]) <= strlen (prefix)
      || strlen (tokens[TOKEN_FOUNDATION]) > 32 + strlen (prefix)
      || !in_range (tokens[TOKEN_COMPONENT], 1, 256) || !in_range (tokens[TOKEN_PRIORITY], 0, G_MAXUINT32)
      || !in_range (tokens[TOKEN_PORT], 0, G_MAXUINT16) || !g_str_equal (tokens[TOKEN_TYP], "typ"))
    return MEDIA_ICE_CANDIDATE_MALFORMED;
  if (!is_udp || !in_range (tokens[TOKEN_COMPONENT], 1, 1) || !g_strv_contains (types, tokens[TOKEN_TYPE])
      || g_str_has_suffix (tokens[TOKEN_ADDRESS], ".local"))
    return MEDIA_ICE_CANDIDATE_IGNORED;
  if (!in_range (tokens[TOKEN_PORT], 1, G_MAXUINT16) || strchr (tokens[TOKEN_ADDRESS], '%') != NULL
      || !media_address_parse (&address, tokens[TOKEN_ADDRESS], 1))
    return MEDIA_ICE_CANDIDATE_MALFORMED;
  return MEDIA_ICE_CANDIDATE_ADDED;
}

MediaIceCandidateResult
media_ice_candidate_check (const char *candidate)
{
  g_auto (GStrv) tokens = NULL;

  if (strnlen (candidate, MEDIA_ICE_CANDIDATE_MAX_LENGTH + 1) > MEDIA_ICE_CANDIDATE_MAX_LENGTH
      || !is_one_line (candidate))
    return MEDIA_ICE_CANDIDATE_MALFORMED;
  candidate = skip_attribute (candidate);
  if (!g_str_has_prefix (candidate, prefix))
    return MEDIA_ICE_CANDIDATE_MALFORMED;
  tokens = g_strsplit (candidate, " ", -1);
  if (g_strv_length (tokens) < N_TOKENS)
    return MEDIA_ICE_CANDIDATE_MALFORMED;
  return check_tokens (tokens);
}

char *
media_ice_candidate_rewrite (const char *candidate, const MediaAddress *external)
{
  g_auto (GStrv) tokens = NULL;
  char text[MEDIA_ADDRESS_TEXT_SIZE];
  MediaAddress address;

  candidate = skip_attribute (candidate);
  tokens = g_strsplit (candidate, " ", -1);
  if (!media_address_is_set (external) || g_strv_length (tokens) < N_TOKENS
      || !g_str_equal (tokens[TOKEN_TYPE], "host")
      || !media_address_parse (&address, tokens[TOKEN_ADDRESS], 0)
      || address.sa.sa_family != external->sa.sa_family || g_str_has_prefix (tokens[TOKEN_ADDRESS], "127.")
      || g_str_equal (tokens[TOKEN_ADDRESS], "::1"))
    return g_strdup (candidate);
  g_free (tokens[TOKEN_ADDRESS]);
  tokens[TOKEN_ADDRESS] = g_strdup (media_address_format_ip (external, text));
  return g_strjoinv (" ", tokens);
}

static gboolean
is_usable (const struct ifaddrs *interface, sa_family_t family)
{
  const struct sockaddr *sa = interface->ifa_addr;

  if (sa == NULL || (interface->ifa_flags & IFF_UP) == 0)
    return FALSE;
  if (family != AF_UNSPEC && sa->sa_family != family)
    return FALSE;
  if (sa->sa_family == AF_INET6)
    return !IN6_IS_ADDR_LINKLOCAL (&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
  return sa->sa_family == AF_INET;
}

static void
add_address (const MediaAddress *address, MediaAddress *out, guint *n)
{
  for (guint i = 0; i < *n; i++)
    if (media_address_equal_ip (&out[i], address))
      return;
  if (*n < MEDIA_ICE_MAX_LOCAL_ADDRESSES)
    out[(*n)++] = *address;
}

/* @family AF_UNSPEC: both. */
static void
add_interfaces (sa_family_t family, MediaAddress *out, guint *n)
{
  struct ifaddrs *interfaces = NULL;

  if (getifaddrs (&interfaces) < 0)
    return;
  for (const struct ifaddrs *i = interfaces; i != NULL; i = i->ifa_next)
    {
      MediaAddress address;

      if (is_usable (i, family)
          && media_address_from_sockaddr (&address, i->ifa_addr,
                                          i->ifa_addr->sa_family == AF_INET6 ? sizeof (struct sockaddr_in6)
                                                                             : sizeof (struct sockaddr_in)))
        add_address (&address, out, n);
    }
  freeifaddrs (interfaces);
}

static gboolean
is_unspecified (const MediaAddress *address)
{
  return address->sa.sa_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED (&address->v6.sin6_addr)
                                           : address->v4.sin_addr.s_addr == INADDR_ANY;
}

guint
media_ice_local_addresses (const char *const *bind_addresses, MediaAddress *out, GError **error)
{
  guint n = 0;

  if (bind_addresses == NULL || bind_addresses[0] == NULL)
    add_interfaces (AF_UNSPEC, out, &n);
  for (; bind_addresses != NULL && *bind_addresses != NULL; bind_addresses++)
    {
      MediaAddress address;

      if (!media_address_parse (&address, *bind_addresses, 0))
        {
          g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "not an IP address to bind: %s",
                       *bind_addresses);
          return 0;
        }
      if (is_unspecified (&address))
        add_interfaces (address.sa.sa_family, out, &n);
      else
        add_address (&address, out, &n);
    }
  if (n == 0)
    g_set_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "this machine has no address for WebRTC");
  return n;
}
