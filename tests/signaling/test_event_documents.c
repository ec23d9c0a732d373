/* Key presses in INFO, and the XML documents that NOTIFY carries. */
#include "signaling/core/conference_document.h"
#include "signaling/core/event_package.h"
#include "signaling/core/info.h"
#include "signaling/core/presence_document.h"
#include "signaling/core/xml.h"

#include <string.h>

static const struct
{
  const char *type, *body;
  SigInfoKind kind;
  char digit;
  guint duration_ms;
} bodies[] = {
  { "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", SIG_INFO_DIGIT, '5', 160 },
  { "APPLICATION/dtmf-RELAY", "signal=5\r\nduration=160", SIG_INFO_DIGIT, '5', 160 },
  { "application/dtmf-relay", "Signal=*\nDuration=250\n", SIG_INFO_DIGIT, '*', 250 },
  { "application/dtmf-relay", " Signal = # \r\n Duration = 90 \r\n", SIG_INFO_DIGIT, '#', 90 },
  { "application/dtmf-relay", "Signal=10\r\n", SIG_INFO_DIGIT, '*', 100 },
  { "application/dtmf-relay", "Signal=11\r\n", SIG_INFO_DIGIT, '#', 100 },
  { "application/dtmf-relay", "Signal=12\r\n", SIG_INFO_DIGIT, 'A', 100 },
  { "application/dtmf-relay", "Signal=15\r\n", SIG_INFO_DIGIT, 'D', 100 },
  { "application/dtmf-relay", "Signal=d\r\n", SIG_INFO_DIGIT, 'D', 100 },
  { "application/dtmf-relay", "Duration=70\r\nSignal=1\r\n", SIG_INFO_DIGIT, '1', 70 },
  { "application/dtmf-relay", "Signal=1\r\nDuration=-5\r\n", SIG_INFO_DIGIT, '1', 100 },
  { "application/dtmf-relay", "Signal=1\r\nDuration=99999999\r\n", SIG_INFO_DIGIT, '1', 10000 },
  { "application/dtmf-relay", "Signal=16\r\n", SIG_INFO_NOTHING, 0, 0 },
  { "application/dtmf-relay", "Signal=!\r\n", SIG_INFO_NOTHING, 0, 0 },
  { "application/dtmf-relay", "Signal=17\r\n", SIG_INFO_MALFORMED, 0, 0 },
  { "application/dtmf-relay", "Signal=\r\n", SIG_INFO_MALFORMED, 0, 0 },
  { "application/dtmf-relay", "Signal=12345\r\n", SIG_INFO_MALFORMED, 0, 0 },
  { "application/dtmf-relay", "5", SIG_INFO_MALFORMED, 0, 0 },
  { "application/vnd.nortelnetworks.digits", "p=Digit-Collection\r\ny=Digits\r\nd=7\r\n", SIG_INFO_DIGIT, '7',
    100 },
  { "application/dtmf", "5", SIG_INFO_DIGIT, '5', 100 },
  { "application/dtmf", "\r\n9\r\n", SIG_INFO_DIGIT, '9', 100 },
  { "application/dtmf", "11", SIG_INFO_DIGIT, '#', 100 },
  { "application/dtmf", "Signal=3\r\nDuration=200", SIG_INFO_DIGIT, '3', 200 },
  { "application/dtmf", "123", SIG_INFO_MALFORMED, 0, 0 },
  { "application/dtmf", "x", SIG_INFO_MALFORMED, 0, 0 },
  { "application/media_control+xml", "<media_control><vc_primitive/></media_control>", SIG_INFO_NOTHING, 0,
    0 },
  { "application/hook-flash", "x", SIG_INFO_NOTHING, 0, 0 },
  { "application/sdp", "v=0", SIG_INFO_UNSUPPORTED, 0, 0 },
  { "application/dtmf-relayx", "Signal=5", SIG_INFO_UNSUPPORTED, 0, 0 },
  { "application/dtmf", "", SIG_INFO_NOTHING, 0, 0 },
  { NULL, "5", SIG_INFO_MALFORMED, 0, 0 },
};

