/* Every call of ours on its way to an answer: one target or several, each perhaps with several servers, each
 * perhaps somewhere else (3xx). The owner's call has no handle: it holds lanes, the branches are calls of
 * their own (is_branch) that carry its id.
 *
 *   a lane is a list of attempts, made one after the other: name -> servers -> INVITE -> the next attempt
 * when that failed in a way that lets another one succeed. Targets tried at the same time have a lane each.
 *
 *   a branch answers 2xx   it takes over the id and the owner; the others are cancelled, the empty call goes
 *   a branch ends          (in the next turn of the loop, when an owner would have been told) its lane goes
 * on; no lane has anything left: the owner hears the best answer the owner hangs up     all branches are
 * cancelled, all lookups forgotten */
#include "signaling/sip/internal.h"

#include "config/base/host_list.h"
#include "signaling/core/fork.h"
#include "signaling/sip/address.h"
#include "signaling/sip/resolve.h"

#include <stdlib.h>

/* How long a target may be silent while others wait: not even a 100 came. */
#define SILENCE_T1    8
#define MAX_REDIRECTS 5
#define MAX_LANES     64

typedef struct
{
  SigSipCall *call;       /* the owner's */
  GQueue attempts;        /* SigSipAttempt, the next first */
  SigSipAttempt *attempt; /* (nullable): whose name is looked up */
  SigSipLookup *lookup;   /* (nullable) */
  SigSipCallId branch;    /* 0: none */
  char *uri;              /* (nullable): that was called last */
  char *name;             /* (nullable): that was looked up last */
} Lane;

struct _SigSipFork
{
  SigSipPlan *plan;
  GPtrArray *lanes;
  GHashTable *seen; /* (nullable): URIs that were called, once somebody redirects */
  guint n_redirects;
  SigForkAnswer best;
  SigSipEndCause best_cause;
  char *best_phrase, *best_reason;
};

static void
attempt_free (SigSipAttempt *attempt)
{
  if (attempt == NULL)
    return;
  g_free (attempt->uri);
  g_free (attempt->send_to);
  g_free (attempt->route);
  g_free (attempt->at);
  g_free (attempt->name);
  g_free (attempt);
}

static SigSipAttempt *
attempt_new (const char *uri, const char *send_to, const char *route)
{
  SigSipAttempt *attempt = g_new0 (SigSipAttempt, 1);

  attempt->uri = g_strdup (uri);
  attempt->send_to = g_strdup (send_to);
  attempt->route = g_strdup (route);
  attempt->has_credentials = TRUE;
  return attempt;
}

static SigSipAttempt *
target_attempt (const SigSipTarget *target)
{
  return attempt_new (target->uri, target->send_to, target->route);
}

static void
lane_clear (Lane *lane)
{
  g_queue_clear_full (&lane->attempts, (GDestroyNotify)attempt_free);
  g_clear_pointer (&lane->attempt, attempt_free);
  g_clear_pointer (&lane->lookup, sig_sip_lookup_cancel);
}

static void
lane_free (gpointer data)
{
  Lane *lane = data;

  lane_clear (lane);
  g_free (lane->uri);
  g_free (lane->name);
  g_free (lane);
}

void
sig_sip_fork_free (SigSipFork *fork)
{
  sig_sip_plan_release (fork->plan);
  g_ptr_array_unref (fork->lanes);
  g_clear_pointer (&fork->seen, g_hash_table_unref);
  g_free (fork->best_phrase);
  g_free (fork->best_reason);
  g_free (fork);
}

/** sig_sip_told_id: the owner's name for @call. */
SigSipCallId
sig_sip_told_id (const SigSipCall *call)
{
  return call->is_branch ? call->fork_id : call->id;
}

/** sig_sip_fork_speaker: the branch that stands for a call of ours that nobody has answered yet; @call itself
 * when there is none. */
SigSipCall *
sig_sip_fork_speaker (SigSipCall *call)
{
  for (guint i = 0; call->fork != NULL && i < call->fork->lanes->len; i++)
    {
      const Lane *lane = g_ptr_array_index (call->fork->lanes, i);
      SigSipCall *branch = lane->branch != 0 ? sig_sip_call_live (call->sip, lane->branch) : NULL;
      if (branch != NULL)
        return branch;
    }
  return call;
}

