// call.trace: every SIP message of a call, with secrets masked, also as a ladder; and the same as HEP 3 packets.
import dgram from 'node:dgram';
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { RawCall, sdp } from './lib/rawsip.mjs';
import { Rpc } from './lib/rpc.mjs';

async function homer(t) {
  const socket = dgram.createSocket('udp4');
  const packets = [];
  socket.on('message', (data) => packets.push(data));
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  t.after(() => socket.close());
  return { packets, port: socket.address().port };
}

/** The chunks of a HEP 3 packet, by type. */
function chunks(packet) {
  const found = {};
  for (let at = 6; at < packet.length; at += packet.readUInt16BE(at + 4))
    found[packet.readUInt16BE(at + 2)] = packet.subarray(at + 6, at + packet.readUInt16BE(at + 4));
  return found;
}

/* What was sent again, since the other side was slow to answer, counts once. */
const firstLines = (messages) => messages.map(({ direction, text }) => `${direction} ${text.split('\r\n')[0].replace(/ sip:.*/, '')}`)
  .filter((line, index, all) => line !== all[index - 1]);

test('call.trace shows every message of a call, running and over, and Homer gets the same', {}, async (t) => {
  const { packets, port } = await homer(t);
  const gateway = await Gateway.start(t, { capture: { hep_address: `127.0.0.1:${port}`, hep_password: 'shared', hep_node_id: 7 } });
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  await gateway.line(/Sending SIP messages as HEP/);
  const phone = await RawCall.open(t, gateway);
  t.equal((await phone.invite(sdp(phone.mediaPort))).status, 200, 'status');
  const [{ sip_call_id }] = (await rpc.call('call.list')).calls;
  const up = await until('the ACK is in the trace', async () => {
    const trace = await rpc.call('call.trace', { sip_call_id });
    return trace.messages.at(-1).text.startsWith('ACK ') && trace;
  });
  const expected = ['received INVITE', 'sent SIP/2.0 100 Trying', 'sent SIP/2.0 180 Ringing', 'sent SIP/2.0 200 OK', 'received ACK'];
  t.equal(firstLines(up.messages), expected, 'messages');
  t.equal([up.messages[0].transport, up.messages[0].remote, up.messages[0].local],
    ['udp', `127.0.0.1:${phone.port}`, `127.0.0.1:${gateway.config.sip_port}`], 'the way of the first one');
  t.ok(up.messages[0].text.includes('m=audio'), 'the body is part of the text');
  phone.request('BYE', '', { extra: ['Authorization: Digest username="raw", response="00112233445566778899aabbccddeeff"'] });
  await until('the call is over', async () => (await rpc.call('call.list')).calls.length === 0);
  const over = await rpc.call('call.trace', { sip_call_id });
  t.equal(firstLines(over.messages), [...expected, 'received BYE', 'sent SIP/2.0 200 OK'], 'messages at the end');
  const bye = over.messages.find(({ text }) => text.startsWith('BYE '));
  t.ok(/username="raw", response="x{32}"/.test(bye.text), `not masked: ${bye.text}`);
  t.ok(/\|<-- 200 OK \(SDP\) -+\|\n/.test(over.ladder) && over.ladder.split('\n').length === over.messages.length + 2, over.ladder);
  t.equal([over.call.sip_call_id, over.lost, over.call.timeline.length > 2], [sip_call_id, 0, true], 'the call');

  await until('every packet', () => packets.length >= over.messages.length);
  t.equal(packets.length, over.messages.length, 'HEP packets');
  t.ok(packets.every((packet) => packet.subarray(0, 4).toString() === 'HEP3' && packet.readUInt16BE(4) === packet.length), 'header');
  const invite = chunks(packets[0]);
  t.equal([[...invite[3]].join('.'), invite[7].readUInt16BE(), invite[8].readUInt16BE(), invite[12].readUInt32BE(), invite[14].toString(),
    invite[17].toString(), invite[15].toString()],
  ['127.0.0.1', phone.port, gateway.config.sip_port, 7, 'shared', phone.callId, up.messages[0].text], 'the INVITE as HEP');
  t.ok(!packets.some((packet) => packet.includes('00112233')), 'HEP packets are masked too');
});

test('call.trace finds a refused INVITE by its Call-ID, for who may see every room', {}, async (t) => {
  const gateway = await Gateway.start(t, { sip: { bind: ['127.0.0.1'] }, trunks: [{ name: 'a', direction: 'inbound', numbers: ['100'] }] });
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  const phone = await RawCall.open(t, gateway, '200');
  t.equal((await phone.invite(sdp(phone.mediaPort))).status, 404, 'status');
  const { messages, call } = await rpc.call('call.trace', { sip_call_id_full: phone.callId });
  t.equal([firstLines(messages).slice(0, 3), call], [['received INVITE', 'sent SIP/2.0 100 Trying', 'sent SIP/2.0 404 Not Found'], null], 'trace');
  t.equal((await rpc.fails('call.trace', { sip_call_id: 'SCL_none' })).data.code, 'not_found', 'an unknown call');
  t.equal((await rpc.fails('call.trace', {})).data.code, 'invalid_argument', 'no call named');
});

test('two calls with one Call-ID have a trace each, which only the tokens of their own rooms see', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  const phones = [await RawCall.open(t, gateway, 'red', 'anna'), await RawCall.open(t, gateway, 'blue', 'boris')];
  phones[1].callId = phones[0].callId;
  for (const phone of phones) t.equal((await phone.invite(sdp(phone.mediaPort))).status, 200, phone.user);
  const { calls } = await rpc.call('call.list');
  const find = (room) => calls.find((call) => call.room_name === room).sip_call_id;
  const all = async (message) => {
    for (const { user, from } of phones) {
      const { messages, ladder } = await until(`${message} of ${user}`, async () => {
        const trace = await rpc.call('call.trace', { sip_call_id: find(user) });
        return trace.messages.some(({ text }) => text.includes(message)) && trace;
      });
      t.ok(messages.every(({ text }) => text.includes(`<sip:${from}@`)), `${user}: ${ladder}`);
      const seen = await Rpc.connect(gateway.ws, gateway.token('guest', { video: { room: user }, sip: { admin: false } }));
      t.after(() => seen.close());
      const { call } = await seen.call('call.trace', { sip_call_id_full: phones[0].callId });
      t.equal([call.sip_call_id, call.room_name], [find(user), user], 'by the Call-ID');
    }
  };
  await all('ACK sip:');
  for (const phone of phones) await phone.final(phone.request('BYE'));
  await all('BYE sip:');

  const trunk = { hostname: `127.0.0.1:${gateway.config.sip_port}` };
  const { sip_call_id } = await rpc.call('participant.create', { room: 'out', sip_call_to: 'in', trunk, wait_until_answered: true });
  const ends = (await rpc.call('call.list')).calls.filter((call) => call.sip_call_id === sip_call_id || call.room_name === 'in');
  t.equal(new Set(ends.map((call) => call.sip_call_id_full)).size, 1, 'a call to ourselves has one Call-ID');
  for (const end of ends) {
    const { messages } = await rpc.call('call.trace', { sip_call_id: end.sip_call_id });
    const ours = end.sip_call_id === sip_call_id ? 'sent' : 'received';
    t.equal(firstLines(messages).filter((line) => line.endsWith('INVITE')), [`${ours} INVITE`], ours);
    t.ok(messages.filter(({ text }) => text.startsWith('SIP/')).every(({ direction }) => direction !== ours), 'answers');
  }
  await rpc.call('call.hangup', { sip_call_id });
});
