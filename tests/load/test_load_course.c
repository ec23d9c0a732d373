/* A load as a whole, without a network: who is where, and what is told of it. */
#include "tools/load/report.h"

#define N 4

static void
do_nothing (LoadParticipant *participant)
{
  (void)participant;
}

static void
send_nothing (LoadParticipant *participant, guint8 *packet, gsize length)
{
  (void)participant;
  (void)packet;
  (void)length;
}

static const LoadDriver driver
    = { .join = do_nothing, .send = send_nothing, .leave = do_nothing, .free = do_nothing };

typedef struct
{
  LoadOptions options;
  Load load;
  LoadFrames *frames;
} Course;

/* @n in one room, who all talk. */
static Course *
new_course (guint n)
{
  Course *course = g_new0 (Course, 1);

  course->options = (LoadOptions){ .n_rooms = 1, .n_sip = n, .n_talkers = -1 };
  course->load.options = &course->options;
  course->load.participants = g_ptr_array_new_with_free_func ((GDestroyNotify)load_participant_free);
  course->frames = load_frames_new (MEDIA_CODEC_PCMU, NULL, NULL);
  load_rooms_new (&course->load);
  for (guint i = 0; i < n; i++)
    {
      LoadParticipant *participant = load_participant_new (&course->load, LOAD_SIP, 0, TRUE, course->frames);

      participant->driver = &driver;
      load_flow_set_turn (&participant->flow, 0, 0, 0, i, n);
      load_flow_add_format (&participant->flow, 0, MEDIA_CODEC_PCMU);
      g_ptr_array_add (course->load.participants, participant);
    }
  return course;
}

static void
free_course (Course *course)
{
  g_ptr_array_unref (course->load.participants);
  g_free (course->load.rooms);
  load_frames_free (course->frames);
  g_free (course);
}

static LoadParticipant *
nth (const Course *course, guint n)
{
  return g_ptr_array_index (course->load.participants, n);
}

static void
come_up (LoadParticipant *participant)
{
  participant->state = LOAD_UP;
  participant->began = participant->up = cfg_monotonic_now ();
}

/* So many seconds of which the last @deaf_s bring nothing to anybody. */
static void
measure (Course *course, guint seconds, guint deaf_s)
{
  LoadFlow speaker;

  load_flow_init (&speaker, course->frames, TRUE);
  for (guint i = 0; i < course->load.participants->len; i++)
    load_participant_begin (nth (course, i));
  for (guint frame = 0; frame < 50 * seconds; frame++)
    {
      const CfgMonotonic now = { (gint64)(1 + frame) * LOAD_FRAME_MS * CFG_US_PER_MS };
      guint8 packet[MEDIA_PACKET_SIZE];
      gboolean mark;
      const gsize size = load_flow_next (&speaker, packet, &mark);

      for (guint i = 0; i < course->load.participants->len; i++)
        {
          load_participant_tick (nth (course, i), now);
          if (frame < 50 * (seconds - deaf_s))
            load_participant_receive (nth (course, i), packet, size, now);
        }
    }
  for (guint i = 0; i < course->load.participants->len; i++)
    load_participant_freeze (nth (course, i));
  load_flow_clear (&speaker);
}

static gint64
told (const Course *course, const char *name)
{
  const LoadOutcome outcome = { .measured_s = 1 };
  json_t *report = load_report_json (&course->load, &outcome);
  const gint64 value = json_integer_value (
      json_object_get (json_object_get (json_object_get (report, "groups"), "sip"), name));

  json_decref (report);
  return value;
}

/* Janus and the gateway have rooms of their own: who talks in one is not heard in the other. */
static void
test_janus_has_rooms_of_its_own (void)
{
  const LoadOptions options = { .n_rooms = 5, .n_sip = 10, .n_webrtc = 10, .n_janus = 10 };
  Load load = { .options = &options };

  load_rooms_new (&load);
  g_assert_cmpuint (load.n_rooms, ==, 10);
  for (guint i = 0; i < 10; i++)
    {
      g_assert_cmpuint (load_rooms_place (&load, LOAD_SIP, i), ==, i % 5);
      g_assert_cmpuint (load_rooms_place (&load, LOAD_WEBRTC, i), ==, i % 5);
      g_assert_cmpuint (load_rooms_place (&load, LOAD_JANUS, i), ==, 5 + i % 5);
    }
  g_free (load.rooms);
}

/* One phone and two browsers to a room, as a row of the capacity has them. */
static void
test_kinds_spread_over_rooms (void)
{
  const LoadOptions options = { .n_rooms = 14, .n_sip = 14, .n_webrtc = 28 };
  Load load = { .options = &options };
  guint phones[14] = { 0 }, browsers[14] = { 0 };

  load_rooms_new (&load);
  for (guint i = 0; i < 28; i++)
    {
      if (i < 14)
        phones[load_rooms_place (&load, LOAD_SIP, i)]++;
      browsers[load_rooms_place (&load, LOAD_WEBRTC, i)]++;
    }
  for (guint room = 0; room < 14; room++)
    g_assert_true (phones[room] == 1 && browsers[room] == 2);
  g_free (load.rooms);
}

