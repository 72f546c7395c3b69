// SPDX-License-Identifier: Apache-2.0
// The messages of `loupe.v1` as types: what the server sends, and what each request is answered with.

import type { Booking } from './booking.js';
import type { CameraMembers, CameraState } from './camera.js';
import type { Clip, Still } from './clips.js';
import type { Drawn } from './shapes.js';
import type { View } from './viewing.js';

export type * from './booking.js';
export type * from './clips.js';
export type * from './shapes.js';

export type Role =
  | 'buyer' | 'agent' | 'appraiser' | 'arbiter' | 'host' | 'viewer' | 'supervisor' | 'service' | 'bot';
export type MediaKind = 'audio' | 'video';
export type Facing = 'user' | 'environment';

export interface Money {
  value: string;
  currency: string;
}

/** A case as `GET /cases/{id}` gives it; the server may add members. */
export interface Case {
  id: string;
  number: string;
  room: string;
  state: string;
  kind: string;
  title: string;
  reason?: string;
  language?: string;
  priority?: number;
  tier?: string;
  merchant?: string;
  category?: string;
  brand?: string;
  languages?: string[];
  certificate_level?: number;
  team?: string;
  preferred_agent?: string;
  last_call?: { agent: string; at: string; by: string };
  order?: Record<string, unknown>;
  purchase_evidence?: unknown[];
  buyer?: { id: string; name: string };
  outcome?: { outcome: string; amount?: Money; note?: string; by: string; at: string };
  /** Of an authentication. */
  verdict?: { verdict: Verdict; grounds: Ground[]; by: string; at: string };
  /** By which it was escalated last; `Dispute` has all of it. */
  dispute?: { statement: string; by: string; at: string };
  /** The last one. */
  booking?: Booking;
  /** What the buyer said of how it went. */
  execution?: { reference?: string; amount?: Money; by: string; at: string };
  satisfaction?: { score: number; text?: string; resolved?: boolean; by: string; at: string };
  created_at?: string;
  changed_at?: string;
  /** When its state's timer runs out. */
  due_at?: string;
  version?: number;
  /** For those who see what is internal, over REST alone. */
  tags?: string[];
  links?: { case: string; number: string; title: string; state: string; relation: string }[];
}

/** Keeps what it is on from being deleted. */
export interface Hold {
  id: string;
  case: string;
  clip?: string;
  still?: string;
  reason: string;
  placed_by: string;
  /** Only an arbiter lifts it. */
  firm: boolean;
  placed_at: string;
  lifted_at?: string;
  lifted_by?: string;
  lift_reason?: string;
}

/** What is left of a clip or a still that was deleted; signed. */
export interface Tombstone {
  format: string;
  tombstone: {
    id: string;
    object: 'clip' | 'still';
    kind?: string;
    started_at?: string;
    at?: string;
    duration_ms?: number;
    sha256?: string;
    deleted_at: string;
    deleted_by: string;
    cause: 'asked' | 'retention';
    reason: string;
  };
}

/** In English, and in Chinese if there is such. */
export interface Texts {
  en: string;
  zh?: string;
}

export type Judgement = 'consistent' | 'inconsistent' | 'unclear' | 'not_applicable';
export type Verdict = 'genuine' | 'counterfeit' | 'inconclusive';

/** A still or a clip of the case, with its hash. */
export interface PieceOfEvidence {
  still?: string;
  clip?: string;
  sha256?: string;
}

export interface Ground {
  text: string;
  evidence?: string[];
}

/** A point of a checklist, with what was found there. */
export interface ExaminedPoint {
  id: string;
  title: Texts;
  hint?: Texts;
  optional?: boolean;
  wants: 'still' | 'clip' | 'any';
  evidence: PieceOfEvidence[];
  judgement?: Judgement;
  note?: string;
  by?: string;
  at?: string;
}

/** Committed to by its hash, and known once it is revealed. */
export interface Opinion {
  opinion: number;
  by: string;
  at: string;
  commitment: string;
  /** Committed to before any other was revealed. */
  blind?: boolean;
  /** It lapses then, unless it is revealed; somebody else may be asked in its place. */
  reveal_until?: string;
  lapsed_at?: string;
  revealed_at?: string;
  verdict?: Verdict;
  grounds?: Ground[];
  points?: Record<string, { judgement: Judgement; note: string }>;
  nonce?: string;
}

