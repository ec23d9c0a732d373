#include "media/core/dtmf.h"

#include "tests/media/random.h"

#include <errno.h>
#include <string.h>

#define AT(ms) ((CfgMonotonic){ (gint64)(ms)*1000 + 500000000 })

typedef struct
{
  MediaDtmfReceiver receiver;
  GString *log; /* "+5" begin, "-5(100)" end */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  media_dtmf_receiver_init (&fixture->receiver, 8000);
  fixture->log = g_string_new (NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_string_free (fixture->log, TRUE);
}

static void
note (Fixture *fixture, const MediaDtmfEvent *event)
{
  if (event->kind == MEDIA_DTMF_BEGIN)
    g_string_append_printf (fixture->log, "+%c", event->digit);
  else
    g_string_append_printf (fixture->log, "-%c(%u)", event->digit, event->duration_ms);
}

static void
push (Fixture *fixture, guint8 code, gboolean end, guint16 units, guint32 timestamp, gint64 ms)
{
  guint8 payload[4] = { code, (guint8)((end ? 0x80 : 0) | 10), (guint8)(units >> 8), (guint8)(units & 0xff) };
  MediaRtpView view
      = { .timestamp = timestamp, .ssrc = 1, .payload = payload, .payload_size = sizeof payload };
  MediaDtmfEvent events[MEDIA_DTMF_EVENTS_MAX];
  guint n = media_dtmf_receiver_push (&fixture->receiver, &view, AT (ms), events);

  for (guint i = 0; i < n; i++)
    note (fixture, &events[i]);
}

static void
poll (Fixture *fixture, gint64 ms)
{
  MediaDtmfEvent event;

  if (media_dtmf_receiver_poll (&fixture->receiver, AT (ms), &event))
    note (fixture, &event);
}

static void
test_one_event_per_digit (Fixture *fixture, gconstpointer data)
{
  push (fixture, 5, FALSE, 160, 1000, 0);
  push (fixture, 5, FALSE, 320, 1000, 20);
  for (int i = 0; i < 3; i++)
    push (fixture, 5, TRUE, 800, 1000, 100);
  push (fixture, 11, FALSE, 160, 3000, 250);
  push (fixture, 11, TRUE, 640, 3000, 310);
  push (fixture, 11, FALSE, 320, 3000, 311);
  g_assert_cmpstr (fixture->log->str, ==, "+5-5(100)+#-#(80)");
}

static void
test_lost_end (Fixture *fixture, gconstpointer data)
{
  push (fixture, 1, FALSE, 160, 1000, 0);
  push (fixture, 1, FALSE, 480, 1000, 40);
  poll (fixture, 180);
  g_assert_cmpstr (fixture->log->str, ==, "+1");
  poll (fixture, 190);
  g_assert_cmpstr (fixture->log->str, ==, "+1-1(60)");
  /* Its end comes after all. */
  push (fixture, 1, TRUE, 800, 1000, 200);
  poll (fixture, 1000);
  g_assert_cmpstr (fixture->log->str, ==, "+1-1(60)");
}

static void
test_next_digit_ends_the_last (Fixture *fixture, gconstpointer data)
{
  push (fixture, 1, FALSE, 160, 1000, 0);
  push (fixture, 1, FALSE, 160, 2600, 60);
  /* Only the end of the third arrived. */
  push (fixture, 2, TRUE, 800, 4600, 400);
  g_assert_cmpstr (fixture->log->str, ==, "+1-1(20)+1-1(20)+2-2(100)");
}

static void
test_reordered_old_packet (Fixture *fixture, gconstpointer data)
{
  push (fixture, 1, TRUE, 800, 1000, 0);
  push (fixture, 2, FALSE, 160, 3000, 200);
  push (fixture, 1, TRUE, 800, 1000, 201);
  push (fixture, 2, TRUE, 800, 3000, 300);
  g_assert_cmpstr (fixture->log->str, ==, "+1-1(100)+2-2(100)");
  g_assert_cmpuint (fixture->receiver.ignored, ==, 1);
}

/* RFC 4733 2.5.1.3: longer than 16 bits of duration, the event goes on in a second segment. */
static void
test_long_event (Fixture *fixture, gconstpointer data)
{
  push (fixture, 9, FALSE, 160, 0, 0);
  push (fixture, 9, FALSE, 65535, 0, 8190);
  push (fixture, 9, FALSE, 160, 65535, 8210);
  push (fixture, 9, TRUE, 8000, 65535, 9200);
  g_assert_cmpstr (fixture->log->str, ==, "+9-9(9191)");
}

static void
test_ignores_malformed (Fixture *fixture, gconstpointer data)
{
  TestRandom random = test_random (4);
  MediaDtmfEvent events[MEDIA_DTMF_EVENTS_MAX];

  push (fixture, 17, FALSE, 160, 0, 0);
  push (fixture, 255, TRUE, 160, 0, 0);
  g_assert_cmpstr (fixture->log->str, ==, "");
  for (int i = 0; i < 100000; i++)
    {
      gsize size = test_random_below (&random, 8);
      g_autofree guint8 *payload = g_malloc (size);
      MediaRtpView view = { .timestamp = test_random_next (&random) >> (i % 32),
                            .ssrc = i % 3,
                            .payload = payload,
                            .payload_size = size };

      for (gsize k = 0; k < size; k++)
        payload[k] = (guint8)(test_random_next (&random) >> 27);
      g_assert_cmpuint (media_dtmf_receiver_push (&fixture->receiver, &view, AT (i), events), <=,
                        MEDIA_DTMF_EVENTS_MAX);
      (void)media_dtmf_receiver_poll (&fixture->receiver, AT (i), events);
    }
}

/* What the sender makes, the receiver understands: digits, gaps and pauses at their time. */
static void
test_sender_to_receiver (Fixture *fixture, gconstpointer data)
{
  MediaDtmfSender sender;
  guint32 timestamp = 0;
  guint packets = 0;
  guint ends = 0;
  gint64 last_ms = 0;

  media_dtmf_sender_init (&sender, 8000, 0, 0);
  g_assert_cmpint (media_dtmf_sender_queue (&sender, "12x"), ==, -EINVAL);
  g_assert_cmpint (media_dtmf_sender_queue (&sender, ""), ==, -EINVAL);
  g_assert_false (media_dtmf_sender_busy (&sender));
  g_assert_cmpint (media_dtmf_sender_queue (&sender, "1w#d"), ==, 0);
  for (gint64 ms = 0; ms < 3000; ms += 20)
    {
      MediaDtmfPacket packet;

      while (media_dtmf_sender_poll (&sender, AT (ms), &packet))
        {
          MediaRtpView view = { .ssrc = 1, .payload = packet.payload, .payload_size = sizeof packet.payload };
          MediaDtmfEvent events[MEDIA_DTMF_EVENTS_MAX];
          guint n;

          if (packet.first)
            timestamp = (guint32)ms * 8;
          view.timestamp = timestamp;
          packets++;
          ends += packet.end ? 1 : 0;
          n = media_dtmf_receiver_push (&fixture->receiver, &view, AT (ms), events);
          for (guint i = 0; i < n; i++)
            note (fixture, &events[i]);
          last_ms = ms;
        }
    }
  g_assert_cmpstr (fixture->log->str, ==, "+1-1(100)+#-#(100)+D-D(100)");
  g_assert_cmpuint (ends, ==, 9);
  g_assert_cmpuint (packets, ==, 3 * (4 + 3));
  g_assert_cmpint (last_ms, >=, 3 * 80 + 2 * 100 + 500);
  g_assert_cmpint (last_ms, <=, 3 * 100 + 2 * 120 + 520);
  g_assert_false (media_dtmf_sender_busy (&sender));
  for (gsize i = 0; i < sizeof sender.queue; i++)
    g_assert_cmpint (sender.queue[i], ==, '\0');
}

static void
test_sender_limits (void)
{
  MediaDtmfSender sender;
  char digits[MEDIA_DTMF_QUEUE_MAX + 2];

  media_dtmf_sender_init (&sender, 48000, 60000, 1);
  g_assert_cmpuint (sender.tone_ms * 48, <=, 65535);
  g_assert_cmpuint (sender.gap_ms, ==, 40);
  memset (digits, '1', sizeof digits);
  digits[MEDIA_DTMF_QUEUE_MAX + 1] = '\0';
  g_assert_cmpint (media_dtmf_sender_queue (&sender, digits), ==, -ENOSPC);
  digits[MEDIA_DTMF_QUEUE_MAX] = '\0';
  g_assert_cmpint (media_dtmf_sender_queue (&sender, digits), ==, 0);
  g_assert_cmpint (media_dtmf_sender_queue (&sender, "1"), ==, -ENOSPC);
}

static void
test_digits_and_codes (void)
{
  for (int code = 0; code <= 16; code++)
    g_assert_cmpint (media_dtmf_code (media_dtmf_digit ((guint8)code)), ==, code);
  g_assert_cmpint (media_dtmf_code ('a'), ==, 12);
  g_assert_cmpint (media_dtmf_code ('E'), ==, -1);
  g_assert_cmpint (media_dtmf_code ('\0'), ==, -1);
  g_assert_cmpint (media_dtmf_digit (17), ==, '\0');
}

int
main (int argc, char **argv)
{
#define ADD(name) g_test_add ("/media/dtmf/" #name, Fixture, NULL, set_up, test_##name, tear_down)
  g_test_init (&argc, &argv, NULL);
  ADD (one_event_per_digit);
  ADD (lost_end);
  ADD (next_digit_ends_the_last);
  ADD (reordered_old_packet);
  ADD (long_event);
  ADD (ignores_malformed);
  ADD (sender_to_receiver);
  g_test_add_func ("/media/dtmf/sender_limits", test_sender_limits);
  g_test_add_func ("/media/dtmf/digits_and_codes", test_digits_and_codes);
  return g_test_run ();
}
