/* LiveKit's requests in our words, and our results in LiveKit's: what needs no gateway. */
#include <glib.h>
#include <string.h>

#include "config/base/error.h"
#include "gateway/twirp.h"

static const GwTwirpMethod *
find (const char *name)
{
  const GwTwirpMethod *const tables[] = { gw_twirp_room_methods, gw_twirp_sip_methods };

  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    for (const GwTwirpMethod *method = tables[i]; method->name != NULL; method++)
      if (strcmp (method->name, name) == 0)
        return method;
  g_assert_not_reached ();
}

/* @object: taken. */
static void
assert_json (json_t *object, const char *wanted)
{
  json_t *expected = json_loads (wanted, 0, NULL);
  char *text = json_dumps (object, JSON_SORT_KEYS);

  g_assert_nonnull (expected);
  if (!json_equal (object, expected))
    g_error ("%s, not %s", text, wanted);
  free (text);
  json_decref (object);
  json_decref (expected);
}

static const struct
{
  const char *method, *in, *params; /* params NULL: refused */
} requests[] = {
  { "CreateRoom", "{'name':'a','empty_timeout':0,'departure_timeout':5}",
    "{'name':'a','departure_timeout':5}" },
  { "MutePublishedTrack", "{'room':'a','identity':'b'}", "{'room':'a','identity':'b','muted':false}" },
  { "UpdateParticipant", "{'room':'a','identity':'b','name':'','metadata':'m'}",
    "{'room':'a','identity':'b','metadata':'m'}" },
  { "UpdateParticipant", "{'room':'a','identity':'b','permission':{'hidden':true}}", NULL },
  { "UpdateParticipant",
    "{'room':'a','identity':'b','permission':{'can_subscribe':true,'can_update_metadata':true}}",
    "{'room':'a','identity':'b','permission':{'can_publish':false,'can_subscribe':true,'can_publish_data':"
    "false}}" },
  { "SendData", "{'room':'a','data':'aGk=','kind':'LOSSY','destination_identities':['b']}",
    "{'room':'a','text':'hi','destination_identities':['b']}" },
  { "SendData", "{'room':'a','data':'/w==','topic':'t'}", "{'room':'a','data':'/w==','topic':'t'}" },
  { "SendData", "{'room':'a','data':'aAA='}", "{'room':'a','data':'aAA='}" },
  { "SendData", "{'room':'a'}", "{'room':'a','data':''}" },
  { "CreateSIPInboundTrunk", "{}", NULL },
  { "CreateSIPInboundTrunk", "{'trunk':{'sip_trunk_id':'x','numbers':['+1']}}", NULL },
  { "CreateSIPInboundTrunk",
    "{'trunk':{'sip_trunk_id':'','name':'a','numbers':['+1'],'allowed_numbers':[],'krisp_enabled':true,"
    "'ringing_timeout':30.5,'max_call_duration':0.2,'media_encryption':'SIP_MEDIA_ENCRYPT_REQUIRE'}}",
    "{'name':'a','numbers':['+1'],'ringing_timeout':30,'max_call_duration':1,'media_encryption':'require',"
    "'direction':'inbound'}" },
  { "CreateSIPOutboundTrunk",
    "{'trunk':{'name':'a','address':'h','transport':'SIP_TRANSPORT_AUTO','auth_password':''}}",
    "{'name':'a','outbound_address':'h','direction':'outbound'}" },
  /* What newer clients send. */
  { "CreateRoom", "{'name':'a','agents':[],'egress':null}", "{'name':'a'}" },
  { "CreateRoom", "{'name':'a','agents':[{'agent_name':'x'}]}", NULL },
  { "CreateRoom", "{'name':'a','egress':{}}", NULL },
  { "RemoveParticipant", "{'room':'a','identity':'b','revoke_token_ts':0}", "{'room':'a','identity':'b'}" },
  { "RemoveParticipant", "{'room':'a','identity':'b','revoke_token_ts':1}", NULL },
  { "MoveParticipant", "{'room':'a','identity':'b','destination_room':'c'}",
    "{'room':'a','identity':'b','to_room':'c'}" },
  { "CreateSIPInboundTrunk",
    "{'trunk':{'name':'a','auth_realm':'switchroom','media':{'codecs':[{'name':'pcma','rate':8000},"
    "{'name':'PCMA'},{'name':'AMR'}],'encryption':'SIP_MEDIA_ENCRYPT_REQUIRE'},"
    "'media_encryption':'SIP_MEDIA_ENCRYPT_ALLOW'}}",
    "{'name':'a','direction':'inbound','codecs':['PCMA','opus','G722','PCMU'],'media_encryption':'require'"
    "}" },
  { "CreateSIPInboundTrunk", "{'trunk':{'name':'a','auth_realm':'other'}}", NULL },
  { "CreateSIPInboundTrunk", "{'trunk':{'name':'a','media':{}}}", "{'name':'a','direction':'inbound'}" },
  { "CreateSIPOutboundTrunk",
    "{'trunk':{'name':'a','media':{'only_listed_codecs':true,'codecs':[{'name':'G722'},{'name':'PCMU'}]}}}",
    "{'name':'a','direction':'outbound','codecs':['G722','PCMU']}" },
  { "CreateSIPOutboundTrunk",
    "{'trunk':{'name':'a','media':{'only_listed_codecs':true,'codecs':[{'name':'AMR'}]}}}", NULL },
  { "CreateSIPOutboundTrunk", "{'trunk':{'name':'a','media':{'media_timeout':30.0}}}", NULL },
  { "UpdateSIPInboundTrunk",
    "{'sip_trunk_id':'ST_in','update':{'auth_realm':'switchroom','media':{'only_listed_codecs':true,"
    "'codecs':[{'name':'PCMU'}]}}}",
    "{'sip_trunk_id':'ST_in','codecs':['PCMU']}" },
  { "UpdateSIPInboundTrunk", "{'sip_trunk_id':'ST_in','update':{'media':{'media_timeout':30.0}}}", NULL },
  { "UpdateSIPDispatchRule",
    "{'sip_dispatch_rule_id':'SDR_r','update':{'media':{'encryption':'SIP_MEDIA_ENCRYPT_DISABLE'}}}",
    "{'sip_dispatch_rule_id':'SDR_r','media_encryption':'disable'}" },
  { "CreateSIPDispatchRule",
    "{'dispatch_rule':{'name':'a','rule':{'dispatch_rule_callee':{}},'room_config':{'agents':[{}]}}}", NULL },
  { "CreateSIPParticipant", "{'sip_call_to':'1','room_name':'a','to_user_override':''}",
    "{'sip_call_to':'1','room_name':'a'}" },
  { "CreateSIPParticipant", "{'sip_call_to':'1','room_name':'a','to_user_override':'x'}", NULL },
  { "CreateSIPParticipant", "{'sip_call_to':'1','room_name':'a','sip_from_header':{'raw':'x'}}", NULL },
  { "CreateSIPParticipant", "{'sip_call_to':'1','room_name':'a','sip_to_header':{}}", NULL },
  { "CreateSIPParticipant", "{'sip_call_to':'1','room_name':'a','sip_request_uri':{}}", NULL },
  { "CreateSIPParticipant",
    "{'sip_call_to':'1','room_name':'a','media':{'only_listed_codecs':true,'codecs':[{'name':'opus'}]}}",
    "{'sip_call_to':'1','room_name':'a','codecs':['opus']}" },
  { "CreateSIPDispatchRule", "{'name':'a'}", NULL },
  { "CreateSIPDispatchRule", "{'rule':{'dispatch_rule_direct':{},'dispatch_rule_callee':{}}}", NULL },
  { "CreateSIPDispatchRule",
    "{'dispatch_rule':{'name':'a','trunk_ids':['t'],'room_preset':'x','room_config':{'name':'n',"
    "'max_participants':2},'rule':{'dispatch_rule_individual':{'room_prefix':'r','pin':'1'}}}}",
    "{'name':'a','trunks':['t'],'room_config':{'max_participants':2},'type':'individual','room_prefix':'r',"
    "'pin':'1','room':null,'randomize':null}" },
  { "CreateSIPDispatchRule",
    "{'name':'a','rule':{'dispatch_rule_callee':{'randomize':true,'room_prefix':''}}}",
    "{'name':'a','type':'callee','pin':null,'room':null,'room_prefix':null,'randomize':true}" },
  { "CreateSIPDispatchRule", "{'name':'a','rule':{'dispatch_rule_individual':{'no_randomness':true}}}",
    "{'name':'a','type':'individual','pin':null,'room':null,'room_prefix':null,'randomize':false}" },
  { "CreateSIPDispatchRule",
    "{'dispatch_rule':{'sip_dispatch_rule_id':'x','rule':{'dispatch_rule_callee':{}}}}", NULL },
  /* Changes, of what `configuration` has. */
  { "UpdateSIPInboundTrunk", "{'update':{}}", NULL },
  { "UpdateSIPInboundTrunk", "{'sip_trunk_id':'ST_in'}", NULL },
  { "UpdateSIPInboundTrunk", "{'sip_trunk_id':'ST_nobody','update':{}}", NULL },
  { "UpdateSIPInboundTrunk", "{'sip_trunk_id':'ST_in','replace':{'sip_trunk_id':'ST_out'}}", NULL },
  { "UpdateSIPInboundTrunk",
    "{'sip_trunk_id':'ST_in','update':{'numbers':{'add':['+3','+1'],'remove':['+2']},'metadata':'','auth_"
    "username':"
    "'u'}}",
    "{'sip_trunk_id':'ST_in','numbers':['+1','+3'],'metadata':'','auth_username':'u'}" },
  { "UpdateSIPInboundTrunk",
    "{'sip_trunk_id':'ST_in','update':{'allowed_addresses':{'clear':true},'allowed_numbers':{'set':['+9']}}}",
    "{'sip_trunk_id':'ST_in','allowed_addresses':[],'allowed_numbers':['+9']}" },
  { "UpdateSIPInboundTrunk", "{'sip_trunk_id':'ST_in','update':{'numbers':{'set':['+1'],'add':['+2']}}}",
    NULL },
  { "UpdateSIPInboundTrunk", "{'sip_trunk_id':'ST_in','update':{'numbers':{'clear':true,'add':['+2']}}}",
    NULL },
  { "UpdateSIPInboundTrunk", "{'sip_trunk_id':'ST_in','update':{'numbers':{'add':['']}}}", NULL },
  { "UpdateSIPInboundTrunk",
    "{'sip_trunk_id':'ST_in','replace':{'name':'b','numbers':['+1'],'auth_username':'u'}}",
    "{'sip_trunk_id':'ST_in','name':'b','numbers':['+1'],'auth_username':'u','metadata':null,'allowed_"
    "addresses':null,"
    "'allowed_numbers':null,'headers':null,'headers_to_attributes':null,'attributes_to_headers':null,"
    "'include_headers':null,'media_encryption':null,'codecs':null,'ringing_timeout':null,'max_call_duration':"
    "null}" },
  /* Of a trunk for both ways, what the message does not have stays; the other kind is not found. */
  { "UpdateSIPInboundTrunk",
    "{'sip_trunk_id':'ST_both','replace':{'name':'both','numbers':['+5'],'allowed_addresses':['192.0.2.9'],"
    "'auth_username':'u'}}",
    "{'sip_trunk_id':'ST_both','name':'both','numbers':['+5'],'allowed_addresses':['192.0.2.9'],"
    "'auth_username':'u','metadata':null,'allowed_numbers':null,'headers':null,'headers_to_attributes':null,"
    "'attributes_to_headers':null,'include_headers':null,'media_encryption':null,'codecs':null,"
    "'ringing_timeout':null,'max_call_duration':null}" },
  { "UpdateSIPOutboundTrunk", "{'sip_trunk_id':'both','replace':{'name':'both','address':'g'}}",
    "{'sip_trunk_id':'ST_both','name':'both','outbound_address':'g','auth_username':null,'auth_password':"
    "null,'metadata':null,'numbers':null,'headers':null,'headers_to_attributes':null,"
    "'attributes_to_headers':null,'include_headers':null,'media_encryption':null,'codecs':null,"
    "'transport':null,'from_host':null}" },
  { "UpdateSIPInboundTrunk", "{'sip_trunk_id':'ST_both','update':{'metadata':'m'}}",
    "{'sip_trunk_id':'ST_both','metadata':'m'}" },
  { "UpdateSIPOutboundTrunk", "{'sip_trunk_id':'ST_both','update':{'metadata':'m'}}",
    "{'sip_trunk_id':'ST_both','metadata':'m'}" },
  { "UpdateSIPInboundTrunk", "{'sip_trunk_id':'ST_out','replace':{'name':'b'}}", NULL },
  { "UpdateSIPInboundTrunk", "{'sip_trunk_id':'ST_out','update':{'metadata':'m'}}", NULL },
  { "UpdateSIPOutboundTrunk", "{'sip_trunk_id':'ST_in','replace':{'name':'b'}}", NULL },
  { "UpdateSIPOutboundTrunk", "{'sip_trunk_id':'ST_in','update':{'metadata':'m'}}", NULL },
  { "UpdateSIPOutboundTrunk",
    "{'sip_trunk_id':'ST_out','update':{'address':'b','transport':'SIP_TRANSPORT_AUTO','from_host':'f',"
    "'destination_country':'x'}}",
    "{'sip_trunk_id':'ST_out','outbound_address':'b','transport':null,'from_host':'f'}" },
  { "UpdateSIPDispatchRule", "{'sip_dispatch_rule_id':'SDR_r'}", NULL },
  { "UpdateSIPDispatchRule", "{'sip_dispatch_rule_id':'SDR_r','replace':{}}", NULL },
  { "UpdateSIPDispatchRule",
    "{'sip_dispatch_rule_id':'SDR_r','replace':{'name':'r','rule':{'dispatch_rule_callee':{}}}}",
    "{'sip_dispatch_rule_id':'SDR_r','name':'r','type':'callee','pin':null,'room':null,'room_prefix':null,"
    "'randomize':null,'trunks':null,'metadata':null,'numbers':null,'inbound_numbers':null,'attributes':null,"
    "'room_config':null,'hide_phone_number':null,'media_encryption':null,'codecs':null}" },
  { "UpdateSIPDispatchRule",
    "{'sip_dispatch_rule_id':'SDR_r','update':{'trunk_ids':{'remove':['ST_in'],'add':['ST_out']},'attributes'"
    ":{"
    "'a':'','c':'d'}}}",
    "{'sip_dispatch_rule_id':'SDR_r','trunks':['ST_out'],'attributes':{'b':'2','c':'d'}}" },
  { "UpdateSIPDispatchRule",
    "{'sip_dispatch_rule_id':'SDR_r','update':{'rule':{'dispatch_rule_direct':{'room_name':'x','pin':'****'}}"
    "}}",
    "{'sip_dispatch_rule_id':'SDR_r','type':'direct','room':'x','room_prefix':null,'randomize':null}" },
  { "UpdateSIPDispatchRule",
    "{'sip_dispatch_rule_id':'SDR_r','update':{'rule':{'dispatch_rule_direct':{'room_name':'x','pin':''}}}}",
    "{'sip_dispatch_rule_id':'SDR_r','type':'direct','room':'x','pin':null,'room_prefix':null,'randomize':"
    "null}" },
  { "CreateSIPParticipant",
    "{'sip_call_to':'1','room_name':'a','sip_trunk_id':'','play_ringtone':true,'ringing_timeout':-1,"
    "'display_name':'','trunk':{'hostname':'h','transport':'SIP_TRANSPORT_TLS','destination_country':'x'}}",
    "{'sip_call_to':'1','room_name':'a','play_dialtone':true,'display_name':'',"
    "'trunk':{'hostname':'h','transport':'tls'}}" },
};

