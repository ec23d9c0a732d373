// Phone calls heard in a real browser, and the browser heard on the phone, with each codec on the SIP leg.
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { launch, BrowserPeer } from './lib/browser.mjs';
import { Baresip, SipPhone } from './lib/phone.mjs';
import { levelDb } from './lib/audio.mjs';
import { Rpc } from './lib/rpc.mjs';
import { stalledSince } from './lib/stalls.mjs';

const PACKET = 20; // ms

/** Waits for more than a second in which nothing is lost, and until no more was lost of all since `begun` than one of 200, beside
 * what came while the machine stood still: `look` gives {packets, lost} of each way. Programs that a busy machine lets stand
 * still lose what came meanwhile. */
async function losesNothing(what, begun, look) {
  let [from, now] = [null, null];
  const few = ({ packets, lost }) => lost <= packets / 200 + stalledSince(begun) / PACKET;
  await until(what, async () => {
    now = await look();
    if (now.some((way, i) => way.lost !== from?.[i].lost)) from = now;
    return now.every((way, i) => way.packets > from[i].packets + 60 && few(way) && way.isGood !== false);
  }).catch((error) => { throw new Error(`${error.message}: ${JSON.stringify([from, now])}`); });
}

/** The statistics in `call.get` of every active call, both ways, show no loss and a good MOS. */
async function noLoss(t, rpc, begun) {
  const active = (await rpc.call('call.list')).calls.filter((call) => call.status === 'active');
  t.ok(active.length > 0, 'there is no active call');
  for (const { sip_call_id: id } of active)
    await losesNothing('no loss in call.get', begun, async () => {
      const { media } = (await rpc.call('call.get', { sip_call_id: id })).call;
      return [media.in, media.out].map((way) => ({ ...way, isGood: way.mos > 3.5 })); // of its last full second
    });
}

for (const codec of ['PCMU', 'PCMA', 'G722', 'opus'])
  test(`a baresip call with ${codec} and a browser hear one another`, { timeout: 90 }, async (t) => {
    const gateway = await Gateway.start(t);
    const browser = await launch(t);
    const ada = await BrowserPeer.join(t, browser, gateway, { room: 'lobby', identity: 'ada', hz: 800 });
    const begun = performance.now();
    const phone = await Baresip.start(t, { codec, hz: 440 });
    await phone.dial(gateway.sip('lobby'));
    await ada.hearsPeak(440);
    await phone.hearsPeak(800);
    await ada.hearsPeak(440);
    await losesNothing('no loss on the way to the browser', begun, async () => {
      const { received, lost } = await ada.statistics();
      return [{ packets: received, lost }];
    });
    const statistics = await ada.statistics();
    t.note(`browser sends ${statistics.sends}, receives ${statistics.receives}`);
    const rpc = await Rpc.connect(gateway.ws, gateway.token('observer'));
    t.after(() => rpc.close());
    await noLoss(t, rpc, begun);
    await phone.quit();
    await until('the call is gone', async () => (await rpc.call('call.list')).calls.length === 0, 10);
    await gateway.line(new RegExp(`codec=${codec}`, 'i'));
    t.equal(ada.errors, [], 'errors in the page');
  });

test('two phones and two browsers all hear the three others', { timeout: 120 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const tones = { ada: 500, ben: 700, g711: 1000, opus: 1300 };
  const all = Object.values(tones);
  const others = (name) => all.filter((hz) => hz !== tones[name]);
  const ada = await BrowserPeer.join(t, browser, gateway, { room: 'four', identity: 'ada', hz: tones.ada });
  const ben = await BrowserPeer.join(t, browser, gateway, { room: 'four', identity: 'ben', hz: tones.ben });
  const first = SipPhone.call(t, gateway.sip('four'), '--tone', tones.g711, '--listen', ...all);
  await first.event('answered');
  const second = await Baresip.start(t, { codec: 'opus', hz: tones.opus });
  await second.dial(gateway.sip('four'));
  await ada.hearsAll(others('ada'), [tones.ada]);
  await ben.hearsAll(others('ben'), [tones.ben]);
  for (const hz of others('g711')) await first.hears(hz);
  await until('the phone does not hear itself', () => {
    const levels = first.lastLevels();
    return levels[tones.g711] < Math.min(...others('g711').map((hz) => levels[hz])) - 15;
  }).catch((error) => { throw new Error(`${error.message}: ${JSON.stringify(first.lastLevels())}`); });
  let measured = {};
  await until('baresip hears the others, and not itself', () => {
    const last = second.last(2);
    if (last) measured = Object.fromEntries(all.map((hz) => [hz, Math.round(levelDb(last.samples, last.rate, hz))]));
    return measured[tones.opus] < -50 && others('opus').every((hz) => measured[hz] > -35);
  }).catch((error) => { throw new Error(`${error.message}: ${JSON.stringify(measured)}`); });
  t.equal((await first.bye()).lost, 0, 'packets lost on the way to the phone');
  await ada.hearsAll([tones.ben, tones.opus], [tones.ada, tones.g711]);
});
