// The interop suite: every scenario of tests/sipp passes against the shipped configuration, and fails when a server
// says something else than it should.
import { test } from './lib/tap.mjs';
import { Authority } from './lib/certificates.mjs';
import { answerWith, proves, runScenarios, startInterop, targetFile, unwrapTls } from './lib/interop.mjs';
import { Kamailio } from './lib/kamailio.mjs';
import { Liar } from './lib/liar.mjs';
import { freePort } from './lib/ports.mjs';
import { Baresip } from './lib/phone.mjs';
import { Rpc } from './lib/rpc.mjs';

for (const transport of ['udp', 'tcp'])
  test(`interop scenarios over ${transport}`, { timeout: 120 }, async (t) => {
    const { gateway, ports } = await startInterop(t);
    const { status, output } = await runScenarios(t, gateway.config.sip_port, {
      RUN_ALL: 1, RUN_TLS: transport === 'udp' ? 1 : 0, TRANSPORT: transport, TLS_PORT: ports[5061],
      REFER_TARGET_CSV: targetFile(t, await freePort()), PROXY_TARGET_CSV: targetFile(t, await freePort()),
    });
    t.note(output);
    t.equal(status, 0, 'status');
  });

test('interop runner: what its switches choose, and how it ends', { timeout: 60 }, async (t) => {
  const { gateway } = await startInterop(t);
  const port = gateway.config.sip_port;
  const chosen = async (set) => {
    const { status, output } = await runScenarios(t, port, set);
    return `${status} ${[...output.matchAll(/^PASS +(\S+)/gm)].map((match) => match[1]).join(' ')}`;
  };
  t.equal(await chosen({}), '0 options invite invite_bye register', 'without switches');
  t.equal(await chosen({ RUN_PRACK: 1, RUN_CANCEL: 1, ONLY: 'prack cancel options', SKIP: 'options' }), '0 prack cancel', 'two of all');
  t.equal(await chosen({ RUN_ALL: 1, RUN_UPDATE: 0, ONLY: 'info update' }), '0 info', 'all but one');
  t.equal(await chosen({ ONLY: 'options', PRECHECK_OPTIONS: 1, SCENARIO_DELAY_MS: 10, PARALLEL: 1 }), '0 options', 'asked before');
  t.equal(await chosen({ ONLY: 'register', REGISTER_PASSWORD: 'wrong' }), '1 ', 'a wrong password');
  t.equal(await chosen({ ONLY: 'register', REGISTER_USER: 'nobody' }), '1 ', 'an unknown user');
  t.equal(await chosen({ ONLY: 'nothing' }), '2 ', 'nothing to run');
  t.equal(await chosen({ TRANSPORT: 'carrier-pigeon' }), '2 ', 'a wrong setting');

  const dead = await runScenarios(t, await freePort(), { ONLY: 'invite', PRECHECK_OPTIONS: 1, PRECHECK_TIMEOUT_SEC: 1 });
  t.equal(dead.status, 1, 'status without a server');
  t.ok(/^FAIL +invite .*OPTIONS got no answer/m.test(dead.output), dead.output);
});

test('interop: as a caller, asked for a password by 401 and 407, and over TLS', { timeout: 60 }, async (t) => {
  const { gateway, ports } = await startInterop(t);
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  const call = async (trunk, scenario, port, transport) => {
    const { done, log } = await answerWith(t, scenario, port, transport);
    const params = { room_name: scenario, participant_identity: 'callee' };
    await rpc.call('participant.create', { sip_trunk_id: trunk, sip_call_to: '+15550100', wait_until_answered: true, ...params });
    await rpc.call('participant.remove', params);
    t.equal(await done, 0, `${scenario} for ${trunk}`);
    return log;
  };
  await call('callee', 'uas_invite', ports[5072]);
  await call('callee', 'uas_auth_401', ports[5072]);
  const log = await call('callee', 'uas_auth_407', ports[5072]);
  t.ok(proves(log(), 'callee-password') && !proves(log(), 'wrong'), `credentials: ${log()}`);

  const plain = await freePort();
  await unwrapTls(t, ports[5071], plain, await (await Authority.make(t)).issue(['IP:127.0.0.1']));
  await call('secure-callee', 'uas_invite', plain, 'tcp');

  const wrong = { hostname: `127.0.0.1:${ports[5072]}`, auth_username: 'callee-user', auth_password: 'wrong' };
  const { done } = await answerWith(t, 'uas_auth_401', ports[5072]);
  const error = await rpc.fails('participant.create', { trunk: wrong, sip_call_to: '+15550100', room_name: 'wrong', wait_until_answered: true });
  t.equal(error.data.sip_status_code, 403, 'status of a wrong password');
  t.ok((await done) !== 0, 'the scenario passed with a wrong password');
});

