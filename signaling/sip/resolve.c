#define SRES_CONTEXT_T struct _SigSipLookup

#include "signaling/sip/resolve.h"

#include "signaling/core/srv.h"

#include <sofia-sip/sresolv.h>
#include <sofia-sip/su_wait.h>

#include <sofia-resolv/sres_record.h>

#include <arpa/inet.h>
#include <string.h>
#include <sys/stat.h>

#define PATIENCE_MS    8000
#define MAX_STEPS      48
#define MAX_HOSTS_FILE (1024 * 1024)

struct _SigSipResolver
{
  sres_resolver_t *dns;
  GMainContext *context;
  char *hosts_file;
  struct timespec hosts_time;
  GHashTable *hosts; /* lower-case name -> GPtrArray of numeric addresses */
  guint n_lookups;
};

/* One question to a name server. */
typedef struct
{
  guint16 type; /* sres_type_* */
  char *name;
  guint16 port;
  SigSipTransports transport;
} Step;

struct _SigSipLookup
{
  SigSipResolver *resolver;
  char *host;
  SigSipTransports transport, allowed;
  gboolean prefers_ipv6, asked_addresses, has_service;
  SigSipResolved done;
  gpointer user;
  GQueue steps; /* Step, the next first */
  Step *step;   /* (nullable): asked now */
  guint n_steps;
  sres_query_t *query; /* (nullable) */
  GSource *source;     /* the next step, or the end of patience */
  gint64 deadline_us;
  GArray *places;
};

/* ---- hosts file ---- */

static void
read_hosts (SigSipResolver *resolver)
{
  struct stat now;
  g_autofree char *text = NULL;

  if (stat (resolver->hosts_file, &now) != 0 || now.st_size > MAX_HOSTS_FILE
      || (now.st_mtim.tv_sec == resolver->hosts_time.tv_sec
          && now.st_mtim.tv_nsec == resolver->hosts_time.tv_nsec)
      || !g_file_get_contents (resolver->hosts_file, &text, NULL, NULL))
    return;
  resolver->hosts_time = now.st_mtim;
  g_hash_table_remove_all (resolver->hosts);

  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      lines[i][strcspn (lines[i], "#")] = '\0';
      g_auto (GStrv) words = g_strsplit_set (lines[i], " \t\r", -1);
      const char *address = NULL;
      guint8 bytes[16];

      for (guint w = 0; words[w] != NULL; w++)
        {
          if (words[w][0] == '\0')
            continue;
          if (address == NULL)
            {
              address = words[w];
              if (inet_pton (AF_INET, address, bytes) != 1 && inet_pton (AF_INET6, address, bytes) != 1)
                break;
              continue;
            }
          g_autofree char *name = g_ascii_strdown (words[w], -1);
          GPtrArray *addresses = g_hash_table_lookup (resolver->hosts, name);
          if (addresses == NULL)
            {
              addresses = g_ptr_array_new_with_free_func (g_free);
              g_hash_table_insert (resolver->hosts, g_steal_pointer (&name), addresses);
            }
          g_ptr_array_add (addresses, g_strdup (address));
        }
    }
}

static const GPtrArray *
hosts_entry (SigSipResolver *resolver, const char *name)
{
  g_autofree char *lower = g_ascii_strdown (name, -1);

  read_hosts (resolver);
  return g_hash_table_lookup (resolver->hosts, lower);
}

/* ---- steps ---- */

static void
step_free (Step *step)
{
  g_free (step->name);
  g_free (step);
}

static void
lookup_free (SigSipLookup *lookup)
{
  lookup->resolver->n_lookups--;
  if (lookup->query != NULL)
    sres_query_bind (lookup->query, NULL, NULL);
  if (lookup->source != NULL)
    {
      g_source_destroy (lookup->source);
      g_source_unref (lookup->source);
    }
  g_queue_clear_full (&lookup->steps, (GDestroyNotify)step_free);
  g_clear_pointer (&lookup->step, step_free);
  g_array_unref (lookup->places);
  g_free (lookup->host);
  g_free (lookup);
}

