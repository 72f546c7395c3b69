// SPDX-License-Identifier: Apache-2.0
// The steps that people take on the pages: a buyer goes to the queue, an agent takes calls.
import { lensScript } from './inpage.mjs';
import { tokens } from './server.mjs';

export const BUYER = { tag: 0xb1, hertz: 520 };
export const AGENT = { tag: 0xa7, hertz: 1250 };

export async function openDesk(browser, louped, { token = tokens.agent(), base = louped.url, ...options } = {}) {
  const page = await browser.open({ script: lensScript(AGENT), viewport: { width: 1440, height: 900 }, ...options });
  await page.goto(`${base}/desk#${token}`);
  await page.see('.desk[data-state=open]');
  return page;
}

/** `voice`: the agent consents to being heard in clips. */
export async function takeCalls(desk, { voice = true } = {}) {
  if (voice) await desk.click('voice');
  await desk.click('availability');
  await desk.see('[data-testid=availability][aria-pressed=true]');
}

export async function openBuyer(browser, louped, one, { consent = true, base = louped.url, ...options } = {}) {
  const viewport = { width: 390, height: 844 };
  const page = await browser.open({ script: lensScript(BUYER), viewport, ...options });
  await page.goto(`${base}/c/#${tokens.buyer(one)}`);
  if (consent) await page.click('consent');
  await page.click('start-go');
  await page.click('check-allow');
  await page.click('check-go');
  return page;
}

/** Both in a call: the agent has accepted, and each decodes the other's picture. Gives the time it took. */
export async function acceptCall(desk, buyer) {
  await desk.see('offer');
  await desk.locator('accept').click();
  const accepted = Date.now();
  const both = async () => {
    const sides = await Promise.all([desk.received(), buyer.received()]);
    return sides.every(({ framesDecoded, audioEnergy }) => framesDecoded > 1 && audioEnergy > 0);
  };
  while (!(await both())) {
    if (Date.now() - accepted > 15_000) {
      throw new Error(`no media: ${JSON.stringify([await desk.received(), await buyer.received()])}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return Date.now() - accepted;
}

/** Records for a while with the desk's button, timed in the page; gives the clip's id. */
export async function record(desk, ms, { stop = true } = {}) {
  await desk.until('something to record', () => !document.querySelector('[data-testid=record]').disabled);
  const id = await desk.evaluate(async ({ time, stopAfter }) => {
    const button = () => document.querySelector('[data-testid=record]');
    const clip = () => document.querySelector('[data-testid=clip][data-state=recording]');
    const pause = (pauseMs) => new Promise((resolve) => setTimeout(resolve, pauseMs));
    for (let i = 0; i < 500 && clip(); i++) await pause(20);
    button().click();
    for (let i = 0; i < 250 && !clip(); i++) await pause(20);
    const begun = clip()?.dataset.id;
    if (!stopAfter) return begun;
    await pause(time);
    if (button().getAttribute('aria-pressed') === 'true') button().click();
    return begun;
  }, { time: ms, stopAfter: stop });
  if (!id) throw new Error(`recording did not begin: ${await desk.text('note')}`);
  return id;
}
