// The page itself, as a person uses it: join by the form, call a phone, mute, be muted, lose the socket, leave.
import { mkdirSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { test, until, sleep } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { freePort } from './lib/ports.mjs';
import { launch } from './lib/browser.mjs';
import { Linphone } from './lib/linphone.mjs';
import { SipPhone } from './lib/phone.mjs';
import { Rpc } from './lib/rpc.mjs';

/* In the page, before its own script: the microphone is a tone. */
function toneMicrophone(hz) {
  navigator.mediaDevices.getUserMedia = async () => {
    const context = new AudioContext();
    const [oscillator, gain, target] = [new OscillatorNode(context, { frequency: hz }), new GainNode(context, { gain: 0.25 }),
      context.createMediaStreamDestination()];
    oscillator.connect(gain).connect(target);
    oscillator.start();
    return target.stream;
  };
}

async function open(t, browser, gateway, { identity = 'ada', grants, query = '', hz = 800, context = {}, microphone = toneMicrophone } = {}) {
  const page = await (await browser.newContext(context)).newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  if (microphone) await page.addInitScript(microphone, hz);
  await page.goto(`${gateway.url}/?room=lobby&token=${gateway.token(identity, grants)}${query}`);
  return { page, errors };
}

const text = (page, selector) => page.textContent(selector);
const shows = (page, selector, words, seconds = 8) =>
  until(`${selector} shows ${words}`, async () => (await text(page, selector)).includes(words), seconds)
    .catch(async (error) => { throw new Error(`${error.message}: ${await text(page, selector)} / ${await text(page, '#notice')}`); });

async function enter(page, name = 'Ada') {
  await page.fill('#name', name);
  await page.click('#join button[type=submit]');
  await shows(page, '#status', 'Connected', 15);
}

test('join by the form, dial, follow the call, mute, hang up, leave', { timeout: 120 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const { page, errors } = await open(t, browser, gateway);
  await enter(page);
  await shows(page, '#people', 'Ada (you)');
  await shows(page, '#no-calls', `${gateway.sip('lobby')} from a softphone`);
  const machine = await SipPhone.answer(t, '--never', '--tone', 500, '--listen', 800);
  await page.fill('#number', `sip:bob@127.0.0.1:${machine.port}`);
  await page.press('#number', 'Enter');
  await shows(page, '#calls', 'Ringing');
  machine.command('answer');
  await machine.event('answered');
  await shows(page, '#calls', 'In the room');
  await machine.hears(800);
  await until('the phone is shown as speaking', () => page.$('#people li.speaking >> text=bob'));
  await page.click('#mute');
  t.equal(await page.getAttribute('#mute', 'aria-pressed'), 'true', 'aria-pressed');
  await until('the phone hears silence', () => machine.lastLevels()['800'] < -50);
  await shows(page, '#people', 'muted');
  await page.click('#mute');
  await until('the phone hears again', () => machine.lastLevels()['800'] > -30);
  await page.click('#calls li button');
  t.equal((await machine.event('ended')).by, 'remote', 'who hung up');
  await shows(page, '#calls', 'Ended');
  await page.click('#leave');
  await shows(page, '#status', 'Not connected');
  t.ok(await page.isVisible('#join'), 'the form is back');
  await gateway.line(/Participant left.*reason=left/);
  t.equal(errors, [], 'errors in the page');
});

test('a busy callee is said in words, and a number asks for its server', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const { page } = await open(t, browser, gateway);
  await enter(page);
  const machine = await SipPhone.answer(t, '--status', 486, '--reason', 'Busy Here', '--ring', 0.5);
  await page.click('summary >> text=Keypad');
  for (const key of '5550100') await page.click(`#keys button >> text="${key}"`);
  t.equal(await page.inputValue('#number'), '5550100', 'the number typed on the keypad');
  await page.click('#dial button[type=submit]');
  await shows(page, '#notice', 'needs a SIP server');
  await page.fill('#server', `127.0.0.1:${machine.port}`);
  await page.press('#server', 'Enter');
  await shows(page, '#calls', 'busy (486)');
});