test('interop scenarios through a record-routing proxy', { timeout: 90 }, async (t) => {
  const { gateway } = await startInterop(t);
  const routes = { service: `sip:service@127.0.0.1:${gateway.config.sip_port}` };
  const proxy = await Kamailio.start(t, { authority: await Authority.make(t), routes });
  const { status, output } = await runScenarios(t, proxy.udp, {
    RUN_ALL: 1, RUN_TLS: 0, RUN_IPV6: 0, REFER_TARGET_CSV: targetFile(t, await freePort()),
    ONLY: 'options invite invite_bye message message_in_call info update prack subscribe_notify refer reinvite session_timer cancel '
      + 'auth_invite codecs many_media invite_no_offer hold_resume codec_change',
  });
  t.note(output);
  t.equal(status, 0, 'status');
});

/* Without STRICT the scenarios ask for what the RFCs ask for: other software passes those of which it has the feature. */
const verdicts = ({ output }) => Object.fromEntries([...output.matchAll(/^(PASS|FAIL) +(\S+)/gm)].map(([, verdict, name]) => [name, verdict]));
const passing = (names) => Object.fromEntries(names.split(' ').map((name) => [name, 'PASS']));

test('interop runner against other servers: SIPp, baresip, Kamailio in front of it', { timeout: 60 }, async (t) => {
  const one = (port, set) => runScenarios(t, port, { STRICT: 0, RUN_ALL: 1, SCENARIO_TIMEOUT_SEC: 15, ...set })
    .then((result) => (t.note(result.output), verdicts(result)));
  const calls = 'invite invite_bye invite_no_offer';
  const uas = await freePort();
  await answerWith(t, 'uas', uas, 'udp', 1000);
  t.equal(await one(uas, { ONLY: `${calls} cancel` }), { ...passing('invite invite_bye'), cancel: 'FAIL', ...passing('invite_no_offer') }, 'SIPp');

  const phone = await Baresip.start(t, { codec: 'G711', hz: 440, answer: true, config: ['call_max_calls 40'] });
  const common = `options ${calls} message message_in_call info reinvite hold_resume many_media unsupported_codecs require_unknown`;
  const direct = await one(phone.port, { SERVICE: 'tone440', ONLY: `${common} bye_without_dialog register prack` });
  t.equal(direct, { ...direct, ...passing(`${common} bye_without_dialog`), register: 'FAIL', prack: 'FAIL' }, 'baresip');

  const routes = { tone440: `sip:tone440@127.0.0.1:${phone.port}` };
  const proxy = await Kamailio.start(t, { authority: await Authority.make(t), routes, registrar: true });
  const behind = await one(proxy.udp, { SERVICE: 'tone440', ONLY: `${common} register max_forwards_zero register_wrong_password` });
  t.equal(behind, { ...behind, ...passing(`${common} register max_forwards_zero`), register_wrong_password: 'FAIL' }, 'Kamailio');
});

const status = (was, is) => (text) => text.replace(`SIP/2.0 ${was}`, `SIP/2.0 ${is}`);
const replaced = (was, is) => (text) => text.replace(was, is);
const answerTo = (cseq, lie) => (text) => (text.includes(`CSeq: ${cseq}`) ? lie(text) : text);
const anyRefusal = (text) => text.replace(/^SIP\/2.0 4\d\d/, 'SIP/2.0 500');

