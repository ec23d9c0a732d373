#include "gateway/call_values.h"

#include <string.h>

#include "config/base/error.h"

static void
fill (GwCallValues *call, SigSipDialogState *dialog, MediaLegState *media)
{
  const char *routes[] = { "<sip:p1;lr>", "<sip:p2;lr>", NULL };
  const char *codecs[] = { "PCMU", NULL };

  *call = (GwCallValues){
    .id = g_strdup ("SCL_1"),
    .inbound = TRUE,
    .state = GW_CALL_ACTIVE,
    .sip_call_id = g_strdup ("a@b"),
    .from = g_strdup ("Zoë"),
    .to = g_strdup ("100"),
    .peer = g_strdup ("[::1]:5070"),
    .room_name = g_strdup ("lobby"),
    .identity = g_strdup ("sip_100"),
    .participant_id = g_strdup ("PA_1"),
    .track = 77,
    .ports = { 10000, 10001 },
    .local_address = g_strdup ("::1"),
    .announced_address = g_strdup ("2001:db8::7"),
    .codecs = g_strdupv ((char **)codecs),
    .sdp_session_id = G_MAXUINT64 >> 2,
    .sdp_version = 3,
    .sdp = g_strdup ("v=0\r\n"),
    .remote_sdp = g_strdup ("v=0\r\ns=-\r\n"),
    .n_local = 2,
    .created_wall = { 1700000000123456 },
    .was_answered = TRUE,
    .max_duration_s = 3600,
    .n_dtmf = 4,
    .is_held = TRUE,
    .peer_holds = TRUE,
  };
  call->local[0] = (GwLocalSection){ .ssrc = 0xfedcba98, .source_track = 77, .sink = MEDIA_SINK_MIX };
  call->local[1] = (GwLocalSection){ .ssrc = 5, .sink = MEDIA_SINK_TRACK, .sink_track = 78 };
  *dialog = (SigSipDialogState){
    .call_id = g_strdup ("a@b"),
    .local_tag = g_strdup ("x"),
    .remote_tag = g_strdup ("y"),
    .route_set = g_strdupv ((char **)routes),
    .local_cseq = 2,
    .remote_cseq = 101,
    .peer_port = 5070,
  };
  media->id = 9;
  media->n_sections = 1;
  media->local_rtp_port = 10000;
}

static void
test_survives_being_written_down (void)
{
  GwCallValues call = { 0 }, call_again;
  g_auto (SigSipDialogState) dialog = { 0 };
  g_auto (SigSipDialogState) dialog_again = { 0 };
  g_autoptr (MediaLegState) media = media_leg_state_new ();
  g_autoptr (MediaLegState) media_again = media_leg_state_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL, *text_again = NULL;
  json_t *object, *object_again, *parsed;

  fill (&call, &dialog, media);
  object = gw_call_values_to_json (&call, &dialog, media);
  text = json_dumps (object, JSON_SORT_KEYS);
  parsed = json_loads (text, 0, NULL);
  g_assert_true (gw_call_values_from_json (parsed, &call_again, &dialog_again, media_again, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (call_again.from, ==, "Zoë");
  g_assert_cmpuint (call_again.local[0].ssrc, ==, 0xfedcba98);
  g_assert_cmpuint (call_again.sdp_session_id, ==, G_MAXUINT64 >> 2);
  g_assert_cmpint (call_again.state, ==, GW_CALL_ACTIVE);
  g_assert_null (call_again.trunk_id);
  g_assert_cmpstr (dialog_again.route_set[1], ==, "<sip:p2;lr>");
  g_assert_cmpmem (media, sizeof *media, media_again, sizeof *media_again);
  object_again = gw_call_values_to_json (&call_again, &dialog_again, media_again);
  text_again = json_dumps (object_again, JSON_SORT_KEYS);
  g_assert_cmpstr (text, ==, text_again);
  json_decref (object);
  json_decref (object_again);
  json_decref (parsed);
  gw_call_values_clear (&call);
  gw_call_values_clear (&call_again);
}

static void
test_refuses_what_it_did_not_write (void)
{
  static const char *const texts[] = {
    "{}",
    "{\"version\":3,\"call\":{}}",
    "{\"version\":1}",
    "{\"version\":1,\"call\":{\"id\":5}}",
    "{\"version\":1,\"call\":{\"id\":\"x\"}}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      json_t *object = json_loads (texts[i], 0, NULL);
      g_autoptr (MediaLegState) media = media_leg_state_new ();
      g_auto (SigSipDialogState) dialog = { 0 };
      g_autoptr (GError) error = NULL;
      GwCallValues call;

      g_assert_false (gw_call_values_from_json (object, &call, &dialog, media, &error));
      g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
      gw_call_values_clear (&call);
      json_decref (object);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/call_values/survives_being_written_down", test_survives_being_written_down);
  g_test_add_func ("/gateway/call_values/refuses_what_it_did_not_write", test_refuses_what_it_did_not_write);
  return g_test_run ();
}
