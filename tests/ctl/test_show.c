/* A call, an event, a line of the log as text. */
#include <string.h>

#include "tools/ctl/show.h"

static const char trace_text[]
    = "{\"call\": {\"sip_call_id\": \"SCL_1\", \"sip_call_id_full\": \"x@y\", \"direction\": \"inbound\","
      " \"status\": \"ended\", \"from\": \"+1555\", \"peer\": \"192.0.2.1:5060\", \"to\": \"100\", "
      "\"room_name\": \"lobby\","
      " \"created_at\": \"2026-01-31T12:00:00.000Z\", \"answered_at\": \"2026-01-31T12:00:01.250Z\","
      " \"ended_at\": \"2026-01-31T12:00:09.000Z\","
      " \"end\": {\"cause\": \"remote_bye\", \"cause_text\": \"the other side hung up\"}, \"dtmf_digits\": 3,"
      " \"media\": {\"in\": {\"packets\": 400, \"loss_percent\": 0.5, \"jitter_ms\": 1.25, \"mos\": 4.2},"
      "   \"codec_in\": \"PCMU\"},"
      " \"timeline\": [{\"time\": \"2026-01-31T12:00:00.000Z\", \"event\": \"invite\", \"from\": \"a b\", "
      "\"offer\": true},"
      "   {\"time\": \"2026-01-31T12:00:01.000Z\", \"event\": \"sip\", \"direction\": \"sent\","
      "    \"message\": \"200 OK\", \"method\": \"INVITE\", \"sdp\": true, \"transport\": \"udp\"},"
      "   {\"time\": \"2026-01-31T12:00:09.000Z\", \"event\": \"hangup\", \"cause\": \"remote_bye\"}]},"
      " \"messages\": [], \"lost\": 2, \"ladder\": \"one\\n  two \\u001b[m\\n\"}";

static void
test_call (void)
{
  json_auto_t *trace = json_loads (trace_text, 0, NULL);
  g_autofree char *text = ctl_show_call (trace);

  g_assert_cmpstr (text, ==,
                   "Call SCL_1, inbound, ended\n"
                   "  Call-ID     x@y\n"
                   "  from        +1555 (192.0.2.1:5060)\n"
                   "  to          100\n"
                   "  room        lobby\n"
                   "  began       2026-01-31T12:00:00.000Z\n"
                   "  answered    after 1.250 s\n"
                   "  ended       after 9.000 s\n"
                   "  cause       remote_bye: the other side hung up\n"
                   "  heard       400 packets PCMU, loss 0.50 %, jitter 1.2 ms, MOS 4.20\n"
                   "  keys        3\n"
                   "\n"
                   "Timeline\n"
                   "    +0.000  invite             from=\"a b\" offer=true\n"
                   "    +1.000  sip                sent 200 OK to INVITE with SDP transport=udp\n"
                   "    +9.000  hangup             cause=remote_bye\n"
                   "\n"
                   "SIP\n"
                   "one\n"
                   "  two \\u001b[m\n"
                   "2 messages in between were not kept.\n");
}

static void
test_refused (void)
{
  json_auto_t *trace
      = json_loads ("{\"call\": null, \"messages\": [], \"lost\": 0, \"ladder\": \"\"}", 0, NULL);
  g_autofree char *text = ctl_show_call (trace);

  g_assert_cmpstr (text, ==,
                   "An INVITE that did not become a call\n\nIts SIP messages are not held any more.\n");
}

/* An answer of another version that lacks all of this is no crash. */
static void
test_bare (void)
{
  json_auto_t *trace = json_loads ("{\"call\": {\"end\": {}, \"timeline\": [1, {}]}}", 0, NULL);
  json_auto_t *empty = json_object ();
  g_autofree char *text = ctl_show_call (trace), *event = ctl_show_event (empty),
                  *line = ctl_show_log_line (empty);

  g_assert_true (g_str_has_prefix (text, "Call ?"));
  g_assert_cmpstr (event, ==, "?  ?  ? \n");
  g_assert_cmpstr (line, ==, "1970-01-01T00:00:00.000Z INFO  ?  ?\n");
}

