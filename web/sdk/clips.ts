// SPDX-License-Identifier: Apache-2.0
// Clips and stills, and what participants saw of what is in a clip, as the server gives them.
import type { MediaKind, SlotState } from './protocol.js';

export interface Clip {
  id: string;
  case: string;
  state: 'recording' | 'finalising' | 'ready' | 'failed';
  kind?: string;
  label?: string;
  started_at?: string;
  duration_ms?: number;
  bytes?: number;
  sha256?: string;
  media_url?: string;
  poster_url?: string;
  manifest_url?: string;
  repaired?: boolean;
  stamped?: boolean;
  publisher?: string;
  gaps?: number;
  gap_ms?: number;
  reason?: string;
  held?: boolean;
  /** When it is deleted, unless something keeps it; null: never. */
  kept_until?: string | null;
}

export interface Still {
  id: string;
  case: string;
  kind: string;
  label?: string;
  publisher?: string;
  taken_by?: string;
  /** When the picture was captured. */
  at: string;
  width: number;
  height: number;
  bytes?: number;
  sha256: string;
  /** Variance of the Laplacian of luma: the higher, the sharper. */
  sharpness?: number;
  /** Mean, 0..255. */
  luma?: number;
  /** Shares of pixels that are black or white, 0..1. */
  clipped_dark?: number;
  clipped_bright?: number;
  /** Of a photograph, if its taker agreed: degrees north and east. */
  place?: { latitude: number; longitude: number };
  codec?: string;
  quantizer?: number;
  frame?: { sha256: string; bytes: number; rtp_timestamp: number; key: boolean };
  media_url?: string;
  poster_url?: string;
  record_url?: string;
  held?: boolean;
  kept_until?: string | null;
}

/** From when on a viewer was sent what, by index into the seconds of a `Seen`. */
export interface SeenLayer {
  from: number;
  state: SlotState;
  encoding?: number;
  spatial?: number;
  temporal?: number;
  width?: number;
  height?: number;
}

/** What one viewer saw or heard of one publisher, one entry a second; null: not known. */
export interface Seen {
  viewer: string;
  publisher: string;
  kind: MediaKind;
  /** `client`: as the viewer's own page told it. */
  source: 'server' | 'client';
  /** Of the clip; the first second may have begun before it. */
  from_ms: number;
  sent?: (number | null)[];
  arrived: (number | null)[];
  frozen_ms?: (number | null)[];
  lost?: (number | null)[];
  layers?: SeenLayer[];
}
