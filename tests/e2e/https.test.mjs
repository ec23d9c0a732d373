// https with a certificate made at start: what a phone's browser needs before it gives the microphone.
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { launch } from './lib/browser.mjs';
import { SipPhone } from './lib/phone.mjs';

test('--self-signed serves the page over https, and it joins from there', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, {}, ['--self-signed']);
  const browser = await launch(t);
  const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  await page.goto(`${gateway.url}/?room=secure&token=${gateway.token('ada')}`);
  t.ok(await page.evaluate(() => isSecureContext), 'the page is no secure context');
  await page.fill('#name', 'Ada');
  await page.click('#join button[type=submit]');
  await until('ada is in the list', async () => (await page.textContent('#people')).includes('Ada (you)'), 15);
  const phone = SipPhone.call(t, gateway.sip('secure'), '--tone', 500);
  await phone.event('answered');
  await until('both are in the list', async () => (await page.$$('#people li')).length === 2);
  t.equal((await phone.bye()).by, 'local', 'who hung up');
});
