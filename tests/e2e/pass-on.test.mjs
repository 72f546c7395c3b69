// SPDX-License-Identifier: Apache-2.0
// A call that is passed on at the desk: the next agent comes into it, the first one leaves, and it goes on; then handed over
// at once, with the buyer waiting for somebody else.
import { after, before, test } from 'node:test';
import { launch } from './support/browsers.mjs';
import { AGENT, BUYER, acceptCall, openBuyer, openDesk, takeCalls } from './support/people.mjs';
import { startLouped, tokens } from './support/server.mjs';

let louped, camera, browser;

before(async () => {
  louped = await startLouped();
  [camera, browser] = await Promise.all([launch('chromium', BUYER), launch('chromium', AGENT)]);
});

after(async () => {
  await camera?.close();
  await browser?.close();
  await louped?.stop();
});

/** The form of the desk, sent. */
async function passOn(desk, mode) {
  await desk.evaluate((how) => {
    const card = document.querySelector('[data-testid=pass-on]');
    card.querySelector('details').open = true;
    card.querySelector('select').value = how;
  }, mode);
  await desk.click('pass');
}

test('a call goes on with whom it was passed on to, and a buyer who is handed over waits', { timeout: 90_000 }, async () => {
  const one = await louped.newCase();
  const chen = await openDesk(browser, louped, { token: tokens.agent('agent-1', 'Chen Jie') });
  const wang = await openDesk(browser, louped, { token: tokens.agent('agent-2', 'Wang Fang') });
  await takeCalls(chen);
  const buyer = await openBuyer(camera, louped, one);
  await acceptCall(chen, buyer);
  await takeCalls(wang);
  await passOn(chen, 'warm');
  await acceptCall(wang, buyer);
  await chen.click('leave-call');
  await wang.until('the call to be hers', () => /Wang Fang/.test(document.querySelector('[data-testid=pass-note]')?.textContent));
  await buyer.see('stage-call');
  await passOn(wang, 'blind');
  await buyer.until('to wait again', () => !document.querySelector('[data-testid=stage-call]'));
  await acceptCall(chen, buyer);
});
