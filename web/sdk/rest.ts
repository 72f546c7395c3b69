// SPDX-License-Identifier: Apache-2.0
// The HTTP interface from a page: cases, clips, timeline, consent, recording. Errors are the server's
// problem details (RFC 9457).
import type {
  Access, BookedCase, Booking, Case, Certificate, Clip, ClipDrawing, Dispute, DisputeEntry, Examination, Ground, Hold, Judgement, Note, PieceOfEvidence, Seen,
  FreeTime, Still, Texts, TimelineEvent, Tombstone, Verdict, WrapUp,
} from './protocol.js';
import type { Attachment } from './upload.js';

export interface Problem {
  type?: string;
  title?: string;
  status: number;
  detail?: string;
  code?: string;
  [member: string]: unknown;
}

/** An answer other than 2xx. `status` 0: no answer at all. */
export class LoupeProblem extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title ?? `HTTP ${problem.status}`);
    this.name = 'LoupeProblem';
  }

  get status(): number {
    return this.problem.status;
  }
}

export interface RestOptions {
  token: string;
  /** By default `/api/v1` of the page's own origin. */
  base?: string;
  fetch?: typeof fetch;
}

export interface Page<T> {
  items: T[];
  next_cursor?: string;
}

export interface CaseQuery {
  state?: string;
  kind?: string;
  q?: string;
  cursor?: string;
  limit?: number;
}

async function problemOf(response: Response): Promise<Problem> {
  const body = (await response.json().catch(() => undefined)) as Problem | undefined;
  const given = body && typeof body === 'object' ? body : {};
  return { title: response.statusText, ...given, status: response.status };
}

/** A piece of an upload; the last one with the hash (base64) of all. */
export interface Piece {
  offset: number;
  bytes: Blob;
  digest?: string;
  /** With the last one: that the photograph says where it was taken is agreed to. */
  keepPlace?: boolean;
}

/** Where an upload stands, what came of it, or why it may be tried again. */
export type PieceAnswer<T = Still> = { offset: number } | { done: T } | { error: LoupeProblem };

/** An opinion as it is hashed to commit to it, and revealed later. */
export interface SealedOpinion {
  verdict: Verdict;
  grounds: Required<Ground>[];
  points: Record<string, { judgement: Judgement; note: string }>;
  nonce: string;
}

/** How a merchant's pages look. */
export interface Brand {
  name: string;
  /** The name is not just the merchant's as it was entered. */
  named?: boolean;
  accent?: { light: string; dark: string };
  languages?: string[];
  logo_url?: string;
  privacy_url?: string;
  terms_url?: string;
}

/** A certificate by its id or number, which needs no token. */
export function publicCertificate(id: string, base?: string, fetcher?: typeof fetch): Promise<Certificate> {
  return publicly(`/certificates/${encodeURIComponent(id)}`, base, fetcher);
}

/** The brand of who issued it. */
export function certificateBrand(id: string, base?: string, fetcher?: typeof fetch): Promise<Brand> {
  return publicly(`/certificates/${encodeURIComponent(id)}/brand`, base, fetcher);
}

async function publicly<T>(path: string, base = '/api/v1', fetcher: typeof fetch = (...args) => fetch(...args)): Promise<T> {
  let response: Response;
  try {
    response = await fetcher(base + path, { credentials: 'omit', cache: 'no-store' });
  } catch (error) {
    throw new LoupeProblem({ status: 0, title: 'offline', detail: String(error) });
  }
  if (!response.ok) throw new LoupeProblem(await problemOf(response));
  return (await response.json()) as T;
}

export class LoupeRest {
  readonly #base: string;
  readonly #token: string;
  readonly #fetch: typeof fetch;

