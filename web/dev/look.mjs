// SPDX-License-Identifier: Apache-2.0
// Takes a picture of every state of the pages, played by mock-server.mjs, into build/look/. The peer
// connection is played too: slots show a drawn picture. Needs the browsers' packages of tests/e2e.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '../../build/look');
const { chromium } = createRequire(join(here, '../../tests/e2e/package.json'))('playwright-core');
const SIZES = { phone: { width: 390, height: 844 }, desk: { width: 1440, height: 900 } };
const BROWSER = [
  '--no-sandbox', '--disable-gpu', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
];

const server = spawn(process.execPath, [join(here, 'mock-server.mjs'), '0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
process.on('exit', () => server.kill());
const links = {};
await new Promise((resolve) => {
  let text = '';
  server.stdout.on('data', (bytes) => {
    text += bytes;
    const lines = [...text.matchAll(/^(.+): (http.*)$/gm)];
    for (const [, name, link] of lines) links[name] = link;
    if (lines.length >= 9) resolve();
  });
});

/** In the page: slots get a drawn picture, as if media had come. */
function drawSlots() {
  const draw = () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 });
    const c = canvas.getContext('2d');
    const paint = () => {
      const wash = c.createLinearGradient(0, 0, 1280, 720);
      [[0, '#b98a5f'], [0.5, '#8a5a33'], [1, '#5c3a20']].forEach(([at, colour]) => wash.addColorStop(at, colour));
      c.fillStyle = wash;
      c.fillRect(0, 0, 1280, 720);
      c.strokeStyle = '#f0d9b5';
      c.setLineDash([22, 14]);
      c.lineWidth = 5;
      c.strokeRect(90, 90, 1100, 540);
    };
    paint();
    setInterval(paint, 200);
    return canvas.captureStream(10).getVideoTracks()[0];
  };
  document.addEventListener('DOMContentLoaded', () => {
    const show = (selector) => {
      const one = document.querySelector(selector);
      if (one) one.media = draw();
    };
    window.showPictures = () => {
      show('[data-testid=buyer-video]');
      show('[data-testid=remote-video]');
      document.querySelectorAll('.no-picture, .agent .face').forEach((element) => (element.hidden = true));
      const app = document.querySelector('buyer-app, desk-app');
      Object.defineProperty(app.call.media ?? app.call, 'network', {
        value: window.slowNetwork ? { quality: 'fair', why: 'slow_up', rtt_ms: 90 } : { quality: 'good', rtt_ms: 30 },
      });
      app.requestUpdate();
      document.querySelectorAll('[data-testid=banner]').forEach((element) => (element.hidden = true));
    };
  });
}

const id = (name) => `[data-testid=${name}]`;
const toCheck = [['click', id('start-go')]];
const toPreview = [...toCheck, ['click', id('check-allow')], ['see', id('check-go')]];
const enter = [...toPreview, ['click', id('check-go')]];
const inCall = [...enter, ['see', id('stage-call')], ['pictures']];
const offered = [['click', id('availability')], ['see', id('offer')]];
const deskCall = [...offered, ['click', id('accept')], ['see', id('stage')], ['wait'], ['pictures']];
const scenes = [
  ['buyer-start', 'buyer wait', []],
  ['buyer-consent', 'buyer wait', [['click', id('consent')]]],
  ['buyer-check', 'buyer wait', toCheck],
  ['buyer-preview', 'buyer wait', [...toPreview, ['wait']]],
  ['buyer-denied', 'buyer wait', [...toCheck, ['deny'], ['click', id('check-allow')], ['see', id('media-trouble')]]],
  ['buyer-waiting', 'buyer wait', [...enter, ['see', id('position')], ['wait']]],
  ['buyer-closed', 'buyer closed', [...enter, ['see', id('booking-day')]]],
  ['buyer-closed-chosen', 'buyer closed', [...enter, ['click', `${id('booking-day')} >> nth=1`], ['click', `${id('booking-time')} >> nth=3`]]],
  ['buyer-long', 'buyer long', [...enter, ['see', id('booking-ask')]]],
  ['buyer-booked', 'buyer booked', [['see', id('booking')]]],
  ['buyer-rings', 'buyer rings', [['see', id('booking')]]],
  ['buyer-call', 'buyer call', inCall],
  ['buyer-call-rec', 'buyer call-rec', inCall],
  ['buyer-net', 'buyer call-net', inCall],
  ['buyer-chat', 'buyer call', [...inCall, ['click', id('chat')]]],
  ['buyer-end', 'buyer call', [...inCall, ['click', id('hang-up')], ['see', id('clip')]]],
  ['desk-away', 'desk idle', []],
  ['desk-available', 'desk idle', [['click', id('availability')], ['see', id('queue')]]],
  ['desk-case', 'desk idle', [['click', `${id('case-entry')} >> nth=0`], ['see', id('clip')]], 'phone:stage'],
  ['desk-offer', 'desk offer', offered],
  ['desk-call', 'desk offer', deskCall],
  ['desk-net', 'desk offer-net', deskCall],
  ['desk-noconsent', 'desk offer-noconsent', deskCall],
  ['desk-rec', 'desk offer-rec', [...deskCall, ['click', id('panel-timeline'), 'wide']]],
  ['home', 'home', []],
  ['trouble', 'bad', []],
];

const steps = {
  click: (page, selector) => page.click(selector),
  see: (page, selector) => page.waitForSelector(selector),
  wait: (page) => page.waitForTimeout(600),
  pictures: async (page) => {
    await page.waitForTimeout(300);
    await page.evaluate(() => window.showPictures());
    await page.waitForTimeout(500);
  },
  deny: (page) =>
    page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
    }),
};

async function look(browser, size, [name, link, actions], locale, scheme) {
  const context = await browser.newContext({ viewport: SIZES[size], locale, colorScheme: scheme });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error') console.log(name, message.text());
  });
  page.on('pageerror', (error) => console.log(name, String(error)));
  await page.addInitScript(drawSlots);
  if (link.endsWith('-net')) await page.addInitScript(() => (window.slowNetwork = true));
  const { origin } = new URL(links['desk idle']);
  const addresses = { home: `${origin}/`, bad: `${origin}/c/#nonsense` };
  await page.goto(addresses[link] ?? links[link]);
  await page.waitForSelector('buyer-app main, home-app main, .desk[data-state=open], main.trouble');
  try {
    if (size === 'phone' && name === 'desk-case') await page.click(id('tab-lists'));
    for (const [step, what, only] of actions) {
      if (only !== 'wide' || size === 'desk') await steps[step](page, what);
    }
  } catch (error) {
    console.log(name, size, String(error).split('\n')[0]);
  }
  await page.waitForTimeout(250);
  const label = [name, size, locale === 'zh-CN' ? 'zh' : '', scheme === 'dark' ? 'dark' : ''];
  await page.screenshot({ path: join(out, `${label.filter(Boolean).join('-')}.png`) });
  await context.close();
}

mkdirSync(out, { recursive: true });
const wanted = new RegExp(process.argv[2] ?? '.');
const sizes = (process.argv[3] ?? 'phone,desk').split(',');
const locale = process.argv[4] ?? 'en-GB';
const scheme = process.argv[5] ?? 'light';
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: BROWSER });
for (const scene of scenes) {
  for (const size of sizes) {
    if (wanted.test(scene[0])) await look(browser, size, scene, locale, scheme);
  }
}
await browser.close();
process.exit();
