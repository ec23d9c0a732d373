#include "tools/load/scenario.h"

#include <string.h>
#include <time.h>

#include "tools/load/bound.h"
#include "tools/load/janus.h"
#include "tools/load/sip_call.h"
#include "tools/load/webrtc.h"

#define G711_PROBES      400 /* cheap to decode: about so many do it for the delay */
#define IDLE_US          (1 * CFG_US_PER_S)
#define JOIN_TIMEOUT_US  (20 * CFG_US_PER_S)
#define SHORT_WINDOW_US  (CFG_US_PER_S / 2)
#define LEAVE_TIMEOUT_US (5 * CFG_US_PER_S)
#define CATCH_UP         (3 * LOAD_TICK_MS) /* slots that a late generator makes up for; more are skipped */

typedef enum
{
  IDLE,
  JOINING,
  SETTLING,
  MEASURING,
  LEAVING,
  DONE,
} Phase;

struct _LoadScenario
{
  Load *load;
  Phase phase;
  CfgMonotonic since; /* of the phase, or of the window */
  CfgMonotonic measured_from;
  MediaPumpTimer slot_timer;
  CfgMonotonic next_slot;
  guint slot;
  guint n_joining;         /* who were told to */
  guint n_windows;         /* that are over */
  guint64 n_skipped_slots; /* while it measured */
  LoadProcess self;        /* as the measuring began */
  LoadOutcome outcome;
};

volatile sig_atomic_t load_scenario_stopped;

static const LoadFrames *
frames_for (Load *load, MediaCodecId codec, GError **error)
{
  g_autofree gint16 *voice = NULL;

  if (load->frames[codec] != NULL)
    return load->frames[codec];
  if (load->options->speech != NULL)
    {
      voice = load_frames_read (load->options->speech, media_codec_get_sample_rate (media_codec_get (codec)),
                                error);
      if (voice == NULL)
        return NULL;
    }
  load->frames[codec] = load_frames_new (codec, voice, error);
  return load->frames[codec];
}

/* Of those in a room the first ones talk. */
static gboolean
place (LoadScenario *scenario, LoadKind kind, guint n, MediaCodecId codec, gboolean silent, GError **error)
{
  Load *load = scenario->load;
  const LoadOptions *options = load->options;
  const LoadFrames *frames = frames_for (load, codec, error);

  for (guint i = 0; i < n && frames != NULL; i++)
    {
      const guint room = load_rooms_place (load, kind, i);
      const gboolean talks
          = !silent && (options->n_talkers < 0 || load->rooms[room].n_talkers < (guint)options->n_talkers);
      LoadParticipant *participant = load_participant_new (load, kind, room, talks, frames);

      if (kind == LOAD_SIP)
        load_sip_take (load->sip, participant);
      else if (kind == LOAD_WEBRTC)
        load_webrtc_take (participant);
      else
        load_janus_take (load->janus, participant);
      g_ptr_array_add (load->participants, participant);
    }
  return frames != NULL;
}

/* Whether those whom it hears send nothing at times, or it hears nobody who sends. */
static gboolean
hears_pauses (const Load *load, const LoadParticipant *participant)
{
  const gboolean hears = load->rooms[participant->room].n_talkers > (guint)participant->flow.talks;

  return load->options->muted && (load->options->pause_frames > 0 || !hears);
}

/* The marks of a room's talkers are spread over the time between two, and not everybody decodes. */
static void
spread (Load *load)
{
  g_autofree guint *nth = g_new0 (guint, load->n_rooms);
  const guint every = MAX (1, load->participants->len / MAX (1, load->options->n_probes));
  const guint every_g711 = 1 + load->participants->len / G711_PROBES;

  for (guint i = 0; i < load->participants->len; i++)
    {
      LoadParticipant *participant = g_ptr_array_index (load->participants, i);
      const guint talkers = load->rooms[participant->room].n_talkers;

      participant->flow.decodes = load->options->n_probes > 0 && i % every == 0;
      participant->flow.decodes_g711 = i % every_g711 == 0;
      participant->flow.hears_pauses = hears_pauses (load, participant);
      if (participant->flow.talks)
        load_flow_set_turn (&participant->flow, load->options->spurt_frames, load->options->pause_frames,
                            participant->room, nth[participant->room]++, talkers);
    }
}

/* ---- what is measured ---- */

static void
read_target (LoadTarget *target, LoadProcess *process)
{
  if (target->pid != 0 && !load_process_read (target->pid, process))
    {
      g_printerr ("switchroom-load: there is no process %d any more\n", target->pid);
      target->pid = 0;
    }
}

static void
end_window (LoadTarget *target)
{
  LoadProcess now;
  LoadWindow *window = &target->windows[target->n_windows];
  double us;

  if (target->pid == 0)
    return;
  read_target (target, &now);
  if (target->pid == 0)
    return;
  us = (double)(now.at_us - target->last.at_us);
  *window = (LoadWindow){ .seconds = us / 1e6,
                          .cpu_percent = 100 * (double)(now.cpu_us - target->last.cpu_us) / us,
                          .main_percent = 100 * (double)(now.main_us - target->last.main_us) / us,
                          .waited_percent = 100 * (double)(now.waited_us - target->last.waited_us) / us,
                          .rss_kb = now.rss_kb,
                          .anon_kb = now.anon_kb };
  target->n_windows++;
  target->last = now;
}

