/* A call to several targets. The owner's call has no handle: it holds the list, the branches are calls of
 * their own (is_branch) that carry its id. What ends a branch comes here in the next turn of the loop, when
 * the owner would have been told:
 *
 *   a branch answers 2xx   it takes over the id and the owner; the others are cancelled, the empty call goes
 *   a branch ends          one after the other: the next target; all over: the owner hears the best answer
 *   the owner hangs up     all branches are cancelled */
#include "signaling/core/fork.h"
#include "signaling/sip/internal.h"

/* How long a target may be silent while others wait: not even a 100 came. */
#define SILENCE_T1 8

struct _SigSipFork
{
  SigSipPlan *plan;
  gsize next;      /* of plan's targets */
  GArray *running; /* SigSipCallId of branches without a final answer */
  SigForkAnswer best;
  SigSipEndCause best_cause;
  char *best_phrase, *best_reason;
};

void
sig_sip_fork_free (SigSipFork *fork)
{
  sig_sip_plan_release (fork->plan);
  g_array_unref (fork->running);
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

/** sig_sip_fork_speaker: the branch that stands for a call to several targets; @call itself for others. */
const SigSipCall *
sig_sip_fork_speaker (const SigSipCall *call)
{
  const SigSipCall *branch = NULL;

  if (call->fork != NULL && call->fork->running->len > 0)
    branch = g_hash_table_lookup (call->sip->calls, &g_array_index (call->fork->running, SigSipCallId, 0));
  return branch != NULL ? branch : call;
}

static SigSipCall *
find_fork (const SigSipCall *branch)
{
  SigSipCall *call = branch->is_branch ? g_hash_table_lookup (branch->sip->calls, &branch->fork_id) : NULL;

  return call != NULL && call->fork != NULL && !call->ended ? call : NULL;
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
  g_autoptr (GArray) running = g_steal_pointer (&call->fork->running);

  call->fork->running = g_array_new (FALSE, FALSE, sizeof (SigSipCallId));
  for (guint i = 0; i < running->len; i++)
    {
      SigSipCall *branch = sig_sip_call_live (call->sip, g_array_index (running, SigSipCallId, i));
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

static gboolean
start_next (SigSipCall *call)
{
  SigSipFork *fork = call->fork;
  SigSip *sip = call->sip;
  const SigSipDial *dial = &fork->plan->dial;
  SigSipCall *branch = sig_sip_dial_target (sip, fork->plan, &dial->targets[fork->next++]);

  if (branch == NULL)
    return FALSE;
  branch->is_branch = TRUE;
  branch->fork_id = call->id;
  sip->n_live--;
  sip->n_branches++;
  g_array_append_val (fork->running, branch->id);
  if (!dial->in_parallel && fork->next < dial->n_targets)
    wait_for_anything (branch);
  return TRUE;
}

/* One target, or all when they are tried at the same time. Returns: FALSE when nothing runs. */
static gboolean
start (SigSipCall *call)
{
  SigSipFork *fork = call->fork;
  const SigSipDial *dial = &fork->plan->dial;

  while (fork->next < dial->n_targets && (dial->in_parallel || fork->running->len == 0))
    (void)start_next (call);
  return fork->running->len > 0;
}

/**
 * sig_sip_fork_new: calls the targets of @plan.
 * Returns: (nullable): the owner's call; NULL when the stack can make none
 */
SigSipCall *
sig_sip_fork_new (SigSip *sip, SigSipPlan *plan)
{
  SigSipCall *call = sig_sip_call_new (g_ptr_array_index (sip->listeners, 0), NULL, TRUE);

  call->fork = g_new0 (SigSipFork, 1);
  call->fork->plan = g_rc_box_acquire (plan);
  call->fork->running = g_array_new (FALSE, FALSE, sizeof (SigSipCallId));
  if (start (call))
    return call;
  sip->n_live--;
  g_hash_table_remove (sip->calls, &call->id);
  return NULL;
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

static void
keep_best (SigSipFork *fork, SigForkAnswer answer, const SigSipEnd *end)
{
  if (!sig_fork_better (answer, fork->best))
    return;
  fork->best = answer;
  fork->best_cause = end->cause;
  g_free (fork->best_phrase);
  g_free (fork->best_reason);
  fork->best_phrase = g_strdup (end->phrase);
  fork->best_reason = g_strdup (end->reason);
}

/** sig_sip_fork_branch_ended: instead of ops.ended, for a branch. */
void
sig_sip_fork_branch_ended (SigSipCall *branch)
{
  SigSipCall *call = find_fork (branch);
  const SigSipEnd *end = &branch->end;
  SigForkAnswer answer
      = { .status = end->status >= 300 ? end->status : 500, .is_remote = end->cause == SIG_SIP_END_REJECTED };

  if (call == NULL || call->sip->shutting_down)
    return;
  SigSipFork *fork = call->fork;
  for (guint i = 0; i < fork->running->len; i++)
    if (g_array_index (fork->running, SigSipCallId, i) == branch->id)
      {
        g_array_remove_index (fork->running, i);
        break;
      }
  keep_best (fork, answer, end);
  if (sig_fork_stops_all (answer))
    cancel_all (call, NULL, NULL);
  else if (fork->running->len > 0)
    return;
  else if ((fork->plan->dial.in_parallel || sig_fork_goes_on (answer)) && start (call))
    return;
  sig_sip_call_end (call, fork->best_cause, fork->best.status, fork->best_phrase, fork->best_reason);
}
