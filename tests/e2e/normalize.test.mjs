// `normalize` of a trunk, as the API sets it: a quiet phone is heard as loud as others.
import { test, until } from './lib/tap.mjs';
import { ulawTone } from './lib/audio.mjs';
import { Gateway } from './lib/gateway.mjs';
import { SipPhone } from './lib/phone.mjs';
import { RawCall } from './lib/rawsip.mjs';
import { Rpc } from './lib/rpc.mjs';

test('normalize of a trunk that was made through the API lifts a quiet phone', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  const trunk = (name, numbers, more) => rpc.call('trunk.create', { name, direction: 'inbound', numbers, allowed_addresses: ['127.0.0.0/8'], ...more });
  t.equal((await trunk('quiet', ['100'], { normalize: true })).trunk.normalize, true, 'the trunk');
  await trunk('plain', ['101', '200', '201']);
  for (const room of ['1', '2'])
    await rpc.call('dispatch_rule.create', { name: room, type: 'direct', room, numbers: room === '1' ? ['100', '200'] : ['101', '201'] });
  const talk = async (number) => {
    const call = await RawCall.open(t, gateway, number);
    call.talk((await call.invite()).body, 0, ulawTone(500, 700).subarray(0, 160)); // -33 dB, as a quieter steady tone is a noise after a while; 20 ms are ten waves of it
  };
  const [lifted, plain] = ['200', '201'].map((number) => SipPhone.call(t, gateway.sip(number), '--tone', 0, '--listen', 500));
  for (const phone of [lifted, plain]) await phone.event('answered');
  for (const number of ['100', '101']) await talk(number);
  const level = (phone) => phone.lastLevels()['500'] ?? -100;
  await until('the one without it is heard as it is', () => level(plain) > -40 && level(plain) < -29);
  await until('the other one is lifted', () => level(lifted) > level(plain) + 8, 20).catch((error) => {
    throw new Error(`${error.message}: ${level(lifted)} and ${level(plain)} dB`);
  });
  await rpc.call('trunk.update', { sip_trunk_id: 'quiet', normalize: false });
  t.equal((await rpc.call('trunk.list')).trunks.find(({ name }) => name === 'quiet').normalize, false, 'taken away');
});
