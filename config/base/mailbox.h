/* The only way from one thread to another: a bounded queue of owned messages, with a file descriptor that a
 * loop waits on. Many threads may post, one thread (the owner) takes.
 *
 * A message is a struct that begins with a CfgMessage:
 *
 *   typedef struct { CfgMessage base; guint64 leg; char digit; } DtmfMessage;
 *
 * The poster fills it and gives it away; the owner calls its run function and frees it. */
#pragma once

#include <glib.h>

typedef struct _CfgMailbox CfgMailbox;
typedef struct _CfgMessage CfgMessage;

struct _CfgMessage
{
  CfgMessage *next; /* the mailbox's own */
  /* Called on the owner's thread; must not free the message. */
  void (*run) (CfgMessage *message, gpointer owner);
  /* Called once, on the owner's thread, after run or when the mailbox is freed with the message inside. */
  void (*destroy) (CfgMessage *message);
};

typedef enum
{
  CFG_MAILBOX_MUST_DELIVER, /* control, DTMF, speakers: queued even above the limit */
  CFG_MAILBOX_MAY_DROP,     /* statistics: refused above the limit */
} CfgMailboxPriority;

/** cfg_mailbox_new: @limit is how many droppable messages may wait. */
CfgMailbox *cfg_mailbox_new (guint limit) G_GNUC_WARN_UNUSED_RESULT;
/** cfg_mailbox_free: destroys what still waits. Only when no thread posts any more. */
void cfg_mailbox_free (CfgMailbox *mailbox);

/**
 * cfg_mailbox_post:
 * @message: (transfer full): destroyed at once when it is refused
 *
 * Any thread. Returns: TRUE when queued; FALSE when it was droppable and the mailbox is full (counted).
 */
gboolean cfg_mailbox_post (CfgMailbox *mailbox, CfgMessage *message, CfgMailboxPriority priority);

/** cfg_mailbox_fd: an eventfd that is readable while messages wait; for poll or epoll, never read it. */
int cfg_mailbox_fd (const CfgMailbox *mailbox);

/**
 * cfg_mailbox_dispatch:
 * @owner: passed to each message's run function
 *
 * Owner's thread. Runs the messages that waited when it was called, in the order of posting.
 * Returns: how many ran.
 */
guint cfg_mailbox_dispatch (CfgMailbox *mailbox, gpointer owner);

/**
 * cfg_mailbox_dispatch_for:
 * @us: how long; no more are begun after that, and the descriptor stays readable for the rest
 *
 * As cfg_mailbox_dispatch, for a thread that has other work too. At least one message runs.
 */
guint cfg_mailbox_dispatch_for (CfgMailbox *mailbox, gpointer owner, gint64 us);

/** cfg_mailbox_waiting: messages that wait now. Any thread. */
guint cfg_mailbox_waiting (CfgMailbox *mailbox);

/** cfg_mailbox_dropped: how many messages were refused so far. Any thread. */
guint64 cfg_mailbox_dropped (CfgMailbox *mailbox);

/**
 * cfg_mailbox_source_new:
 * Returns: (transfer full): a GSource, not yet attached, that dispatches @mailbox with @owner. A message must
 * not turn the loop.
 */
GSource *cfg_mailbox_source_new (CfgMailbox *mailbox, gpointer owner) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CfgMailbox, cfg_mailbox_free)