static const char configuration[]
    = "trunks:\n"
      "  - {name: in, id: ST_in, numbers: ['+1', '+2'], allowed_addresses: [192.0.2.1], allowed_numbers: "
      "['+2']}\n"
      "  - {name: out, id: ST_out, outbound_address: h, auth_username: u, auth_password: p}\n"
      "  - {name: both, id: ST_both, direction: both, outbound_address: h, from_host: f, numbers: ['+5'], "
      "allowed_addresses: [192.0.2.5]}\n"
      "dispatch_rules:\n"
      "  - {name: r, id: SDR_r, trunks: [in], type: direct, room: a, pin: '1234', attributes: {a: '1', b: "
      "'2'}}\n";

static void
test_params (void)
{
  g_autoptr (CfgSettings) settings = cfg_settings_parse (configuration, strlen (configuration), "test", NULL);
  Gateway gateway = { .settings = settings };

  g_assert_nonnull (settings);
  for (gsize i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      g_autofree char *in_text = g_strdelimit (g_strdup (requests[i].in), "'", '"');
      g_autofree char *wanted
          = requests[i].params != NULL ? g_strdelimit (g_strdup (requests[i].params), "'", '"') : NULL;
      g_autoptr (GError) error = NULL;
      const GwTwirpMethod *method = find (requests[i].method);
      json_t *in = json_loads (in_text, 0, NULL), *params = NULL;
      const gboolean taken = gw_twirp_takes (method, in, &error);
      json_t *before = json_deep_copy (in);

      if (taken)
        params = method->params (&gateway, in, &error);

      g_assert_true (json_equal (in, before)); /* the answer needs it as it came */
      if (wanted != NULL)
        {
          g_assert_no_error (error);
          assert_json (params, wanted);
        }
      else
        {
          g_assert_null (params);
          g_assert_nonnull (error);
        }
      json_decref (in);
      json_decref (before);
    }
}

