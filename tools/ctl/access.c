#include "tools/ctl/access.h"

#include <string.h>

#include "config/settings.h"
#include "config/settings_yaml.h"
#include "signaling/core/token.h"
#include "tools/ctl/error.h"

#define MAX_FILE_BYTES (1024 * 1024)

void
ctl_access_clear (CtlAccess *access)
{
  g_clear_pointer (&access->url, g_free);
  g_clear_pointer (&access->token, g_free);
  g_clear_pointer (&access->api_key, g_free);
  g_clear_pointer (&access->api_secret, g_free);
  g_clear_pointer (&access->ca_file, g_free);
}

static void
add (char **to, const char *from)
{
  if (*to == NULL && from != NULL && from[0] != '\0')
    *to = g_strdup (from);
}

void
ctl_access_add (CtlAccess *access, const CtlAccess *more)
{
  const gboolean has_none = access->token == NULL && access->api_key == NULL && access->api_secret == NULL;

  add (&access->url, more->url);
  add (&access->ca_file, more->ca_file);
  if (has_none)
    add (&access->token, more->token);
  if (access->token != NULL)
    return;
  /* Half a pair is completed, but never with the secret of another key. */
  if (access->api_secret == NULL
      && (access->api_key == NULL || more->api_key == NULL || strcmp (access->api_key, more->api_key) == 0))
    add (&access->api_secret, more->api_secret);
  add (&access->api_key, more->api_key);
}

void
ctl_access_from_environment (CtlAccess *access, const char *prefix, const char *(*get) (const char *name))
{
  const struct
  {
    const char *name;
    char **value;
  } names[] = {
    { "URL", &access->url },         { "TOKEN", &access->token },
    { "API_KEY", &access->api_key }, { "API_SECRET", &access->api_secret },
    { "CA_FILE", &access->ca_file },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *name = g_strconcat (prefix, names[i].name, NULL);

      add (names[i].value, get (name));
    }
}

/* ---- files ---- */

static const char *
scalar (yaml_document_t *document, int index)
{
  const yaml_node_t *node = yaml_document_get_node (document, index);

  return node != NULL && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

/* FALSE: it has a key that is none of ours. */
static gboolean
take_own (yaml_document_t *document, CtlAccess *access)
{
  const struct
  {
    const char *name;
    char **value;
  } keys[] = {
    { "url", &access->url },         { "token", &access->token },
    { "api_key", &access->api_key }, { "api_secret", &access->api_secret },
    { "ca_file", &access->ca_file },
  };
  const yaml_node_t *root = yaml_document_get_root_node (document);

  if (root == NULL)
    return TRUE;
  if (root->type != YAML_MAPPING_NODE)
    return FALSE;
  for (yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++)
    {
      const char *name = scalar (document, pair->key), *value = scalar (document, pair->value);
      gboolean is_ours = FALSE;

      for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
        if (g_strcmp0 (name, keys[i].name) == 0 && value != NULL)
          {
            add (keys[i].value, value);
            is_ours = TRUE;
          }
      if (!is_ours)
        return FALSE;
    }
  return TRUE;
}

static void
take_settings (CtlAccess *access, const CfgSettings *settings)
{
  const char *bind = settings->http.bind;
  const gboolean is_any = strcmp (bind, "0.0.0.0") == 0 || strcmp (bind, "::") == 0;
  const char *host = is_any ? "127.0.0.1" : bind;

  if (settings->api_secret != NULL)
    {
      access->api_key = g_strdup (settings->api_key);
      access->api_secret = g_strdup (settings->api_secret);
    }
  else if (settings->n_keys > 0)
    {
      access->api_key = g_strdup (settings->keys[0].key);
      access->api_secret = g_strdup (settings->keys[0].secret);
    }
  if (settings->ws_url != NULL)
    access->url = g_strdup (settings->ws_url);
  else
    access->url = g_strdup_printf (strchr (host, ':') != NULL ? "%s://[%s]:%u" : "%s://%s:%u",
                                   settings->http.tls_cert != NULL ? "wss" : "ws", host, settings->http.port);
}

gboolean
ctl_access_from_file (CtlAccess *access, const char *path, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autofree char *text = NULL;
  yaml_document_t document;
  CfgSettings *settings;
  gboolean is_ours = FALSE;
  gsize size;

  if (g_file_get_contents (path, &text, &size, &cause) && size <= MAX_FILE_BYTES
      && cfg_yaml_load (text, size, path, &document, &cause))
    {
      is_ours = take_own (&document, access);
      yaml_document_delete (&document);
    }
  if (is_ours)
    return TRUE;
  ctl_access_clear (access);
  settings = cause == NULL ? cfg_settings_load (path, &cause) : NULL;
  if (settings == NULL)
    {
      g_set_error (error, CTL_ERROR, CTL_ERROR_USAGE, "%s", cause->message);
      return FALSE;
    }
  take_settings (access, settings);
  cfg_settings_free (settings);
  return TRUE;
}

/* ---- the URL ---- */

void
ctl_url_clear (CtlUrl *url)
{
  g_clear_pointer (&url->host, g_free);
  g_clear_pointer (&url->path, g_free);
}

gboolean
ctl_url_parse (const char *text, CtlUrl *url, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);
  const char *scheme = uri != NULL ? g_uri_get_scheme (uri) : "", *path;
  const gboolean is_tls = strcmp (scheme, "wss") == 0 || strcmp (scheme, "https") == 0;
  gsize length;

  if (uri == NULL || (!is_tls && strcmp (scheme, "ws") != 0 && strcmp (scheme, "http") != 0)
      || g_uri_get_host (uri) == NULL || g_uri_get_host (uri)[0] == '\0' || g_uri_get_port (uri) == 0
      || g_uri_get_port (uri) > G_MAXUINT16 || g_uri_get_userinfo (uri) != NULL
      || g_uri_get_query (uri) != NULL)
    {
      g_set_error (error, CTL_ERROR, CTL_ERROR_USAGE, "\"%s\" is no URL such as ws://HOST:7880 or wss://HOST",
                   text);
      return FALSE;
    }
  path = g_uri_get_path (uri);
  length = strlen (path);
  while (length > 0 && path[length - 1] == '/')
    length--;
  url->is_tls = is_tls;
  url->host = g_strdup (g_uri_get_host (uri));
  url->port = (guint16)(g_uri_get_port (uri) > 0 ? g_uri_get_port (uri) : is_tls ? 443 : 80);
  url->path = g_strdup_printf ("%.*s%s", (int)length, path,
                               length >= 3 && strncmp (path + length - 3, "/ws", 3) == 0 ? "" : "/ws");
  return TRUE;
}

/* ---- the token ---- */

char *
ctl_access_token (const CtlAccess *access, CfgWall now, gint64 seconds, GError **error)
{
  const SigToken token
      = sig_token_for_all (access->api_key, "switchroomctl", now.us / CFG_US_PER_S + seconds);

  if (access->token != NULL)
    return g_strdup (access->token);
  if (access->api_key != NULL && access->api_secret != NULL)
    return sig_token_mint (&token, access->api_secret, now);
  g_set_error (error, CTL_ERROR, CTL_ERROR_USAGE,
               "%s: give --token, or --api-key and --api-secret, or set SWITCHROOM_API_KEY and "
               "SWITCHROOM_API_SECRET, or --config FILE; a gateway that has no api_secret prints one when it "
               "starts",
               access->api_key != NULL      ? "the key has no secret"
               : access->api_secret != NULL ? "the secret has no key"
                                            : "there is no key for the gateway");
  return NULL;
}
