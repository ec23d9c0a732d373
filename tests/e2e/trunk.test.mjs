// Trunks: headers and attributes both ways, whose number is shown, who is believed, as seen on the wire.
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { peer, watched, expect } from './lib/transferpeer.mjs';

const participant = async (rpc, room) =>
  until(`somebody in ${room}`, async () => (await rpc.call('participant.list', { room }).catch(() => null))?.participants[0]);

test('trunk headers and attributes of a call that comes in: INVITE, 200 and BYE', {}, async (t) => {
  const gateway = await Gateway.start(t, {
    trunks: [{
      name: 'carrier', direction: 'inbound', numbers: ['100'], allowed_addresses: ['127.0.0.1'],
      headers: { 'X-Gateway': 'switchroom' }, headers_to_attributes: { 'X-Ticket': 'ticket', Subject: 'about' },
      attributes_to_headers: { ticket: 'X-Echo', mood: 'X-Mood' }, include_headers: 'SIP_X_HEADERS',
    }],
  });
  const rpc = await watched(t, gateway, '100');
  const phone = await peer(t, gateway.config.sip_port, '100');
  const answer = await phone.call(['X-Ticket: 4711', 'Subject: help', 'X-Twilio-CallSid: CA1', 'X-call_session_id: s1',
    'P-Asserted-Identity: "Jörg" <sip:+1-555-0142@carrier.example;user=phone>', 'Diversion: <sip:+15550199@h>;reason=no-answer']
    .map((line) => Buffer.from(line).toString('latin1')));
  t.equal([answer.get('x-gateway'), answer.get('x-echo'), answer.get('x-mood')], ['switchroom', '4711', undefined], 'headers of the 200');
  const { attributes, identity, name } = await participant(rpc, '100');
  t.note(JSON.stringify(attributes));
  for (const [key, value] of Object.entries({
    ticket: '4711', about: 'help', 'sip.twilio.callSid': 'CA1', 'sip.telnyx.callSessionID': 's1', 'sip.h.x-ticket': '4711',
    'sip.phoneNumber': '+15550142', 'sip.displayName': 'Jörg', 'sip.divertedFrom': '+15550199',
    'sip.diversionReason': 'no-answer', 'sip.trunkPhoneNumber': '100', 'sip.callStatus': 'active',
    'sip.callIDFull': phone.callId, 'sip.callTag': phone.tag, 'sip.hostname': '127.0.0.1', 'sip.h.subject': undefined,
  })) t.equal(attributes[key], value, key);
  for (const key of ['sip.callID', 'sip.trunkID', 'sip.ruleID']) t.ok(attributes[key], `no ${key}`);
  t.equal([identity, name], ['sip_+15550142', 'Phone +15550142'], 'identity and name');
  await rpc.call('participant.remove', { room: '100', identity });
  const bye = await expect(phone, 'BYE');
  t.equal([bye.get('x-echo'), bye.get('x-gateway')], ['4711', undefined], 'headers of the BYE');
  phone.answer(bye, '200 OK');
  phone.remoteTag = null;
});

test('a caller who wants privacy is nowhere; an identity of anybody is not believed', {}, async (t) => {
  const gateway = await Gateway.start(t, {
    trunks: [
      { name: 'carrier', direction: 'inbound', numbers: ['100'], allowed_addresses: ['127.0.0.1'], include_headers: 'all' },
      { name: 'open', direction: 'inbound', numbers: ['200'] },
    ],
    dispatch_rules: [{ type: 'individual', room_prefix: 'call', trunks: ['carrier'] }, { type: 'callee' }],
  });
  const rpc = await watched(t, gateway, '200');
  const hidden = await peer(t, gateway.config.sip_port, '100');
  await hidden.call(['Privacy: id', 'P-Asserted-Identity: "Secret Name" <sip:+15550777@carrier.example>',
    'Remote-Party-ID: <sip:+15550777@carrier.example>;privacy=full']);
  const [call] = (await rpc.call('call.list')).calls;
  t.equal([call.from, call.participant_identity], ['anonymous', 'sip_anonymous'], 'the call');
  t.ok(/^call_anonymous_/.test(call.room_name), `room ${call.room_name}`);
  const { attributes } = await participant(rpc, call.room_name);
  const seen = JSON.stringify([attributes, await rpc.call('call.get', { sip_call_id: call.sip_call_id }), gateway.output]);
  t.ok(!/5550777|Secret Name/.test(seen), `the caller shows: ${/.{80}(5550777|Secret Name).{80}/.exec(seen)?.[0]}`);
  t.ok(attributes['sip.h.via'] && !attributes['sip.h.from'], 'the other headers');

  const liar = await peer(t, gateway.config.sip_port, '200');
  await liar.call(['P-Asserted-Identity: <sip:+15550777@carrier.example>', 'Diversion: <sip:+1@h>']);
  const shown = await participant(rpc, '200');
  t.equal([shown.identity, shown.attributes['sip.divertedFrom']], ['sip_peer', undefined], 'whom nobody vouches for');
});

