// SPDX-License-Identifier: Apache-2.0
// A dispute in real browsers: the agent's page proposes, the buyer's does not agree, the arbiter's asks and rules on the
// evidence of the call; the back end executes, and the buyer's page says so. The chain verifies.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { token } from '../net/support/louped.mjs';
import { launch } from './support/browsers.mjs';
import { BUYER, acceptCall, openBuyer, openDesk, takeCalls } from './support/people.mjs';
import { startLouped, tokens } from './support/server.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../../build/screenshots');
const sun = token({ role: 'arbiter', sub: 'sun', name: 'Sun' });
let louped;
let browser;

before(async () => {
  mkdirSync(folder, { recursive: true });
  louped = await startLouped();
  browser = await launch('chromium', BUYER);
});
after(async () => {
  await browser?.close();
  await louped?.stop();
});

const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)}}`;
};

async function checkChain(one) {
  const { items } = await louped.ask('GET', `/cases/${one.id}/timeline`, tokens.service());
  let prev = '0'.repeat(64);
  for (const { hash, ...event } of items) {
    assert.equal(event.prev, prev);
    assert.equal(hash, createHash('sha256').update(canonical({ ...event, case: one.id })).digest('hex'), `event ${event.seq}`);
    prev = hash;
  }
  return items.map(({ type }) => type);
}

/** Opens a part that is folded, fills its form in and sends it. */
async function send(page, part, fields) {
  const form = `[data-testid=${part}-form]`;
  const fold = `[data-testid=${part.replace('statement', 'state').replace('question', 'ask').replace('ruling', 'rule')}] > summary`;
  if (await page.evaluate((s) => document.querySelector(s) !== null, fold)) await page.click(fold);
  await page.see(form);
  for (const [name, value] of Object.entries(fields)) {
    if (value === true) await page.page.locator(`${form} [name=${name}]`).first().check();
    else if (await page.evaluate((s) => document.querySelector(s).tagName === 'SELECT', `${form} [name=${name}]`)) await page.page.selectOption(`${form} [name=${name}]`, value);
    else await page.page.fill(`${form} [name=${name}]`, value);
  }
  await page.page.click(`${form} button.main`);
}

const stateIs = (page, word) => page.until(`the case to be ${word}`, (is) => document.querySelector('[data-testid=settle]')?.dataset.state === is, word);

test('a buyer does not agree, an arbiter rules on evidence, and it is carried out', { timeout: 90_000 }, async (t) => {
  const one = await louped.newCase({ title: 'Cup with a crack' });
  const desk = await openDesk(browser, louped);
  t.after(() => desk.close());
  await takeCalls(desk);
  const buyer = await openBuyer(browser, louped, one);
  t.after(() => buyer.close());
  await acceptCall(desk, buyer);
  await desk.click('take-still');
  await desk.see('still');
  await send(desk, 'propose', { outcome: 'goodwill', amount: '5.00' });
  await stateIs(desk, 'proposed');
  await desk.click('hang-up');
  await buyer.see('stage-end');
  await buyer.see('outcome');
  assert.match(await buyer.text('outcome'), /Goodwill/);
  await buyer.click('disagree');
  await send(buyer, 'dispute', { text: 'It came broken. <img src=x onerror=alert(1)>', evidence: true });
  await stateIs(buyer, 'disputed');

  const arbiter = await openDesk(browser, louped, { token: sun });
  t.after(() => arbiter.close());
  await arbiter.click(`[data-testid=dispute-entry][data-id="${one.id}"]`);
  await arbiter.see('statement');
  assert.match(await arbiter.text('statement'), /<img src=x/);
  await arbiter.click('review');
  await stateIs(arbiter, 'in_review');
  await arbiter.see('ask'); // once the page has read that it is this arbiter's
  await send(arbiter, 'question', { to: 'buyer', hours: '24', text: 'When was it opened?' });
  await arbiter.see('[data-testid=question][data-state=open]');
  await arbiter.until('its deadline in the queue', () => document.querySelector('[data-testid=dispute-entry]')?.textContent.includes('answer by'));
  await arbiter.page.screenshot({ path: join(folder, 'arbiter-queue-desk.png') });
  await buyer.reload();
  await buyer.see('answer-form');
  await send(buyer, 'answer', { text: 'On Monday.' });
  await buyer.see('[data-testid=question][data-state=answered]');
  await send(arbiter, 'ruling', { liability: 'merchant', remedy: 'refund', amount: '120.00', advance: true, text: 'The still shows the crack.', evidence: true });
  await stateIs(arbiter, 'ruled');
  await arbiter.see('ruling');
  await arbiter.until('it to leave the queue', () => !document.querySelector('[data-testid=dispute-entry]'));
  for (const [size, viewport] of [['phone', { width: 390, height: 844 }], ['desk', { width: 1440, height: 900 }]]) {
    await arbiter.page.setViewportSize(viewport);
    await arbiter.page.screenshot({ path: join(folder, `arbiter-${size}.png`) });
  }
  await louped.ask('POST', `/cases/${one.id}/actions/execute`, tokens.service(), { reference: 'R-77' });
  await buyer.reload();
  await buyer.see('execution');
  await buyer.see('ruling');
  assert.match(await buyer.text('ruling'), /Refund.*merchant is liable/s);
  await buyer.page.screenshot({ path: join(folder, 'buyer-ruling-phone.png'), fullPage: true });
  await louped.ask('POST', `/cases/${one.id}/actions/close`, tokens.service());
  const types = await checkChain(one);
  for (const type of ['outcome_proposed', 'outcome_disputed', 'review_started', 'question_asked', 'question_answered', 'ruled', 'executed', 'closed']) {
    assert.ok(types.includes(type), type);
  }
  assert.deepEqual([...desk.errors, ...buyer.errors, ...arbiter.errors], []);
});