/* Which trunks come, by their ids. */
static void
test_lists (void)
{
  static const struct
  {
    const char *method, *in, *ids;
  } rows[] = {
    { "ListSIPInboundTrunk", "{}", "a c" },
    { "ListSIPOutboundTrunk", "{}", "b c" },
    { "ListSIPInboundTrunk", "{'numbers':['+1']}", "a c" },
    { "ListSIPInboundTrunk", "{'numbers':['+9']}", "c" },
    { "ListSIPInboundTrunk", "{'trunk_ids':['c','nobody','b']}", "c - -" },
    { "ListSIPTrunk", "{}", "a b c" },
    { "ListSIPTrunk", "{'page':{'limit':2}}", "a b" },
    { "ListSIPTrunk", "{'page':{'after_id':'a','limit':1}}", "b" },
    { "ListSIPTrunk", "{'page':{'after_id':'c'}}", "" },
    { "ListSIPTrunk", "{'page':{'after_id':'nobody'}}", "" },
  };
  json_t *result
      = json_pack ("{s:[{s:s, s:s, s:[s]}, {s:s, s:s, s:[s]}, {s:s, s:s, s:[]}]}", "trunks", "sip_trunk_id",
                   "a", "direction", "inbound", "numbers", "+1", "sip_trunk_id", "b", "direction", "outbound",
                   "numbers", "+2", "sip_trunk_id", "c", "direction", "both", "numbers");
  json_t *before = json_deep_copy (result);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = g_strdelimit (g_strdup (rows[i].in), "'", '"');
      g_autoptr (GString) ids = g_string_new (NULL);
      json_t *in = json_loads (text, 0, NULL), *item;
      json_t *answer = find (rows[i].method)->answer (NULL, in, result, NULL);
      size_t k;

      json_array_foreach (json_object_get (answer, "items"), k, item)
      {
        const char *id = json_string_value (json_object_get (item, "sip_trunk_id"));

        g_string_append_printf (ids, "%s%s", k > 0 ? " " : "", id != NULL ? id : "-");
      }
      g_assert_cmpstr (ids->str, ==, rows[i].ids);
      g_assert_true (json_equal (result, before));
      json_decref (answer);
      json_decref (in);
    }
  json_decref (result);
  json_decref (before);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/twirp/params", test_params);
  g_test_add_func ("/twirp/lists", test_lists);
  return g_test_run ();
}