  constructor(options: RestOptions) {
    this.#base = options.base ?? '/api/v1';
    this.#token = options.token;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  async call<T>(method: string, path: string, body?: unknown, more: Record<string, string> = {}): Promise<T> {
    const headers: Record<string, string> = { Authorization: `Bearer ${this.#token}`, ...more };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const init: RequestInit = { method, headers, credentials: 'omit', cache: 'no-store' };
    if (body !== undefined) init.body = JSON.stringify(body);
    let response: Response;
    try {
      response = await this.#fetch(this.#base + path, init);
    } catch (error) {
      throw new LoupeProblem({ status: 0, title: 'offline', detail: String(error) });
    }
    if (!response.ok) throw new LoupeProblem(await problemOf(response));
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  /** That of the token's merchant. */
  brand(): Promise<Brand> {
    return this.call('GET', '/brand');
  }

  cases(query: CaseQuery = {}): Promise<Page<Case>> {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
    const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    return this.call('GET', given.length > 0 ? `/cases?${search}` : '/cases');
  }

  case(id: string): Promise<Case> {
    return this.call('GET', `/cases/${encodeURIComponent(id)}`);
  }

  /** Owed by oneself; for a supervisor and a service by anybody. */
  wrapUps(): Promise<Page<WrapUp>> {
    return this.call('GET', '/wrap-ups');
  }

  createCase(members: Partial<Case>): Promise<Case> {
    return this.call('POST', '/cases', members);
  }

  /** Facts that become others (null: no longer known). Rejects with 412 when `seen` is not the case any more: the problem's
   *  member `case` is. */
  changeCase(seen: Pick<Case, 'id' | 'version'>, facts: Record<string, unknown>): Promise<Case> {
    const headers = { 'If-Match': `"${seen.version}"` };
    return this.call('PATCH', `/cases/${encodeURIComponent(seen.id)}`, facts, headers);
  }

  /** An action on a case, such as `rate`: the case after it. */
  act(id: string, action: string, data: object = {}): Promise<Case> {
    return this.call('POST', `/cases/${encodeURIComponent(id)}/actions/${encodeURIComponent(action)}`, data);
  }

  /** The times that can be booked; none where none are offered. */
  slots(id: string, query: { kind?: string; agent?: string; from?: string; to?: string } = {}): Promise<Page<FreeTime> & { offered: boolean }> {
    return this.call('GET', `/cases/${encodeURIComponent(id)}/slots?${new URLSearchParams(query)}`);
  }

  /** Books, moves what is booked, or leaves a message. Rejects with 409 when the time was taken meanwhile. */
  book(id: string, wish: { kind: Booking['kind']; at?: string; agent?: string; skill?: string; note?: string }): Promise<Booking> {
    return this.call('PUT', `/cases/${encodeURIComponent(id)}/booking`, wish);
  }

  cancelBooking(id: string): Promise<Booking> {
    return this.call('DELETE', `/cases/${encodeURIComponent(id)}/booking`);
  }

  /** A message was seen to. */
  bookingDone(id: string): Promise<Booking> {
    return this.call('POST', `/cases/${encodeURIComponent(id)}/booking/done`, {});
  }

  bookings(query: { from?: string; to?: string; agent?: string } = {}): Promise<Page<BookedCase>> {
    return this.call('GET', `/bookings?${new URLSearchParams(query)}`);
  }

  notes(id: string): Promise<Page<Note>> {
    return this.call('GET', `/cases/${encodeURIComponent(id)}/notes`);
  }

  /** `visible`: to the buyer, too. */
  addNote(id: string, text: string, visible = false): Promise<Note> {
    return this.call('POST', `/cases/${encodeURIComponent(id)}/notes`, { text, visible });
  }

  tagCase(id: string, members: { add?: string[]; remove?: string[] }): Promise<Case> {
    return this.call('POST', `/cases/${encodeURIComponent(id)}/tags`, members);
  }

  linkCase(id: string, other: string, relation: string): Promise<Case> {
    return this.call('POST', `/cases/${encodeURIComponent(id)}/links`, { case: other, relation });
  }

  unlinkCase(id: string, other: string): Promise<Case> {
    return this.call('DELETE', `/cases/${encodeURIComponent(id)}/links/${encodeURIComponent(other)}`);
  }

  invite(id: string, members: { role: string; name?: string; identity?: string; ttl_seconds?: number }) {
    const path = `/cases/${encodeURIComponent(id)}/invites`;
    return this.call<{ url: string; token: string; expires_at: string }>('POST', path, members);
  }

  clips(id: string): Promise<Page<Clip>> {
    return this.call('GET', `/cases/${encodeURIComponent(id)}/clips`);
  }

  clip(id: string): Promise<Clip> {
    return this.call('GET', `/clips/${encodeURIComponent(id)}`);
  }

  /** A page of the timeline: what came after the event of number `after`. */
  timeline(id: string, after = 0): Promise<Page<TimelineEvent>> {
    return this.call('GET', `/cases/${encodeURIComponent(id)}/timeline${after > 0 ? `?cursor=${after}` : ''}`);
  }

  stills(id: string): Promise<Page<Still>> {
    return this.call('GET', `/cases/${encodeURIComponent(id)}/stills`);
  }

  still(id: string): Promise<Still> {
    return this.call('GET', `/stills/${encodeURIComponent(id)}`);
  }

  takeStill(room: string, members: { publisher?: string; label?: string } = {}): Promise<Still> {
    return this.call('POST', `/rooms/${encodeURIComponent(room)}/stills`, members);
  }

  attachments(id: string): Promise<Page<Attachment>> {
    return this.call('GET', `/cases/${encodeURIComponent(id)}/attachments`);
  }

  /** Its bytes follow: `sendAttachment` does both. */
  beginAttachment(id: string, members: { name: string; visible?: boolean; bytes?: number }): Promise<Attachment> {
    return this.call('POST', `/cases/${encodeURIComponent(id)}/attachments`, members);
  }

  /** A piece of a photograph. Rejects when it is refused for good. */
  sendPiece(id: string, piece: Piece): Promise<PieceAnswer> {
    return this.#sendPiece(`/photographs/${encodeURIComponent(id)}${piece.keepPlace ? '?place=keep' : ''}`, piece);
  }

  /** The same of an attachment. */
  sendAttachmentPiece(id: string, piece: Piece): Promise<PieceAnswer<Attachment>> {
    return this.#sendPiece(`/attachments/${encodeURIComponent(id)}/upload`, piece);
  }

  /** One's own upload that is given up before it is whole. */
  dropAttachment(id: string): Promise<void> {
    return this.call('DELETE', `/attachments/${encodeURIComponent(id)}/upload`);
  }

  async #sendPiece<T>(path: string, { offset, bytes, digest }: Piece): Promise<PieceAnswer<T>> {
    const headers: Record<string, string> = {
      Authorization: `Bearer ${this.#token}`,
      'Content-Type': 'application/partial-upload',
      'Upload-Offset': String(offset),
      'Upload-Complete': digest ? '?1' : '?0',
    };
    if (digest) headers['Repr-Digest'] = `sha-256=:${digest}:`;
    const init: RequestInit = { method: 'PATCH', headers, body: bytes, credentials: 'omit', cache: 'no-store' };
    let response: Response;
    try {
      response = await this.#fetch(this.#base + path, init);
    } catch (error) {
      return { error: new LoupeProblem({ status: 0, title: 'offline', detail: String(error) }) };
    }
    if (response.status === 200) return { done: (await response.json()) as T };
    const stands = response.headers.get('Upload-Offset');
    if (stands !== null && (response.ok || response.status === 409)) return { offset: Number(stands) };
    const error = new LoupeProblem(await problemOf(response));
    if (response.status >= 500 || response.status === 409) return { error };
    throw error;
  }