static SigSipCall *
find_fork (const SigSipCall *branch)
{
  SigSipCall *call = branch->is_branch ? g_hash_table_lookup (branch->sip->calls, &branch->fork_id) : NULL;

  return call != NULL && call->fork != NULL && !call->ended ? call : NULL;
}

static Lane *
find_lane (const SigSipFork *fork, SigSipCallId branch)
{
  for (guint i = 0; i < fork->lanes->len; i++)
    {
      Lane *lane = g_ptr_array_index (fork->lanes, i);
      if (lane->branch == branch)
        return lane;
    }
  return NULL;
}

static void
end_branch (SigSipCall *branch, SigSipEndCause cause, int status, const char *phrase, const char *reason)
{
  g_free (branch->bye_reason);
  branch->bye_reason = g_strdup (reason);
  sig_sip_call_end (branch, cause, status, phrase, NULL);
  sig_sip_call_bye (branch);
}

/* @except: (nullable) */
static void
cancel_all (SigSipCall *call, const SigSipCall *except, const char *reason)
{
  for (guint i = 0; i < call->fork->lanes->len; i++)
    {
      Lane *lane = g_ptr_array_index (call->fork->lanes, i);
      SigSipCall *branch = lane->branch != 0 ? sig_sip_call_live (call->sip, lane->branch) : NULL;

      lane->branch = 0;
      lane_clear (lane);
      if (branch != NULL && branch != except)
        end_branch (branch, SIG_SIP_END_LOCAL, 0, "", reason);
    }
}

/** sig_sip_fork_cancel: the owner, or the ringing time, ended the call. */
void
sig_sip_fork_cancel (SigSipCall *call)
{
  cancel_all (call, NULL, call->bye_reason);
}

/* ---- silence ---- */

static gboolean
on_silence (gpointer data)
{
  end_branch (data, SIG_SIP_END_TIMEOUT, 408, "Request Timeout", NULL);
  return G_SOURCE_REMOVE;
}

static void
wait_for_anything (SigSipCall *branch)
{
  SigSip *sip = branch->sip;

  if (sip->silent == NULL)
    sip->silent = g_hash_table_new (g_str_hash, g_str_equal);
  g_hash_table_insert (sip->silent, branch->dialog.call_id, branch);
  sig_sip_call_set_timer (branch, SILENCE_T1 * sip->t1_ms, on_silence);
}

/** sig_sip_fork_heard: @call, a branch or not, was answered or has ended. */
void
sig_sip_fork_heard (SigSipCall *call)
{
  if (call->is_branch && call->sip->silent != NULL
      && g_hash_table_remove (call->sip->silent, call->dialog.call_id) && !call->ended)
    sig_sip_call_set_timer (call, 0, NULL);
}

/** sig_sip_fork_trying: a 100 came, which the stack tells nobody. */
void
sig_sip_fork_trying (SigSip *sip, sip_t const *answer)
{
  SigSipCall *branch
      = sip->silent != NULL ? g_hash_table_lookup (sip->silent, answer->sip_call_id->i_id) : NULL;

  if (branch != NULL)
    sig_sip_fork_heard (branch);
}

void
sig_sip_fork_clear (SigSip *sip)
{
  g_assert (sip->silent == NULL || g_hash_table_size (sip->silent) == 0);
  g_clear_pointer (&sip->silent, g_hash_table_unref);
}

/* ---- a lane ---- */

static Lane *
add_lane (SigSipCall *call)
{
  Lane *lane = g_new0 (Lane, 1);

  lane->call = call;
  g_queue_init (&lane->attempts);
  g_ptr_array_add (call->fork->lanes, lane);
  return lane;
}

static void
keep_best (SigSipFork *fork, SigForkAnswer answer, SigSipEndCause cause, const char *phrase,
           const char *reason)
{
  if (!sig_fork_better (answer, fork->best))
    return;
  fork->best = answer;
  fork->best_cause = cause;
  g_free (fork->best_phrase);
  g_free (fork->best_reason);
  fork->best_phrase = g_strdup (phrase);
  fork->best_reason = g_strdup (reason);
}