test('the page calls an extension by its name, and a number through a trunk', { timeout: 60 }, async (t) => {
  const machine = await SipPhone.answer(t, '--tone', 500, '--listen', 800);
  const gateway = await Gateway.start(t, {
    sip: { bind: ['127.0.0.1'], registrar: { enabled: true, users: [{ username: 'front-desk', password: 'secret' }] } },
    trunks: [{ name: 'carrier', direction: 'outbound', outbound_address: `127.0.0.1:${machine.port}`, numbers: ['+15550100'] }],
  });
  const browser = await launch(t);
  const phone = await Linphone.start(t, { hz: 600, name: 'front-desk', gateway, password: 'secret', answer: true });
  await gateway.line(/ Registered +user=front-desk/);
  const { page, errors } = await open(t, browser, gateway);
  await enter(page);
  await page.fill('#number', 'front-desk');
  await until('it is known', async () => !(await page.isVisible('#server-part')));
  await page.press('#number', 'Enter');
  await phone.called();
  await phone.hears(800);
  await page.fill('#number', '+1 (555) 0123');
  t.equal([await page.isVisible('#trunk'), await page.inputValue('#trunk')], [true, 'carrier'], 'the trunk');
  await page.press('#number', 'Enter');
  await machine.event('answered');
  await shows(page, '#people', '+15550123');
  await page.selectOption('#trunk', '');
  t.ok(await page.isVisible('#server'), 'a field for another server');
  await page.focus('#server');
  await page.focus('#number'); // trunks are asked for anew
  await sleep(1000);
  t.ok(await page.isVisible('#server'), 'the choice stays');
  t.equal(errors, [], 'errors in the page');
});

test('everything works with the keyboard alone', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const { page } = await open(t, browser, gateway);
  await page.keyboard.type('Keyboard');
  await page.keyboard.press('Enter');
  await shows(page, '#status', 'Connected', 15);
  const focus = () => page.evaluate(() => document.activeElement.id);
  const reach = async (id) => {
    for (let presses = 0; presses < 30 && (await focus()) !== id; presses++) await page.keyboard.press('Tab');
    t.equal(await focus(), id, 'the focus after some tabs');
  };
  await reach('mute');
  await page.keyboard.press('Space');
  await shows(page, '#mute', 'Unmute');
  await reach('leave');
  await page.keyboard.press('Enter');
  await shows(page, '#status', 'Not connected');
});

test('errors are said in words: token, microphone, no number, a gateway that stops', { timeout: 90 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const { page } = await open(t, browser, gateway);
  await page.click('summary >> text=Access token');
  for (const [token, words] of [['', 'token is needed'], [`${gateway.token('ada')}x`, 'refused the access token']]) {
    await page.fill('#token', token);
    await page.click('#join button[type=submit]');
    await shows(page, '#notice', words);
  }
  for (const [name, words] of [['NotAllowedError', 'has denied the microphone'], ['NotReadableError', 'another program'],
    ['NotFoundError', 'no microphone']]) {
    const { page: other } = await open(t, browser, gateway, {
      identity: name, hz: name,
      microphone: (which) => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('x', which); }; },
    });
    await other.click('#join button[type=submit]');
    await shows(other, '#notice', words);
    if (name !== 'NotFoundError') continue;
    await other.click('#listen-only');
    await shows(other, '#status', 'Connected', 15);
    t.ok(!(await other.isVisible('#mute')), 'no mute button without a microphone');
    await leavesInWords(t, other, gateway);
  }
});

