// SPDX-License-Identifier: Apache-2.0
// An authentication in a real browser, from the queue to the certificate: the checklist beside the call wants
// everything before there is a verdict; the certificate's page says what was sealed, and later that it was revoked.
// Pictures of the page lie in build/screenshots/.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { token } from '../net/support/louped.mjs';
import { launch } from './support/browsers.mjs';
import { BUYER, acceptCall, openBuyer, openDesk, record, takeCalls } from './support/people.mjs';
import { startLouped, tokens } from './support/server.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../../build/screenshots');
const appraiser = (sub, name) => token({ role: 'appraiser', sub, name });
const HATS = {
  name: { en: 'Hats', zh: '帽子' }, categories: ['hat'],
  points: [
    { id: 'whole', title: { en: 'The whole hat', zh: '整体' }, evidence: 'clip' },
    { id: 'label', title: { en: 'Label', zh: '标签' }, hint: { en: 'Straight on', zh: '正对' }, evidence: 'still' },
    { id: 'box', title: { en: 'Box', zh: '盒子' }, optional: true },
  ],
};
let louped;
let browser;

before(async () => {
  mkdirSync(folder, { recursive: true });
  louped = await startLouped();
  browser = await launch('chromium', BUYER);
  await louped.ask('PUT', '/checklists/hats', tokens.service(), HATS);
});
after(async () => {
  await browser?.close();
  await louped?.stop();
});

const inPoint = (id, what) => `[data-point=${id}] [data-testid=${what}]`;

/** Opens a point, and waits for its controls. */
async function openPoint(desk, id) {
  await desk.click(`[data-point=${id}] .point-head`);
  await desk.see(inPoint(id, 'point-note'));
}

async function judge(desk, id, judgement, note) {
  await desk.click(inPoint(id, `judge-${judgement}`));
  await desk.fill(inPoint(id, 'point-note'), note);
  await desk.evaluate(() => document.activeElement?.blur());
}

const isDone = (desk, id) => desk.until(`${id} to be done`, (one) => document.querySelector(`[data-point=${one}]`)?.dataset.done === 'true', id);
const sha256 = (text) => createHash('sha256').update(text).digest('hex');
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
    assert.equal(hash, sha256(canonical({ ...event, case: one.id })), `event ${event.seq}`);
    prev = hash;
  }
  return items.map(({ type }) => type);
}

