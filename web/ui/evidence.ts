// SPDX-License-Identifier: Apache-2.0
// What a clip's manifest says, as a viewer needs it: was the take unbroken, what is missing, what happened
// when, who sealed it. Times are milliseconds from the begin of the clip that is shown, also of a trimmed one.

import type { Seen } from '../sdk/index.js';

export interface PublicKey {
  kid: string;
  created_at?: string;
  retired_at?: string;
  revoked_at?: string;
  reason?: string;
}

interface Span {
  from_ms: number;
  to_ms: number;
}

interface ManifestMark {
  at_ms: number;
  kind: string;
  text?: string;
}

interface HashedFile {
  bytes: number;
  sha256: string;
}

/** The members that are read here; docs/EVIDENCE.md has all. */
export interface Manifest {
  seal: {
    clip: string;
    key: PublicKey;
    sealed_at: string;
    started_at?: string;
    duration_ms?: number;
    media?: HashedFile;
    gaps?: (Span & { packets: number; frames: number })[];
    marks?: ManifestMark[];
    take?: Span & { continuous: boolean; lens_checked?: boolean; breaks: (Span & { kind: string })[] };
    recorder?: { ended: boolean };
    seen?: Seen[];
  };
  timestamp?: string;
  trim?: Span & { of: string; media?: HashedFile };
}

export interface Break extends Span {
  kind: string;
}

export interface Mark {
  at_ms: number;
  kind: string;
  text: string;
}

export interface Evidence {
  length_ms: number;
  /** Undefined: the recorder's log does not say. */
  continuous: boolean | undefined;
  /** It was looked all over for a covered lens; else there may have been one that is not among the breaks. */
  lens_checked: boolean;
  breaks: Break[];
  /** Of the picture, those that break the take left out. */
  gaps: Span[];
  marks: Mark[];
  /** When the clip begins. */
  started_at: string | undefined;
  kid: string;
  sealed_at: string;
  timestamped: boolean;
  /** What each participant saw. */
  seen: Seen[];
  /** Of a trimmed clip: of which clip, and from where to where of it. */
  part: (Span & { of: string }) | undefined;
}

/** What ends a state that a mark began. */
const ENDED_BY: Record<string, string> = { muted: 'unmuted', covered: 'uncovered', track_ended: 'track_changed' };

/** A break that is told as a moment lasts until the mark that ends it, if there is one. */
function lasting(one: Break, marks: ManifestMark[], end: number): Break {
  const ending = ENDED_BY[one.kind];
  if (!ending || one.to_ms > one.from_ms) return one;
  const mark = marks.find(({ at_ms, kind }) => kind === ending && at_ms >= one.from_ms);
  return { ...one, to_ms: mark?.at_ms ?? end };
}

/** The part of a span within [from, to], counted from `from`; undefined: none of it. */
function within<T extends Span>(span: T, from: number, to: number): T | undefined {
  if (span.to_ms < from || span.from_ms > to || (span.from_ms === to && to > from)) return undefined;
  return { ...span, from_ms: Math.max(span.from_ms, from) - from, to_ms: Math.min(span.to_ms, to) - from };
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}

export function evidenceOf({ seal, timestamp, trim }: Manifest): Evidence {
  const whole = seal.take?.to_ms || seal.duration_ms || 0;
  const [from, to] = trim ? [trim.from_ms, Math.min(trim.to_ms, whole || trim.to_ms)] : [0, whole];
  const marks = seal.marks ?? [];
  const breaks = (seal.take?.breaks ?? [])
    .map((one) => within(lasting(one, marks, whole), from, to)).filter(isThere);
  const gaps = (seal.gaps ?? []).map((gap) => within(gap, from, to)).filter(isThere);
  const told = seal.take !== undefined && seal.recorder?.ended !== false;
  return {
    length_ms: to - from,
    continuous: breaks.length > 0 ? false : told ? true : undefined,
    lens_checked: seal.take?.lens_checked === true,
    breaks,
    gaps: gaps.filter((gap) => !breaks.some((one) => one.kind === 'gap' && one.from_ms === gap.from_ms)),
    marks: marks
      .filter(({ at_ms }) => at_ms >= from && at_ms <= to)
      .map(({ at_ms, kind, text = '' }) => ({ at_ms: at_ms - from, kind, text })),
    started_at: seal.started_at ? new Date(Date.parse(seal.started_at) + from).toISOString() : undefined,
    kid: seal.key.kid,
    sealed_at: seal.sealed_at,
    timestamped: timestamp !== undefined,
    seen: (seal.seen ?? []).map((one) => ({ ...one, from_ms: one.from_ms - from })),
    part: trim ? { of: trim.of, from_ms: from, to_ms: to } : undefined,
  };
}

/** What happens at a moment, the most telling of it; '' when the picture simply runs. */
export function stateAt({ breaks, gaps }: Evidence, at: number): string {
  const covers = ({ from_ms, to_ms }: Span) => at >= from_ms && at <= to_ms;
  return breaks.find(covers)?.kind ?? (gaps.some(covers) ? 'gap' : '');
}

export type KeyState = 'good' | 'retired' | 'revoked' | 'unknown';

/** What became of the key that sealed it, by the server's own list. */
export function keyState(kid: string, keys: PublicKey[] | undefined): KeyState {
  const key = keys?.find((one) => one.kid === kid);
  if (!key) return 'unknown';
  return key.revoked_at ? 'revoked' : key.retired_at ? 'retired' : 'good';
}

/** Where stills lie in a clip: those of its publisher whose time is within it. */
export function placesOf<T extends { at: string; publisher?: string }>(
  stills: T[], startedAt: string | undefined, length: number, publisher?: string,
): { at_ms: number; still: T }[] {
  if (!startedAt) return [];
  const begin = Date.parse(startedAt);
  return stills
    .filter((still) => !publisher || still.publisher === publisher)
    .map((still) => ({ at_ms: Date.parse(still.at) - begin, still }))
    .filter(({ at_ms }) => at_ms >= 0 && at_ms <= length);
}

/** A still's figures as words. Sharpness is the variance of the Laplacian, which grows with detail: a plain
 *  surface has little of it though all is in focus, so the lowest word says no more than it knows. */
export type SharpWord = 'soft' | 'fair' | 'sharp';
export type LightWord = 'dark' | 'bright' | 'good' | 'harsh';

export function sharpWord(variance: number): SharpWord {
  if (variance < 30) return 'soft';
  return variance < 120 ? 'fair' : 'sharp';
}

/** `dark`, `bright`: shares of pixels without detail. */
export function lightWord({ luma, dark = 0, bright = 0 }: { luma: number; dark?: number; bright?: number }): LightWord {
  if (dark > 0.1 && bright > 0.1) return 'harsh';
  if (luma < 50 || dark > 0.25) return 'dark';
  if (luma > 215 || bright > 0.15) return 'bright';
  return 'good';
}