/* @first: before the steps that wait */
static void
add_step (SigSipLookup *lookup, gboolean first, guint16 type, const char *name, guint16 port,
          SigSipTransports transport)
{
  Step *step;

  if (++lookup->n_steps > MAX_STEPS)
    return;
  step = g_new0 (Step, 1);
  step->type = type;
  step->name = g_strdup (name);
  step->port = port;
  step->transport = transport;
  if (first)
    g_queue_push_head (&lookup->steps, step);
  else
    g_queue_push_tail (&lookup->steps, step);
}

static void
add_place (SigSipLookup *lookup, const char *address, const Step *step)
{
  SigSipPlace place
      = { .port = step->port, .transport = step->transport != 0 ? step->transport : SIG_SIP_UDP };

  g_strlcpy (place.host, address, sizeof place.host);
  if (lookup->places->len < SIG_SIP_MAX_PLACES)
    g_array_append_val (lookup->places, place);
}

static void
add_address_steps (SigSipLookup *lookup, gboolean first, const char *name, guint16 port,
                   SigSipTransports transport)
{
  guint16 types[] = { lookup->prefers_ipv6 ? sres_type_aaaa : sres_type_a,
                      lookup->prefers_ipv6 ? sres_type_a : sres_type_aaaa };

  /* pushed to the head they come out the other way round */
  add_step (lookup, first, types[first ? 1 : 0], name, port, transport);
  add_step (lookup, first, types[first ? 0 : 1], name, port, transport);
}

static guint16
default_port (SigSipTransports transport)
{
  return transport == SIG_SIP_TLS ? 5061 : 5060;
}

static void
add_srv_steps (SigSipLookup *lookup)
{
  g_autofree char *udp = g_strconcat ("_sip._udp.", lookup->host, NULL);
  g_autofree char *tcp = g_strconcat ("_sip._tcp.", lookup->host, NULL);
  g_autofree char *tls = g_strconcat ("_sips._tcp.", lookup->host, NULL);
  SigSipTransports wanted = lookup->transport != 0 ? lookup->transport : lookup->allowed;

  if (wanted & SIG_SIP_UDP)
    add_step (lookup, FALSE, sres_type_srv, udp, 0, SIG_SIP_UDP);
  if (wanted & SIG_SIP_TCP)
    add_step (lookup, FALSE, sres_type_srv, tcp, 0, SIG_SIP_TCP);
  if (wanted & SIG_SIP_TLS)
    add_step (lookup, FALSE, sres_type_srv, tls, 0, SIG_SIP_TLS);
}

/* ---- answers ---- */

static gboolean
is_good (const sres_record_t *record, guint16 type)
{
  return record->sr_record->r_status == SRES_OK && record->sr_record->r_type == type
         && record->sr_record->r_class == sres_class_in;
}

static void
copy_name (char *out, gsize size, const char *name)
{
  gsize length = name != NULL ? g_strlcpy (out, name, size) : 0;

  if (length >= size || name == NULL)
    out[0] = '\0';
  else if (length > 0 && out[length - 1] == '.')
    out[length - 1] = '\0';
}

static void
take_naptr (SigSipLookup *lookup, sres_record_t **answers)
{
  SigNaptr records[SIG_SIP_MAX_PLACES] = { 0 };
  gsize n = 0;

  for (; answers != NULL && *answers != NULL && n < G_N_ELEMENTS (records); answers++)
    if (is_good (*answers, sres_type_naptr))
      {
        const sres_naptr_record_t *naptr = (*answers)->sr_naptr;
        SigNaptr *record = &records[n++];
        record->order = naptr->na_order;
        record->preference = naptr->na_prefer;
        copy_name (record->flags, sizeof record->flags, naptr->na_flags);
        copy_name (record->service, sizeof record->service, naptr->na_services);
        copy_name (record->replacement, sizeof record->replacement, naptr->na_replace);
      }
  guint services = ((lookup->allowed & SIG_SIP_UDP) ? SIG_NAPTR_UDP : 0u)
                   | ((lookup->allowed & SIG_SIP_TCP) ? SIG_NAPTR_TCP : 0u);
  n = sig_naptr_order (records, n, services);
  for (gsize i = 0; i < n; i++)
    add_step (lookup, FALSE, sres_type_srv, records[i].replacement, 0,
              sig_naptr_service (&records[i]) == SIG_NAPTR_TCP ? SIG_SIP_TCP : SIG_SIP_UDP);
  if (n == 0)
    add_srv_steps (lookup);
}

