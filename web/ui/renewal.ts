// SPDX-License-Identifier: Apache-2.0
// A clip's addresses are signed, and good for ten minutes. Whoever looks longer, seeks later or downloads then
// gets new ones; what fails all the same has another reason.
import type { Clip } from '../sdk/index.js';

/** After a renewal, a failure within this is not of age. */
const AGAIN_MS = 30_000;
/** Addresses are taken for old a little before they are. */
const OLD_MS = 9 * 60_000;

export class Renewal {
  #url: string | undefined;
  #since = 0;
  #renewed = -Infinity;

  constructor(
    readonly ask: (id: string) => Promise<Clip>,
    readonly now: () => number = () => performance.now(),
  ) {}

  /** These addresses are in use; when they came is remembered, as clocks may differ from the server's. */
  note(clip: Clip): void {
    if (clip.media_url === this.#url) return;
    this.#url = clip.media_url;
    this.#since = this.now();
  }

  get old(): boolean {
    return this.now() - this.#since > OLD_MS;
  }

  /** The clip with new addresses; undefined: there are none, or they would not help. */
  async renew(clip: Clip): Promise<Clip | undefined> {
    if (!clip.media_url || this.now() - this.#renewed < AGAIN_MS) return undefined;
    this.#renewed = this.now();
    const fresh = await this.ask(clip.id).catch(() => undefined);
    if (!fresh?.media_url) return undefined;
    const { media_url, poster_url, manifest_url } = fresh;
    return { ...clip, media_url, poster_url, manifest_url } as Clip;
  }
}
