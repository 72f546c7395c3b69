// SPDX-License-Identifier: Apache-2.0
// An inspection from its link to its end in a real browser: consent, queue, offer, call, clip and look-back, an outcome that
// the buyer agrees to and rates, and the progress at the same link; the timeline as the desk shows it, its chain computed
// anew. And two desks that edit one case: the second merges.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { launch } from './support/browsers.mjs';
import { BUYER, acceptCall, openBuyer, openDesk, record, takeCalls } from './support/people.mjs';
import { startLouped, tokens } from './support/server.mjs';

let louped;
let browser;

before(async () => {
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

/** The events' types, in order; each follows from the one before. */
async function chain(one) {
  const { items } = await louped.ask('GET', `/cases/${one.id}/timeline?limit=200`, tokens.service());
  let prev = '0'.repeat(64);
  for (const { hash, internal: _, internal_salt: __, ...event } of items) {
    assert.equal(event.prev, prev);
    assert.equal(hash, createHash('sha256').update(canonical({ ...event, case: one.id })).digest('hex'), `event ${event.seq}`);
    prev = hash;
  }
  return items.map(({ type }) => type);
}

const stateIs = (page, word) =>
  page.until(`the case to be ${word}`, (is) => document.querySelector('[data-testid=settle]')?.dataset.state === is, word);

test('an inspection, from the link to its end', { timeout: 90_000 }, async (t) => {
  const one = await louped.newCase();
  const agent = tokens.agent('agent-1');
  const desk = await openDesk(browser, louped, { token: agent });
  t.after(() => desk.close());
  await takeCalls(desk);
  const buyer = await openBuyer(browser, louped, one);
  t.after(() => buyer.close());
  await acceptCall(desk, buyer);

  const clips = [await record(desk, 1500)];
  await desk.click('look-back');
  clips.push(await desk.until('what was looked back to', (other) =>
    [...document.querySelectorAll('[data-testid=clip][data-state=ready]')].map(({ dataset }) => dataset.id).find((id) => id !== other), clips[0]));
  for (const id of clips) assert.equal((await louped.finished(id, agent)).state, 'ready');

  await desk.click('[data-testid=propose] > summary');
  await desk.page.selectOption('[data-testid=propose-form] [name=outcome]', 'partial_refund');
  await desk.page.fill('[data-testid=propose-form] [name=amount]', '120.00');
  await desk.page.click('[data-testid=propose-form] button.main');
  await stateIs(desk, 'proposed');
  await desk.click('hang-up');
  await buyer.see('stage-end');
  await buyer.see('outcome');
  await buyer.click('agree');
  await stateIs(buyer, 'agreed');
  await buyer.page.check('[data-testid=star-5]', { force: true });
  await buyer.page.check('[data-testid=resolved-yes]');
  await buyer.fill('rating-text', 'Quick and friendly');
  await buyer.click('rating-send');
  await buyer.see('[data-testid=rated][data-score="5"]');

  // The same link says how it goes on, whenever it is opened.
  await louped.ask('POST', `/cases/${one.id}/actions/execute`, tokens.service(), { reference: 'R-1001' });
  await buyer.reload();
  await stateIs(buyer, 'executed');
  await buyer.see('execution');
  assert.match(await buyer.text('execution'), /R-1001/);
  await louped.ask('POST', `/cases/${one.id}/actions/close`, agent);
  await buyer.reload();
  await stateIs(buyer, 'closed');

  const types = await chain(one);
  const course = ['case_opened', 'recording_consent', 'waiting_started', 'call_started', 'clip_started', 'clip_ready', 'outcome_proposed',
    'call_ended', 'outcome_agreed', 'rated', 'executed', 'closed'];
  assert.deepEqual(course.map((type) => types.indexOf(type)).filter((at, i, all) => at < 0 || (i > 0 && at < all[i - 1])), [], types.join(' '));
  await desk.until('all of it at the desk', (wanted) =>
    wanted.every((type) => document.querySelector(`[data-testid=timeline] > [data-type=${type}]`)), course);
  assert.deepEqual([...desk.errors, ...buyer.errors], []);
});

test('two desks edit a case at once: the second sees both, and nothing is lost', { timeout: 60_000 }, async (t) => {
  const one = await louped.newCase({ title: 'A cup', brand: 'Loom' });
  const desks = [];
  for (const sub of ['ann', 'bea']) {
    const desk = await openDesk(browser, louped, { token: tokens.agent(sub, sub) });
    t.after(() => desk.close());
    await desk.click(`[data-testid=case-entry][data-id="${one.id}"]`);
    await desk.click('edit-facts');
    await desk.see('facts-form');
    desks.push(desk);
  }
  const [ann, bea] = desks;
  await ann.fill('fact-title', 'Two cups');
  await ann.fill('fact-category', 'tableware');
  await ann.click('facts-save');
  await ann.gone('facts-form');
  await bea.fill('fact-title', 'A broken cup');
  await bea.fill('fact-brand', 'Kiln');
  await bea.click('facts-save');
  await bea.see('merge');
  assert.equal(await bea.evaluate(() => document.querySelector('[data-testid=clash]').dataset.fact), 'title');
  assert.match(await bea.text('clash'), /Two cups.*A broken cup/s);
  assert.equal(await bea.evaluate(() => document.querySelector('[data-testid=fact-category]').value), 'tableware');
  await bea.click('take-mine');
  await bea.click('facts-save');
  await bea.gone('facts-form');
  const now = await louped.ask('GET', `/cases/${one.id}`, tokens.service());
  assert.deepEqual([now.title, now.category, now.brand, now.version], ['A broken cup', 'tableware', 'Kiln', 3]);
  assert.deepEqual((await chain(one)).filter((type) => type === 'case_changed').length, 2);
  // The refusal is the browser's own line in the console.
  assert.deepEqual([...ann.errors, ...bea.errors].filter((line) => !line.includes('412')), []);
});
