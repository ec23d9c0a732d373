// Headless Chromium, and in it a WebRTC participant that speaks a tone and measures the tones that it hears.
import { chromium } from 'playwright-core';
import { existsSync } from 'node:fs';
import { Checker, isDescribed } from './schema.mjs';
import { until } from './tap.mjs';

const flags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required',
  '--allow-loopback-in-peer-connection', '--disable-dev-shm-usage',
  '--disable-background-timer-throttling', '--disable-renderer-backgrounding',
];

/* More of them at once leave no time on two cores for audio. */
const MAX_BROWSERS = 2;
const waiting = [];
let running = 0;

async function takeTurn(t) {
  if (running >= MAX_BROWSERS) await t.queue(new Promise((resolve) => waiting.push(resolve)));
  else running++;
  t.after(() => (waiting.shift() ?? (() => running--))());
}

/* What its pages hear from a gateway is checked as what the tests hear themselves. */
function checked(browser) {
  const newContext = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await newContext(options);
    context.setDefaultTimeout(60000);
    context.on('page', (page) => page.on('websocket', (socket) => {
      if (!isDescribed()) return;
      const checker = new Checker(socket.url());
      socket.on('framesent', ({ payload }) => checker.sent(String(payload)));
      socket.on('framereceived', ({ payload }) => checker.received(String(payload)));
    }));
    return context;
  };
  return browser;
}

/** Starts Chromium for one test, when it is its turn. */
export async function launch(t) {
  const path = process.env.CHROMIUM || '/usr/bin/chromium';
  if (!existsSync(path)) throw new Error(`${path} is missing: install the Debian package chromium`);
  await takeTurn(t);
  const browser = await chromium.launch({ executablePath: path, headless: true, args: flags, timeout: 100000 });
  t.after(() => browser.close());
  return checked(browser);
}

/* Runs in the page. */
function install() {
  const client = { events: [], log: [], pending: new Map(), id: 1 };
  window.client = client;

  client.tone = (hz) => {
    client.audio ??= new AudioContext();
    const [oscillator, gain, target] = [new OscillatorNode(client.audio, { frequency: hz }),
      new GainNode(client.audio, { gain: 0.25 }), client.audio.createMediaStreamDestination()];
    oscillator.connect(gain).connect(target);
    oscillator.start();
    client.oscillator = oscillator;
    return target.stream;
  };

  client.call = (method, params) => new Promise((resolve, reject) => {
    const id = client.id++;
    client.pending.set(id, { resolve, reject });
    client.socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  });

  const onMessage = ({ data }) => {
    const message = JSON.parse(data);
    const pending = client.pending.get(message.id);
    if (pending) {
      client.pending.delete(message.id);
      if (message.error) pending.reject(new Error(JSON.stringify(message.error)));
      else pending.resolve(message.result);
    } else if (message.method === 'event') client.events.push(message.params);
    else if (message.method === 'session.candidate') {
      client.log.push(message.params.candidate);
      client.ready.then(() => client.peer.addIceCandidate(message.params.candidate ? message.params : null))
        .catch((error) => client.log.push(String(error)));
    }
  };

  client.open = (url) => new Promise((resolve, reject) => {
    client.socket = new WebSocket(url);
    client.socket.onmessage = onMessage;
    client.socket.onopen = resolve;
    client.socket.onerror = () => reject(new Error('the WebSocket failed'));
  });

  const listen = (stream) => {
    // Chromium feeds WebAudio from a remote stream only while an element plays it.
    const element = new Audio();
    element.srcObject = stream;
    element.muted = true;
    element.play();
    client.element = element;
    client.analyser = new AnalyserNode(client.audio, { fftSize: 16384, smoothingTimeConstant: 0 });
    client.audio.createMediaStreamSource(stream).connect(client.analyser);
  };

  client.negotiate = async (method, params, options = {}) => {
    await client.peer.setLocalDescription(await client.peer.createOffer(options));
    const result = await client.call(method, { ...params, sdp: client.peer.localDescription.sdp });
    await client.peer.setRemoteDescription({ type: 'answer', sdp: result.sdp });
    client.settle();
    return result;
  };

  client.join = async (url, room, hz, extra) => {
    await client.open(url);
    client.peer = new RTCPeerConnection();
    client.ready = new Promise((resolve) => (client.settle = resolve));
    client.held = [];
    const sendCandidate = ({ candidate }) => {
      if (!client.joined) client.held.push({ candidate });
      else if (candidate) client.call('session.candidate', candidate.toJSON()).catch((e) => client.log.push(String(e)));
    };
    client.peer.onicecandidate = sendCandidate;
    client.peer.ontrack = ({ track, streams }) => listen(streams[0] ?? new MediaStream([track]));
    const stream = client.tone(hz);
    client.peer.addTrack(stream.getAudioTracks()[0], stream);
    const result = await client.negotiate('session.join', { room, subscribe: 'mix', ...extra });
    client.joined = true;
    client.held.splice(0).forEach(sendCandidate);
    client.result = result;
    return result;
  };

  client.levels = (tones) => {
    if (!client.analyser) return null;
    const bins = new Float32Array(client.analyser.frequencyBinCount);
    client.analyser.getFloatFrequencyData(bins);
    const width = client.audio.sampleRate / client.analyser.fftSize;
    const near = (hz) => Math.max(...bins.slice(Math.floor(hz / width) - 1, Math.ceil(hz / width) + 2));
    let best = Math.ceil(80 / width);
    for (let i = best; i * width < 4000; i++) if (bins[i] > bins[best]) best = i;
    return { peak: best * width, peakDb: bins[best], tones: Object.fromEntries(tones.map((hz) => [hz, near(hz)])) };
  };

  client.statistics = async () => {
    const report = [...(await client.peer.getStats()).values()];
    const find = (type) => report.find((each) => each.type === type && (each.kind ?? 'audio') === 'audio');
    const [inbound, outbound] = [find('inbound-rtp'), find('outbound-rtp')];
    const codec = (id) => report.find((each) => each.id === id)?.mimeType;
    return {
      state: client.peer.connectionState,
      received: inbound?.packetsReceived, lost: inbound?.packetsLost, concealed: inbound?.concealedSamples,
      samples: inbound?.totalSamplesReceived, sent: outbound?.packetsSent,
      receives: codec(inbound?.codecId), sends: codec(outbound?.codecId), remote: find('remote-inbound-rtp'),
    };
  };
}