test('what a trunk says of a call that goes out: numbers, identity, headers, tel:, the answer', {}, async (t) => {
  const target = await peer(t, 0, 'target');
  const gateway = await Gateway.start(t, {
    trunks: [{
      name: 'provider', outbound_address: `127.0.0.1:${target.port}`, numbers: ['+15550001', '+15550002'], direction: 'outbound',
      from_user: 'account', from_host: 'us.example', send_pai: true, send_rpid: true, headers: { 'X-Gateway': 'switchroom' },
      attributes_to_headers: { ticket: 'X-Ticket' }, headers_to_attributes: { 'X-Leg': 'leg' },
    }],
  });
  target.gatewayPort = gateway.config.sip_port;
  const rpc = await watched(t, gateway, 'out');
  await rpc.call('participant.create', {
    sip_trunk_id: 'provider', sip_call_to: 'tel:+1-555-010-0100', room_name: 'out', display_name: 'Zoë "Z"', headers: { 'X-New': 'n' },
    participant_identity: 'callee', participant_attributes: { ticket: '9' },
  });
  const invite = await expect(target, 'INVITE');
  const text = (name) => Buffer.from(invite.get(name) ?? '', 'latin1').toString();
  t.ok(invite.start.startsWith(`INVITE sip:+15550100100@127.0.0.1:${target.port} `), invite.start);
  t.ok(text('from').startsWith('"Zoë \\"Z\\"" <sip:account@us.example>;tag='), text('from'));
  t.equal([text('p-asserted-identity'), text('remote-party-id')], ['"Zoë \\"Z\\"" <sip:+15550001@us.example>',
    '"Zoë \\"Z\\"" <sip:+15550001@us.example>;party=calling;privacy=off;screen=no'], 'identity');
  t.equal([text('x-gateway'), text('x-new'), text('x-ticket'), text('privacy')], ['switchroom', 'n', '9', ''], 'headers');
  target.answer(invite, '200 OK', ['X-Leg: l7'], target.sdp);
  const phone = await until('the attribute of the answer', async () => {
    const { participant: one } = await rpc.call('participant.get', { room: 'out', identity: 'callee' });
    return one.attributes.leg && one;
  });
  t.equal([phone.attributes.leg, phone.attributes['sip.h.x-leg'], phone.attributes['sip.trunkPhoneNumber'], phone.attributes['sip.phoneNumber']],
    ['l7', 'l7', '+15550001', '+15550100100'], 'attributes');
  await rpc.call('participant.remove', { room: 'out', identity: 'callee' });
  const bye = await expect(target, 'BYE');
  t.equal(bye.get('x-ticket'), '9', 'X-Ticket of the BYE');
  target.answer(bye, '200 OK');

  target.tag = null;
  await rpc.call('participant.create', { sip_trunk_id: 'provider', sip_call_to: '7', room_name: 'out', privacy: 'id' });
  const hidden = await expect(target, 'INVITE');
  t.ok(hidden.get('from').startsWith('"Anonymous" <sip:anonymous@anonymous.invalid>;tag='), hidden.get('from'));
  t.equal([hidden.get('privacy'), hidden.get('p-asserted-identity')], ['id', '<sip:+15550002@us.example>'], 'the next number');
  target.answer(hidden, '486 Busy Here');
  target.remoteTag = null;
});