static void
test_info (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bodies); i++)
    {
      SigInfo info = sig_info_parse (bodies[i].type, bodies[i].body, strlen (bodies[i].body));

      g_test_message ("%s: %s", bodies[i].type, bodies[i].body);
      g_assert_cmpint (info.kind, ==, bodies[i].kind);
      g_assert_cmpint (info.digit, ==, bodies[i].digit);
      g_assert_cmpuint (info.duration_ms, ==, bodies[i].duration_ms);
    }
  g_assert_cmpint (sig_info_parse (NULL, NULL, 0).kind, ==, SIG_INFO_NOTHING);
  g_assert_cmpint (sig_info_parse ("application/dtmf", "5\0", 2).kind, ==, SIG_INFO_MALFORMED);
  g_autofree char *huge = g_strnfill (SIG_INFO_MAX_BYTES + 1, '5');
  g_assert_cmpint (sig_info_parse ("application/dtmf", huge, strlen (huge)).kind, ==, SIG_INFO_MALFORMED);
}

static void
test_info_write (void)
{
  for (const char *key = "0123456789*#ABCD"; *key != '\0'; key++)
    {
      g_autofree char *body = sig_info_write (*key, 160);
      SigInfo info = sig_info_parse (SIG_INFO_DTMF_TYPE, body, strlen (body));
      g_assert_cmpint (info.digit, ==, *key);
      g_assert_cmpuint (info.duration_ms, ==, 160);
    }
  g_autofree char *lower = sig_info_write ('b', 0);
  g_assert_cmpstr (lower, ==, "Signal=B\r\nDuration=1\r\n");
  g_assert_null (sig_info_write ('x', 100));
  g_assert_null (sig_info_write ('\0', 100));
}

static void
test_packages (void)
{
  g_assert_cmpint (sig_event_package_find ("presence"), ==, SIG_EVENT_PRESENCE);
  g_assert_cmpint (sig_event_package_find ("Conference"), ==, SIG_EVENT_CONFERENCE);
  g_assert_cmpint (sig_event_package_find ("message-summary"), ==, SIG_EVENT_NONE);
  g_assert_cmpint (sig_event_package_find ("presence.winfo"), ==, SIG_EVENT_NONE);
  g_assert_cmpint (sig_event_package_find (""), ==, SIG_EVENT_NONE);
  g_assert_cmpint (sig_event_package_find (NULL), ==, SIG_EVENT_NONE);
  g_assert_true (sig_event_package_accepted (SIG_EVENT_DIALOG, "application/dialog-info+xml"));
  g_assert_true (sig_event_package_accepted (SIG_EVENT_DIALOG, "*/*"));
  g_assert_true (sig_event_package_accepted (SIG_EVENT_DIALOG, "application/*"));
  g_assert_false (sig_event_package_accepted (SIG_EVENT_DIALOG, "application/pidf+xml"));
}

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static void
test_xml (void)
{
  g_autoptr (GString) out = g_string_new (NULL);

  sig_xml_append (out, "a<b>&\"c'\x01\t\xff", 100);
  g_assert_cmpstr (out->str, ==, "a&lt;b&gt;&amp;&quot;c&apos;\xef\xbf\xbd&#9;\xef\xbf\xbd");
  g_string_truncate (out, 0);
  sig_xml_append (out, "Grüße", 3); /* in the middle of a letter */
  g_assert_true (g_utf8_validate (out->str, -1, NULL));
  g_string_truncate (out, 0);
  sig_xml_element (out, "a", NULL);
  sig_xml_attribute (out, "a", NULL);
  g_assert_cmpstr (out->str, ==, "");
}

