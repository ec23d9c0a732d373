// subscribe: "tracks": a browser takes one stream for each published track, and asks for more sections when told.
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { launch, BrowserPeer } from './lib/browser.mjs';
import { SipPhone } from './lib/phone.mjs';

/* Runs in the page: offers `count` more sections to receive on, and listens to each section by its mid. */
async function offerMore(count) {
  for (let i = 0; i < count; i++) client.peer.addTransceiver('audio', { direction: 'recvonly' });
  const result = await client.negotiate('session.offer', {});
  client.ears ??= new Map();
  for (const transceiver of client.peer.getTransceivers()) {
    if (client.ears.has(transceiver.mid) || !transceiver.receiver.track) continue;
    const stream = new MediaStream([transceiver.receiver.track]);
    const element = Object.assign(new Audio(), { srcObject: stream, muted: true });
    element.play();
    const analyser = new AnalyserNode(client.audio, { fftSize: 16384, smoothingTimeConstant: 0 });
    client.audio.createMediaStreamSource(stream).connect(analyser);
    client.ears.set(transceiver.mid, { element, analyser });
  }
  return result.tracks;
}

function peaks() {
  return Object.fromEntries([...client.ears].map(([mid, { analyser }]) => {
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const width = client.audio.sampleRate / analyser.fftSize;
    let best = Math.ceil(80 / width);
    for (let i = best; i * width < 4000; i++) if (bins[i] > bins[best]) best = i;
    return [mid, bins[best] > -60 ? Math.round(best * width) : 0];
  }));
}

test('a browser that wants tracks gets each on a section of its own', { timeout: 90 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const ada = await BrowserPeer.join(t, browser, gateway, { room: 'tracks', identity: 'ada', hz: 800, params: { subscribe: 'tracks' } });
  await ada.page.evaluate(() => {
    client.notes = [];
    client.socket.addEventListener('message', ({ data }) => client.notes.push(JSON.parse(data)));
  });
  const phones = [];
  for (const hz of [500, 600]) {
    phones.push(SipPhone.call(t, gateway.sip('tracks'), '--tone', hz, '--listen', 800));
    await phones.at(-1).event('answered');
  }
  const required = await until('session.sections_required', () => ada.page.evaluate(() =>
    client.notes.filter((note) => note.method === 'session.sections_required').at(-1)?.params));
  t.equal(required.audio, 2, 'sections required');
  const tracks = await ada.page.evaluate(offerMore, 1);
  t.equal(Object.keys(tracks).length, 2, `tracks of the answer: ${JSON.stringify(tracks)}`);
  t.equal(new Set(Object.values(tracks)).size, 2, 'different tracks');
  const heard = async () => Object.values(await ada.page.evaluate(peaks)).filter(Boolean).sort();
  await until('each phone on its own section', async () => {
    const hz = await heard();
    return hz.length === 2 && Math.abs(hz[0] - 500) <= 5 && Math.abs(hz[1] - 600) <= 5;
  }, 15).catch(async (error) => { throw new Error(`${error.message}: ${JSON.stringify(await ada.page.evaluate(peaks))}`); });
  for (const phone of phones) await phone.hears(800);
  await phones[0].bye();
  await until('the section of the phone that left is silent', async () => (await heard()).length === 1);
});

test('the codecs of session.join and of a dispatch rule limit what is negotiated', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, {
    sip: { bind: ['127.0.0.1'] },
    trunks: [{ name: 'pbx', direction: 'inbound', numbers: ['100'] }],
    dispatch_rules: [{ trunks: ['pbx'], type: 'direct', room: 'narrow', codecs: ['PCMA'] }],
  });
  const browser = await launch(t);
  const ada = await BrowserPeer.join(t, browser, gateway, { room: 'narrow', identity: 'ada', hz: 800, params: { codecs: ['PCMA'] } });
  const phone = SipPhone.call(t, gateway.sip('100'), '--codec', 'PCMA', '--tone', 500, '--listen', 800);
  await phone.event('answered');
  await ada.hearsPeak(500);
  await phone.hears(800);
  const { sends, receives } = await ada.statistics();
  t.equal([sends, receives], ['audio/PCMA', 'audio/PCMA'], 'what the browser speaks');
  const refused = SipPhone.call(t, gateway.sip('100'), '--codec', 'PCMU');
  t.equal((await refused.event('rejected')).status, 488, 'a caller without PCMA');
});
