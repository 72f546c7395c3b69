// SPDX-License-Identifier: Apache-2.0
// Every state of the pages, once, at phone and desk size: nothing sticks out sideways, nothing is
// complained of in the console (the content security policy would be), and a picture of it lies in
// build/screenshots/. With LOUPE_README=1 the picture in docs/ is taken anew.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch } from './support/browsers.mjs';
import { record } from './support/people.mjs';
import { sceneryScript } from './support/scenery.mjs';
import { startLouped, tokens } from './support/server.mjs';
import { token } from '../net/support/louped.mjs';

const top = join(dirname(fileURLToPath(import.meta.url)), '../..');
const folder = join(top, 'build/screenshots');
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };
const TEXTS = {
  'en-GB': {
    title: 'Cracked tea cup', reason: 'A cup was broken when the parcel arrived', buyer: 'Lin Yue', agent: 'Chen Jie',
    item: 'Porcelain tea set, 8 pieces', hello: 'Hello Ms Lin, please turn the cup a little to the left.',
    answer: 'The crack goes from the rim to the bottom.', opinion: 'Quick and friendly. <b>Thank you!</b>',
  },
  'zh-CN': {
    title: '茶杯开裂', reason: '收到包裹时杯子已破损', buyer: '林悦', agent: '陈洁', item: '青花瓷茶具 8 件套',
    hello: '林女士您好，请把杯子向左转一点。', answer: '裂纹从杯口一直到杯底。', opinion: '很快解决，客服很耐心。<b>谢谢！</b>',
  },
};
let louped;
let browser;

before(async () => {
  mkdirSync(folder, { recursive: true });
  louped = await startLouped();
  browser = await launch('chromium');
});

after(async () => {
  await browser?.close();
  await louped?.stop();
});

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The address of the clip is not good any more while it is looked at: it goes on with another one. */
async function addressRunsOut(desk) {
  const spoil = () => {
    const video = document.querySelector('[data-testid=player-video]');
    video.pause();
    video.currentTime = 1;
    video.addEventListener('seeked', () => {
      video.src = video.src.replace(/signature=.{8}/, 'signature=00000000');
    }, { once: true });
  };
  const goesOn = () => {
    const { src, currentTime, paused, readyState, error } = document.querySelector('[data-testid=player-video]');
    return readyState > 1 && !error && paused && Math.abs(currentTime - 1) < 0.1 && !src.includes('signature=00000000');
  };
  await desk.evaluate(spoil);
  await desk.until('the clip by another address', goesOn);
  await desk.gone('clip-failed');
}

/** An outcome is agreed: the page that stayed open asks how it went, once. */
async function rate(buyer, one, words, shot) {
  await louped.ask('POST', `/cases/${one.id}/actions/propose`, tokens.agent(), { outcome: 'refund' });
  await louped.ask('POST', `/cases/${one.id}/actions/agree`, tokens.buyer(one), {});
  await buyer.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await buyer.see('rating');
  await buyer.click('.stars label:nth-of-type(4)');
  await buyer.click('.answers label:nth-of-type(1)');
  await buyer.fill('rating-text', words.opinion);
  await shot(buyer, 'buyer-9-rating');
  await buyer.page.setViewportSize(DESK);
  await shot(buyer, 'buyer-10-rating-wide');
  await buyer.page.setViewportSize(PHONE);
  await buyer.click('rating-send');
  await buyer.see('[data-testid=rated][data-score="4"]');
  await shot(buyer, 'buyer-11-rated');
  const { satisfaction } = await louped.ask('GET', `/cases/${one.id}`, tokens.agent());
  assert.equal(satisfaction.score, 4);
  assert.equal(satisfaction.resolved, true);
  assert.equal(satisfaction.text, words.opinion);
}

/** A supervisor holds a clip, lifts the hold, and deletes it: what is left is a tombstone, and who looked. */
async function keepAndForget(one, id, shot) {
  const desk = await browser.open({ viewport: DESK });
  const clip = `[data-testid=clip][data-id="${id}"]`;
  const within = (name) => `.clip-facts [data-testid=${name}]`;
  const reason = async (button, text) => {
    await desk.click(within(button));
    await desk.fill(within('reason'), text);
    await desk.click(within('reason-send'));
  };
  await desk.goto(`${louped.url}/desk?case=${one.id}#${token({ sub: 'zhao', name: 'Zhao Min', role: 'supervisor' })}`);
  await desk.click(clip);
  await desk.see('take');
  await reason('place-hold', 'The carrier disputes it');
  await desk.see(within('hold'));
  await desk.gone(within('delete'));
  await reason('lift-hold', 'Settled');
  await desk.gone(within('hold'));
  await reason('delete', 'Shows a neighbour, who asked for it');
  await desk.gone(clip);
  await desk.see('tombstone');
  await desk.click('.stage-column > lp-keep [data-testid=accesses] summary');
  await desk.see('access');
  await shot(desk, 'desk-10-kept');
  assert.deepEqual(desk.errors, []);
  await desk.close();
}

