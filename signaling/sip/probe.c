#include "signaling/sip/probe.h"

#include "config/base/error.h"
#include "signaling/sip/address.h"
#include "signaling/sip/internal.h"
#include "signaling/sip/outside.h"

#include <sofia-sip/url.h>

typedef struct
{
  SigSip *sip;
  char *uri, *to;
  char *name; /* (nullable): that is looked up */
  guint patience_ms;
  SigSipLookup *lookup; /* (nullable) */
  GSource *start;       /* (nullable) */
  GQueue ways;          /* where to send it, the next first */
  char *why;            /* (nullable): of the last failure */
  SigSipSentFunc done;
  gpointer user;
  GDestroyNotify destroy;
} Probe;

static void
probe_free (gpointer data)
{
  Probe *probe = data;

  g_clear_pointer (&probe->lookup, sig_sip_lookup_cancel);
  if (probe->start != NULL)
    {
      g_source_destroy (probe->start);
      g_source_unref (probe->start);
    }
  g_queue_clear_full (&probe->ways, g_free);
  if (probe->destroy != NULL)
    probe->destroy (probe->user);
  g_free (probe->uri);
  g_free (probe->to);
  g_free (probe->name);
  g_free (probe->why);
  g_free (probe);
}

/** sig_sip_probes_init: @sip is being made. */
void
sig_sip_probes_init (SigSip *sip)
{
  sip->probes = g_hash_table_new_full (NULL, NULL, probe_free, NULL);
}

/** sig_sip_probes_end: after those of outside.c, which tell them. */
void
sig_sip_probes_end (SigSip *sip)
{
  g_clear_pointer (&sip->probes, g_hash_table_unref);
}

static void
finish (Probe *probe, int status, const char *phrase)
{
  g_hash_table_steal (probe->sip->probes, probe);
  probe->done (probe->user, status, phrase);
  probe_free (probe);
}

static void next_server (Probe *probe);

static void
on_answer (gpointer user, int status, const char *phrase)
{
  Probe *probe = user;
  const SigSipTls *tls = probe->sip->tls;
  const char *failure = tls != NULL && probe->name != NULL ? sig_sip_tls_failure (tls, probe->name) : NULL;

  if (status != 408)
    {
      finish (probe, status, phrase);
      return;
    }
  g_free (probe->why);
  probe->why = failure != NULL ? g_strdup_printf ("no TLS connection to %s: %s", probe->name, failure) : NULL;
  next_server (probe);
}

static gboolean
ask (Probe *probe, const char *way)
{
  const SigSipOutside options = { .target = { .uri = probe->uri, .send_to = way },
                                  .to_uri = probe->to,
                                  .patience_ms = probe->patience_ms };

  return sig_sip_send_outside_over (probe->sip, &options, on_answer, probe, NULL);
}

static void
next_server (Probe *probe)
{
  gboolean is_asked = FALSE;

  while (!is_asked && !g_queue_is_empty (&probe->ways))
    {
      g_autofree char *way = g_queue_pop_head (&probe->ways);
      is_asked = ask (probe, way);
    }
  if (!is_asked)
    finish (probe, 408, probe->why != NULL ? probe->why : "no answer");
}

/* A TLS server is checked for the name that led to it. */
static void
add_way (Probe *probe, const SigSipPlace *place)
{
  gboolean is_ipv6 = sig_sip_address_is_ipv6 (place->host);
  const char *transport = place->transport == SIG_SIP_TCP ? "tcp" : "udp";

  if (place->transport == SIG_SIP_TLS)
    g_queue_push_tail (&probe->ways, sig_sip_tls_url (probe->name, place->host, place->port));
  else
    g_queue_push_tail (&probe->ways,
                       g_strdup_printf (is_ipv6 ? "sip:[%s]:%u;transport=%s" : "sip:%s:%u;transport=%s",
                                        place->host, place->port, transport));
}

static void
on_resolved (gpointer user, const SigSipPlace *places, gsize n_places)
{
  Probe *probe = user;

  probe->lookup = NULL;
  for (gsize i = 0; i < n_places; i++)
    add_way (probe, &places[i]);
  if (n_places == 0)
    probe->why = g_strdup_printf ("the address of %s was not found", probe->name);
  next_server (probe);
}

static gboolean
on_start (gpointer data)
{
  Probe *probe = data;

  g_clear_pointer (&probe->start, g_source_unref);
  next_server (probe);
  return G_SOURCE_REMOVE;
}

/* Nothing is told before sig_sip_probe has returned. */
static void
begin (Probe *probe, const SigSipAttempt *attempt)
{
  SigSipQuestion question = { .allowed = probe->sip->transports };
  SigSipPlace place = { .transport = SIG_SIP_UDP };
  g_autofree char *copy = g_strdup (probe->uri);
  g_autofree char *address = NULL;
  url_t url[1];

  url_d (url, copy);
  if (sig_sip_attempt_needs_lookup (attempt, &question, &probe->name))
    {
      question.host = probe->name;
      probe->lookup = sig_sip_resolve (probe->sip->resolver, &question, on_resolved, probe);
      return;
    }
  probe->name = sig_sip_host (url); /* numeric, or "localhost" */
  sig_sip_uri_host (probe->uri, &address, &place.port);
  g_strlcpy (place.host, address, sizeof place.host);
  place.transport = sig_sip_uri_transport (probe->uri);
  if (place.port == 0)
    place.port = place.transport == SIG_SIP_TLS ? 5061 : 5060;
  add_way (probe, &place);
  probe->start = g_idle_source_new ();
  g_source_set_callback (probe->start, on_start, probe, NULL);
  g_source_attach (probe->start, probe->sip->context);
}

gboolean
sig_sip_probe (SigSip *sip, const char *uri, guint patience_ms, SigSipSentFunc done, gpointer user,
               GDestroyNotify destroy, GError **error)
{
  const SigSipAttempt attempt = { .uri = (char *)uri };

  g_assert (sip->thread == g_thread_self () && patience_ms > 0);
  if (sip->shutting_down)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "the SIP endpoint is shutting down");
      return FALSE;
    }
  if (!sig_sip_check_way (sip, uri, error))
    return FALSE;
  Probe *probe = g_new0 (Probe, 1);
  probe->sip = sip;
  probe->uri = g_strdup (uri);
  probe->to = g_strndup (uri, strcspn (uri, ";"));
  probe->patience_ms = patience_ms;
  probe->done = done;
  probe->user = user;
  probe->destroy = destroy;
  g_queue_init (&probe->ways);
  g_hash_table_add (sip->probes, probe);
  begin (probe, &attempt);
  return TRUE;
}