test('a page behind a proxy that does not pass on the Host header says so', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const proxy = http.createServer((request, response) => {
    const { pathname, search } = new URL(request.url, gateway.url);
    const headers = { ...request.headers, host: 'inside.example' };
    const onward = http.request(`${gateway.url}${pathname}${search}`, { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => proxy.close());
  const browser = await launch(t);
  const { page } = await open(t, browser, { ...gateway, url: `http://127.0.0.1:${proxy.address().port}`, token: (...all) => gateway.token(...all) });
  await page.fill('#name', 'Ada');
  await page.click('#join button[type=submit]');
  await shows(page, '#notice', 'must pass on the Host header');
});

/* What is said last is in sight, wherever the page was scrolled to, and can be put away; the gateway says that it stops. */
async function leavesInWords(t, page, gateway) {
  await page.setViewportSize({ width: 390, height: 500 });
  await page.fill('#number', '12345');
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  await page.evaluate(() => document.getElementById('dial').requestSubmit());
  await shows(page, '#notice', 'needs a SIP server');
  const top = await page.evaluate(() => document.getElementById('notice').getBoundingClientRect().top);
  t.ok(top >= 0 && top < 500, `the notice is in sight: ${top}`);
  await page.click('#notice-close');
  t.ok(!(await page.isVisible('#notice')), 'it is put away');
  const closed = await freePort();
  await page.fill('#number', `sip:nobody@127.0.0.1:${closed}`);
  await page.evaluate(() => document.getElementById('dial').requestSubmit());
  await shows(page, '#calls', 'nothing answers at that address');
  gateway.process.kill('SIGTERM');
  await shows(page, '#notice', 'gateway was stopped');
  await gateway.line(/Call summary.*participant=\S*NotFoundError.*duration=(?!0 )\d/);
}

test('messages are sent by the keyboard and shown as text', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const ada = await open(t, browser, gateway, { grants: { sip: { call: false } } });
  const bob = await open(t, browser, gateway, { identity: 'bob', grants: { video: { roomAdmin: false }, sip: { admin: false, call: false } } });
  await enter(ada.page);
  await enter(bob.page, 'Bob');
  await shows(bob.page, '#people', 'Ada');
  await shows(ada.page, '#people', 'Bob');
  const focused = () => ada.page.evaluate(() => document.activeElement.getAttribute('aria-label'));
  await ada.page.focus('[aria-label="Mute Bob"]');
  await ada.page.keyboard.press('Enter');
  await until('the button stays in focus, and takes it back', async () => (await focused()) === 'Unmute Bob');
  await ada.page.keyboard.press('Enter');
  await until('it is as it was', async () => (await focused()) === 'Mute Bob');
  const offered = async ({ page }) => [await page.isVisible('#dial'), await page.isVisible('#calls-card'), (await page.$$('#people button')).length];
  t.equal([await offered(ada), await offered(bob)], [[true, true, 1], [false, false, 0]], 'what is offered to whom');
  await ada.page.focus('#text');
  await ada.page.keyboard.type('<b>hello</b>');
  await ada.page.keyboard.press('Enter');
  for (const { page } of [ada, bob]) await shows(page, '#messages', 'Ada<b>hello</b>');
  t.equal(await ada.page.inputValue('#text'), '', 'what was sent is gone from the line');
  t.equal([...ada.errors, ...bob.errors].join(), '', 'errors in the page');
});

test('names of other people cannot bring markup into the page', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const evil = '<img src=x onerror=window.evil=1><b>bold</b>';
  const { page } = await open(t, browser, gateway);
  await enter(page);
  const { page: other } = await open(t, browser, gateway, { identity: 'eve', hz: 900 });
  await enter(other, evil);
  await shows(page, '#people', evil);
  t.equal(await page.evaluate(() => [window.evil, document.querySelectorAll('#people img, #people .who b b').length]), [null, 0], 'markup');
});

test('the page reconnects after the socket was lost', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const { page, errors } = await open(t, browser, gateway);
  await enter(page);
  await page.evaluate(() => state.socket.close());
  await until('another socket', () => page.evaluate(() => state.socket?.readyState === 1), 10);
  await shows(page, '#status', 'Connected');
  const phone = SipPhone.call(t, gateway.sip('lobby'), '--tone', 500, '--listen', 800);
  await phone.event('answered');
  await phone.hears(800);
  await shows(page, '#people', 'Phone');
  t.equal(errors, [], 'errors in the page');
  await page.evaluate(() => {
    state.socket.close();
    toggleMute(); // which nobody hears of
  });
  await until('who muted itself meanwhile is muted', () => page.evaluate(() =>
    state.muted && state.socket?.readyState === 1 && isMuted(state.people.get(state.me.identity))));
});