/** An authentication by its checklist. */
export interface Examination {
  /** null: none was chosen yet. */
  checklist: { id: string; version: number; sha256: string; name?: Texts } | null;
  points: ExaminedPoint[];
  missing: { point: string; lacks: ('evidence' | 'judgement' | 'note')[] }[];
  blind: boolean;
  /** Somebody's judgement was there to be read: nobody judges blind any more. */
  known?: boolean;
  opinions?: Opinion[];
  verdict?: { verdict: Verdict; grounds: Ground[]; by: string; at: string; opinions?: number[] };
  certificates?: { id: string; number: string; issued_at: string; revoked_at?: string; reason?: string }[];
}

export interface CertificatePoint {
  id: string;
  title: Texts;
  judgements: Judgement[];
  evidence: { object: 'still' | 'clip'; sha256: string; at?: string }[];
}

/** What anybody may know of an authentication. */
export interface Certificate {
  format: string;
  id: string;
  number: string;
  url?: string;
  state: 'valid' | 'revoked';
  /** The verdict is, and nobody has ruled yet. */
  disputed?: boolean;
  revoked_at?: string;
  reason?: string;
  issued_at: string;
  examined_at: string;
  merchant: string;
  verdict: Verdict;
  item?: string;
  category?: string;
  brand?: string;
  blind: boolean;
  appraisers: number;
  checklist: { id: string; version: number; sha256: string; name?: Texts };
  points: CertificatePoint[];
  timeline: { seq: number; hash: string };
  /** All else of it was so then: Ed25519 by `key`, which `loupe-verify` checks. */
  signed_at: string;
  key: { crv: string; kid: string; kty: string; x: string };
  signature: string;
}

export interface Ruling {
  liability: string;
  remedy: string;
  amount?: Money;
  advance_payment?: boolean;
  /** Of a disputed verdict. */
  verdict_stands?: boolean;
  grounds: Ground[];
  by: string;
  at: string;
  appeal_until?: string;
}

export interface Question {
  question: number;
  to: 'buyer' | 'merchant';
  text: string;
  by: string;
  at: string;
  due_at: string;
  state: 'open' | 'answered' | 'overdue';
  answer?: { text: string; evidence?: string[]; by: string; at: string };
}

/** Both sides, and what the arbiter makes of it. */
export interface Dispute {
  /** It is about the verdict of an authentication. */
  of?: 'verdict';
  statements: { side: 'buyer' | 'merchant'; text: string; evidence: string[]; by: string; at: string }[];
  review?: { by: string; at: string };
  questions?: Question[];
  rulings?: Ruling[];
  appeal?: { side: 'buyer' | 'merchant'; statement: string; by: string; at: string };
  execution?: { reference?: string; amount?: Money; by: string; at: string };
}

/** A case in the arbiters' queue. */
export interface DisputeEntry {
  case: string;
  number: string;
  title: string;
  kind: string;
  state: 'disputed' | 'in_review';
  language: string;
  priority: number;
  since: string;
  by: 'buyer' | 'merchant';
  appeal: boolean;
  amount?: Money;
  reviewer?: string;
  statements: { buyer: number; merchant: number };
  questions: { open: number; overdue: number; next_due_at?: string };
  /** It is in its state for longer than it should be; else `due_at` says when that is so. */
  overdue: boolean;
  due_at?: string;
}

/** One look at something of a case. */
export interface Access {
  seq: number;
  at: string;
  actor: string;
  object: 'clip' | 'still' | 'case';
  id: string;
  what: string;
}

/** Its id is the number of its event on the timeline. */
export interface Note {
  id: number;
  at: string;
  by: string;
  /** To the buyer, too. */
  visible: boolean;
  text: string;
}

export interface TimelineEvent {
  seq: number;
  at: string;
  /** An identity, or `system`. */
  actor: string;
  type: string;
  data?: Record<string, unknown>;
  /** What is for staff alone; of others the data has but `internal_sha256`. */
  internal?: Record<string, unknown>;
  prev?: string;
  hash?: string;
}

/** How a network carries the call, and what is wrong with it. */
export type Quality = 'good' | 'fair' | 'poor';
export type NetworkTrouble = 'loss' | 'delay' | 'jitter' | 'slow_up' | 'slow_down' | 'stalled';
export interface Network {
  quality: Quality;
  why?: NetworkTrouble;
  rtt_ms?: number;
}

