#include "gateway/core/call_fsm.h"

#define RING   GW_CALL_ACTION_RING
#define JOIN   GW_CALL_ACTION_JOIN
#define ANSWER GW_CALL_ACTION_ANSWER
#define STATUS GW_CALL_ACTION_STATUS
#define HANGUP GW_CALL_ACTION_HANGUP
#define LEAVE  GW_CALL_ACTION_LEAVE
#define CLOSE  GW_CALL_ACTION_CLOSE_MEDIA
#define FINISH GW_CALL_ACTION_FINISH

typedef struct
{
  GwCallState state;
  GwCallEvent event;
  GwCallState next;
  guint actions;
} Row;

/* Every pair that is not here must change nothing. */
static const Row rows[] = {
  { GW_CALL_NEW, GW_CALL_EVENT_INVITE, GW_CALL_ANSWERED, RING | JOIN | ANSWER | STATUS },
  { GW_CALL_NEW, GW_CALL_EVENT_ALERT, GW_CALL_ALERTING, RING | STATUS },
  { GW_CALL_ALERTING, GW_CALL_EVENT_INVITE, GW_CALL_ANSWERED, JOIN | ANSWER | STATUS },
  { GW_CALL_NEW, GW_CALL_EVENT_ASK, GW_CALL_ASKING, RING | ANSWER },
  { GW_CALL_ASKING, GW_CALL_EVENT_ADMIT, GW_CALL_ACTIVE, JOIN | STATUS },
  { GW_CALL_NEW, GW_CALL_EVENT_ROUTE, GW_CALL_ROUTED, JOIN | STATUS },
  { GW_CALL_ROUTED, GW_CALL_EVENT_PROGRESS, GW_CALL_ALERTING, STATUS },
  { GW_CALL_ROUTED, GW_CALL_EVENT_INVITE, GW_CALL_ANSWERED, JOIN | ANSWER | STATUS },
  { GW_CALL_NEW, GW_CALL_EVENT_DIAL, GW_CALL_DIALING, JOIN | STATUS },
  { GW_CALL_ANSWERED, GW_CALL_EVENT_ACK, GW_CALL_ACTIVE, 0 },
  { GW_CALL_DIALING, GW_CALL_EVENT_PROGRESS, GW_CALL_RINGING, STATUS },
  { GW_CALL_DIALING, GW_CALL_EVENT_ANSWER, GW_CALL_ACTIVE, STATUS },
  { GW_CALL_RINGING, GW_CALL_EVENT_ANSWER, GW_CALL_ACTIVE, STATUS },
  /* Ended by us, in every live state. */
  { GW_CALL_NEW, GW_CALL_EVENT_HANGUP, GW_CALL_CLOSING, HANGUP | LEAVE | CLOSE | STATUS },
  { GW_CALL_ALERTING, GW_CALL_EVENT_HANGUP, GW_CALL_CLOSING, HANGUP | LEAVE | CLOSE | STATUS },
  { GW_CALL_ROUTED, GW_CALL_EVENT_HANGUP, GW_CALL_CLOSING, HANGUP | LEAVE | CLOSE | STATUS },
  { GW_CALL_ANSWERED, GW_CALL_EVENT_HANGUP, GW_CALL_CLOSING, HANGUP | LEAVE | CLOSE | STATUS },
  { GW_CALL_ASKING, GW_CALL_EVENT_HANGUP, GW_CALL_CLOSING, HANGUP | LEAVE | CLOSE | STATUS },
  { GW_CALL_DIALING, GW_CALL_EVENT_HANGUP, GW_CALL_CLOSING, HANGUP | LEAVE | CLOSE | STATUS },
  { GW_CALL_RINGING, GW_CALL_EVENT_HANGUP, GW_CALL_CLOSING, HANGUP | LEAVE | CLOSE | STATUS },
  { GW_CALL_ACTIVE, GW_CALL_EVENT_HANGUP, GW_CALL_CLOSING, HANGUP | LEAVE | CLOSE | STATUS },
  /* Ended by the peer, in every live state. */
  { GW_CALL_NEW, GW_CALL_EVENT_ENDED, GW_CALL_CLOSING_MEDIA, LEAVE | CLOSE | STATUS },
  { GW_CALL_ALERTING, GW_CALL_EVENT_ENDED, GW_CALL_CLOSING_MEDIA, LEAVE | CLOSE | STATUS },
  { GW_CALL_ROUTED, GW_CALL_EVENT_ENDED, GW_CALL_CLOSING_MEDIA, LEAVE | CLOSE | STATUS },
  { GW_CALL_ANSWERED, GW_CALL_EVENT_ENDED, GW_CALL_CLOSING_MEDIA, LEAVE | CLOSE | STATUS },
  { GW_CALL_ASKING, GW_CALL_EVENT_ENDED, GW_CALL_CLOSING_MEDIA, LEAVE | CLOSE | STATUS },
  { GW_CALL_DIALING, GW_CALL_EVENT_ENDED, GW_CALL_CLOSING_MEDIA, LEAVE | CLOSE | STATUS },
  { GW_CALL_RINGING, GW_CALL_EVENT_ENDED, GW_CALL_CLOSING_MEDIA, LEAVE | CLOSE | STATUS },
  { GW_CALL_ACTIVE, GW_CALL_EVENT_ENDED, GW_CALL_CLOSING_MEDIA, LEAVE | CLOSE | STATUS },
  /* The end waits for dialog and media in either order; a peer's BYE may cross ours. */
  { GW_CALL_CLOSING, GW_CALL_EVENT_ENDED, GW_CALL_CLOSING_MEDIA, 0 },
  { GW_CALL_CLOSING, GW_CALL_EVENT_MEDIA_CLOSED, GW_CALL_CLOSING_SIP, 0 },
  { GW_CALL_CLOSING_SIP, GW_CALL_EVENT_ENDED, GW_CALL_DONE, FINISH },
  { GW_CALL_CLOSING_MEDIA, GW_CALL_EVENT_MEDIA_CLOSED, GW_CALL_DONE, FINISH },
};

