/* LiveKit's messages as JSON and as protobuf. */
#include <glib.h>
#include <string.h>

#include "config/base/error.h"
#include "signaling/core/livekit.h"

static void
assert_json (json_t *object, const char *wanted)
{
  char *text = json_dumps (object, JSON_COMPACT | JSON_SORT_KEYS);

  g_assert_cmpstr (text, ==, wanted);
  free (text);
}

typedef struct
{
  const char *type, *text, *wanted; /* wanted NULL: refused */
} JsonRow;

static const JsonRow json_rows[] = {
  { "CreateRoomRequest", "{\"name\":\"a\",\"emptyTimeout\":5}", "{\"empty_timeout\":5,\"name\":\"a\"}" },
  { "CreateRoomRequest", "{\"name\":\"a\",\"empty_timeout\":\"5\",\"nodeId\":{\"x\":1}}",
    "{\"empty_timeout\":5,\"name\":\"a\"}" },
  { "CreateRoomRequest", "", "{}" },
  { "CreateRoomRequest", "{\"name\":null}", "{}" },
  { "CreateRoomRequest", "{\"name\":7}", NULL },
  { "CreateRoomRequest", "{\"empty_timeout\":-1}", NULL },
  { "CreateRoomRequest", "{\"empty_timeout\":4294967296}", NULL },
  { "CreateRoomRequest", "{\"empty_timeout\":1.5}", NULL },
  { "CreateRoomRequest", "[]", NULL },
  { "CreateRoomRequest", "{", NULL },
  { "CreateRoomRequest", "{\"name\":\"a\\u0000b\"}", NULL },
  { "CreateSIPOutboundTrunkRequest",
    "{\"trunk\":{\"transport\":\"SIP_TRANSPORT_TCP\",\"headersToAttributes\":{\"X-a\":\"b\"}}}",
    "{\"trunk\":{\"headers_to_attributes\":{\"X-a\":\"b\"},\"transport\":\"SIP_TRANSPORT_TCP\"}}" },
  { "CreateSIPOutboundTrunkRequest", "{\"trunk\":{\"transport\":3}}",
    "{\"trunk\":{\"transport\":\"SIP_TRANSPORT_TLS\"}}" },
  { "CreateSIPOutboundTrunkRequest", "{\"trunk\":{\"transport\":\"PIGEON\"}}", NULL },
  { "CreateSIPOutboundTrunkRequest", "{\"trunk\":{\"transport\":-9223372036854775808}}", NULL },
  { "CreateSIPOutboundTrunkRequest", "{\"trunk\":{\"headers\":{\"X-a\":1}}}", NULL },
  { "CreateSIPOutboundTrunkRequest", "{\"trunk\":[]}", NULL },
  { "CreateSIPParticipantRequest", "{\"ringingTimeout\":\"30s\",\"max_call_duration\":90}",
    "{\"max_call_duration\":90.0,\"ringing_timeout\":30.0}" },
  { "CreateSIPParticipantRequest", "{\"ringingTimeout\":\"30\"}", NULL },
  { "CreateSIPParticipantRequest", "{\"ringingTimeout\":\"infs\"}", NULL },
  { "CreateSIPInboundTrunkRequest", "{\"trunk\":{\"createdAt\":\"2026-11-21T07:55:00.5Z\"}}",
    "{\"trunk\":{\"created_at\":\"2026-11-21T07:55:00.5Z\"}}" },
  { "CreateSIPInboundTrunkRequest", "{\"trunk\":{\"createdAt\":\"yesterday\"}}", NULL },
  { "CreateSIPInboundTrunkRequest", "{\"trunk\":{\"createdAt\":5}}", NULL },
  { "ListSIPInboundTrunkRequest", "{\"trunkIds\":[\"a\",\"b\"]}", "{\"trunk_ids\":[\"a\",\"b\"]}" },
  { "ListSIPInboundTrunkRequest", "{\"trunkIds\":[\"a\",7]}", NULL },
  { "SendDataRequest", "{\"data\":\"aGk=\"}", "{\"data\":\"aGk=\"}" },
  { "SendDataRequest", "{\"data\":\"!\"}", NULL },
  { "SendDataRequest", "{\"data\":\"\"}", "{\"data\":\"\"}" },
  { "SendDataRequest", "{\"data\":\"_-8\"}", "{\"data\":\"/+8=\"}" },
  { "SendDataRequest", "{\"data\":\"aA\"}", "{\"data\":\"aA==\"}" },
  { "SendDataRequest", "{\"data\":\"aA=\"}", NULL },
  { "SendDataRequest", "{\"data\":\"a\"}", NULL },
  { "SendDataRequest", "{\"data\":\"a===\"}", NULL },
  { "SendDataRequest", "{\"data\":\"aG k\"}", NULL },
  { "SendDataRequest", "{\"data\":5}", NULL },
  { "CreateRoomRequest", "{\"empty_timeout\":5.0,\"max_participants\":1e1}",
    "{\"empty_timeout\":5,\"max_participants\":10}" },
  { "CreateRoomRequest", "{\"empty_timeout\":1e300}", NULL },
  { "CreateRoomRequest", "{\"empty_timeout\":\"five\"}", NULL },
  { "CreateRoomRequest", "{\"empty_timeout\":true}", NULL },
};

