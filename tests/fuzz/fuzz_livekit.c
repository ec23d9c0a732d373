#include "tests/fuzz/fuzz.h"

#include "config/base/error.h"
#include "signaling/core/livekit.h"

/* What was understood is the same after it was written and read again, in both formats. */
static void
check_same (const char *type, json_t *message, SigLivekitFormat format)
{
  g_autoptr (GBytes) bytes = sig_livekit_encode (type, format, message);
  g_autoptr (GBytes) again = NULL;
  json_t *read;
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  read = sig_livekit_decode (type, format, data, size, NULL);
  g_assert_nonnull (read);
  again = sig_livekit_encode (type, format, read);
  g_assert_true (g_bytes_equal (bytes, again));
  json_decref (read);
}

static void
run (const guint8 *data, gsize size)
{
  static const char *const types[]
      = { "CreateSIPParticipantRequest", "UpdateSIPInboundTrunkRequest", "CreateSIPDispatchRuleRequest",
          "UpdateParticipantRequest", "SendDataRequest" };
  SigLivekitFormat format = size > 0 && (data[0] & 0x80) ? SIG_LIVEKIT_PROTOBUF : SIG_LIVEKIT_JSON;
  const char *type = types[size > 0 ? (data[0] & 0x7f) % G_N_ELEMENTS (types) : 0];
  g_autoptr (GError) error = NULL;
  json_t *message;

  if (size > 0)
    {
      data++;
      size--;
    }
  message = sig_livekit_decode (type, format, (const char *)data, size, &error);
  g_assert_true ((message == NULL) == (error != NULL));
  if (message == NULL)
    return;
  check_same (type, message, SIG_LIVEKIT_JSON);
  check_same (type, message, SIG_LIVEKIT_PROTOBUF);
  json_decref (message);
}

static const FuzzSeed seeds[] = {
  FUZZ_TEXT (
      "\x00{\"sip_trunk_id\":\"ST_a\",\"sipCallTo\":\"+1\",\"ringingTimeout\":\"30s\",\"headers\":{\"X-a\":"
      "\"b\"},\"trunk\":{\"transport\":\"SIP_TRANSPORT_TCP\"}}"),
  FUZZ_TEXT ("\x01{\"update\":{\"numbers\":{\"set\":[\"+1\"]},\"authPassword\":\"\"}}"),
  FUZZ_TEXT ("\x02{\"dispatchRule\":{\"rule\":{\"dispatchRuleDirect\":{\"roomName\":\"a\"}}}}"),
  FUZZ_TEXT ("\x83\x0a\x01r\x12\x01i\x32\x06\x0a\x01k\x12\x01v"),
  FUZZ_TEXT ("\x84\x0a\x01r\x12\x02hi\x18\x01\x32\x01i"),
};

static const char *const words[]
    = { "{", "}", "[", "]", "\"", ":", ",", "null", "1e999", "\\u0000", "s\"", NULL };

const FuzzTarget fuzz_target = { "livekit", run, seeds, G_N_ELEMENTS (seeds), NULL, words, 0 };