for (const [locale, words] of Object.entries(TEXTS)) {
  test(`the first call, ${locale}`, { timeout: 120_000 }, async (t) => {
    const suffix = locale.slice(0, 2);
    const shot = async (page, name) => {
      await pause(400);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(wider <= 0, `${name} is ${wider} px too wide`);
      await page.screenshot(join(folder, `${name}-${suffix}.png`));
    };
    const one = await louped.newCase({
      title: words.title, reason: words.reason, language: locale, buyer: { id: `lin-${suffix}`, name: words.buyer },
      order: { number: '8829-4410', item: words.item, price: { value: '268.00', currency: 'CNY' } },
    });
    const desk = await browser.open({
      script: sceneryScript({ who: 'agent', width: 640, height: 400 }), viewport: DESK, locale,
    });
    const buyer = await browser.open({
      script: sceneryScript({ who: 'buyer', width: 720, height: 1080 }), viewport: PHONE, locale,
    });
    t.after(() => Promise.all([desk.close(), buyer.close()]));

    await desk.goto(`${louped.url}/desk#${tokens.agent(`agent-${suffix}`, words.agent)}`);
    await desk.see('.desk[data-state=open]');
    await shot(desk, 'desk-1-away');
    await desk.click('voice');

    await buyer.goto(`${louped.url}/c/#${tokens.buyer(one)}`);
    await buyer.click('consent');
    await shot(buyer, 'buyer-1-start');
    await buyer.click('start-go');
    await shot(buyer, 'buyer-2-check');
    await buyer.click('check-allow');
    await buyer.see('check-go');
    await shot(buyer, 'buyer-3-preview');
    await buyer.click('check-go');
    await buyer.see('stage-waiting');
    await shot(buyer, 'buyer-4-waiting');

    await desk.click('availability');
    await desk.see('offer');
    await shot(desk, 'desk-2-offer');
    await desk.click('accept');
    await desk.see('.stage[data-media=connected]');
    await buyer.see('main[data-media=connected]');
    await pause(1500);
    await desk.fill('chat-input', words.hello);
    await desk.click('chat-send');
    await shot(buyer, 'buyer-5-call');
    await buyer.click('chat');
    await buyer.fill('chat-input', words.answer);
    await buyer.click('chat-send');
    await pause(300);
    await shot(buyer, 'buyer-6-chat');
    await buyer.click('chat-close');

    const first = await record(desk, 2500);
    await louped.finished(first, tokens.agent());
    await desk.click('take-still');
    await desk.see('still');
    await desk.click('look-back');
    await desk.see('done');
    await record(desk, 0, { stop: false });
    await pause(3000);
    await shot(buyer, 'buyer-7-recording');
    await shot(desk, 'desk-3-call');
    if (process.env.LOUPE_README && suffix === 'en') {
      copyFileSync(join(folder, `desk-3-call-${suffix}.png`), join(top, 'docs/screenshot.png'));
      copyFileSync(join(folder, `buyer-7-recording-${suffix}.png`), join(top, 'docs/screenshot-buyer.png'));
    }
    await desk.page.setViewportSize(PHONE);
    await shot(desk, 'desk-4-phone');
    await desk.page.setViewportSize(DESK);
    await desk.click('record');
    await desk.click('panel-timeline');
    await shot(desk, 'desk-5-timeline');

    await buyer.click('hang-up');
    await buyer.see('stage-end');
    await buyer.see('[data-testid=clip][data-state=ready]');
    await shot(buyer, 'buyer-8-end');
    await rate(buyer, one, words, shot);
    await desk.see('case-page');
    await desk.click(`[data-testid=clip][data-id="${first}"][data-state=ready]`);
    await desk.see('[data-testid=take][data-take=continuous]');
    assert.match(await desk.text('take'), /nor covered|从未关闭或遮挡/);
    await desk.click('check-clip');
    await desk.see('[data-testid=checked][data-result=verified]');
    await shot(desk, 'desk-6-player');
    await desk.page.setViewportSize(PHONE);
    await shot(desk, 'desk-7-player-phone');
    await desk.page.setViewportSize(DESK);
    if (suffix === 'en') await addressRunsOut(desk);
    await desk.click('trim');
    await desk.evaluate(() => document.querySelector('[data-testid=trim-to]').focus());
    for (let i = 0; i < 8; i++) await desk.page.keyboard.press('ArrowLeft');
    await shot(desk, 'desk-8-trim');
    await desk.click('trim-save');
    await desk.see('clip-note');
    await desk.click('player-close');
    const parts = async () => (await louped.ask('GET', `/cases/${one.id}/clips`, tokens.agent())).items.filter((c) => c.kind === 'trim');
    const [part] = await parts();
    assert.equal((await louped.finished(part.id, tokens.agent())).state, 'ready');
    await desk.see(`[data-testid=clip][data-id="${part.id}"][data-state=ready]`);
    const download = desk.page.waitForEvent('download');
    await desk.click('export');
    const archive = await download;
    assert.equal(archive.suggestedFilename(), `${one.number}.zip`);
    assert.equal(readFileSync(await archive.path()).subarray(0, 2).toString(), 'PK');
    await shot(desk, 'desk-9-case');
    if (suffix === 'en') await keepAndForget(one, part.id, shot);
    const refused = (text) => suffix === 'en' && /status of 403/.test(text); // what addressRunsOut asked for
    assert.deepEqual([...desk.errors.filter((text) => !refused(text)), ...buyer.errors], []);
  });
}

test('links that do not work say why', { timeout: 60_000 }, async (t) => {
  const page = await browser.open({ viewport: PHONE });
  t.after(() => page.close());
  const trouble = async (path, what) => {
    await page.goto('about:blank');
    await page.goto(`${louped.url}${path}`);
    await page.see(`[data-testid=link-trouble][data-trouble=${what}]`);
    await page.screenshot(join(folder, `link-${what}.png`));
  };
  const one = await louped.newCase();
  await trouble('/c/#nonsense', 'bad');
  await trouble(`/c/#${tokens.buyer(one).slice(0, -4)}AAAA`, 'expired');
  await trouble(`/desk#${tokens.buyer(one)}`, 'role');
  await page.goto('about:blank');
  await page.goto(`${louped.url}/`);
  await page.see('.home');
  await page.screenshot(join(folder, 'home.png'));
});