/* The page loses its socket, which stands on for the gateway. */
const loseUnnoticed = (page, restart) => page.evaluate((restarts) => {
  window.before = { socket: state.socket, peer: state.peer };
  if (restarts) restartIce();
  state.socket.onmessage = null;
  state.socket.onclose();
}, restart);

for (const [how, restarts] of [['', false], [', also while it restarts ICE', true]])
  test(`a guest is itself again before the gateway notices that its socket is lost${how}`, { timeout: 60 }, async (t) => {
    const gateway = await Gateway.start(t);
    const browser = await launch(t);
    const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
    t.after(() => rpc.close());
    const inRoom = async () => (await rpc.call('participant.list', { room: 'lobby' })).participants.map(({ sid }) => sid);
    const { page, errors } = await open(t, browser, gateway, { identity: '' });
    await enter(page);
    const [sid] = await inRoom();
    await loseUnnoticed(page, restarts);
    await gateway.line(/Session resumed/);
    await shows(page, '#status', 'Connected');
    t.equal(await inRoom(), [sid], 'who is in the room');
    t.equal(await page.evaluate(() => [state.me.sid, before.socket.readyState, state.peer === before.peer]), [sid, 1, true], 'the page');
    const phone = SipPhone.call(t, gateway.sip('lobby'), '--tone', 500, '--listen', 800);
    await phone.event('answered');
    await phone.hears(800);
    await shows(page, '#people', 'Phone');
    t.equal([await page.isVisible('#notice'), errors], [false, []], 'errors in the page');
  });

/** Every WebSocket of the page from now on is in `sockets`; while `down` they lead nowhere. */
const followSockets = (page) => page.evaluate(() => {
  const Real = WebSocket;
  window.sockets = [];
  window.down = false;
  window.closeAt = '';
  window.WebSocket = class extends Real {
    constructor(url) {
      super(down ? 'ws://127.0.0.1:1/' : url);
      sockets.push(this);
    }

    send(text) {
      if (closeAt && this === sockets[0] && text.includes(`"${closeAt}"`)) this.close();
      else super.send(text);
    }
  };
});

for (const method of ['session.join', 'call.list'])
  test(`a socket that is lost again by ${method} while the session is taken up is replaced by one`, { timeout: 60 }, async (t) => {
    const gateway = await Gateway.start(t);
    const browser = await launch(t);
    const { page, errors } = await open(t, browser, gateway);
    await enter(page);
    await followSockets(page);
    await page.evaluate((at) => {
      closeAt = at;
      state.socket.close();
    }, method);
    await until('another socket', () => page.evaluate(() => sockets.length > 1));
    await shows(page, '#status', 'Connected');
    await sleep(1000); // one more would come now
    t.equal(await page.evaluate(() => sockets.map(({ readyState }) => readyState)), [3, 1], 'the sockets');
    t.equal([await page.isVisible('#notice'), errors], [false, []], 'errors in the page');
  });

/* The first socket of the page is lost by sending `method`, or while the page takes the answer to its offer. */
const loseSocket = (page, method) => page.evaluate((at) => {
  closeAt = at ?? '';
  if (at) return;
  const real = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = async function (description) {
    RTCPeerConnection.prototype.setRemoteDescription = real;
    const { onclose } = sockets[0];
    await new Promise((resolve) => {
      sockets[0].onclose = (event) => resolve(onclose(event));
      sockets[0].close();
    });
    return real.call(this, description);
  };
}, method);

for (const method of ['room.watch', 'call.list', null])
  test(`a socket that is lost by ${method ?? 'the answer'} when the page has just joined is replaced by one`, { timeout: 60 }, async (t) => {
    const gateway = await Gateway.start(t);
    const browser = await launch(t);
    const { page, errors } = await open(t, browser, gateway);
    await followSockets(page);
    await loseSocket(page, method);
    await enter(page);
    await until('another socket', () => page.evaluate(() => sockets.length > 1 && state.socket === sockets[1]));
    await shows(page, '#status', 'Connected');
    await shows(page, '#people', 'Ada (you)');
    await shows(page, '#no-calls', `${gateway.sip('lobby')} from a softphone`);
    await sleep(1000); // one more would come now
    t.equal(await page.evaluate(() => sockets.map(({ readyState }) => readyState)), [3, 1], 'the sockets');
    t.equal([await page.isVisible('#join'), await page.isVisible('#notice'), errors], [false, false, []], 'the form, a notice, errors');
  });