/* One thing that is wrong, for each scenario. */
const lies = {
  options: replaced('CANCEL, ', ''),
  invite: replaced(/m=audio \d+/, 'm=audio 0'),
  invite_bye: answerTo('3 BYE', status(481, 200)),
  register: replaced(/^(Contact: .*);expires=\d+/m, '$1'),
  register_wrong_password: answerTo('2 REGISTER', status(401, 200)),
  message: status(415, 200),
  message_in_call: status(415, 200),
  info: answerTo('3 INFO', status(200, 415)),
  update: replaced('a=recvonly', 'a=sendrecv'),
  prack: replaced('Require: 100rel\r\n', ''),
  subscribe_notify: replaced('Subscription-State: terminated', 'Subscription-State: active'),
  refer: replaced(/(terminated;reason=noresource[^]*SIP\/2.0) 200 OK/, '$1 603 Decline'),
  proxy_invite_bye: status(180, 183),
  relay_refused: anyRefusal,
  reinvite: replaced('a=recvonly', 'a=sendonly'),
  hold_resume: replaced('a=inactive', 'a=recvonly'),
  session_timer: replaced('refresher=uac', 'refresher=uas'),
  session_timer_too_small: replaced(/^Min-SE:.*\r\n/m, ''),
  cancel: status(487, 486),
  auth_invite: replaced(/, qop="auth"/g, ''),
  auth_wrong_password: answerTo('3 INVITE', status(401, 200)),
  codecs: replaced(/(m=audio \d+ RTP\/AVP) 8 9/, '$1 9 8'),
  many_media: replaced('m=video 0', 'm=video 4000'),
  invite_no_offer: replaced(/m=audio \d+/, 'm=audio 0'),
  unknown_number: anyRefusal,
  forbidden: anyRefusal,
  method_not_allowed: anyRefusal,
  unknown_method: replaced(/^Allow:.*\r\n/m, ''),
  require_unknown: replaced(/^Unsupported:.*\r\n/m, ''),
  event_unknown: replaced(/^Allow-Events:.*\r\n/m, ''),
  unsupported_codecs: anyRefusal,
  codec_change: anyRefusal,
  malformed_sdp: anyRefusal,
  not_sdp: anyRefusal,
  contact_not_sip: anyRefusal,
  max_forwards_zero: anyRefusal,
  bye_without_dialog: anyRefusal,
  info_refused: status(469, 200),
};

test('interop scenarios fail when the server does something wrong', { timeout: 120 }, async (t) => {
  const { gateway } = await startInterop(t);
  const run = async (port, set) => runScenarios(t, port, { RUN_ALL: 1, RUN_IPV6: 0, RUN_TLS: 0,
    REFER_TARGET_CSV: targetFile(t, await freePort()), PROXY_TARGET_CSV: targetFile(t, await freePort()), ...set });
  const names = (output, verdict) => [...output.matchAll(new RegExp(`^${verdict} +(\\S+)`, 'gm'))].map((match) => match[1]);

  const sound = await Liar.start(t, gateway.config.sip_port, (text) => text);
  const heard = await run(sound.port, { STRICT: 0 });
  t.equal(heard.status, 0, `through a relay that changes nothing: ${heard.output}`);
  const scenarios = names(heard.output, 'PASS');
  t.equal(scenarios.filter((name) => !lies[name]), [], 'scenarios that nobody lies to');

  // The runner gives each scenario a port by its place.
  const first = await freePort(4 * scenarios.length);
  const told = new Set();
  const liar = await Liar.start(t, gateway.config.sip_port, (text, port) => {
    const name = scenarios[((port - first) / 2) % scenarios.length];
    const changed = lies[name](text);
    if (changed !== text) told.add(name);
    return changed;
  });
  const { status: code, output } = await run(liar.port, { SCENARIO_TIMEOUT_SEC: 8, LOCAL_PORT: first });
  t.equal(names(output, 'PASS'), [], `scenarios that believed a lie: ${output}`);
  t.equal([code, told.size], [1, scenarios.length], 'status, lies told');
});