static Row
expected (GwCallState state, GwCallEvent event)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (rows[i].state == state && rows[i].event == event)
      return rows[i];
  return (Row){ state, event, state, 0 };
}

static void
test_every_pair_of_the_table (void)
{
  for (int state = 0; state < GW_CALL_N_STATES; state++)
    for (int event = 0; event < GW_CALL_N_EVENTS; event++)
      {
        const Row row = expected ((GwCallState)state, (GwCallEvent)event);
        const GwCallStep step = gw_call_step (row.state, row.event);

        g_test_message ("state %d event %d", state, event);
        g_assert_cmpint (step.next, ==, row.next);
        g_assert_cmpuint (step.actions, ==, row.actions);
      }
}

/* Whatever comes in whatever order: a call joins once (a routed one before its answer, which repeats it),
 * leaves once, is reported once, and stays done. */
static void
test_any_order_ends_once (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (4028);

  for (guint run = 0; run < 10000; run++)
    {
      GwCallState state = GW_CALL_NEW;
      guint joined = 0, left = 0, closed = 0, finished = 0;
      gboolean media_open = TRUE, is_routed = FALSE;

      for (guint n = 0; n < 40; n++)
        {
          GwCallEvent event = (GwCallEvent)g_rand_int_range (rand, 0, GW_CALL_N_EVENTS);
          GwCallStep step;

          /* The engine closes what it was told to close, and only once. */
          if (event == GW_CALL_EVENT_MEDIA_CLOSED && (closed == 0 || !media_open))
            continue;
          if (event == GW_CALL_EVENT_MEDIA_CLOSED)
            media_open = FALSE;
          step = gw_call_step (state, event);
          state = step.next;
          joined += (step.actions & JOIN) != 0 && !is_routed;
          is_routed |= step.next == GW_CALL_ROUTED;
          left += (step.actions & LEAVE) != 0;
          closed += (step.actions & CLOSE) != 0;
          finished += (step.actions & FINISH) != 0;
          g_assert_false ((step.actions & ANSWER) && left > 0);
        }
      g_assert_cmpuint (joined, <=, 1);
      g_assert_cmpuint (left, <=, 1);
      g_assert_cmpuint (left, ==, closed);
      g_assert_cmpuint (finished, ==, state == GW_CALL_DONE ? 1 : 0);
    }
}

static void
test_status_words (void)
{
  g_assert_cmpstr (gw_call_status_word (GW_CALL_NEW), ==, "dialing");
  g_assert_cmpstr (gw_call_status_word (GW_CALL_DIALING), ==, "dialing");
  g_assert_cmpstr (gw_call_status_word (GW_CALL_ROUTED), ==, "dialing");
  g_assert_cmpstr (gw_call_status_word (GW_CALL_ALERTING), ==, "ringing");
  g_assert_cmpstr (gw_call_status_word (GW_CALL_RINGING), ==, "ringing");
  g_assert_cmpstr (gw_call_status_word (GW_CALL_ANSWERED), ==, "active");
  g_assert_cmpstr (gw_call_status_word (GW_CALL_ACTIVE), ==, "active");
  g_assert_cmpstr (gw_call_status_word (GW_CALL_CLOSING), ==, "hangup");
  g_assert_cmpstr (gw_call_status_word (GW_CALL_DONE), ==, "hangup");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/call_fsm/every_pair_of_the_table", test_every_pair_of_the_table);
  g_test_add_func ("/gateway/call_fsm/any_order_ends_once", test_any_order_ends_once);
  g_test_add_func ("/gateway/call_fsm/status_words", test_status_words);
  return g_test_run ();
}
