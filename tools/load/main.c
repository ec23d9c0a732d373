/* A load on a gateway: SIP calls and WebRTC participants, and beside them plain RTP participants of a Janus,
 * who speak prerecorded audio and measure what they hear. `switchroom-load --help` names the options.
 *
 * One thread, one epoll descriptor; everybody sends in one of the twenty milliseconds of a frame. The status
 * is 0 when everybody came up and stayed, 1 when not, 2 when the load could not begin. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#include "tools/load/janus.h"
#include "tools/load/report.h"
#include "tools/load/scenario.h"
#include "tools/load/sip_call.h"

static void
on_signal (int number)
{
  (void)number;
  load_scenario_stopped = 1;
}

static void
set_up_process (const LoadOptions *options)
{
  struct rlimit limit;

  (void)signal (SIGINT, on_signal);
  (void)signal (SIGTERM, on_signal);
  (void)signal (SIGPIPE, SIG_IGN);
  if (getrlimit (RLIMIT_NOFILE, &limit) == 0)
    {
      limit.rlim_cur = limit.rlim_max;
      (void)setrlimit (RLIMIT_NOFILE, &limit);
    }
  if (options->cpu >= 0)
    {
      cpu_set_t cpus;

      CPU_ZERO (&cpus);
      CPU_SET ((gsize)options->cpu, &cpus);
      if (sched_setaffinity (0, sizeof cpus, &cpus) != 0)
        fprintf (stderr, "switchroom-load: there is no processor %d\n", options->cpu);
    }
}

static gboolean
set_up (Load *load, GError **error)
{
  load->pump = media_pump_new (error);
  load->certificate = load->pump != NULL ? media_certificate_new (error) : NULL;
  if (load->certificate == NULL)
    return FALSE;
  load->dtls_context = media_dtls_context_new (load->certificate, error);
  if (load->dtls_context == NULL)
    return FALSE;
  if (load->options->webrtc != MEDIA_SRTP_NONE)
    (void)media_dtls_context_restrict (load->dtls_context, load->options->webrtc);
  load->netem = load_netem_new (1);
  load_rooms_new (load);
  load->participants = g_ptr_array_new_with_free_func ((GDestroyNotify)load_participant_free);
  if (load->options->n_sip > 0)
    {
      load->sip = load_sip_new (load, error);
      if (load->sip == NULL)
        return FALSE;
    }
  if (load->options->n_janus > 0)
    {
      load->janus = load_janus_new (load, error);
      if (load->janus == NULL)
        return FALSE;
    }
  return TRUE;
}

static void
tear_down (Load *load)
{
  g_clear_pointer (&load->participants, g_ptr_array_unref);
  load_sip_free (load->sip);
  load_janus_free (load->janus);
  g_clear_pointer (&load->netem, load_netem_free);
  for (guint i = 0; i < MEDIA_CODEC_N; i++)
    load_frames_free (load->frames[i]);
  g_clear_pointer (&load->pump, media_pump_free);
  g_clear_pointer (&load->dtls_context, media_dtls_context_free);
  g_clear_pointer (&load->certificate, media_certificate_free);
  g_free (load->rooms);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LoadOptions) options = load_options_parse (&argc, &argv, &error);
  Load load = { .options = options };
  LoadScenario *scenario = NULL;
  int status = 2;

  if (options != NULL)
    {
      set_up_process (options);
      if (set_up (&load, &error))
        scenario = load_scenario_new (&load, &error);
    }
  if (scenario != NULL)
    {
      load_scenario_run (scenario);
      status = load_report_print (&load, load_scenario_outcome (scenario)) ? 0 : 1;
      load_scenario_free (scenario);
    }
  else
    fprintf (stderr, "switchroom-load: %s\n", error->message);
  if (options != NULL)
    tear_down (&load);
  return status;
}