static guint32
throw_dice (guint32 max, gpointer user)
{
  return max > 0 ? (guint32)g_random_int_range (0, (gint32)MIN (max, G_MAXINT32 - 1) + 1) : 0;
}

static void
take_srv (SigSipLookup *lookup, const Step *step, sres_record_t **answers)
{
  SigSrv records[SIG_SIP_MAX_PLACES] = { 0 };
  gsize n = 0;

  for (; answers != NULL && *answers != NULL && n < G_N_ELEMENTS (records); answers++)
    if (is_good (*answers, sres_type_srv))
      {
        const sres_srv_record_t *srv = (*answers)->sr_srv;
        SigSrv *record = &records[n++];
        record->priority = srv->srv_priority;
        record->weight = srv->srv_weight;
        record->port = srv->srv_port;
        copy_name (record->target, sizeof record->target, srv->srv_target);
      }
  sig_srv_order (records, n, throw_dice, NULL);
  lookup->has_service |= n > 0;
  for (gsize i = n; i > 0; i--) /* before other services, the best one first */
    if (records[i - 1].target[0] != '\0')
      add_address_steps (lookup, TRUE, records[i - 1].target, records[i - 1].port, step->transport);
}

static void
take_addresses (SigSipLookup *lookup, const Step *step, sres_record_t **answers)
{
  char text[INET6_ADDRSTRLEN];

  for (; answers != NULL && *answers != NULL; answers++)
    {
      if (!is_good (*answers, step->type))
        continue;
      if (step->type == sres_type_a)
        inet_ntop (AF_INET, &(*answers)->sr_a->a_addr, text, sizeof text);
      else
        inet_ntop (AF_INET6, &(*answers)->sr_aaaa->aaaa_addr, text, sizeof text);
      add_place (lookup, text, step);
    }
}

static gboolean next_step (gpointer data);

static void
schedule (SigSipLookup *lookup, guint ms, GSourceFunc function)
{
  if (lookup->source != NULL)
    {
      g_source_destroy (lookup->source);
      g_source_unref (lookup->source);
    }
  lookup->source = g_timeout_source_new (ms);
  g_source_set_callback (lookup->source, function, lookup, NULL);
  g_source_attach (lookup->source, lookup->resolver->context);
}

static gboolean
finish (gpointer data)
{
  SigSipLookup *lookup = data;
  SigSipResolved done = lookup->done;
  gpointer user = lookup->user;
  g_autoptr (GArray) places = g_array_ref (lookup->places);

  lookup_free (lookup);
  done (user, (const SigSipPlace *)places->data, places->len);
  return G_SOURCE_REMOVE;
}

static void
on_answer (SigSipLookup *lookup, sres_query_t *query, sres_record_t **answers)
{
  Step *step = g_steal_pointer (&lookup->step);

  lookup->query = NULL;
  if (step->type == sres_type_naptr)
    take_naptr (lookup, answers);
  else if (step->type == sres_type_srv)
    take_srv (lookup, step, answers);
  else
    take_addresses (lookup, step, answers);
  sres_free_answers (lookup->resolver->dns, answers);
  step_free (step);
  schedule (lookup, 0, next_step);
}