static void
test_json_in (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (json_rows); i++)
    {
      g_autoptr (GError) error = NULL;
      json_t *object = sig_livekit_decode (json_rows[i].type, SIG_LIVEKIT_JSON, json_rows[i].text,
                                           strlen (json_rows[i].text), &error);

      if (json_rows[i].wanted == NULL)
        {
          g_assert_null (object);
          g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
          continue;
        }
      g_assert_no_error (error);
      assert_json (object, json_rows[i].wanted);
      json_decref (object);
    }
}

static void
test_json_out (void)
{
  json_t *room
      = json_pack ("{s:s, s:I, s:s, s:{s:I, s:i}}", "name", "a", "creation_time", (json_int_t)12345678901,
                   "no", "field", "version", "unix_micro", (json_int_t)1795247700123456, "ticks", 3);
  g_autoptr (GBytes) bytes = sig_livekit_encode ("Room", SIG_LIVEKIT_JSON, room);
  json_t *read = json_loads (g_bytes_get_data (bytes, NULL), 0, NULL);

  assert_json (read,
               "{\"active_recording\":false,\"creation_time\":\"12345678901\",\"creation_time_ms\":\"0\","
               "\"departure_timeout\":0,\"empty_timeout\":0,\"enabled_codecs\":[],\"max_participants\":0,"
               "\"metadata\":\"\",\"name\":\"a\",\"num_participants\":0,\"num_publishers\":0,\"sid\":\"\","
               "\"turn_password\":\"\",\"version\":{\"ticks\":3,\"unix_micro\":\"1795247700123456\"}}");
  json_decref (room);
  json_decref (read);
}

/* The bytes are those of the protobuf encoding (protobuf.dev/programming-guides/encoding), by hand. */
static void
test_protobuf_bytes (void)
{
  static const char create[] = "\x0a\x01"
                               "a"
                               "\x10\x05"
                               "\xfa\x06\x02"
                               "??"; /* field 111, unknown */
  static const guint8 participant[] = { 0x0a, 1, 'P', 0x70, 3, 0x7a, 6, 0x0a, 1, 'k', 0x12, 1, 'v' };
  g_autoptr (GError) error = NULL;
  json_t *object
      = sig_livekit_decode ("CreateRoomRequest", SIG_LIVEKIT_PROTOBUF, create, sizeof create - 1, &error);
  json_t *info = json_pack ("{s:s, s:s, s:{s:s}}", "sid", "P", "kind", "SIP", "attributes", "k", "v");
  g_autoptr (GBytes) bytes = sig_livekit_encode ("ParticipantInfo", SIG_LIVEKIT_PROTOBUF, info);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  g_assert_no_error (error);
  assert_json (object, "{\"empty_timeout\":5,\"name\":\"a\"}");
  g_assert_cmpuint (size, ==, sizeof participant);
  g_assert_true (memcmp (data, participant, size) == 0);
  json_decref (object);
  json_decref (info);
}

