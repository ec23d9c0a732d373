/* A call to several targets: which final answer counts, and whether another target is worth trying. Pure. */
#pragma once

#include <glib.h>

typedef struct
{
  int status;         /* 300-699; 0: none yet */
  gboolean is_remote; /* FALSE: a time-out or an unreachable peer, stated by our own stack */
} SigForkAnswer;

/**
 * sig_fork_better: whether @answer is told instead of @best (RFC 3261 16.7, step 6): 6xx, then what a peer
 * said before what we noticed ourselves, then the lowest class; among 4xx one that says what to do better
 * (401, 407, 415, 420, 484). The first of equals stays.
 */
gboolean sig_fork_better (SigForkAnswer answer, SigForkAnswer best);

/** sig_fork_goes_on: whether targets that come after one with @answer are tried (RFC 3263 4.3): it is not
 * there, or says that it cannot serve. A busy or refusing callee is not asked again at another door. */
gboolean sig_fork_goes_on (SigForkAnswer answer);

/** sig_fork_stops_all: 6xx: nobody else can take the call either; the other branches are cancelled. */
gboolean sig_fork_stops_all (SigForkAnswer answer);