static void
begin_measuring (LoadScenario *scenario)
{
  for (guint i = 0; i < scenario->load->participants->len; i++)
    load_participant_begin (g_ptr_array_index (scenario->load->participants, i));
  scenario->outcome.lateness_max_us = 0;
  read_target (&scenario->outcome.gateway, &scenario->outcome.gateway.last);
  read_target (&scenario->outcome.janus, &scenario->outcome.janus.last);
  load_process_read (0, &scenario->self);
}

/* ---- the course ---- */

static void
enter (LoadScenario *scenario, Phase phase, CfgMonotonic now)
{
  scenario->phase = phase;
  scenario->since = now;
}

static guint
count (const LoadScenario *scenario, LoadState state)
{
  guint n = 0;

  for (guint i = 0; i < scenario->load->participants->len; i++)
    n += ((LoadParticipant *)g_ptr_array_index (scenario->load->participants, i))->state == state;
  return n;
}

static void
follow_joining (LoadScenario *scenario, CfgMonotonic now)
{
  Load *load = scenario->load;
  const double passed_s = (double)cfg_monotonic_diff_us (now, scenario->since) / 1e6;
  const guint due = (guint)MIN (passed_s * load->options->rate + 1, (double)load->participants->len);

  while (scenario->n_joining < due)
    load_participant_join (g_ptr_array_index (load->participants, scenario->n_joining++), now);
  if ((due == load->participants->len && count (scenario, LOAD_JOINING) == 0)
      || passed_s * 1e6
             > (double)JOIN_TIMEOUT_US + (double)load->participants->len / load->options->rate * 1e6)
    {
      scenario->outcome.join_s = passed_s;
      enter (scenario, SETTLING, now);
    }
}

/* The measuring ends here, before its time when the program was told to end. */
static void
send_all_away (LoadScenario *scenario, CfgMonotonic now)
{
  if (scenario->phase == MEASURING)
    {
      scenario->outcome.measured_s = (double)cfg_monotonic_diff_us (now, scenario->measured_from) / 1e6;
      for (guint i = 0; i < scenario->load->participants->len; i++)
        load_participant_freeze (g_ptr_array_index (scenario->load->participants, i));
    }
  enter (scenario, LEAVING, now);
  for (guint i = 0; i < scenario->load->participants->len; i++)
    load_participant_leave (g_ptr_array_index (scenario->load->participants, i));
}

static void
close_window (LoadScenario *scenario)
{
  LoadProcess self;

  load_process_read (0, &self);
  scenario->outcome.generator_percent = 100 * (double)(self.cpu_us - scenario->self.cpu_us)
                                        / (double)MAX (self.at_us - scenario->self.at_us, 1);
  end_window (&scenario->outcome.gateway);
  end_window (&scenario->outcome.janus);
  scenario->n_windows++;
}

static void
follow_windows (LoadScenario *scenario, CfgMonotonic now)
{
  const LoadOptions *options = scenario->load->options;
  const gint64 window_us = (gint64)(options->window_s * 1e6);

  if (cfg_monotonic_diff_us (now, scenario->since) < window_us)
    return;
  close_window (scenario);
  scenario->since = cfg_monotonic_add_us (scenario->since, window_us);
  if (scenario->n_windows == options->n_windows)
    send_all_away (scenario, now);
}

/* It was told to end: what was measured by then is told, of a window too that is not over. */
static void
break_off (LoadScenario *scenario, CfgMonotonic now)
{
  if (scenario->phase == MEASURING && cfg_monotonic_diff_us (now, scenario->since) >= SHORT_WINDOW_US)
    close_window (scenario);
  send_all_away (scenario, now);
}

static void
follow_phase (LoadScenario *scenario, CfgMonotonic now)
{
  const gint64 passed_us = cfg_monotonic_diff_us (now, scenario->since);

  switch (scenario->phase)
    {
    case IDLE:
      if (passed_us >= IDLE_US)
        {
          read_target (&scenario->outcome.gateway, &scenario->outcome.gateway.idle);
          read_target (&scenario->outcome.janus, &scenario->outcome.janus.idle);
          enter (scenario, JOINING, now);
        }
      break;
    case JOINING:
      follow_joining (scenario, now);
      break;
    case SETTLING:
      if (passed_us >= (gint64)(scenario->load->options->settle_s * 1e6))
        {
          scenario->measured_from = now;
          begin_measuring (scenario);
          enter (scenario, MEASURING, now);
        }
      break;
    case MEASURING:
      follow_windows (scenario, now);
      break;
    case LEAVING:
      if (count (scenario, LOAD_UP) == 0 || passed_us >= LEAVE_TIMEOUT_US)
        enter (scenario, DONE, now);
      break;
    case DONE:
    default:
      break;
    }
}