  consent(room: string, recording: boolean): Promise<unknown> {
    return this.call('POST', `/rooms/${encodeURIComponent(room)}/consents`, { recording });
  }

  startClip(
    room: string,
    members: { publisher?: string; label?: string; preroll_seconds?: number } = {},
  ): Promise<Clip> {
    return this.call('POST', `/rooms/${encodeURIComponent(room)}/clips`, members);
  }

  /** Saves what was in the last seconds. */
  lookBack(room: string, members: { seconds: number; publisher?: string; label?: string }): Promise<Clip> {
    return this.call('POST', `/rooms/${encodeURIComponent(room)}/lookback`, members);
  }

  stopClip(id: string): Promise<Clip> {
    return this.call('POST', `/clips/${encodeURIComponent(id)}/stop`, {});
  }

  /** A part of a clip as a new clip, from the key frame at or before `from_ms` on. */
  trim(id: string, members: { from_ms: number; to_ms: number }): Promise<Clip> {
    return this.call('POST', `/clips/${encodeURIComponent(id)}/trim`, members);
  }

  /** What a clip is made of, signed (docs/EVIDENCE.md); each reading is told on the timeline. */
  manifest<T = unknown>(id: string): Promise<T> {
    return this.call('GET', `/clips/${encodeURIComponent(id)}/manifest`);
  }

  /** What was drawn over a clip's picture, in the order of time. */
  drawings(id: string): Promise<Page<ClipDrawing>> {
    return this.call('GET', `/clips/${encodeURIComponent(id)}/drawings`);
  }

  /** What each participant saw of a clip. */
  seen(id: string): Promise<Page<Seen>> {
    return this.call('GET', `/clips/${encodeURIComponent(id)}/seen`);
  }

  /** For good: what is left is a signed tombstone. `parts`: the clips that were cut out of it, too. */
  deleteClip(id: string, reason: string, parts = false): Promise<Tombstone> {
    const query = new URLSearchParams({ reason, ...(parts ? { parts: 'true' } : {}) });
    return this.call('DELETE', `/clips/${encodeURIComponent(id)}?${query}`);
  }

  deleteStill(id: string, reason: string): Promise<Tombstone> {
    return this.call('DELETE', `/stills/${encodeURIComponent(id)}?${new URLSearchParams({ reason })}`);
  }

  tombstones(id: string): Promise<Page<Tombstone>> {
    return this.call('GET', `/cases/${encodeURIComponent(id)}/tombstones`);
  }

