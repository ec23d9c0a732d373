// Phone calls heard in a real browser, and the browser heard on the phone, with each codec on the SIP leg.
import { test, sleep, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { launch, BrowserPeer } from './lib/browser.mjs';
import { Baresip, SipPhone } from './lib/phone.mjs';
import { levelDb, peak } from './lib/audio.mjs';
import { Rpc } from './lib/rpc.mjs';

/** The statistics in `call.get` of every active call, both ways, show no loss. */
async function noLoss(t, rpc) {
  const active = (await rpc.call('call.list')).calls.filter((call) => call.status === 'active');
  t.ok(active.length > 0, 'there is no active call');
  for (const { sip_call_id: id } of active) {
    const { media } = (await rpc.call('call.get', { sip_call_id: id })).call;
    const text = JSON.stringify(media);
    for (const way of [media.in, media.out]) {
      t.ok(way.packets > 50, `too few packets: ${text}`);
      t.equal([way.lost, way.loss_percent], [0, 0], `loss in ${text}`);
      t.ok(way.mos > 3.5, `the MOS is low: ${text}`);
    }
  }
}

for (const codec of ['PCMU', 'PCMA', 'G722', 'opus'])
  test(`a baresip call with ${codec} and a browser hear one another`, { timeout: 90 }, async (t) => {
    const gateway = await Gateway.start(t);
    const browser = await launch(t);
    const ada = await BrowserPeer.join(t, browser, gateway, { room: 'lobby', identity: 'ada', hz: 800 });
    const phone = await Baresip.start(t, { codec, hz: 440 });
    await phone.dial(gateway.sip('lobby'));
    await ada.hearsPeak(440);
    await sleep(4000);
    const { samples, rate } = await phone.heard(2, 2);
    const heard = peak(samples, rate);
    t.ok(Math.abs(heard.hz - 800) <= 5 && heard.db > -30, `the phone hears ${JSON.stringify(heard)}, not 800 Hz`);
    await ada.hearsPeak(440);
    const statistics = await ada.statistics();
    t.equal(statistics.lost, 0, `packets lost on the way to the browser, ${JSON.stringify(statistics)}`);
    t.note(`browser sends ${statistics.sends}, receives ${statistics.receives}; phone heard ${JSON.stringify(heard)}`);
    const rpc = await Rpc.connect(gateway.ws, gateway.token('observer'));
    t.after(() => rpc.close());
    await noLoss(t, rpc);
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
  const levels = first.lastLevels();
  t.ok(levels[tones.g711] < Math.min(...others('g711').map((hz) => levels[hz])) - 15,
    `the phone hears itself: ${JSON.stringify(levels)}`);
  await sleep(2500);
  const { samples, rate } = await second.heard(2, 2);
  const measured = Object.fromEntries(all.map((hz) => [hz, Math.round(levelDb(samples, rate, hz))]));
  for (const hz of others('opus')) t.ok(measured[hz] > -35, `baresip does not hear ${hz} Hz: ${JSON.stringify(measured)}`);
  t.ok(measured[tones.opus] < -50, `baresip hears itself: ${JSON.stringify(measured)}`);
  t.equal((await first.bye()).lost, 0, 'packets lost on the way to the phone');
  await ada.hearsAll([tones.ben, tones.opus], [tones.ada, tones.g711]);
});