/* Names that need no name server. */
static gboolean
answer_locally (SigSipLookup *lookup, const Step *step)
{
  const GPtrArray *addresses;
  guint8 bytes[16];

  if (step->type != sres_type_a && step->type != sres_type_aaaa)
    return FALSE;
  if (inet_pton (AF_INET, step->name, bytes) == 1) /* an SRV record that names an address */
    {
      if (step->type == sres_type_a)
        add_place (lookup, step->name, step);
      return TRUE;
    }
  addresses = hosts_entry (lookup->resolver, step->name);
  if (addresses == NULL)
    return FALSE;
  for (guint i = 0; i < addresses->len; i++)
    {
      const char *address = g_ptr_array_index (addresses, i);
      if ((strchr (address, ':') != NULL) == (step->type == sres_type_aaaa))
        add_place (lookup, address, step);
    }
  return TRUE;
}

static gboolean
next_step (gpointer data)
{
  SigSipLookup *lookup = data;
  sres_resolver_t *dns = lookup->resolver->dns;

  while (lookup->query == NULL)
    {
      Step *step = g_queue_pop_head (&lookup->steps);

      if (step == NULL && lookup->places->len == 0 && !lookup->has_service && !lookup->asked_addresses)
        {
          lookup->asked_addresses = TRUE;
          add_address_steps (lookup, FALSE, lookup->host, default_port (lookup->transport),
                             lookup->transport);
          continue;
        }
      if (step == NULL)
        return finish (lookup);
      if (answer_locally (lookup, step))
        {
          step_free (step);
          continue;
        }
      lookup->step = step;
      sres_record_t **cached = sres_cached_answers (dns, step->type, step->name);
      if (cached != NULL)
        {
          on_answer (lookup, NULL, cached); /* comes back here */
          return G_SOURCE_REMOVE;
        }
      lookup->query = sres_query (dns, on_answer, lookup, step->type, step->name);
      if (lookup->query == NULL)
        g_clear_pointer (&lookup->step, step_free);
    }
  gint64 left_us = lookup->deadline_us - g_get_monotonic_time ();
  schedule (lookup, (guint)(MAX (left_us, 0) / 1000), finish);
  return G_SOURCE_REMOVE;
}

SigSipLookup *
sig_sip_resolve (SigSipResolver *resolver, const SigSipQuestion *question, SigSipResolved done, gpointer user)
{
  SigSipLookup *lookup = g_new0 (SigSipLookup, 1);

  resolver->n_lookups++;
  lookup->resolver = resolver;
  lookup->host = g_strdup (question->host);
  lookup->transport = question->transport;
  lookup->allowed = question->allowed & (SIG_SIP_UDP | SIG_SIP_TCP);
  lookup->prefers_ipv6 = question->prefers_ipv6;
  lookup->done = done;
  lookup->user = user;
  lookup->deadline_us = g_get_monotonic_time () + PATIENCE_MS * 1000;
  lookup->places = g_array_new (FALSE, FALSE, sizeof (SigSipPlace));
  g_queue_init (&lookup->steps);
  if (question->port != 0 || hosts_entry (resolver, question->host) != NULL)
    {
      lookup->asked_addresses = TRUE;
      add_address_steps (lookup, FALSE, question->host,
                         question->port != 0 ? question->port : default_port (question->transport),
                         question->transport);
    }
  else if (question->transport == 0)
    add_step (lookup, FALSE, sres_type_naptr, question->host, 0, 0);
  else
    add_srv_steps (lookup);
  schedule (lookup, 0, next_step);
  return lookup;
}

void
sig_sip_lookup_cancel (SigSipLookup *lookup)
{
  lookup_free (lookup);
}

SigSipResolver *
sig_sip_resolver_new (void *root, GMainContext *context, const char *conf, const char *hosts)
{
  SigSipResolver *resolver = g_new0 (SigSipResolver, 1);

  resolver->dns = sres_resolver_create (root, conf, TAG_END ());
  g_assert (resolver->dns != NULL);
  resolver->context = context;
  resolver->hosts_file = g_strdup (hosts != NULL ? hosts : "/etc/hosts");
  resolver->hosts
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
  return resolver;
}

void
sig_sip_resolver_free (SigSipResolver *resolver)
{
  g_assert (resolver->n_lookups == 0);
  sres_resolver_destroy (resolver->dns);
  g_hash_table_unref (resolver->hosts);
  g_free (resolver->hosts_file);
  g_free (resolver);
}
