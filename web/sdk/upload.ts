// SPDX-License-Identifier: Apache-2.0
// What is sent in pieces, over connections that break: what was answered is never sent twice.
import type { LoupeRest, Piece, PieceAnswer } from './rest.js';

/** A file that somebody put to a case; what it is is known once it is ready. */
export interface Attachment {
  id: string;
  case: string;
  state: 'uploading' | 'ready';
  name: string;
  /** To the buyer, too. */
  visible: boolean;
  added_by: string;
  created_at: string;
  added_at?: string;
  content_type?: string;
  bytes?: number;
  sha256?: string;
  media_url?: string;
  max_bytes?: number;
}

const PIECE_BYTES = 256 * 1024;
const TRY_FOR_MS = 120_000;
const PAUSES_MS = [300, 1000, 3000, 5000];

export interface Sending {
  /** Share of it that is there, 0..1. */
  progress?: (share: number) => void;
  /** Waits, for tests. */
  pause?: (ms: number) => Promise<void>;
}

function base64(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}

/** Until all of it is there. Rejects when the server refuses it, or cannot be reached for two minutes. */
export async function sendPieces<T>(
  send: (piece: Piece) => Promise<PieceAnswer<T>>,
  blob: Blob,
  { progress, pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)) }: Sending = {},
): Promise<T> {
  const digest = base64(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));
  let [offset, failures, failing] = [0, 0, 0];
  for (;;) {
    const end = Math.min(blob.size, offset + PIECE_BYTES);
    const piece: Piece = { offset, bytes: blob.slice(offset, end) };
    if (end === blob.size) piece.digest = digest;
    const answer = await send(piece);
    if ('done' in answer) return answer.done;
    if ('offset' in answer) {
      [offset, failures, failing] = [answer.offset, 0, 0];
      progress?.(offset / blob.size);
      continue;
    }
    failing ||= Date.now();
    if (Date.now() - failing > TRY_FOR_MS) throw answer.error;
    await pause(PAUSES_MS[Math.min(failures++, PAUSES_MS.length - 1)] as number);
  }
}

/** A file put to a case: begun, and sent. What cannot be sent is taken back, so that nothing half-sent is in the way. */
export async function sendAttachment(
  rest: LoupeRest, caseId: string, file: Blob & { name?: string }, members: { visible?: boolean } = {}, sending: Sending = {},
): Promise<Attachment> {
  const name = file.name?.trim() || 'file';
  const { id } = await rest.beginAttachment(caseId, { name, bytes: file.size, ...members });
  try {
    return await sendPieces((piece) => rest.sendAttachmentPiece(id, piece), file, sending);
  } catch (error) {
    await rest.dropAttachment(id).catch(() => undefined); // which may be gone already
    throw error;
  }
}