  holds(id: string): Promise<Page<Hold>> {
    return this.call('GET', `/cases/${encodeURIComponent(id)}/holds`);
  }

  /** Of all of a case, or of one clip or still. */
  placeHold(id: string, members: { reason: string; clip?: string; still?: string }): Promise<Hold> {
    return this.call('POST', `/cases/${encodeURIComponent(id)}/holds`, members);
  }

  liftHold(id: string, reason: string): Promise<Hold> {
    return this.call('POST', `/holds/${encodeURIComponent(id)}/lift`, { reason });
  }

  /** Who has looked at what, a page of it. */
  accesses(id: string, after = 0): Promise<Page<Access>> {
    return this.call('GET', `/cases/${encodeURIComponent(id)}/accesses${after > 0 ? `?cursor=${after}` : ''}`);
  }

  /** The keys that the server seals with, retired and revoked ones too. */
  async publicKeys<T = { kid: string; created_at?: string; retired_at?: string; revoked_at?: string; reason?: string }>(): Promise<T[]> {
    const response = await this.#fetch(`${this.#base.replace(/\/api\/v1$/, '')}/.well-known/loupe-keys.json`, { cache: 'no-store' });
    if (!response.ok) throw new LoupeProblem(await problemOf(response));
    return ((await response.json()) as { keys: T[] }).keys;
  }

  /** Where a browser downloads all of a case, as a ZIP, by itself and without a token: for ten minutes. */
  exportLink(id: string): Promise<{ url: string; expires_at: string }> {
    return this.call('POST', `/cases/${encodeURIComponent(id)}/export`);
  }

  /** The checklist of an authentication, with what was found. */
  examination(id: string): Promise<Examination> {
    return this.call('GET', `/cases/${encodeURIComponent(id)}/examination`);
  }

  /** A merchant's checklists, the newest version of each. */
  checklists(): Promise<Page<{ id: string; version: number; name: Texts }>> {
    return this.call('GET', '/checklists');
  }

  /** Another checklist than that of the case's goods, or the one for them. */
  pinChecklist(id: string, checklist?: string): Promise<Examination> {
    return this.call('POST', `/cases/${encodeURIComponent(id)}/examination`, checklist ? { checklist } : {});
  }

  /** What is found at a point; what is left out stays as it was. */
  examinePoint(
    id: string, point: string, found: { evidence?: PieceOfEvidence[]; judgement?: Judgement; note?: string },
  ): Promise<Examination> {
    return this.call('PUT', `/cases/${encodeURIComponent(id)}/examination/points/${encodeURIComponent(point)}`, found);
  }

  /** Two appraisers are to judge, neither knowing of the other. */
  judgeBlind(id: string): Promise<Examination> {
    return this.call('POST', `/cases/${encodeURIComponent(id)}/examination/blind`, {});
  }

  commitOpinion(id: string, commitment: string): Promise<Examination> {
    return this.call('POST', `/cases/${encodeURIComponent(id)}/opinions`, { commitment });
  }

  revealOpinion(id: string, opinion: SealedOpinion): Promise<Examination> {
    return this.call('POST', `/cases/${encodeURIComponent(id)}/opinions/reveal`, opinion);
  }

  giveVerdict(id: string, verdict: Verdict, grounds: Ground[]): Promise<Case> {
    return this.call('POST', `/cases/${encodeURIComponent(id)}/actions/verdict`, { verdict, grounds });
  }

  issueCertificate(id: string, members: { item?: string } = {}): Promise<Certificate> {
    return this.call('POST', `/cases/${encodeURIComponent(id)}/certificate`, members);
  }

  /** What is said in a dispute, and ruled. */
  /** The arbiters' queue, in its order. */
  disputes(limit = 50): Promise<Page<DisputeEntry>> {
    return this.call('GET', `/disputes?limit=${limit}`);
  }

  dispute(id: string): Promise<Dispute> {
    return this.call('GET', `/cases/${encodeURIComponent(id)}/dispute`);
  }

  makeStatement(id: string, said: { text: string; evidence?: string[] }): Promise<Dispute> {
    return this.call('POST', `/cases/${encodeURIComponent(id)}/statements`, said);
  }

  askQuestion(id: string, question: { to: string; text: string; within_seconds?: number }): Promise<Dispute> {
    return this.call('POST', `/cases/${encodeURIComponent(id)}/questions`, question);
  }

  answerQuestion(id: string, question: number, said: { text: string; evidence?: string[] }): Promise<Dispute> {
    return this.call('POST', `/cases/${encodeURIComponent(id)}/questions/${question}/answer`, said);
  }
}