static void
test_protobuf_there_and_back (void)
{
  static const struct
  {
    const char *type, *text;
  } rows[] = {
    { "CreateSIPOutboundTrunkRequest", "{\"trunk\":{\"address\":\"a.example\",\"headers\":{\"X-a\":\"b\",\"X-"
                                       "c\":\"\"},\"numbers\":[\"+1\",\"+2\"],"
                                       "\"transport\":\"SIP_TRANSPORT_TLS\"}}" },
    { "UpdateSIPInboundTrunkRequest",
      "{\"sip_trunk_id\":\"ST_a\",\"update\":{\"auth_password\":\"\",\"numbers\":{\"clear\":true}}}" },
    { "CreateSIPDispatchRuleRequest",
      "{\"dispatch_rule\":{\"rule\":{\"dispatch_rule_individual\":{\"pin\":\"1\",\"room_prefix\":\"r\"}}}}" },
    { "CreateSIPDispatchRuleRequest", "{\"rule\":{\"dispatch_rule_callee\":{}}}" },
    { "CreateSIPParticipantRequest", "{\"display_name\":\"\",\"ringing_timeout\":1.5}" },
    { "UpdateParticipantRequest",
      "{\"attributes\":{\"a\":\"\"},\"permission\":{\"can_publish_sources\":[\"MICROPHONE\",\"CAMERA\"]}}" },
    { "SendDataRequest", "{\"data\":\"aGkA\",\"kind\":\"LOSSY\"}" },
    { "WebhookEvent", "{\"created_at\":12345678901,\"event\":\"room_started\",\"room\":{\"name\":\"a\"}}" },
    { "SIPInboundTrunkInfo",
      "{\"created_at\":\"2026-11-21T07:55:00Z\",\"updated_at\":\"2026-11-21T07:55:00.123000000Z\"}" },
    { "Empty", "{}" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      json_t *object = json_loads (rows[i].text, 0, NULL), *back;
      g_autoptr (GBytes) bytes = sig_livekit_encode (rows[i].type, SIG_LIVEKIT_PROTOBUF, object);
      gsize size;
      const char *data = g_bytes_get_data (bytes, &size);

      back = sig_livekit_decode (rows[i].type, SIG_LIVEKIT_PROTOBUF, data, size, &error);
      g_assert_no_error (error);
      assert_json (back, rows[i].text);
      json_decref (object);
      json_decref (back);
    }
}

/* What JSON may not say either. */
static void
test_protobuf_endless_duration (void)
{
  static const guint8 data[] = {
    0x5a, 10, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f
  }; /* field 11: 2^63-1 seconds */
  g_autoptr (GError) error = NULL;

  g_assert_null (sig_livekit_decode ("CreateSIPParticipantRequest", SIG_LIVEKIT_PROTOBUF, (const char *)data,
                                     sizeof data, &error));
  g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
}

static void
test_protobuf_refused (void)
{
  static const struct
  {
    const char *data;
    gsize size;
  } rows[] = {
    { "\x0a\x05"
      "a",
      3 }, /* shorter than it says */
    { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11 },
    { "\x0a\x01\xff", 3 }, /* not UTF-8 */
    { "\x0b", 1 },         /* a group */
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (
          sig_livekit_decode ("CreateRoomRequest", SIG_LIVEKIT_PROTOBUF, rows[i].data, rows[i].size, &error));
      g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/livekit/json-in", test_json_in);
  g_test_add_func ("/livekit/json-out", test_json_out);
  g_test_add_func ("/livekit/protobuf-bytes", test_protobuf_bytes);
  g_test_add_func ("/livekit/protobuf-there-and-back", test_protobuf_there_and_back);
  g_test_add_func ("/livekit/protobuf-endless-duration", test_protobuf_endless_duration);
  g_test_add_func ("/livekit/protobuf-refused", test_protobuf_refused);
  return g_test_run ();
}