static void
start_branch (Lane *lane, const SigSipAttempt *attempt)
{
  SigSipCall *call = lane->call;
  SigSip *sip = call->sip;
  char *call_id = g_steal_pointer (&call->dialog.call_id); /* for the first one */
  SigSipCall *branch = sig_sip_dial_target (sip, call->fork->plan, attempt, call_id);

  g_free (lane->uri);
  lane->uri = g_strdup (attempt->uri);
  if (branch == NULL)
    {
      keep_best (call->fork, (SigForkAnswer){ .status = 500 }, SIG_SIP_END_FAILED,
                 "The stack cannot make the call", NULL);
      return;
    }
  branch->is_branch = TRUE;
  branch->fork_id = call->id;
  sip->n_live--;
  sip->n_branches++;
  lane->branch = branch->id;
  if (!g_queue_is_empty (&lane->attempts))
    wait_for_anything (branch);
}

static void start_lane (Lane *lane);

/* Nothing is left to be tried or waited for. */
static void
check_over (SigSipCall *call)
{
  SigSipFork *fork = call->fork;

  for (guint i = 0; i < fork->lanes->len; i++)
    {
      const Lane *lane = g_ptr_array_index (fork->lanes, i);
      if (lane->branch != 0 || lane->lookup != NULL)
        return;
    }
  sig_sip_call_end (call, fork->best_cause, fork->best.status,
                    fork->best_phrase != NULL ? fork->best_phrase : "", fork->best_reason);
}

static void
on_resolved (gpointer user, const SigSipPlace *places, gsize n_places)
{
  Lane *lane = user;
  SigSipAttempt *attempt = g_steal_pointer (&lane->attempt);

  lane->lookup = NULL;
  for (gsize i = n_places; i > 0; i--)
    {
      const SigSipPlace *place = &places[i - 1];
      SigSipAttempt *one = attempt_new (attempt->uri, NULL, attempt->route);
      g_autofree char *at = g_strdup_printf (
          sig_sip_address_is_ipv6 (place->host) ? "sip:[%s]:%u;transport=%s" : "sip:%s:%u;transport=%s",
          place->host, place->port,
          place->transport == SIG_SIP_TLS   ? "tls"
          : place->transport == SIG_SIP_TCP ? "tcp"
                                            : "udp");
      one->name = g_strdup (lane->name);
      one->has_credentials = attempt->has_credentials;
      one->is_redirected = attempt->is_redirected;
      if (attempt->send_to != NULL)
        one->send_to = g_steal_pointer (&at);
      else
        one->at = g_steal_pointer (&at);
      g_queue_push_head (&lane->attempts, one);
    }
  attempt_free (attempt);
  if (n_places == 0)
    keep_best (lane->call->fork, (SigForkAnswer){ .status = 503 }, SIG_SIP_END_FAILED, "DNS Error", NULL);
  start_lane (lane);
  check_over (lane->call);
}

/* The next attempt, if there is one. */
static void
start_lane (Lane *lane)
{
  SigSip *sip = lane->call->sip;

  while (lane->branch == 0 && lane->lookup == NULL && !g_queue_is_empty (&lane->attempts))
    {
      SigSipAttempt *attempt = g_queue_pop_head (&lane->attempts);
      g_autofree char *host = NULL;
      SigSipQuestion question
          = { .allowed = sip->transports, .prefers_ipv6 = lane->call->fork->plan->is_ipv6 };

      if (sig_sip_attempt_needs_lookup (attempt, &question, &host))
        {
          question.host = host;
          g_free (lane->name);
          lane->name = g_strdup (host);
          lane->attempt = attempt;
          lane->lookup = sig_sip_resolve (sip->resolver, &question, on_resolved, lane);
          continue;
        }
      start_branch (lane, attempt);
      attempt_free (attempt);
    }
}

/* ---- the owner's call ---- */