test('who leaves while a socket is looked for, and joins again, has one', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const { page } = await open(t, browser, gateway);
  await enter(page);
  await followSockets(page);
  await page.evaluate(() => {
    down = true;
    state.socket.close();
  });
  await until('a search', () => page.evaluate(() => sockets.length > 0));
  await page.click('#leave');
  await page.evaluate(() => (down = false));
  await enter(page);
  await sleep(3000); // the search would have gone on by now
  const open_ = await page.evaluate(() => sockets.filter(({ readyState }) => readyState === 1).map((one) => one === state.socket));
  t.equal(open_, [true], 'open sockets, and whether they are the one in use');
  await shows(page, '#status', 'Connected');
});

test('a guest whom the gateway does not know any more joins anew', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const { page, errors } = await open(t, browser, gateway, { identity: '' });
  await enter(page);
  await page.evaluate(() => {
    state.me.sid = 'PA_nobody';
    state.socket.close();
  });
  await until('another one', () => page.evaluate(() => state.me.sid !== 'PA_nobody' && state.peer.connectionState === 'connected'));
  await shows(page, '#status', 'Connected');
  t.equal([await page.isVisible('#notice'), errors], [false, []], 'errors in the page');
});

for (const workers of [1, 2])
  test(`an operator takes the page to another room, with ${workers} media worker${workers > 1 ? 's' : ''}`, { timeout: 60 }, async (t) => {
    const gateway = await Gateway.start(t, { media: { workers } });
    const browser = await launch(t);
    const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
    t.after(() => rpc.close());
    const left = SipPhone.call(t, gateway.sip('lobby'), '--user', 'left', '--tone', 500, '--listen', 800);
    await left.event('answered');
    const right = SipPhone.call(t, gateway.sip('office'), '--user', 'right', '--tone', 600, '--listen', 800);
    await right.event('answered');
    const { page, errors } = await open(t, browser, gateway, { grants: { video: { room: 'lobby' } } });
    await enter(page);
    await left.hears(800);
    const moved = await rpc.call('participant.move', { room: 'lobby', identity: 'ada', to_room: 'office' });
    t.equal(moved.moved, workers === 1, 'moved with its transport');
    await right.hears(800);
    await until('the old room does not hear it', () => left.lastLevels()['800'] < -50);
    await shows(page, '#notice', 'taken to the room “office”');
    await shows(page, '#room-name', 'office');
    await shows(page, '#people', 'right');
    await shows(page, '#status', 'Connected');
    await page.fill('#text', 'here I am');
    await page.press('#text', 'Enter');
    await shows(page, '#messages', 'here I am');
    right.command('bye');
    await shows(page, '#people-count', 'only you');
    t.equal(errors, [], 'errors in the page');
  });

test('a phone of the room is held, gets keys and is transferred by the page', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const { page, errors } = await open(t, browser, gateway);
  await enter(page);
  const phone = await Linphone.start(t, { hz: 500 });
  const call = await phone.dial(gateway.sip('lobby'));
  await shows(page, '#people', 'lin500');
  await page.click('#people button[aria-label^="Hold, keys, transfer"]');
  await page.click('#hold');
  await phone.shows(/has been paused by/);
  await shows(page, '#people', 'on hold');
  await page.click('#hold');
  await phone.shows(/has been paused by[^]*Media streams established/);
  await until('the hold is over', async () => !(await text(page, '#people')).includes('hold'));
  await phone.hears(800);
  const from = phone.output.length;
  await page.click('#tones button >> text="5"');
  await phone.shows(/Receiving tone 5/, 10, from);
  await phone.command('pause', /is now paused/);
  await shows(page, '#people', 'has put the room on hold');
  await phone.command(`resume ${call}`);
  await until('the hold is over', async () => !(await text(page, '#people')).includes('hold'));
  const busy = await SipPhone.answer(t, '--status', 486, '--reason', 'Busy Here');
  await page.fill('#transfer-to', `sip:busy@127.0.0.1:${busy.port}`);
  await page.press('#transfer-to', 'Enter');
  await shows(page, '#notice', 'busy (486)');
  const target = await SipPhone.answer(t, '--tone', 900, '--listen', 500);
  await page.fill('#transfer-to', `target@127.0.0.1:${target.port}`);
  await page.press('#transfer-to', 'Enter');
  await target.hears(500);
  await shows(page, '#notice', 'was transferred');
  await shows(page, '#people-count', 'only you');
  t.ok(!(await page.isVisible('#phone')), 'the panel is gone with the phone');
  t.equal(errors, [], 'errors in the page');
});