/** A participant of a room in a tab of its own. */
export class BrowserPeer {
  static async join(t, browser, gateway, { room, identity, hz, params = {} }) {
    const peer = new BrowserPeer();
    peer.page = await (await browser.newContext()).newPage();
    peer.errors = [];
    peer.page.on('pageerror', (error) => peer.errors.push(String(error)));
    await peer.page.goto(`${gateway.url}/`);
    await peer.page.evaluate(install);
    const url = `${gateway.ws}?access_token=${gateway.token(identity)}`;
    peer.result = await peer.page.evaluate(
      ([where, name, tone, extra]) => client.join(where, name, tone, extra), [url, room, hz, params]);
    await until(`${identity} is connected`, async () => (await peer.statistics()).state === 'connected', 15)
      .catch(async (error) => {
        const log = await peer.page.evaluate(() => client.log);
        throw new Error(`${error.message} ${JSON.stringify(log)}\n${peer.result.sdp}`);
      });
    return peer;
  }

  statistics() {
    return this.page.evaluate(() => client.statistics());
  }

  levels(tones = []) {
    return this.page.evaluate((list) => client.levels(list), tones);
  }

  call(method, params = {}) {
    return this.page.evaluate(([m, p]) => client.call(m, p), [method, params]);
  }

  events() {
    return this.page.evaluate(() => client.events);
  }

  /** Waits until the strongest frequency is `hz`, within 5 Hz, well above the floor. */
  async hearsPeak(hz, seconds = 15) {
    let last;
    await until('a peak', async () => {
      last = await this.levels();
      return last && Math.abs(last.peak - hz) <= 5 && last.peakDb > -50;
    }, seconds).catch(() => {
      throw new Error(`the browser does not hear ${hz} Hz: ${JSON.stringify(last)}`);
    });
    return last;
  }

  /** Waits until all `tones` are there, and none of `silent`: at least 20 dB lower. */
  async hearsAll(tones, silent = [], seconds = 15) {
    let last;
    await until('tones', async () => {
      last = await this.levels([...tones, ...silent]);
      if (!last) return false;
      const weakest = Math.min(...tones.map((hz) => last.tones[hz]));
      return weakest > -55 && silent.every((hz) => last.tones[hz] < weakest - 20);
    }, seconds).catch(() => {
      throw new Error(`the browser does not hear ${tones} without ${silent}: ${JSON.stringify(last)}`);
    });
    return last;
  }
}