/** What a slot shows: pictures, one sharp picture a second, nothing for want of a path, nothing as wished. */
export type SlotState = 'video' | 'slideshow' | 'audio_only' | 'paused';

/** What a client has seen of a receiving line. */
export interface LineStats {
  fps?: number;
  width?: number;
  height?: number;
  freezes?: number;
  frozen_ms?: number;
  concealed_permille?: number;
}

export interface Person {
  identity: string;
  name: string;
  role: Role;
  online: boolean;
  consent: boolean;
  audio: boolean;
  video: boolean;
  facing?: Facing;
  network?: Network;
  camera?: CameraState;
  joined_at?: string;
}

export interface ChatMessage {
  message: string;
  from: string;
  name: string;
  role: Role;
  text: string;
  at: string;
}

export interface QueueEntry {
  case: string;
  number: string;
  title: string;
  language?: string;
  priority?: number;
  waiting_since: string;
}

export interface Welcome {
  type: 'welcome';
  session: string;
  identity: string;
  name: string;
  role: Role;
  room?: string;
  case?: string;
  server_time: string;
  resumed: boolean;
  ping_ms: number;
  ice_servers: RTCIceServer[];
}

/** What an agent owes after a call. */
export interface WrapUp {
  case: string;
  number: string;
  title: string;
  agent: string;
  required: boolean;
  extensions: number;
  overdue: boolean;
  since: string;
  due_at: string;
  /** What a call may have come to; where it is asked for. */
  dispositions?: string[];
}

export interface CallOffer {
  reservation: string;
  case: {
    id: string;
    number: string;
    title: string;
    kind?: string;
    reason?: string;
    language?: string;
    order?: Record<string, unknown>;
    category?: string;
    brand?: string;
    tier?: string;
  };
  buyer: { identity: string; name: string };
  expires_at: string;
  ring_ms: number;
  notes?: ('preferred' | 'other_language' | 'other_team')[];
  /** Of a case that was passed on. */
  handed_over?: { by: string; note?: string };
}

/** Of an agent: whether calls are offered. */
export type Presence = 'away' | 'available' | 'busy' | 'wrap_up';

/** Everything the server sends of its own accord, by type. */
export interface ServerMessages {
  roster: { room: string; people: Person[] };
  person_joined: { person: Person };
  person_changed: { person: Person };
  person_left: { identity: string; reason: 'left' | 'timeout' | 'replaced' | 'removed' };
  person_state: { available: boolean; state?: Presence; until?: string };
  chat: { message: ChatMessage };
  history: { messages: ChatMessage[] };
  track_added: { track: string | number; identity: string; kind: MediaKind; label: string };
  track_removed: { track: string | number; identity: string };
  slot: { mid: string; track: string | number | null; identity?: string; kind: MediaKind; lacking?: 'codec' };
  layer: { mid: string; width: number; height: number; state: SlotState };
  publish_hint: { mid: string; max_bitrate_bps: number; slideshow: boolean; layers?: boolean };
  network: { identity: string; network: Network | null };
  media_connected: Record<string, never>;
  media_moved: Record<string, never>;
  media_gone: { reason: 'timeout' | 'failed' | 'closed' };
  waiting: {
    position: number;
    expected_wait_ms: number | null;
    agents_available: number;
    search?: 'preferred' | 'fitting' | 'any_language' | 'any_team';
    /** It takes so long that a call-back is offered. */
    callback?: boolean;
  };
  /** It is closed. `waiting`: the place is kept until `until`. */
  queue_closed: {
    waiting: boolean;
    until?: string;
    opens_at: string | null;
    time_zone: string;
    reason?: Record<string, string>;
    can?: ('callback' | 'message')[];
  };
  /** Who has taken a call-back waits for the buyer. */
  awaiting_buyer: { case: string; agent: { identity: string; name: string }; until: string };
  queue: { waiting: QueueEntry[] };
  cases_changed: { cases: string[]; more: boolean };
  call_offer: CallOffer;
  call_offer_ended: { reservation: string; reason: 'expired' | 'withdrawn' | 'accepted_elsewhere' };
  call_started: { room: string; case: string; agent: { identity: string; name: string } };
  call_ended: { reason: 'hung_up' | 'left' | 'timeout' | 'transferred' | 'no_show' | 'cancelled'; by?: string };
  call_joined: { agent: { identity: string; name: string }; mode: 'warm' | 'invite' };
  call_taken_over: { agent: { identity: string; name: string }; from: string };
  wrap_up: WrapUp;
  wrap_up_over: { case: string; agent: string };
  wrap_up_overdue: WrapUp;
  case: { case: Case };
  clip: { clip: Clip; reason?: string };
  still: { still: Still };
  deleted: { object: 'clip' | 'still'; id: string };
  photograph: { photo: string; label: string; by: { identity: string; name: string }; max_bytes: number };
  photograph_failed: { photo: string; reason: string };
  light_challenge: { challenge: string; by: { identity: string; name: string }; ms: number };
  light: { challenge: string; on: boolean; done: boolean };
  light_result: {
    challenge: string; publisher: string; passed: boolean; reason?: string | null;
    correlation?: number; contrast?: number; lag_ms?: number;
  };
  camera: { by: { identity: string; name: string }; wish: CameraMembers };
  pointer: { by: string; of: string; x?: number; y?: number };
  drawn: { by: string; of: string; shape: Drawn };
  undrawn: { by: string; of: string; shape: string };
  cleared: { by: string; of: string; whose?: string };
  frozen: { by: string; of: string; on: boolean; still?: string };
  drawings: { of: string; shapes: (Omit<Drawn, 'from'> & { by: string })[]; frozen?: { by: string; still?: string } };
  recording: { on: boolean; clips: string[]; since: string | null };
  notice: { code: string; message: string };
}

