#include "config/base/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "config/base/clock.h"

/* A pthread mutex rather than GMutex: the thread sanitizer understands it. It is held for a few
 * instructions, never while a message runs. */
struct _CfgMailbox
{
  pthread_mutex_t lock;
  CfgMessage *first;
  CfgMessage **last_next;
  guint n_waiting;
  guint limit;
  guint64 n_dropped;
  int fd;
};

CfgMailbox *
cfg_mailbox_new (guint limit)
{
  CfgMailbox *mailbox = g_new0 (CfgMailbox, 1);

  pthread_mutex_init (&mailbox->lock, NULL);
  mailbox->last_next = &mailbox->first;
  mailbox->limit = limit;
  mailbox->fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (mailbox->fd < 0)
    g_error ("mailbox: eventfd: %s", g_strerror (errno));
  return mailbox;
}

static void
destroy_list (CfgMessage *message)
{
  while (message != NULL)
    {
      CfgMessage *next = message->next;

      message->destroy (message);
      message = next;
    }
}

void
cfg_mailbox_free (CfgMailbox *mailbox)
{
  destroy_list (mailbox->first);
  close (mailbox->fd);
  pthread_mutex_destroy (&mailbox->lock);
  g_free (mailbox);
}

gboolean
cfg_mailbox_post (CfgMailbox *mailbox, CfgMessage *message, CfgMailboxPriority priority)
{
  gboolean was_empty;
  const uint64_t one = 1;

  message->next = NULL;
  pthread_mutex_lock (&mailbox->lock);
  if (priority == CFG_MAILBOX_MAY_DROP && mailbox->n_waiting >= mailbox->limit)
    {
      mailbox->n_dropped++;
      pthread_mutex_unlock (&mailbox->lock);
      message->destroy (message);
      return FALSE;
    }
  was_empty = mailbox->first == NULL;
  *mailbox->last_next = message;
  mailbox->last_next = &message->next;
  mailbox->n_waiting++;
  pthread_mutex_unlock (&mailbox->lock);
  /* Fails only when the counter is full, and then the owner is awake anyway. */
  if (was_empty && write (mailbox->fd, &one, sizeof one) < 0)
    g_assert (errno == EAGAIN);
  return TRUE;
}

int
cfg_mailbox_fd (const CfgMailbox *mailbox)
{
  return mailbox->fd;
}

guint
cfg_mailbox_dispatch (CfgMailbox *mailbox, gpointer owner)
{
  CfgMessage *message;
  uint64_t count;
  guint n = 0;

  if (read (mailbox->fd, &count, sizeof count) < 0)
    g_assert (errno == EAGAIN || errno == EINTR);
  pthread_mutex_lock (&mailbox->lock);
  message = mailbox->first;
  mailbox->first = NULL;
  mailbox->last_next = &mailbox->first;
  mailbox->n_waiting = 0;
  pthread_mutex_unlock (&mailbox->lock);
  while (message != NULL)
    {
      CfgMessage *next = message->next;

      message->run (message, owner);
      message->destroy (message);
      message = next;
      n++;
    }
  return n;
}

static CfgMessage *
take_first (CfgMailbox *mailbox)
{
  CfgMessage *message;

  pthread_mutex_lock (&mailbox->lock);
  message = mailbox->first;
  if (message != NULL)
    {
      mailbox->first = message->next;
      mailbox->n_waiting--;
      if (mailbox->first == NULL)
        mailbox->last_next = &mailbox->first;
    }
  pthread_mutex_unlock (&mailbox->lock);
  return message;
}

guint
cfg_mailbox_dispatch_for (CfgMailbox *mailbox, gpointer owner, gint64 us)
{
  const CfgMonotonic began = cfg_monotonic_now ();
  const uint64_t one = 1;
  CfgMessage *message;
  uint64_t count;
  guint most;
  guint n = 0;

  if (read (mailbox->fd, &count, sizeof count) < 0)
    g_assert (errno == EAGAIN || errno == EINTR);
  most = cfg_mailbox_waiting (mailbox);
  while (n < most && (message = take_first (mailbox)) != NULL)
    {
      message->run (message, owner);
      message->destroy (message);
      n++;
      if (cfg_monotonic_diff_us (cfg_monotonic_now (), began) >= us)
        break;
    }
  /* Who posts to a mailbox that is not empty wakes nobody. */
  if (cfg_mailbox_waiting (mailbox) > 0 && write (mailbox->fd, &one, sizeof one) < 0)
    g_assert (errno == EAGAIN);
  return n;
}

guint
cfg_mailbox_waiting (CfgMailbox *mailbox)
{
  guint n;

  pthread_mutex_lock (&mailbox->lock);
  n = mailbox->n_waiting;
  pthread_mutex_unlock (&mailbox->lock);
  return n;
}

guint64
cfg_mailbox_dropped (CfgMailbox *mailbox)
{
  guint64 n;

  pthread_mutex_lock (&mailbox->lock);
  n = mailbox->n_dropped;
  pthread_mutex_unlock (&mailbox->lock);
  return n;
}

typedef struct
{
  GSource base;
  CfgMailbox *mailbox;
  gpointer owner;
} MailboxSource;

static gboolean
mailbox_source_dispatch (GSource *base, GSourceFunc callback, gpointer user_data)
{
  MailboxSource *source = (MailboxSource *)base;

  cfg_mailbox_dispatch (source->mailbox, source->owner);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs mailbox_source_funcs = {
  .dispatch = mailbox_source_dispatch,
};

GSource *
cfg_mailbox_source_new (CfgMailbox *mailbox, gpointer owner)
{
  GSource *base = g_source_new (&mailbox_source_funcs, sizeof (MailboxSource));
  MailboxSource *source = (MailboxSource *)base;

  source->mailbox = mailbox;
  source->owner = owner;
  g_source_add_unix_fd (base, mailbox->fd, G_IO_IN);
  /* Nobody turns the loop from inside of a message. Otherwise GLib takes the descriptor out of the loop
   * before every dispatch and puts it back after it, and wakes itself up each time: three system calls more,
   * and a second turn of the loop in which nothing is due. */
  g_source_set_can_recurse (base, TRUE);
  g_source_set_static_name (base, "mailbox");
  return base;
}
