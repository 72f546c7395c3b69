// SPDX-License-Identifier: Apache-2.0
// Debian's Chromium and Firefox behind one interface: launch('chromium' | 'firefox') gives a browser
// whose open() makes a page with a profile of its own. Elements are named by their data-testid.
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';

export const KINDS = ['chromium', 'firefox'];
const PATIENCE_MS = 15_000;

const CHROMIUM = [
  '--no-sandbox', '--disable-gpu', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
  '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--disable-quic', '--autoplay-policy=no-user-gesture-required',
  '--disable-background-timer-throttling', '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
];
const FIREFOX = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.default_address_only': false,
  'permissions.default.camera': 1,
  'permissions.default.microphone': 1,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'dom.min_background_timeout_value': 4,
  'dom.timeout.enable_budget_timer_throttling': false,
};

const byId = (id) => (/^[\w-]+$/.test(id) ? `[data-testid="${id}"]` : id);

/** What both drivers' pages are made of; a driver adds click, fill, evaluate, goto, reload, screenshot. */
class Page {
  errors = [];

  constructor(kind, page) {
    this.kind = kind;
    this.page = page;
    page.on('pageerror', (error) => this.errors.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(message.text());
    });
  }

  evaluate(callback, argument) {
    return this.page.evaluate(callback, argument);
  }

  /** Waits until a function in the page gives something true, and gives that. */
  async until(what, callback, argument, withinMs = PATIENCE_MS) {
    const end = Date.now() + withinMs;
    let last;
    for (;;) {
      try {
        const value = await this.evaluate(callback, argument);
        if (value) return value;
        last = value;
      } catch (error) {
        last = error;
      }
      if (Date.now() > end) throw new Error(`${this.kind}: waited in vain for ${what} (${String(last)})`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  see(id, withinMs) {
    const shown = (selector) => document.querySelector(selector)?.checkVisibility() === true;
    return this.until(`"${id}"`, shown, byId(id), withinMs);
  }

  gone(id, withinMs) {
    return this.until(`"${id}" to go`, (selector) => !document.querySelector(selector), byId(id), withinMs);
  }

  text(id) {
    return this.evaluate((selector) => document.querySelector(selector)?.textContent.trim(), byId(id));
  }

  /** Puppeteer's own wait for what is enabled never ends in older Firefoxes; see and until do it here. */
  locator(id) {
    const found = this.page.locator(byId(id));
    return this.kind === 'firefox' ? found.setWaitForEnabled(false) : found;
  }

  async click(id) {
    await this.see(id);
    await this.until(`"${id}" to be enabled`, (s) => !document.querySelector(s)?.disabled, byId(id));
    await this.locator(id).click();
  }

  async fill(id, text) {
    await this.see(id);
    await this.locator(id).fill(text);
  }

  received() {
    return this.evaluate(() => window.lens.received());
  }

  /** The pattern shown by the <video> in an element. */
  seen(id) {
    return this.evaluate((selector) => window.lens.seen(selector), `${byId(id)} video, video${byId(id)}`);
  }

  async goto(url) {
    await this.page.goto(url, { waitUntil: 'load' });
  }

  async reload() {
    await this.page.reload({ waitUntil: 'load' });
  }

  screenshot(path) {
    return this.page.screenshot({ path });
  }

  close() {
    return this.closeContext();
  }
}

async function launchChromium(fps, camera) {
  const args = fps ? [...CHROMIUM, `--use-fake-device-for-media-stream=fps=${fps}`] : [...CHROMIUM];
  if (camera) args.push(`--use-file-for-fake-video-capture=${camera}`);
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args });
  const open = async ({ script, viewport = { width: 1280, height: 800 }, locale = 'en-GB' } = {}) => {
    const context = await browser.newContext({ viewport, locale });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    if (script) await page.addInitScript({ content: script });
    const made = new Page('chromium', page);
    made.closeContext = () => context.close();
    return made;
  };
  return { kind: 'chromium', open, close: () => browser.close() };
}

/** Older Firefoxes take the size but do not know how to set the orientation that goes with it. */
async function setViewport(page, viewport) {
  try {
    await page.setViewport(viewport);
  } catch (error) {
    if (!/unknown command emulation\./.test(error.message)) throw error;
  }
}

/** Without a sound card Firefox runs no AudioContext: its own fake microphone makes the tone. */
async function launchFirefox(hertz) {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.LOUPE_FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
    extraPrefsFirefox: {
      ...FIREFOX,
      'intl.accept_languages': 'en-GB, en',
      'media.navigator.audio.fake_frequency': hertz,
    },
    defaultViewport: null,
  });
  const open = async ({ script, viewport = { width: 1280, height: 800 } } = {}) => {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await setViewport(page, viewport);
    if (script) await page.evaluateOnNewDocument(script);
    const made = new Page('firefox', page);
    made.closeContext = () => context.close();
    return made;
  };
  return { kind: 'firefox', open, close: () => browser.close() };
}

/** `hertz`: the tone of the fake microphone, where the browser cannot make one in the page; `fps` of
 *  Chromium's fake camera, or the file (Y4M) that it shows. */
export function launch(kind, { hertz = 440, fps, camera } = {}) {
  return kind === 'chromium' ? launchChromium(fps, camera) : launchFirefox(hertz);
}