static void
test_event (void)
{
  json_auto_t *event
      = json_loads ("{\"seq\": 1, \"time\": \"T\", \"type\": \"participant_joined\", \"room\": \"r\","
                    " \"epoch\": \"E\", \"identity\": \"a\\nb\", \"n\": {\"x\": 1}, \"z\": null}",
                    0, NULL);
  g_autofree char *text = ctl_show_event (event);

  g_assert_cmpstr (text, ==, "T  r  participant_joined  identity=a\\nb n={\"x\":1}\n");
}

/* Of what is in an event a line names whom and what it is about; --json has all of it. */
static void
test_brief (void)
{
  static const struct
  {
    const char *event, *line;
  } cases[] = {
    { "{\"type\": \"participant_updated\", \"participant\": {\"identity\": \"sip_x\", \"name\": \"Phone x\","
      " \"kind\": \"SIP\", \"sid\": \"PA_1\", \"tracks\": [{\"sid\": \"TR_1\", \"muted\": true}],"
      " \"attributes\": {\"sip.callStatus\": \"active\", \"x\": \"y\"}}}",
      "?  ?  participant_updated  participant=sip_x name=\"Phone x\" kind=SIP sip.callStatus=active "
      "muted=true\n" },
    { "{\"type\": \"call_status\", \"status\": \"hangup\", \"call\": {\"sip_call_id\": \"SCL_1\", "
      "\"direction\":"
      " \"inbound\", \"from\": \"a\", \"to\": \"\", \"end\": {\"cause\": \"rejected\", \"sip_status_code\": "
      "486}}}",
      "?  ?  call_status  status=hangup call=SCL_1 direction=inbound from=a to=\"\" cause=rejected "
      "sip_status_code=486\n" },
    { "{\"type\": \"active_speakers\", \"speakers\": [{\"identity\": \"a\", \"level\": 0.126}, {\"level\": "
      "1}]}",
      "?  ?  active_speakers  speakers=a:0.13,?:1.00\n" },
    { "{\"type\": \"active_speakers\", \"speakers\": []}", "?  ?  active_speakers  speakers=none\n" },
    { "{\"type\": \"t\", \"participant\": {\"x\": 1}, \"call\": 5, \"speakers\": 6}",
      "?  ?  t  participant={\"x\":1} call=5 speakers=6\n" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      json_auto_t *event = json_loads (cases[i].event, 0, NULL);
      g_autofree char *text = ctl_show_event (event);

      g_assert_nonnull (event);
      g_assert_cmpstr (text, ==, cases[i].line);
    }
}

/* A line is the same, whichever format the gateway writes its own log in. */
static void
test_log_line (void)
{
  json_auto_t *line = json_loads (
      "{\"time\": \"2026-01-31T12:00:00.123Z\", \"level\": \"warn\", \"component\": \"sip\","
      " \"event\": \"Hangup\", \"callID\": \"SCL_1\", \"room\": \"a b\", \"cause\": \"x\", \"n\": 5,"
      " \"loss\": 0.25, \"initial\": false}",
      0, NULL);
  g_autofree char *text = ctl_show_log_line (line);

  g_assert_cmpstr (
      text, ==,
      "2026-01-31T12:00:00.123Z WARN  sip  Hangup  callID=SCL_1 room=\"a b\" cause=x n=5 loss=0.25 "
      "initial=false\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ctl/show/call", test_call);
  g_test_add_func ("/ctl/show/refused_invite", test_refused);
  g_test_add_func ("/ctl/show/answers_that_lack_everything", test_bare);
  g_test_add_func ("/ctl/show/event", test_event);
  g_test_add_func ("/ctl/show/event_in_brief", test_brief);
  g_test_add_func ("/ctl/show/log_line", test_log_line);
  return g_test_run ();
}