static void
test_presence (void)
{
  const SigPresence busy = { .entity = "sip:alice@example.org",
                             .is_available = TRUE,
                             .is_busy = TRUE,
                             .note = "In a call <1>",
                             .timestamp = "2026-11-21T12:00:00.000Z" };
  const SigPresence away = { .entity = "sip:\"bob\"@example.org" };
  g_autofree char *one = sig_presence_write (&busy), *two = sig_presence_write (&away);

#define PRESENCE                                                                                             \
  HEAD                                                                                                       \
      "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" " \
      "xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity="
  g_assert_cmpstr (one, ==,
                   PRESENCE "\"sip:alice@example.org\">\n"
                            "<tuple id=\"phone\"><status><basic>open</basic></status>"
                            "<contact>sip:alice@example.org</contact><note>In a call &lt;1&gt;</note>"
                            "<timestamp>2026-11-21T12:00:00.000Z</timestamp></tuple>\n"
                            "<dm:person id=\"person\"><rpid:activities><rpid:on-the-phone/></rpid:activities>"
                            "</dm:person>\n</presence>\n");
  g_assert_cmpstr (two, ==,
                   PRESENCE "\"sip:&quot;bob&quot;@example.org\">\n"
                            "<tuple id=\"phone\"><status><basic>closed</basic></status></tuple>\n"
                            "</presence>\n");
}

static void
test_dialog_info (void)
{
  const SigDialogInfo dialogs[] = {
    { .id = "SCL_1",
      .is_initiator = TRUE,
      .state = SIG_DIALOG_CONFIRMED,
      .local_uri = "sip:alice@h",
      .local_display = "Alice & Co",
      .remote_uri = "sip:lobby@h" },
    { .id = "SCL_2", .state = SIG_DIALOG_EARLY },
  };
  g_autofree char *text = sig_dialog_info_write ("sip:alice@h", 7, dialogs, 2);
  g_autofree char *none = sig_dialog_info_write ("sip:alice@h", 0, NULL, 0);

#define DIALOG_INFO HEAD "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version="
  g_assert_cmpstr (text, ==,
                   DIALOG_INFO
                   "\"7\" state=\"full\" entity=\"sip:alice@h\">\n"
                   "<dialog id=\"SCL_1\" direction=\"initiator\"><state>confirmed</state>"
                   "<local><identity display=\"Alice &amp; Co\">sip:alice@h</identity>"
                   "<target uri=\"sip:alice@h\"/></local>"
                   "<remote><identity>sip:lobby@h</identity><target uri=\"sip:lobby@h\"/></remote></dialog>\n"
                   "<dialog id=\"SCL_2\" direction=\"recipient\"><state>early</state></dialog>\n"
                   "</dialog-info>\n");
  g_assert_cmpstr (none, ==, DIALOG_INFO "\"0\" state=\"full\" entity=\"sip:alice@h\">\n</dialog-info>\n");
}

#define CONFERENCE                                                                                           \
  HEAD "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"sip:r@h\" "