/* Whoever comes when: the marks of a room are as far from each other as they were dealt. */
static void
test_marks_do_not_follow_the_joining (void)
{
  Course *course = new_course (N);
  const LoadRoom *room = &course->load.rooms[0];
  gint64 said_at[N];

  for (guint frame = 0; frame < 2 * LOAD_MARK_FRAMES + 5; frame++)
    for (guint i = 0; i < N; i++)
      {
        const guint before = room->next;

        if (frame == 13 * i)
          come_up (nth (course, i));
        load_participant_tick (nth (course, i), (CfgMonotonic){ 1 });
        if (room->next != before)
          said_at[i] = frame;
      }
  for (guint i = 1; i < N; i++)
    g_assert_cmpint ((said_at[0] + LOAD_MARK_FRAMES - said_at[i]) % LOAD_MARK_FRAMES, ==,
                     LOAD_MARK_FRAMES * i / N);
  free_course (course);
}

static void
test_what_is_missing_is_told (void)
{
  Course *course = new_course (N);

  for (guint i = 0; i < N; i++)
    come_up (nth (course, i));
  measure (course, 10, 2);
  g_assert_cmpint (told (course, "missing"), ==, N * 100);
  g_assert_cmpint (told (course, "mute"), ==, N);
  g_assert_cmpint (told (course, "lost"), ==, 0);
  free_course (course);
}

/* Where talkers pause there is less to hear: it is muted pauses that make nobody mute. */
static void
test_pauses_are_not_missing (gconstpointer data)
{
  const gboolean muted = GPOINTER_TO_UINT (data);
  Course *course = new_course (N);

  course->options.pause_frames = 50;
  course->options.muted = muted;
  for (guint i = 0; i < N; i++)
    {
      come_up (nth (course, i));
      nth (course, i)->flow.hears_pauses = muted;
    }
  measure (course, 10, 2);
  g_assert_cmpint (told (course, "missing"), ==, 0);
  g_assert_cmpint (told (course, "mute"), ==, muted ? 0 : N);
  free_course (course);
}

/* Who hears nobody, as the others did not come up, misses nothing. */
static void
test_alone_misses_nothing (void)
{
  Course *course = new_course (2);

  come_up (nth (course, 0));
  measure (course, 10, 10);
  g_assert_cmpint (told (course, "up"), ==, 1);
  g_assert_cmpint (told (course, "missing"), ==, 0);
  g_assert_cmpint (told (course, "mute"), ==, 0);
  free_course (course);
}

static void
test_network_is_told (void)
{
  Course *course = new_course (2);

  for (guint i = 0; i < 2; i++)
    {
      come_up (nth (course, i));
      nth (course, i)->path_up.lost = 100; /* before the measuring */
      load_participant_begin (nth (course, i));
      nth (course, i)->path_up.lost += 3;
      nth (course, i)->path_down.lost += 4;
      load_participant_freeze (nth (course, i));
    }
  g_assert_cmpint (told (course, "network_lost"), ==, 14);
  free_course (course);
}

/* Two of four came up; idle it took 2 % of a core and 1000 kB, and with them 12 % and 1600 kB. */
static void
test_cost_is_of_those_who_are_up (void)
{
  Course *course = new_course (4);
  LoadOutcome outcome = { .measured_s = 1 };
  LoadTarget *target = &outcome.gateway;
  json_t *report, *gateway;

  come_up (nth (course, 0));
  come_up (nth (course, 1));
  target->idle = (LoadProcess){ .at_us = CFG_US_PER_S, .cpu_us = CFG_US_PER_S / 50, .anon_kb = 1000 };
  target->windows[0] = (LoadWindow){ .seconds = 1, .cpu_percent = 12, .anon_kb = 1600 };
  target->n_windows = 1;
  report = load_report_json (&course->load, &outcome);
  gateway = json_object_get (report, "gateway");
  g_assert_cmpint (json_integer_value (json_object_get (gateway, "participants")), ==, 2);
  g_assert_cmpfloat_with_epsilon (json_real_value (json_object_get (gateway, "cpu_percent_per_participant")),
                                  5, 1e-6);
  g_assert_cmpfloat_with_epsilon (json_real_value (json_object_get (gateway, "kb_per_participant")), 300,
                                  1e-6);
  json_decref (report);
  free_course (course);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/load/rooms/janus_has_its_own", test_janus_has_rooms_of_its_own);
  g_test_add_func ("/load/rooms/kinds_are_spread", test_kinds_spread_over_rooms);
  g_test_add_func ("/load/marks/do_not_follow_the_joining", test_marks_do_not_follow_the_joining);
  g_test_add_func ("/load/report/missing", test_what_is_missing_is_told);
  g_test_add_data_func ("/load/report/muted_pauses", GUINT_TO_POINTER (TRUE), test_pauses_are_not_missing);
  g_test_add_data_func ("/load/report/pauses", GUINT_TO_POINTER (FALSE), test_pauses_are_not_missing);
  g_test_add_func ("/load/report/alone", test_alone_misses_nothing);
  g_test_add_func ("/load/report/network", test_network_is_told);
  g_test_add_func ("/load/report/cost", test_cost_is_of_those_who_are_up);
  return g_test_run ();
}