test('the gateway sends security headers with the page, and nothing else of the folder', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const response = await fetch(`${gateway.url}/`);
  const policy = response.headers.get('content-security-policy') ?? '';
  t.ok(/script-src 'self'|default-src 'self'/.test(policy) && !/unsafe-inline/.test(policy), `policy: ${policy}`);
  t.equal(response.headers.get('x-content-type-options'), 'nosniff', 'x-content-type-options');
  for (const [path, type] of [['/app.js', 'javascript'], ['/dial.js', 'javascript'], ['/phone.js', 'javascript'], ['/words.js', 'javascript'],
    ['/style.css', 'css']]) {
    const file = await fetch(`${gateway.url}${path}`);
    t.ok(file.ok && file.headers.get('content-type').includes(type), `${path}: ${file.status}`);
  }
});

const shapes = [
  ['wide', { viewport: { width: 1280, height: 1040 } }],
  ['narrow', { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: 'dark' }],
];
for (const [shape, context] of shapes)
  test(`the page fits a ${shape} screen, with people and calls in it`, { timeout: 90 }, async (t) => {
    const gateway = await Gateway.start(t);
    const browser = await launch(t);
    const { page } = await open(t, browser, gateway, { context, hz: 0 });
    await enter(page);
    const { page: other } = await open(t, browser, gateway, { identity: 'ben', hz: 0 });
    await enter(other, 'Ben');
    const phone = SipPhone.call(t, gateway.sip('lobby'), '--tone', 500, '--user', '+15550100');
    const busy = await SipPhone.answer(t, '--status', 486, '--reason', 'Busy Here');
    const ringing = await SipPhone.answer(t, '--never');
    await phone.event('answered');
    for (const [number, machine] of [['carol', busy], ['dave', ringing]]) {
      await page.fill('#number', `sip:${number}@127.0.0.1:${machine.port}`);
      await page.press('#number', 'Enter');
      await shows(page, '#calls', number);
    }
    await shows(page, '#calls', 'busy');
    await shows(page, '#calls', 'Ringing');
    await page.fill('#number', '');
    await until('the phone is shown as speaking', () => page.$('#people li.speaking'));
    const held = SipPhone.call(t, gateway.sip('lobby'), '--tone', 600, '--user', 'reception');
    await held.event('answered');
    await shows(page, '#people', 'reception');
    await page.click('#people li[data-identity="sip_reception"] button[aria-label^="Hold, keys"]');
    await page.click('#hold');
    await shows(page, '#people', 'on hold');
    await other.fill('#text', 'Reception is on hold, who takes it?');
    await other.press('#text', 'Enter');
    await shows(page, '#messages', 'on hold');
    const width = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    t.ok(width[0] <= width[1], `the page is wider than the screen: ${width}`);
    const covered = await page.evaluate(() => {
      window.scrollTo(0, document.body.scrollHeight);
      const last = document.querySelector('#calls li:last-child').getBoundingClientRect();
      return last.bottom > document.getElementById('bar').getBoundingClientRect().top;
    });
    t.ok(!covered, 'the bar covers the last call');
    if (t.options.shots) {
      mkdirSync(t.options.shots, { recursive: true });
      await page.evaluate(() => (window.scrollTo(0, 0), document.activeElement.blur()));
      await sleep(700);
      await page.screenshot({ path: join(t.options.shots, shape === 'wide' ? 'page.png' : 'page-narrow.png') });
    }
  });
