// SPDX-License-Identifier: Apache-2.0
// A publisher and viewers in browsers, each behind a bad network of their own.
import { ImpairRelay } from './relay.mjs';
import { impairScript } from './inpage.mjs';

/** Somebody with a page and a relay. */
class Impaired {
  static async join(browser, action, { site, media, seed, rules = {}, ...where }) {
    const one = new Impaired();
    one.relay = await ImpairRelay.start({ target: media, seed, up: rules, down: rules });
    one.page = await browser.open({ script: impairScript });
    await one.page.goto(`${site}/healthz`);
    await one.page.evaluate(([name, it]) => globalThis.impaired[name](it), [action, { ...where, port: one.relay.port }]);
    return one;
  }

  figures() {
    return this.page.evaluate(() => globalThis.impaired.figures());
  }

  /** When which picture was shown, since it began to watch or was asked last. */
  pictures() {
    return this.page.evaluate(() => globalThis.pictures.splice(0));
  }

  async close() {
    await this.page.close();
    this.relay.close();
  }
}

/** `where`: site (the server's origin), media ("address:port"), url (WHIP), token, seed, rules (of both
 *  directions), and the camera: width, height, scales, maxBitrate. */
export function publish(browser, where) {
  return Impaired.join(browser, 'publish', where);
}

/** The same with WHEP; resolves when pictures come. */
export async function watch(browser, where) {
  const viewer = await Impaired.join(browser, 'watch', where);
  await viewer.page.until('the picture', () => globalThis.pictures.length > 5);
  return viewer;
}

/** What a viewer saw from one look at its figures to the next. */
export function between(before, after) {
  const seconds = (after.at - before.at) / 1000;
  const grown = (kind, name) => (after[kind]?.[name] ?? 0) - (before[kind]?.[name] ?? 0);
  return {
    seconds,
    fps: grown('video', 'frames') / seconds,
    freezes: grown('video', 'freezes'),
    frozen_s: grown('video', 'frozen'),
    kbps: (grown('video', 'bytes') * 8) / 1000 / seconds,
    concealed: grown('audio', 'made') / Math.max(1, grown('audio', 'samples')),
    width: after.video?.width,
    key_frames: grown('video', 'keys'),
    nacks: grown('video', 'nacks'),
    plis: grown('video', 'plis'),
  };
}
