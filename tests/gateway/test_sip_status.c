#include "gateway/core/sip_status.h"

/* What a caller is told when his callee gave each answer there is. */
static void
test_relayed (void)
{
  static const struct
  {
    int from, to, told; /* told 0: the same */
  } ranges[] = {
    { 0, 399, 480 },   { 400, 400, 0 },   { 401, 401, 403 }, { 402, 406, 0 },   { 407, 407, 403 },
    { 408, 410, 0 },   { 411, 411, 500 }, { 412, 414, 0 },   { 415, 415, 500 }, { 416, 419, 0 },
    { 420, 423, 500 }, { 424, 490, 0 },   { 491, 491, 500 }, { 492, 492, 0 },   { 493, 494, 500 },
    { 495, 502, 0 },   { 503, 503, 500 }, { 504, 699, 0 },   { 700, 999, 500 },
  };
  int next = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (ranges); i++)
    {
      g_assert_cmpint (ranges[i].from, ==, next);
      for (; next <= ranges[i].to; next++)
        g_assert_cmpint (gw_sip_relayed_status (next), ==, ranges[i].told != 0 ? ranges[i].told : next);
    }
  g_assert_cmpint (next, ==, 1000);
}

/* Every answer from 300 to 699, in the order of LiveKit's table; what is not in a row is of its class. */
static void
test_error_codes (void)
{
  static const struct
  {
    const char *word;
    int statuses[16]; /* up to 0 */
  } rows[] = {
    { "not_found", { 301, 302, 404, 410, 481, 604 } },
    { "permission_denied", { 401, 402, 403, 433, 470, 603, 607, 608 } },
    { "unauthenticated", { 407, 428, 436, 437, 438, 494 } },
    { "deadline_exceeded", { 408, 504 } },
    { "failed_precondition", { 409, 412, 482, 483 } },
    { "out_of_range", { 416 } },
    { "resource_exhausted", { 440, 480, 486, 600 } },
    { "aborted", { 487, 491 } },
    { "invalid_argument", { 505, 513 } },
  };

  for (int status = 300; status < 700; status++)
    {
      const char *expected = status >= 500 && status < 600 ? "failed_precondition" : "invalid_argument";

      for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
        for (const int *one = rows[i].statuses; *one != 0; one++)
          if (*one == status)
            expected = rows[i].word;
      g_test_message ("%d", status);
      g_assert_cmpstr (cfg_error_word (gw_sip_error_code (status)), ==, expected);
      g_assert_cmpstr (gw_sip_status_words (status), !=, "");
    }
  g_assert_cmpstr (cfg_error_word (gw_sip_error_code (0)), ==, "unknown");
  g_assert_cmpstr (cfg_error_word (gw_sip_error_code (200)), ==, "unknown");
  g_assert_cmpstr (cfg_error_word (gw_sip_error_code (700)), ==, "unknown");
}

static void
test_words (void)
{
  g_assert_cmpstr (gw_sip_status_words (486), ==, "busy");
  g_assert_cmpstr (gw_sip_status_words (600), ==, "busy");
  g_assert_cmpstr (gw_sip_status_words (603), ==, "declined");
  g_assert_cmpstr (gw_sip_status_words (408), ==, "no answer");
  g_assert_cmpstr (gw_sip_unreached_words ("DNS Error"), ==, "no address is known for that host");
  g_assert_cmpstr (gw_sip_unreached_words ("Service Unavailable"), ==, "nothing answers there");
  g_assert_cmpstr (gw_sip_unreached_words (NULL), ==, "it cannot be reached");
  g_assert_cmpstr (gw_sip_status_words (404), ==, "no such number");
  g_assert_cmpstr (gw_sip_status_words (488), ==, "no common codec");
  g_assert_cmpstr (gw_sip_status_words (302), ==, "moved elsewhere");
  g_assert_cmpstr (gw_sip_status_words (499), ==, "the other side refused the call");
  g_assert_cmpstr (gw_sip_status_words (502), ==, "the other side failed");
}

/* Of refused calls by their status, of all others by why they ended. */
static void
test_disconnect_reasons (void)
{
  static const struct
  {
    const char *cause;
    int status;
    const char *reason;
  } rows[] = {
    { "remote_bye", 0, "CLIENT_INITIATED" },
    { "remote_cancel", 487, "CLIENT_INITIATED" },
    { "other_side_left", 0, "CLIENT_INITIATED" },
    { "transferred", 0, "CLIENT_INITIATED" },
    { "left", 0, "CLIENT_INITIATED" },
    { "api", 0, "PARTICIPANT_REMOVED" },
    { "removed", 0, "PARTICIPANT_REMOVED" },
    { "max_call_duration", 0, "PARTICIPANT_REMOVED" },
    { "room_deleted", 0, "ROOM_DELETED" },
    { "server_shutdown", 0, "SERVER_SHUTDOWN" },
    { "duplicate_identity", 0, "DUPLICATE_IDENTITY" },
    { "moved", 0, "MIGRATION" },
    { "room_full", 503, "JOIN_FAILURE" },
    { "pin_refused", 0, "USER_REJECTED" },
    { "nobody_came", 480, "USER_UNAVAILABLE" },
    { "timeout", 408, "USER_UNAVAILABLE" },
    { "session_expired", 0, "CONNECTION_TIMEOUT" },
    { "media_timeout", 0, "MEDIA_FAILURE" },
    { "bad_sdp", 0, "MEDIA_FAILURE" },
    { "failed", 503, "SIP_TRUNK_FAILURE" },
    { "rejected", 486, "USER_REJECTED" },
    { "callee_not_reached", 404, "USER_UNAVAILABLE" },
    { "something new", 0, "UNKNOWN_REASON" },
  };

  for (int status = 300; status < 700; status++)
    {
      const gboolean is_said_no = status == 401 || status == 403 || status == 407 || status == 486
                                  || status == 488 || status >= 600;
      const char *expected = is_said_no                      ? "USER_REJECTED"
                             : status >= 400 && status < 500 ? "USER_UNAVAILABLE"
                                                             : "SIP_TRUNK_FAILURE";

      g_test_message ("%d", status);
      g_assert_cmpstr (gw_sip_disconnect_reason (status), ==, expected);
      g_assert_cmpstr (gw_disconnect_reason ("rejected", status), ==, expected);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_test_message ("%s", rows[i].cause);
      g_assert_cmpstr (gw_disconnect_reason (rows[i].cause, rows[i].status), ==, rows[i].reason);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/sip_status/relayed", test_relayed);
  g_test_add_func ("/gateway/sip_status/error_codes", test_error_codes);
  g_test_add_func ("/gateway/sip_status/words", test_words);
  g_test_add_func ("/gateway/sip_status/disconnect_reasons", test_disconnect_reasons);
  return g_test_run ();
}
