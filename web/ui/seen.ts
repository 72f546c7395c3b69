// SPDX-License-Identifier: Apache-2.0
// What each viewer of a call saw, second by second, told in runs of a few words: sharp, smaller, frozen, one
// picture a second, sound alone. Times are milliseconds from the clip's begin.
import type { Seen, SeenLayer } from '../sdk/index.js';

export type SeenWord = 'good' | 'reduced' | 'frozen' | 'slideshow' | 'audio_only' | 'paused' | 'unknown';

export interface SeenRun {
  from_ms: number;
  to_ms: number;
  word: SeenWord;
}

export interface SeenRow {
  viewer: string;
  publisher: string;
  /** As the viewer's own page told it, not the server. */
  told: boolean;
  runs: SeenRun[];
  /** Seconds that are known, and those of them that were good. */
  known: number;
  good: number;
  frozen_ms: number;
  lost: number;
  /** The size seen for most of the time. */
  width: number;
  height: number;
}

const SECOND = 1000;
const FROZEN_MS = 500;
const FEW_PICTURES = 10;
const SMALLER = 0.75;

function layerAt(layers: SeenLayer[], index: number): SeenLayer | undefined {
  return layers.filter(({ from }) => from <= index).at(-1);
}

/** `best`: the widest picture that anybody was sent of this publisher. */
export function wordOf(item: Seen, index: number, best: number): SeenWord {
  const layer = layerAt(item.layers ?? [], index);
  if (layer && layer.state !== 'video') return layer.state;
  const [arrived, frozen] = [item.arrived[index], item.frozen_ms?.[index]];
  const sent = item.sent?.[index] ?? 0;
  if ((frozen ?? 0) >= FROZEN_MS || (arrived === 0 && sent > 1)) return 'frozen';
  if (arrived === null || arrived === undefined) return 'unknown';
  const smaller = layer?.width !== undefined && layer.width > 0 && layer.width < best * SMALLER;
  return smaller || arrived < FEW_PICTURES ? 'reduced' : 'good';
}

const sum = (values: (number | null)[] | undefined) => (values ?? []).reduce<number>((all, value) => all + (value ?? 0), 0);

/** The size held for the most seconds. */
function usualSize(items: Seen[]): [number, number] {
  const seconds = new Map<string, number>();
  for (const item of items) {
    item.arrived.forEach((_, index) => {
      const { state, width = 0, height = 0 } = layerAt(item.layers ?? [], index) ?? {};
      if (state === 'video' && width > 0) seconds.set(`${width} ${height}`, (seconds.get(`${width} ${height}`) ?? 0) + 1);
    });
  }
  const [size] = [...seconds].sort(([, a], [, b]) => b - a)[0] ?? ['0 0'];
  return size.split(' ').map(Number) as [number, number];
}

function runsOf(items: Seen[], best: number, length: number): SeenRun[] {
  const runs: SeenRun[] = [];
  for (const item of items) {
    item.arrived.forEach((_, index) => {
      const from = Math.max(0, item.from_ms + index * SECOND);
      const to = Math.min(length, item.from_ms + (index + 1) * SECOND);
      if (to <= from) return;
      const word = wordOf(item, index, best);
      const last = runs.at(-1);
      if (last && last.word === word && Math.abs(last.to_ms - from) < 2) last.to_ms = to;
      else runs.push({ from_ms: from, to_ms: to, word });
    });
  }
  return runs;
}

/** One row for each viewer of each publisher's picture, in the order of their first second. */
export function seenRows(items: Seen[], length: number): SeenRow[] {
  const pictures = items.filter(({ kind }) => kind === 'video');
  const groups = new Map<string, Seen[]>();
  for (const item of pictures) {
    const key = JSON.stringify([item.viewer, item.publisher, item.source]);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return [...groups.values()].map((all) => {
    const { viewer, publisher, source } = all[0] as Seen;
    const same = pictures.filter((one) => one.publisher === publisher);
    const best = Math.max(0, ...same.flatMap(({ layers }) => (layers ?? []).map(({ width }) => width ?? 0)));
    const words = all.flatMap((item) => item.arrived.map((_, index) => wordOf(item, index, best)));
    const [width, height] = usualSize(all);
    const sorted = [...all].sort((a, b) => a.from_ms - b.from_ms);
    return {
      viewer, publisher, told: source === 'client', runs: runsOf(sorted, best, length), width, height,
      known: words.filter((word) => word !== 'unknown').length, good: words.filter((word) => word === 'good').length,
      frozen_ms: all.reduce((ms, { frozen_ms }) => ms + sum(frozen_ms), 0), lost: all.reduce((n, { lost }) => n + sum(lost), 0),
    };
  });
}