/** Requests a client can make: what goes out, and what the reply carries. */
export interface Requests {
  ping: { out: object; reply: object };
  bye: { out: object; reply: object };
  join: { out: { room?: string; case?: string }; reply: { room: string; case: string } };
  leave: { out: object; reply: object };
  media_state: { out: { audio: boolean; video: boolean; facing?: Facing }; reply: object };
  consent: { out: { recording: boolean }; reply: object };
  chat: { out: { text: string }; reply: { message?: ChatMessage | string } };
  offer: {
    out: { sdp: string; wants?: Record<string, { identity: string; track?: string | number }> };
    reply: { sdp: string };
  };
  photograph: { out: { identity?: string; label?: string }; reply: { photo: string } };
  light_challenge: { out: { identity?: string }; reply: { challenge: string } };
  photograph_failed: { out: { photo: string; reason?: string }; reply: object };
  camera: { out: { of: string; wish: CameraMembers }; reply: object };
  camera_state: { out: { state: CameraState }; reply: object };
  pointer: { out: { of: string; x?: number; y?: number }; reply: object };
  draw: {
    out: { of: string; shape: Partial<Omit<Drawn, 'from'>> & { id: string }; age_ms?: number };
    reply: object;
  };
  undo: { out: { of: string; shape?: string; age_ms?: number }; reply: object };
  clear: { out: { of: string; age_ms?: number }; reply: object };
  freeze: { out: { of: string; on: boolean; still?: string; age_ms?: number }; reply: object };
  view: { out: View & { mid: string }; reply: object };
  stats: { out: Partial<Network> & { lines?: Record<string, LineStats> }; reply: object };
  wait: { out: object; reply: ServerMessages['waiting'] | (ServerMessages['queue_closed'] & { type: 'queue_closed' }) };
  stop_waiting: { out: object; reply: object };
  available: {
    out: { on: boolean; languages?: string[]; skills?: string[]; team?: string; capacity?: number };
    reply: object;
  };
  accept: { out: { reservation: string }; reply: { room: string; case: string } };
  decline: { out: { reservation: string; reason?: string }; reply: object };
  hang_up: { out: object; reply: object };
  take_over: { out: object; reply: object };
  wrap_up: { out: { case: string; disposition: string; note?: string; agent?: string }; reply: object };
  extend_wrap_up: { out: { case: string; agent?: string }; reply: object };
  act: { out: { action: string; data?: object; version?: number }; reply: { case: Case } };
}

export interface Frame {
  type: string;
  seq?: number;
  re?: string;
  [member: string]: unknown;
}

/** A refused request (`code` as in PROTOCOL.md), or one whose session ended (`closed`, `session_lost`). */
export class LoupeError extends Error {
  constructor(
    readonly code: string,
    message = code,
  ) {
    super(message);
    this.name = 'LoupeError';
  }
}
