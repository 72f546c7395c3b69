// SPDX-License-Identifier: Apache-2.0
// How well the network carries the call, read from the browser's statistics: one word, and the reason.
// What the server sees of this side's sending comes back in its receiver reports, and so is in them, too.
import type { LineStats, Network, NetworkTrouble, Quality, SlotState } from './protocol.js';

type Entry = Record<string, unknown> & { id: string; type: string };

/** What was measured between two looks. */
export interface Measured {
  rttMs: number | undefined;
  /** Shares of packets, 0 to 1. */
  lostUp: number;
  lostDown: number;
  jitterMs: number;
  /** Share of the sound that was made up for what was missing. */
  concealed: number;
  /** Share of the time in which a picture stood still. */
  frozen: number;
  /** The sender holds back for want of bandwidth. */
  heldBack: boolean;
  /** Nothing at all came. */
  silent: boolean;
}

/** What the statistics do not say. */
export interface Known {
  /** What the slots show. */
  states?: SlotState[];
  /** Mids of lines whose picture is meant to stand still. */
  still?: Set<string>;
  /** The sender was told to hold back. */
  capped?: boolean;
}

/** From which value on something is [fair, poor]. */
const BOUNDS: [NetworkTrouble, (m: Measured) => number, number, number][] = [
  ['stalled', (m) => (m.silent ? 1 : m.frozen), 0.15, 0.4],
  ['loss', (m) => Math.max(m.lostUp, m.lostDown, 2 * m.concealed), 0.02, 0.08],
  ['delay', (m) => m.rttMs ?? 0, 220, 500],
  ['jitter', (m) => m.jitterMs, 60, 150],
];

/** The worst of what was measured, and of what the server shows because of the path. */
export function judge(measured: Measured, states: SlotState[] = []): Network {
  const words: [Quality, NetworkTrouble][] = [];
  for (const [why, value, fair, poor] of BOUNDS) {
    const now = value(measured);
    if (now >= poor) words.push(['poor', why]);
    else if (now >= fair) words.push(['fair', why]);
  }
  if (states.includes('audio_only') || states.includes('slideshow')) words.push(['poor', 'slow_down']);
  if (measured.heldBack) words.push(['fair', 'slow_up']);
  const worst = words.find(([quality]) => quality === 'poor') ?? words[0];
  const rtt = measured.rttMs === undefined ? {} : { rtt_ms: Math.min(60_000, measured.rttMs) };
  return worst ? { quality: worst[0], why: worst[1], ...rtt } : { quality: 'good', ...rtt };
}

