// SPDX-License-Identifier: Apache-2.0
// Seeded chance: the same seed loses the same packets.

/** Numbers from 0 up to 1 (mulberry32). */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Says of each packet whether it is lost: `share` of all, in bursts of `burst` packets on average. */
export class Losses {
  #chance;
  #losing = false;

  constructor(seed) {
    this.#chance = seeded(seed);
  }

  next(share, burst = 1) {
    if (share <= 0) return (this.#losing = false);
    if (share >= 1) return (this.#losing = true);
    if (burst <= 1) return (this.#losing = this.#chance() < share);
    // Gilbert's two states: out of a burst with 1/burst, into one so often that the share comes out.
    const into = share / (burst * (1 - share));
    this.#losing = this.#losing ? this.#chance() >= 1 / burst : this.#chance() < into;
    return this.#losing;
  }
}
