// Kamailio in front: calls through a record-routing proxy both ways, over UDP and TLS, and what follows in them.
import { test, until } from './lib/tap.mjs';
import { Authority } from './lib/certificates.mjs';
import { Gateway } from './lib/gateway.mjs';
import { Kamailio } from './lib/kamailio.mjs';
import { SipPhone, Baresip } from './lib/phone.mjs';
import { SipPeer } from './lib/sippeer.mjs';
import { freePort } from './lib/ports.mjs';
import { Rpc } from './lib/rpc.mjs';

async function start(t, extra = {}) {
  const authority = await Authority.make(t);
  const { cert, key } = await authority.issue(['IP:127.0.0.1']);
  const port = await freePort();
  const gateway = await Gateway.start(t, { ...extra, sip: { tls: { port, cert, key, ca: authority.ca } } });
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  await rpc.call('room.watch', { name: '*' });
  const entry = { udp: (user) => `sip:${user}@127.0.0.1:${gateway.config.sip_port}`,
    tls: (user) => `sip:${user}@127.0.0.1:${port};transport=tls` };
  return { authority, gateway, rpc, entry };
}

/** The next request of the gateway, which came over the proxy: two Vias, and no Route left. */
async function request(t, peer, method) {
  const message = await peer.next(30);
  t.equal(message?.method, method, `the request (${message?.start})`);
  t.equal(message.headers.via.join(', ').split(/,\s*SIP/).length, 2, `Vias of ${method}`);
  t.equal(message.get('route'), undefined, `Route of ${method}`);
  return message;
}

/** The peer calls: it re-INVITEs, the gateway holds, refreshes and hangs up. */
async function callIn(t, { gateway, rpc }, peer, hops) {
  const answer = await peer.call(['Supported: timer', 'Session-Expires: 12;refresher=uas', 'Min-SE: 4']);
  t.equal([answer.status, answer.get('session-expires')], [200, '12;refresher=uas'], 'the answer');
  t.equal(peer.routes.length, hops, `the route ${peer.routes}`);
  const again = await peer.request('INVITE', ['Supported: timer', 'Session-Expires: 12;refresher=uas'], peer.sdp);
  t.equal(again.status, 200, 're-INVITE of the peer');
  const { identity } = (await rpc.call('participant.list', { room: 'lobby' })).participants[0];
  const holding = rpc.call('participant.hold', { room: 'lobby', identity, held: true });
  const hold = await request(t, peer, 'INVITE');
  t.ok(/a=(sendonly|inactive)/.test(hold.body), 'the gateway holds');
  peer.accept(hold, ['Session-Expires: 12;refresher=uac']);
  await holding;
  peer.accept(await request(t, peer, 'INVITE'), ['Require: timer', 'Session-Expires: 12;refresher=uac']);
  await gateway.line(/Session refresh successful.*participant=sip_peer/);
  await rpc.call('participant.remove', { room: 'lobby', identity });
  peer.accept(await request(t, peer, 'BYE'));
}

/** The peer is called: the gateway refreshes, the peer re-INVITEs and hangs up. */
async function callOut(t, { gateway, rpc }, peer, uri) {
  const created = rpc.call('participant.create', { room_name: 'out', participant_identity: 'callee', sip_call_to: uri, wait_until_answered: true });
  peer.accept(await request(t, peer, 'INVITE'), ['Require: timer', 'Session-Expires: 12;refresher=uac']);
  await created;
  await until('the ACK', () => peer.acks >= 1);
  peer.accept(await request(t, peer, 'INVITE'), ['Require: timer', 'Session-Expires: 12;refresher=uac']);
  await gateway.line(/Session refresh successful.*participant=callee/);
  t.equal((await peer.request('INVITE', [], peer.sdp)).status, 200, 're-INVITE of the peer that was called');
  t.equal((await peer.request('BYE')).status, 200, 'BYE of the peer');
}

for (const transport of ['udp', 'tls'])
  test(`Kamailio with record-routing, ${transport} to the gateway: calls in and out, re-INVITEs, refreshes, BYE`, { timeout: 60 }, async (t) => {
    const setup = await start(t, { session_timer: { enabled: true, default_expires: 12, min_se: 4 } });
    const [caller, callee] = [await SipPeer.open(0, 'lobby'), await SipPeer.open(0, 'callee')];
    t.after(() => [caller, callee].forEach((peer) => peer.close()));
    const proxy = await Kamailio.start(t, { authority: setup.authority,
      routes: { lobby: setup.entry[transport]('lobby'), callee: `sip:callee@127.0.0.1:${callee.port}` } });
    caller.gatewayPort = callee.gatewayPort = proxy.udp;
    const uri = transport === 'tls' ? `sip:callee@127.0.0.1:${proxy.tls};transport=tls` : `sip:callee@127.0.0.1:${proxy.udp}`;
    await Promise.all([callIn(t, setup, caller, transport === 'tls' ? 2 : 1), callOut(t, setup, callee, uri)]);
    await until('no call is left', async () => (await setup.rpc.call('call.list')).calls.length === 0);
  });

test('audio through Kamailio: a softphone over UDP, the gateway over TLS, both ways', { timeout: 60 }, async (t) => {
  const { authority, gateway, rpc, entry } = await start(t);
  const phone = await Baresip.start(t, { codec: 'PCMU', hz: 500, answer: true });
  const proxy = await Kamailio.start(t, { authority,
    routes: { lobby: entry.tls('lobby'), tone500: `sip:tone500@127.0.0.1:${phone.port}` } });
  const other = SipPhone.call(t, gateway.sip('lobby'), '--tone', 900, '--listen', 500);
  await other.event('answered');
  await phone.dial(`sip:lobby@127.0.0.1:${proxy.udp}`);
  await other.hears(500);
  await phone.command('hangup');
  await gateway.line(/Hangup.*participant=sip_tone500.*cause=remote_bye/);
  const { sip_call_id: id } = await rpc.call('participant.create', { room_name: 'lobby', participant_identity: 'callee',
    sip_call_to: `sip:tone500@127.0.0.1:${proxy.tls};transport=tls`, wait_until_answered: true });
  await other.hears(500);
  await phone.hearsPeak(900);
  await rpc.call('call.hangup', { sip_call_id: id });
  await until('baresip is hung up', () => /session closed/i.test(phone.output));
});
