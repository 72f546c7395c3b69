// SPDX-License-Identifier: Apache-2.0
// What is HTML elsewhere stands as text on the pages, wherever somebody could write it: nothing of it becomes an element,
// and nothing is carried out.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './support/browsers.mjs';
import { startLouped, tokens } from './support/server.mjs';
import { token } from '../net/support/louped.mjs';

const HOSTILE = '"><img src=x onerror="window.pwned=1"><svg onload=window.pwned=1><script>window.pwned=1</script>';
let louped;
let browser;

before(async () => {
  louped = await startLouped();
  browser = await launch('chromium');
});
after(async () => {
  await browser?.close();
  await louped?.stop();
});

const harmless = async (page) => {
  const seen = await page.evaluate(() => ({
    pwned: window.pwned, made: document.querySelectorAll('img[src=x], svg[onload], [onerror]').length, text: document.body.innerText,
  }));
  assert.equal(seen.pwned, undefined);
  assert.equal(seen.made, 0);
  return seen.text;
};

test('texts of strangers are texts on the pages', { timeout: 60_000 }, async (t) => {
  const short = HOSTILE.slice(0, 64);
  const one = await louped.newCase({
    title: HOSTILE, reason: HOSTILE, category: HOSTILE, brand: HOSTILE, tier: short, team: short,
    order: { number: HOSTILE, [HOSTILE]: HOSTILE }, buyer: { id: 'b-1', name: HOSTILE },
  });
  const act = (action, who, body) => louped.ask('POST', `/cases/${one.id}/actions/${action}`, who, body);
  const buyerToken = token({ sub: 'b-1', name: HOSTILE, role: 'buyer', case: one.id });
  await act('propose', tokens.agent('ann', HOSTILE), { outcome: 'refund', note: HOSTILE });
  await act('agree', buyerToken, { note: HOSTILE });
  await act('rate', buyerToken, { score: 2, text: HOSTILE });
  const buyer = await browser.open({ viewport: { width: 390, height: 844 } });
  const desk = await browser.open({ viewport: { width: 1440, height: 900 } });
  t.after(() => Promise.all([buyer.close(), desk.close()]));
  await buyer.goto(`${louped.url}/c/#${buyerToken}`);
  await buyer.see('rated');
  assert.ok((await harmless(buyer)).includes('<img src=x onerror='));
  await desk.goto(`${louped.url}/desk?case=${one.id}#${token({ sub: 'ann', name: HOSTILE, role: 'agent' })}`);
  await desk.see('case-facts');
  await desk.see('timeline');
  assert.ok((await harmless(desk)).includes('<img src=x onerror='));
  assert.deepEqual([...buyer.errors, ...desk.errors], []);
});