/** At both sizes nothing sticks out, and a picture of it is taken. */
async function look(page, name) {
  for (const [size, viewport] of [['phone', { width: 390, height: 844 }], ['desk', { width: 1440, height: 900 }]]) {
    await page.page.setViewportSize(viewport);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${name} sticks out by ${wide} pixels at ${viewport.width}`);
    await page.page.screenshot({ path: join(folder, `${name}-${size}.png`), fullPage: true });
  }
}

test('an appraiser works down the checklist in the call, and the owner has a certificate', { timeout: 90_000 }, async (t) => {
  const one = await louped.newCase({
    kind: 'authentication', category: 'hat', brand: 'Aurelle', title: 'Is this hat genuine?', order: undefined, reason: undefined,
  });
  const desk = await openDesk(browser, louped, { token: appraiser('he', 'He') });
  t.after(() => desk.close());
  await takeCalls(desk);
  const owner = await openBuyer(browser, louped, one);
  t.after(() => owner.close());
  await acceptCall(desk, owner);
  await desk.see('checklist');
  assert.match(await desk.text('checklist-missing'), /2 points/);

  await openPoint(desk, 'label');
  await desk.click(inPoint('label', 'point-still'));
  await desk.see(inPoint('label', 'point-evidence'));
  await judge(desk, 'label', 'consistent', 'The weave and the font are right.');
  await isDone(desk, 'label');

  const clip = await record(desk, 600);
  await louped.finished(clip, tokens.service());
  await openPoint(desk, 'whole');
  const option = `clip ${clip}`;
  await desk.until('the clip to choose', (value) => [...document.querySelectorAll('[data-testid=point-add] option')].some((o) => o.value === value), option);
  await desk.page.selectOption('[data-point=whole] [data-testid=point-add]', option);
  await desk.see(inPoint('whole', 'point-evidence'));
  assert.equal(await desk.evaluate(() => document.querySelector('.decide fieldset').disabled), true);
  await judge(desk, 'whole', 'consistent', 'One take, nothing was swapped.');
  await isDone(desk, 'whole');
  await look(desk, 'desk-checklist');
  await desk.page.setViewportSize({ width: 1440, height: 900 });

  await desk.click('verdict-genuine');
  await desk.fill('grounds', 'Label and seams are those of the maker.');
  await desk.click('give-verdict');
  await desk.see('verdict');
  await desk.fill('certificate-item', 'Felt hat, black, size 57');
  await desk.click('certify');
  await desk.see('certificate-link');
  const href = await desk.evaluate(() => document.querySelector('[data-testid=certificate-link]').href);
  await desk.click('hang-up');

  const page = await browser.open();
  t.after(() => page.close());
  await page.goto(href);
  await page.see('certificate');
  const [still] = (await louped.ask('GET', `/cases/${one.id}/stills`, tokens.service())).items;
  const text = await page.text('certificate');
  assert.ok(text.includes(still.sha256) && text.includes('Felt hat, black, size 57'));
  assert.equal(await page.evaluate(() => document.querySelector('[data-testid=certificate-verdict]').dataset.verdict), 'genuine');
  assert.doesNotMatch(text, /Wang Fang|buyer-|\bHe\b|weave/);
  await look(page, 'certificate');
  await page.page.emulateMedia({ media: 'print' });
  await page.page.screenshot({ path: join(folder, 'certificate-print.png'), fullPage: true });
  await page.page.emulateMedia({ media: null });

  await louped.ask('POST', `/certificates/${href.split('/').at(-1)}/revoke`, tokens.service(), { reason: 'fraud' });
  await page.reload();
  await page.see('[data-testid=certificate][data-state=revoked]');
  assert.match(await page.text('certificate-verdict'), /Revoked.*deceived/s);
  await look(page, 'certificate-revoked');
  await page.goto(`${louped.url}/certificate/LC-0000-0000-0000`);
  await page.see('[data-testid=certificate-trouble][data-trouble=unknown]');
  await louped.ask('POST', `/cases/${one.id}/actions/close`, tokens.service());
  const types = await checkChain(one);
  for (const type of ['checklist_pinned', 'point_examined', 'verdict_given', 'certificate_issued', 'certificate_revoked', 'closed']) assert.ok(types.includes(type), type);
  assert.deepEqual([...desk.errors, ...owner.errors], []);
});

test('two appraisers commit to opinions blind, and reveal them', { timeout: 60_000 }, async (t) => {
  const shop = tokens.service();
  await louped.ask('PUT', '/checklists/gloves', shop, { ...HATS, categories: ['glove'], points: [HATS.points[2], { ...HATS.points[0], evidence: 'any', optional: true }] });
  const one = await louped.newCase({ kind: 'authentication', title: 'A pair of gloves' });
  const first = await openDesk(browser, louped, { token: appraiser('ann', 'ann') });
  await first.click(`[data-testid=case-entry][data-id="${one.id}"]`);
  await first.see('checklist-choose');
  await first.page.selectOption('[data-testid=checklist-choose]', 'gloves');
  await first.see('checklist');
  await first.close();
  await louped.ask('POST', `/cases/${one.id}/examination/blind`, shop, {});
  // What does not apply needs no picture, so that this needs no call.
  await louped.ask('PUT', `/cases/${one.id}/examination/points/whole`, appraiser('ann'), { judgement: 'not_applicable', note: 'Not shown.' });
  const seen = await louped.ask('GET', `/cases/${one.id}/examination`, appraiser('ann'));
  assert.deepEqual(seen.missing, []);
  /** Opens the case without a call, writes an opinion down and commits to it. */
  const open = async (sub, verdict) => {
    const desk = await openDesk(browser, louped, { token: appraiser(sub, sub) });
    t.after(() => desk.close());
    await desk.click(`[data-testid=case-entry][data-id="${one.id}"]`);
    await desk.see('checklist');
    await desk.click(`verdict-${verdict}`);
    await desk.fill('grounds', `${sub} says so.`);
    await desk.click('give-verdict');
    await desk.see('opinion-committed');
    return desk;
  };
  const ann = await open('ann', 'genuine');
  assert.equal(await ann.evaluate(() => document.querySelector('[data-testid=reveal]').disabled), true);
  const bob = await open('bob', 'genuine');
  await bob.click('reveal');
  await bob.until('it to be revealed', () => !document.querySelector('[data-testid=reveal]'));
  await ann.reload();
  await ann.see('opinion-committed');
  await ann.click('reveal');
  await ann.see('[data-testid=verdict][data-verdict=genuine]');
  const types = await checkChain(one);
  assert.equal(types.filter((type) => type === 'opinion_revealed').length, 2);
  assert.deepEqual([...ann.errors, ...bob.errors], []);
});