static void
test_conference (void)
{
  SigConferenceUser users[] = {
    { .entity = "sip:sip_alice@h",
      .display = "Phone <alice>",
      .endpoint = "sip:alice@10.0.0.1",
      .is_connected = TRUE,
      .joined_at = "2026-11-21T12:00:00.000Z",
      .media_label = "TR_1",
      .media_status = "sendrecv" },
    { .entity = "sip:web@h", .endpoint = "sip:web@h", .was_called = TRUE },
  };
  SigConference room = { .entity = "sip:r@h", .name = "r", .max_users = 5, .users = users, .n_users = 1 };
  g_autoptr (SigConferenceTold) told = sig_conference_told_new ();
  gboolean more;
  g_autofree char *full = sig_conference_write (&room, told, 0, TRUE, 8000, &more);

  g_assert_false (more);
  g_assert_cmpstr (full, ==,
                   CONFERENCE
                   "state=\"full\" version=\"0\">\n"
                   "<conference-description><display-text>r</display-text>"
                   "<maximum-user-count>5</maximum-user-count></conference-description>\n"
                   "<conference-state><user-count>1</user-count><active>true</active></conference-state>\n"
                   "<users>\n"
                   "<user entity=\"sip:sip_alice@h\" state=\"full\">"
                   "<display-text>Phone &lt;alice&gt;</display-text>"
                   "<endpoint entity=\"sip:alice@10.0.0.1\"><status>connected</status>"
                   "<joining-method>dialed-in</joining-method>"
                   "<joining-info><when>2026-11-21T12:00:00.000Z</when></joining-info>"
                   "<media id=\"1\"><type>audio</type><label>TR_1</label><status>sendrecv</status></media>"
                   "</endpoint></user>\n"
                   "</users>\n</conference-info>\n");
  g_assert_null (sig_conference_write (&room, told, 1, FALSE, 8000, &more));

  room.n_users = 2;
  g_autofree char *joined = sig_conference_write (&room, told, 1, FALSE, 8000, &more);
  g_assert_cmpstr (
      joined, ==,
      CONFERENCE "state=\"partial\" version=\"1\">\n"
                 "<conference-state><user-count>2</user-count><active>true</active></conference-state>\n"
                 "<users state=\"partial\">\n"
                 "<user entity=\"sip:web@h\" state=\"full\"><endpoint entity=\"sip:web@h\">"
                 "<status>dialing-out</status><joining-method>dialed-out</joining-method></endpoint></user>\n"
                 "</users>\n</conference-info>\n");

  room.n_users = 0;
  g_autofree char *left = sig_conference_write (&room, told, 2, FALSE, 8000, &more);
  g_assert_nonnull (strstr (left, "<user-count>0</user-count><active>false</active>"));
  g_assert_nonnull (strstr (left, "<user entity=\"sip:sip_alice@h\" state=\"deleted\"/>"));
  g_assert_nonnull (strstr (left, "<user entity=\"sip:web@h\" state=\"deleted\"/>"));
  g_assert_null (sig_conference_write (&room, told, 3, FALSE, 8000, &more));
}

/* A large room comes in pieces, none too long, each user once. */
static void
test_conference_bounded (void)
{
  const guint n = 500;
  g_autofree SigConferenceUser *users = g_new0 (SigConferenceUser, n);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (SigConferenceTold) told = sig_conference_told_new ();
  SigConference room = { .entity = "sip:r@h", .name = "r", .users = users, .n_users = n };
  gboolean more = TRUE;
  guint told_users = 0, version = 0;

  for (guint i = 0; i < n; i++)
    {
      g_ptr_array_add (names, g_strdup_printf ("sip:user%u@h", i));
      users[i] = (SigConferenceUser){ .entity = names->pdata[i], .endpoint = names->pdata[i] };
    }
  while (more)
    {
      g_autofree char *text = sig_conference_write (&room, told, version, version == 0, 8000, &more);
      g_assert_cmpuint (strlen (text), <=, 8000);
      for (const char *at = strstr (text, "<user "); at != NULL; at = strstr (at + 1, "<user "))
        told_users++;
      version++;
      g_assert_cmpuint (version, <, 50);
    }
  g_assert_cmpuint (told_users, ==, n);
  g_assert_null (sig_conference_write (&room, told, version, FALSE, 8000, &more));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/info/parse", test_info);
  g_test_add_func ("/signaling/info/write", test_info_write);
  g_test_add_func ("/signaling/event/packages", test_packages);
  g_test_add_func ("/signaling/event/xml", test_xml);
  g_test_add_func ("/signaling/event/presence", test_presence);
  g_test_add_func ("/signaling/event/dialog_info", test_dialog_info);
  g_test_add_func ("/signaling/event/conference", test_conference);
  g_test_add_func ("/signaling/event/conference_bounded", test_conference_bounded);
  return g_test_run ();
}