/** sig_sip_fork_new: calls the targets of @plan. Returns: the owner's call */
SigSipCall *
sig_sip_fork_new (SigSip *sip, SigSipPlan *plan)
{
  const SigSipDial *dial = &plan->dial;
  SigSipCall *call = sig_sip_call_new (g_ptr_array_index (sip->listeners, 0), NULL, TRUE);
  Lane *lane = NULL;

  call->dialog.call_id = g_uuid_string_random (); /* ours, so that the owner knows it at once */
  call->fork = g_new0 (SigSipFork, 1);
  call->fork->plan = g_rc_box_acquire (plan);
  call->fork->lanes = g_ptr_array_new_with_free_func (lane_free);
  for (gsize i = 0; i < dial->n_targets; i++)
    {
      if (lane == NULL || dial->in_parallel)
        lane = add_lane (call);
      g_queue_push_tail (&lane->attempts, target_attempt (&dial->targets[i]));
    }
  for (guint i = 0; i < call->fork->lanes->len; i++)
    start_lane (g_ptr_array_index (call->fork->lanes, i));
  check_over (call);
  return call;
}

/** sig_sip_fork_won: @call got a 2xx. A branch becomes the owner's call; others are what they were. */
void
sig_sip_fork_won (SigSipCall *call)
{
  SigSip *sip = call->sip;
  SigSipCall *forked = find_fork (call);

  if (forked == NULL)
    return;
  cancel_all (forked, call, "SIP;cause=200;text=\"Call completed elsewhere\"");
  g_hash_table_steal (sip->calls, &call->id);
  g_hash_table_steal (sip->calls, &forked->id);
  call->id = forked->id;
  call->is_branch = FALSE;
  call->fork_id = 0;
  sip->n_branches--; /* n_live counted the other one */
  nua_handle_bind (call->nh, GSIZE_TO_POINTER (call->id));
  g_hash_table_insert (sip->calls, &call->id, call);
  sig_sip_call_free (forked);
}

/* Who answered, and said no, is not asked again at another of its servers; of the places that a redirection
 * named, the next one is (RFC 3261 8.1.3.4). */
static void
skip_refused (Lane *lane)
{
  for (GList *link = lane->attempts.head, *next; link != NULL; link = next)
    {
      SigSipAttempt *attempt = link->data;

      next = link->next;
      if (attempt->is_redirected && !g_str_equal (attempt->uri, lane->uri))
        continue;
      attempt_free (attempt);
      g_queue_delete_link (&lane->attempts, link);
    }
}

/** sig_sip_fork_branch_ended: instead of ops.ended, for a branch. */
void
sig_sip_fork_branch_ended (SigSipCall *branch)
{
  SigSipCall *call = find_fork (branch);
  Lane *lane = call != NULL ? find_lane (call->fork, branch->id) : NULL;
  const SigSipEnd *end = &branch->end;
  SigForkAnswer answer
      = { .status = end->status >= 300 ? end->status : 500, .is_remote = end->cause == SIG_SIP_END_REJECTED };

  if (lane == NULL || call->sip->shutting_down)
    return;
  lane->branch = 0;
  if (branch->was_redirected) /* its lane has the new attempts, or new lanes have */
    {
      for (guint i = 0; i < call->fork->lanes->len; i++)
        start_lane (g_ptr_array_index (call->fork->lanes, i));
      check_over (call);
      return;
    }
  keep_best (call->fork, answer, end->cause, end->phrase, end->reason);
  if (sig_fork_stops_all (answer))
    {
      /* RFC 3326 2: what one of them said is why the others are not asked any longer. */
      sig_sip_call_say_why (call, answer.status, sig_sip_phrase (answer.status, NULL));
      cancel_all (call, NULL, call->bye_reason);
    }
  else
    {
      if (!sig_fork_goes_on (answer))
        skip_refused (lane);
      start_lane (lane);
    }
  check_over (call);
}

/* ---- redirection (RFC 3261 8.1.3.4) ---- */

typedef struct
{
  char *uri;
  double q;
  guint place;
} Contact;

static int
compare_contacts (const void *a, const void *b)
{
  const Contact *x = a, *y = b;

  if (x->q > y->q || x->q < y->q)
    return x->q > y->q ? -1 : 1;
  return (x->place > y->place) - (x->place < y->place);
}

/* Not to anywhere: a redirection must not choose whom this gateway calls at somebody's cost, nor who sees its
 * credentials (docs/decisions). */