static void
take_slot (LoadScenario *scenario, void (*what) (LoadParticipant *, CfgMonotonic), CfgMonotonic now)
{
  const GPtrArray *participants = scenario->load->participants;

  for (guint i = scenario->slot; i < participants->len; i += LOAD_TICK_MS)
    what (g_ptr_array_index (participants, i), now);
  scenario->slot = (scenario->slot + 1) % LOAD_TICK_MS;
  scenario->next_slot = cfg_monotonic_add_us (scenario->next_slot, CFG_US_PER_MS);
}

/* Each millisecond those of one slot speak. */
static void
on_slot (CfgMonotonic now, gpointer user)
{
  LoadScenario *scenario = user;
  Load *load = scenario->load;

  if (scenario->phase == MEASURING)
    scenario->outcome.lateness_max_us
        = MAX (scenario->outcome.lateness_max_us, cfg_monotonic_diff_us (now, scenario->next_slot));
  load_netem_advance (load->netem, now);
  for (guint n = 0; n < CATCH_UP && scenario->next_slot.us <= now.us; n++)
    take_slot (scenario, load_participant_tick, now);
  load->n_standstills += scenario->next_slot.us <= now.us && scenario->phase == MEASURING;
  while (scenario->next_slot.us <= now.us)
    {
      if (scenario->phase == MEASURING)
        scenario->n_skipped_slots++;
      take_slot (scenario, load_participant_skip, now);
    }
  scenario->outcome.n_skipped = scenario->n_skipped_slots * load->participants->len / LOAD_TICK_MS;
  if (load_scenario_stopped && scenario->phase < LEAVING)
    break_off (scenario, now);
  else
    follow_phase (scenario, now);
  media_pump_start_timer (load->pump, &scenario->slot_timer, scenario->next_slot);
}

/* Two to a room: PCMU on the plain side, and on the other one too or Opus. Or all in one, who listen to the
 * first. */
static gboolean
place_bound (LoadScenario *scenario, GError **error)
{
  Load *load = scenario->load;
  const LoadFrames *frames[2]
      = { frames_for (load, MEDIA_CODEC_PCMU, error),
          frames_for (load, load->options->relay_opus ? MEDIA_CODEC_OPUS : MEDIA_CODEC_PCMU, error) };

  for (guint i = 0; i < load->options->n_relay && frames[0] != NULL && frames[1] != NULL; i++)
    {
      const gboolean listens = load->options->relay_listen;
      LoadParticipant *participant
          = load_participant_new (load, LOAD_BOUND, listens ? 0 : i / 2, !listens || i == 0, frames[i % 2]);

      load_bound_take (participant, i);
      g_ptr_array_add (load->participants, participant);
    }
  return frames[0] != NULL && frames[1] != NULL;
}

LoadScenario *
load_scenario_new (Load *load, GError **error)
{
  const LoadOptions *options = load->options;
  LoadScenario *scenario = g_new0 (LoadScenario, 1);

  scenario->load = load;
  scenario->slot_timer = (MediaPumpTimer){ .func = on_slot, .user = scenario };
  scenario->outcome.gateway.pid = options->gateway_pid;
  scenario->outcome.janus.pid = options->janus_pid;
  if (!place (scenario, LOAD_SIP, options->n_sip, options->sip_codecs[0], options->silent_sip, error)
      || !place (scenario, LOAD_WEBRTC, options->n_webrtc, options->webrtc_codecs[0], options->silent_webrtc,
                 error)
      || !place (scenario, LOAD_JANUS, options->n_janus, options->janus_codec, FALSE, error)
      || (options->n_relay > 0 && !place_bound (scenario, error)))
    {
      load_scenario_free (scenario);
      return NULL;
    }
  spread (load);
  return scenario;
}

void
load_scenario_free (LoadScenario *scenario)
{
  g_free (scenario);
}

static void
sleep_until (CfgMonotonic at)
{
  const struct timespec when = { .tv_sec = at.us / CFG_US_PER_S, .tv_nsec = at.us % CFG_US_PER_S * 1000 };

  (void)clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

void
load_scenario_run (LoadScenario *scenario)
{
  const CfgMonotonic now = cfg_monotonic_now ();

  enter (scenario, IDLE, now);
  read_target (&scenario->outcome.gateway, &scenario->outcome.gateway.idle_begin);
  read_target (&scenario->outcome.janus, &scenario->outcome.janus.idle_begin);
  scenario->next_slot = now;
  media_pump_start_timer (scenario->load->pump, &scenario->slot_timer, now);
  while (scenario->phase != DONE)
    {
      while (media_pump_turn (scenario->load->pump, 0))
        continue;
      sleep_until (scenario->next_slot);
    }
  media_pump_stop_timer (scenario->load->pump, &scenario->slot_timer);
}

const LoadOutcome *
load_scenario_outcome (const LoadScenario *scenario)
{
  return &scenario->outcome;
}