const number = (entry: Entry | undefined, name: string): number => {
  const value = entry?.[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
};
const share = (part: number, whole: number): number => (whole > 0 ? Math.max(0, Math.min(1, part / whole)) : 0);

/** Worse is believed at once, better only when it lasts. */
const BETTER_AFTER = 3;
const RANK: Record<Quality, number> = { good: 0, fair: 1, poor: 2 };

export class NetworkWatch {
  network: Network | undefined;
  measured: Measured | undefined;
  lines: Record<string, LineStats> = {};
  #before = new Map<string, Entry>();
  #betterFor = 0;
  #still = new Set<string>();
  /** Freezes that were meant to be, by the line's id. */
  #excused = new Map<string, { count: number; seconds: number }>();

  /** Takes in one look at the statistics. */
  take(report: Iterable<unknown>, known: Known = {}): Network | undefined {
    const now = new Map<string, Entry>();
    for (const entry of report) now.set((entry as Entry).id, entry as Entry);
    const first = this.#before.size === 0;
    const still = known.still ?? new Set();
    this.measured = this.#measure(now, new Set([...still, ...this.#still]));
    if (known.capped) this.measured.heldBack = false;
    this.#before = now;
    this.#still = still;
    if (first) return this.network;
    const next = judge(this.measured, known.states);
    const better = this.network !== undefined && RANK[next.quality] < RANK[this.network.quality];
    this.#betterFor = better ? this.#betterFor + 1 : 0;
    if (!better || this.#betterFor >= BETTER_AFTER) {
      this.network = next;
      this.#betterFor = 0;
    } else if (this.network && next.rtt_ms !== undefined) {
      this.network = { ...this.network, rtt_ms: next.rtt_ms };
    }
    return this.network;
  }

  #grown(entry: Entry, name: string): number {
    return number(entry, name) - number(this.#before.get(entry.id), name);
  }

  #measure(now: Map<string, Entry>, still: Set<string>): Measured {
    const all = [...now.values()];
    const of = (type: string) => all.filter((entry) => entry.type === type);
    const pair = of('candidate-pair').find((one) => one['nominated'] === true && one['state'] !== 'failed');
    const rtt = pair?.['currentRoundTripTime'];
    const inbound = of('inbound-rtp');
    let [lost, came, frozen, concealed, samples, jitterMs] = [0, 0, 0, 0, 0, 0];
    this.lines = {};
    for (const one of inbound) {
      const packets = this.#grown(one, 'packetsReceived');
      came += packets;
      lost += Math.max(0, this.#grown(one, 'packetsLost'));
      if (one['kind'] === 'audio') {
        concealed += this.#grown(one, 'concealedSamples') - this.#grown(one, 'silentConcealedSamples');
        samples += this.#grown(one, 'totalSamplesReceived');
        if (packets > 0) jitterMs = Math.max(jitterMs, number(one, 'jitter') * 1000);
      } else {
        if (still.has(String(one['mid']))) this.#excuse(one);
        else frozen = Math.max(frozen, this.#grown(one, 'totalFreezesDuration') / this.#seconds(one));
      }
      this.#addLine(one);
    }
    const outbound = of('outbound-rtp').filter((one) => one['kind'] === 'video' && one['active'] !== false);
    return {
      rttMs: typeof rtt === 'number' ? Math.round(rtt * 1000) : undefined,
      lostUp: Math.max(0, ...of('remote-inbound-rtp').map((one) => number(one, 'fractionLost'))),
      lostDown: share(lost, lost + came),
      jitterMs,
      concealed: share(concealed, samples),
      frozen: Math.max(0, Math.min(1, frozen)),
      heldBack: outbound.some((one) => one['qualityLimitationReason'] === 'bandwidth'),
      silent: came === 0 && pair !== undefined && inbound.some((one) => this.#before.has(one.id)) &&
        this.#grown(pair, 'bytesReceived') === 0,
    };
  }

  #excuse(one: Entry): void {
    const before = this.#excused.get(one.id) ?? { count: 0, seconds: 0 };
    this.#excused.set(one.id, {
      count: before.count + this.#grown(one, 'freezeCount'),
      seconds: before.seconds + this.#grown(one, 'totalFreezesDuration'),
    });
  }

  #seconds(entry: Entry): number {
    const ms = number(entry, 'timestamp') - number(this.#before.get(entry.id), 'timestamp');
    return ms > 0 && ms < 600_000 ? ms / 1000 : Infinity;
  }

  #addLine(one: Entry): void {
    const { mid } = one;
    const whole = (value: number, most = 2 ** 32 - 1) => Math.min(most, Math.max(0, Math.round(value)));
    if (typeof mid !== 'string' || number(one, 'packetsReceived') === 0) return;
    if (one['kind'] === 'audio') {
      const made = this.#grown(one, 'concealedSamples') - this.#grown(one, 'silentConcealedSamples');
      const all = this.#grown(one, 'totalSamplesReceived');
      this.lines[mid] = { concealed_permille: whole(1000 * share(made, all)) };
      return;
    }
    const excused = this.#excused.get(one.id) ?? { count: 0, seconds: 0 };
    this.lines[mid] = {
      fps: whole(number(one, 'framesPerSecond'), 1000),
      width: whole(number(one, 'frameWidth'), 65_535),
      height: whole(number(one, 'frameHeight'), 65_535),
      freezes: whole(number(one, 'freezeCount') - excused.count),
      frozen_ms: whole((number(one, 'totalFreezesDuration') - excused.seconds) * 1000),
    };
  }
}