static gboolean
may_redirect_to (const SigSipFork *fork, const SigSipCall *branch, const char *uri, gboolean *same_host)
{
  const SigSipDial *dial = &fork->plan->dial;
  g_autofree char *host = NULL, *own = NULL;
  guint16 port, own_port;

  if (!sig_sip_check_uri (uri, NULL) || g_hash_table_contains (fork->seen, uri))
    return FALSE;
  sig_sip_uri_host (uri, &host, &port);
  sig_sip_uri_host (branch->redial->uri, &own, &own_port);
  *same_host = g_ascii_strcasecmp (host, own) == 0 || g_str_equal (host, branch->peer.host);
  return *same_host || cfg_host_list_contains (dial->redirect_hosts, host, port);
}

static char *
contact_uri (const sip_contact_t *contact)
{
  su_home_t home[1] = { SU_HOME_INIT (home) };
  url_t url = *contact->m_url;
  char *uri;

  url.url_headers = NULL; /* of a request that somebody else would have us make */
  su_home_init (home);
  uri = g_strdup (url_as_string (home, &url));
  su_home_deinit (home);
  return uri;
}

/* The owner may know who @uri is: several phones, perhaps, which are called at the same time. Each once. */
static gboolean
ask_owner (SigSipCall *call, const char *uri)
{
  SigSip *sip = call->sip;
  SigSipFork *fork = call->fork;

  if (sip->ops->redirected == NULL || fork->n_redirects == MAX_REDIRECTS
      || g_hash_table_contains (fork->seen, uri) || !sig_sip_check_uri (uri, NULL))
    return FALSE;
  g_autoptr (GArray) targets = sip->ops->redirected (sip->owner, call->id, uri);
  g_hash_table_add (fork->seen, g_strdup (uri));
  if (targets == NULL || targets->len == 0 || fork->lanes->len + targets->len > MAX_LANES)
    return FALSE;
  fork->n_redirects++;
  for (guint i = 0; i < targets->len; i++)
    g_queue_push_tail (&add_lane (call)->attempts,
                       target_attempt (&g_array_index (targets, SigSipTarget, i)));
  return TRUE;
}

/**
 * sig_sip_fork_redirected: @branch got @message, a 300, 301 or 302.
 * Returns: TRUE when there are new attempts: the answer is not one for the owner
 */
gboolean
sig_sip_fork_redirected (SigSipCall *branch, sip_t const *message)
{
  SigSipCall *call = find_fork (branch);
  Lane *lane = call != NULL ? find_lane (call->fork, branch->id) : NULL;
  Contact contacts[16];
  guint n = 0;

  if (lane == NULL || branch->redial == NULL)
    return FALSE;
  SigSipFork *fork = call->fork;
  gboolean asks_owner = !fork->plan->dial.follows_redirects;
  if (fork->seen == NULL)
    fork->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_add (fork->seen, g_strdup (branch->redial->uri));
  for (const sip_contact_t *m = message->sip_contact; m != NULL && n < G_N_ELEMENTS (contacts);
       m = m->m_next, n++)
    contacts[n] = (Contact){ .uri = contact_uri (m),
                             .q = m->m_q != NULL ? g_ascii_strtod (m->m_q, NULL) : 1.0,
                             .place = n };
  qsort (contacts, n, sizeof *contacts, compare_contacts);

  g_autoptr (GPtrArray) attempts = g_ptr_array_new ();
  for (guint i = 0; i < n; i++)
    {
      gboolean same_host = FALSE;
      if (asks_owner)
        branch->was_redirected |= ask_owner (call, contacts[i].uri);
      else if (fork->n_redirects < MAX_REDIRECTS
               && may_redirect_to (fork, branch, contacts[i].uri, &same_host))
        {
          SigSipAttempt *attempt = attempt_new (contacts[i].uri, NULL, NULL);
          attempt->is_redirected = TRUE;
          attempt->has_credentials = same_host && branch->credentials != NULL;
          g_ptr_array_add (attempts, attempt);
          g_hash_table_add (fork->seen, g_strdup (contacts[i].uri));
          fork->n_redirects++;
        }
      g_free (contacts[i].uri);
    }
  for (guint i = attempts->len; i > 0; i--)
    g_queue_push_head (&lane->attempts, g_ptr_array_index (attempts, i - 1));
  branch->was_redirected |= attempts->len > 0;
  return branch->was_redirected;
}
