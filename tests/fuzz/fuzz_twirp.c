/* LiveKit's requests, any method of both services in both formats, as far as the API's check of parameters:
 * what passes is an object of ours, what does not has words. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "config/base/error.h"
#include "gateway/api_params.h"
#include "gateway/twirp.h"
#include "signaling/core/livekit.h"

static const char configuration[]
    = "trunks:\n"
      "  - {name: in, id: ST_in, numbers: ['+1'], allowed_addresses: [192.0.2.1], allowed_numbers: ['+2']}\n"
      "  - {name: out, id: ST_out, outbound_address: h, auth_username: u, auth_password: p}\n"
      "dispatch_rules:\n"
      "  - {name: r, id: SDR_r, trunks: [in], type: direct, room: a, pin: '1234'}\n";

static Gateway *
gateway_of_settings (void)
{
  static Gateway gateway;

  if (gateway.settings == NULL)
    gateway.settings = cfg_settings_parse (configuration, strlen (configuration), "fuzz", NULL);
  g_assert_nonnull (gateway.settings);
  return &gateway;
}

static const GwTwirpMethod *
method_of (guint8 number)
{
  static const GwTwirpMethod *const tables[] = { gw_twirp_room_methods, gw_twirp_sip_methods };
  const GwTwirpMethod *last = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    for (const GwTwirpMethod *method = tables[i]; method->name != NULL; method++)
      {
        last = method;
        if (number-- == 0)
          return method;
      }
  return last;
}

static const GwMethod *
ours (const char *name)
{
  const GwMethod *method;

  for (guint i = 0; (method = gw_api_method (i)) != NULL; i++)
    if (strcmp (method->name, name) == 0)
      return method;
  g_assert_not_reached ();
}

static void
check_error (const GError *error)
{
  g_assert_nonnull (error);
  g_assert_true (error->domain == CFG_ERROR);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

static void
run (const guint8 *data, gsize size)
{
  SigLivekitFormat format = size > 0 && (data[0] & 0x80) ? SIG_LIVEKIT_PROTOBUF : SIG_LIVEKIT_JSON;
  const GwTwirpMethod *method = method_of (size > 0 ? data[0] & 0x7f : 0);
  const GwMethod *target = ours (method->method);
  g_autoptr (GError) error = NULL, refused = NULL;
  g_autofree char *field = NULL;
  json_t *in, *params;

  in = sig_livekit_decode (method->in, format, size > 0 ? (const char *)data + 1 : "",
                           size > 0 ? size - 1 : 0, &error);
  if (in == NULL)
    {
      check_error (error);
      return;
    }
  params = gw_twirp_takes (method, in, &error) ? method->params (gateway_of_settings (), in, &error) : NULL;
  json_decref (in);
  if (params == NULL)
    {
      check_error (error);
      return;
    }
  g_assert_no_error (error);
  g_assert_true (json_is_object (params));
  if (!gw_params_check (target->params, target->keys != NULL ? target->keys () : NULL, params, &field,
                        &refused))
    check_error (refused);
  json_decref (params);
}

/* The same in protobuf, where it is something. */
static void
add_protobuf (guint8 number, const char *body, void (*add) (const void *data, gsize size))
{
  const char *type = method_of (number)->in;
  json_t *message = sig_livekit_decode (type, SIG_LIVEKIT_JSON, body, strlen (body), NULL);
  const guint8 head = number | 0x80;

  if (message != NULL)
    {
      g_autoptr (GBytes) bytes = sig_livekit_encode (type, SIG_LIVEKIT_PROTOBUF, message);
      g_autoptr (GByteArray) seed = g_byte_array_new ();

      g_byte_array_append (seed, &head, 1);
      g_byte_array_append (seed, g_bytes_get_data (bytes, NULL), (guint)g_bytes_get_size (bytes));
      add (seed->data, seed->len);
    }
  json_decref (message);
}

static void
more_seeds (void (*add) (const void *data, gsize size))
{
  static const char *const bodies[] = {
    "{}",
    "{\"name\":\"a\",\"emptyTimeout\":5,\"metadata\":\"m\"}",
    "{\"room\":\"a\",\"identity\":\"b\",\"muted\":true,\"trackSid\":\"TR_a\"}",
    "{\"room\":\"a\",\"identity\":\"b\",\"name\":\"n\",\"attributes\":{\"k\":\"v\"},\"permission\":{"
    "\"canPublish\":true}}",
    "{\"room\":\"a\",\"data\":\"aGk=\",\"kind\":\"RELIABLE\",\"destinationIdentities\":[\"b\"],\"topic\":"
    "\"t\"}",
    "{\"trunk\":{\"name\":\"n\",\"numbers\":[\"+1\"],\"authUsername\":\"u\",\"headers\":{\"X-a\":\"b\"},"
    "\"ringingTimeout\":\"30s\",\"address\":\"h\",\"transport\":\"SIP_TRANSPORT_TCP\"}}",
    "{\"sipTrunkId\":\"ST_in\",\"update\":{\"numbers\":{\"add\":[\"+3\"],\"remove\":[\"+1\"]},\"name\":\"n\"}"
    "}",
    "{\"sipTrunkId\":\"ST_out\",\"replace\":{\"name\":\"n\",\"address\":\"h\"}}",
    "{\"sipDispatchRuleId\":\"SDR_r\",\"update\":{\"trunkIds\":{\"set\":[\"ST_in\"]},\"rule\":{"
    "\"dispatchRuleDirect\":{\"roomName\":\"a\",\"pin\":\"\"}}}}",
    "{\"dispatchRule\":{\"rule\":{\"dispatchRuleIndividual\":{\"roomPrefix\":\"p\"}},\"roomConfig\":{"
    "\"emptyTimeout\":3}}}",
    "{\"sip_trunk_id\":\"ST_out\",\"sip_call_to\":\"+1\",\"room_name\":\"a\",\"trunk\":{\"hostname\":\"h\"},"
    "\"wait_until_answered\":true,\"dtmf\":\"1\",\"headers\":{}}",
    "{\"participantIdentity\":\"b\",\"roomName\":\"a\",\"transferTo\":\"tel:+1\",\"ringingTimeout\":\"3s\"}",
  };

  for (guint8 number = 0; number < 32; number++)
    for (gsize i = 0; i < G_N_ELEMENTS (bodies); i++)
      {
        g_autofree char *seed = g_strdup_printf ("x%s", bodies[i]);

        seed[0] = (char)number;
        add (seed, strlen (bodies[i]) + 1);
        add_protobuf (number, bodies[i], add);
      }
}

static const char *const words[] = { "{",    "}",     "[",       "]",   "\"",    ":",     ",", "null",
                                     "true", "1e999", "\\u0000", "s\"", "ST_in", "SDR_r", NULL };

const FuzzTarget fuzz_target = { "twirp", run, NULL, 0, NULL, words, 0, more_seeds };
