/* What session timers cost: 1000 established calls whose sessions we refresh (interval 90 s), next to the
 * same calls without timers. The endpoint that is measured and the one that calls it are processes of their
 * own.
 *
 *   bench-signaling-session_timer [CALLS [SECONDS]] */
#include "signaling/sip/sip.h"

#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SDP                                                                                                  \
  "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"
#define INTERVAL_S  90
#define SERVER_PORT 27060
#define CLIENT_PORT 27061

typedef struct
{
  SigSip *sip;
  guint n_calls, n_acked, n_ended, n_refreshed, n_dialled;
  GMainLoop *loop;
} Side;

typedef struct
{
  double rss_mb, cpu_percent, refreshes_per_s;
  guint n_ended;
} Cost;

static void
on_invite (gpointer owner, SigSipCallId call, const SigSipInvite *invite)
{
  sig_sip_call_answer (((Side *)owner)->sip, call, SDP);
}

static void
on_acked (gpointer owner, SigSipCallId call, const char *sdp)
{
  Side *side = owner;

  if (side->n_dialled == 0 && ++side->n_acked == side->n_calls) /* the one that is called */
    g_main_loop_quit (side->loop);
}

static void
on_reoffer (gpointer owner, SigSipCallId call, const char *sdp)
{
  sig_sip_call_answer_reoffer (((Side *)owner)->sip, call, SDP);
}

static void
on_ended (gpointer owner, SigSipCallId call, const SigSipEnd *end)
{
  ((Side *)owner)->n_ended++;
}

static void
on_timer (gpointer owner, SigSipCallId call, const SigSipTimerNews *news)
{
  ((Side *)owner)->n_refreshed += (news->news & SIG_TIMER_NEWS_REFRESHED) != 0;
}

static const char *
on_refresh_sdp (gpointer owner, SigSipCallId call)
{
  return SDP;
}

static const SigSipOps ops = { .invite = on_invite,
                               .acked = on_acked,
                               .reoffer = on_reoffer,
                               .ended = on_ended,
                               .timer = on_timer,
                               .refresh_sdp = on_refresh_sdp };

static void
side_init (Side *side, guint16 port, gboolean with_timer, guint n_calls)
{
  const char *bind[] = { "127.0.0.1", NULL };
  g_autoptr (GError) error = NULL;
  const SigSipConfig config = { .bind = bind,
                                .port = port,
                                .transports = SIG_SIP_UDP,
                                .session_timer = { .enabled = with_timer,
                                                   .default_expires_s = INTERVAL_S,
                                                   .min_se_s = INTERVAL_S,
                                                   .prefer = SIG_TIMER_UAS } };

  side->n_calls = n_calls;
  side->loop = g_main_loop_new (NULL, FALSE);
  side->sip = sig_sip_new (&config, &ops, side, &error);
  if (side->sip == NULL)
    g_error ("%s", error->message);
}

static gboolean
dial (gpointer data)
{
  Side *side = data;
  g_autofree char *uri = g_strdup_printf ("sip:%u@127.0.0.1:%u", side->n_dialled, SERVER_PORT);
  const SigSipDial call = { .to_uri = uri, .sdp = SDP };

  g_assert_cmpuint (sig_sip_dial (side->sip, &call, NULL), !=, 0);
  return ++side->n_dialled < side->n_calls;
}

static void
run_client (gboolean with_timer, guint n_calls)
{
  Side side = { 0 };

  side_init (&side, CLIENT_PORT, with_timer, n_calls);
  g_timeout_add (5, dial, &side);
  g_main_loop_run (side.loop);
}

static double
cpu_s (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
         + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double
rss_mb (void)
{
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  return (double)(strtoul (strchr (text, ' '), NULL, 10) * (gulong)getpagesize ()) / 1e6;
}

static gboolean
on_over (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static Cost
run_server (gboolean with_timer, guint n_calls, guint seconds)
{
  Side side = { 0 };
  double cpu;

  side_init (&side, SERVER_PORT, with_timer, n_calls);
  g_main_loop_run (side.loop);
  cpu = cpu_s ();
  g_timeout_add_seconds (seconds, on_over, side.loop);
  g_main_loop_run (side.loop);
  return (Cost){ .rss_mb = rss_mb (),
                 .cpu_percent = 100 * (cpu_s () - cpu) / seconds,
                 .refreshes_per_s = (double)side.n_refreshed / seconds,
                 .n_ended = side.n_ended };
}

/* Both sides as children, so that the second run begins as the first did. */
static Cost
measure (gboolean with_timer, guint n_calls, guint seconds)
{
  int pipes[2], status;
  Cost cost;

  g_assert_cmpint (pipe (pipes), ==, 0);
  fflush (stdout);
  pid_t server = fork ();
  if (server == 0)
    {
      cost = run_server (with_timer, n_calls, seconds);
      _exit (write (pipes[1], &cost, sizeof cost) != sizeof cost);
    }
  pid_t client = fork ();
  if (client == 0)
    {
      g_usleep (500000);
      run_client (with_timer, n_calls);
      _exit (0);
    }
  close (pipes[1]);
  if (read (pipes[0], &cost, sizeof cost) != sizeof cost)
    g_error ("the server ended without a result");
  close (pipes[0]);
  kill (client, SIGKILL);
  waitpid (client, &status, 0);
  waitpid (server, &status, 0);
  g_print ("%-15s %8.1f MB  %6.2f %% CPU  %6.1f refreshes/s  %u ended\n",
           with_timer ? "with timers" : "without timers", cost.rss_mb, cost.cpu_percent, cost.refreshes_per_s,
           cost.n_ended);
  return cost;
}

int
main (int argc, char **argv)
{
  guint n_calls = argc > 1 ? (guint)g_ascii_strtoull (argv[1], NULL, 10) : 1000;
  guint seconds = argc > 2 ? (guint)g_ascii_strtoull (argv[2], NULL, 10) : 135;

  g_print ("%u calls, interval %d s, watched for %u s; %zu bytes of state per call\n", n_calls, INTERVAL_S,
           seconds, sizeof (SigSessionTimer));
  Cost without = measure (FALSE, n_calls, seconds);
  Cost with = measure (TRUE, n_calls, seconds);
  g_print ("timers cost %.1f MB and %.2f %% of a core (budget: 10 MB, 1 %%)\n", with.rss_mb - without.rss_mb,
           with.cpu_percent - without.cpu_percent);
  return with.n_ended + without.n_ended > 0 || with.refreshes_per_s * seconds < n_calls;
}
