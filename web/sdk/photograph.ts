// SPDX-License-Identifier: Apache-2.0
// A photograph from the camera of a call: at the camera's own resolution where the browser knows how, else
// a whole frame; and its way to the server, in pieces, over connections that break.
import type { LoupeRest, Piece } from './rest.js';
import type { Still } from './protocol.js';

const TAKE_WITHIN_MS = 6000;
const PIECE_BYTES = 256 * 1024;
const TRY_FOR_MS = 120_000;
const PAUSES_MS = [300, 1000, 3000, 5000];
const QUALITY = 0.95;

interface Capture {
  takePhoto(): Promise<Blob>;
}
type CaptureClass = new (track: MediaStreamTrack) => Capture;

async function asJpeg(source: CanvasImageSource, width: number, height: number): Promise<Blob> {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  canvas.getContext('2d')?.drawImage(source, 0, 0, width, height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', QUALITY));
  if (!blob) throw new DOMException('no picture came of it', 'NotReadableError');
  return blob;
}

async function frameOf(track: MediaStreamTrack): Promise<Blob> {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  try {
    await video.play();
    return await asJpeg(video, video.videoWidth, video.videoHeight);
  } finally {
    video.srcObject = null;
  }
}

function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  const late = new Promise<never>((_, reject) => setTimeout(() => reject(new DOMException('too slow', 'TimeoutError')), ms));
  return Promise.race([promise, late]);
}

/** A JPEG. Cameras that take no photograph, or not in time, give a frame of the call's picture. */
export async function takePhotograph(track: MediaStreamTrack): Promise<Blob> {
  const { ImageCapture } = globalThis as { ImageCapture?: CaptureClass };
  if (ImageCapture) {
    try {
      const photo = await within(new ImageCapture(track).takePhoto(), TAKE_WITHIN_MS);
      if (photo.type === 'image/jpeg') return photo;
      const picture = await createImageBitmap(photo);
      return await asJpeg(picture, picture.width, picture.height);
    } catch {
      // A frame is what there is.
    }
  }
  return within(frameOf(track), TAKE_WITHIN_MS);
}

function base64(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}

/** Until all of it is there; what was answered is never sent twice. Rejects when the server refuses it, or
 *  cannot be reached for two minutes. `pause` waits, for tests. */
export async function sendPhotograph(
  rest: LoupeRest,
  id: string,
  photo: Blob,
  pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
): Promise<Still> {
  const digest = base64(await crypto.subtle.digest('SHA-256', await photo.arrayBuffer()));
  let [offset, failures, failing] = [0, 0, 0];
  for (;;) {
    const end = Math.min(photo.size, offset + PIECE_BYTES);
    const piece: Piece = { offset, bytes: photo.slice(offset, end) };
    if (end === photo.size) piece.digest = digest;
    const answer = await rest.sendPiece(id, piece);
    if ('still' in answer) return answer.still;
    if ('offset' in answer) {
      [offset, failures, failing] = [answer.offset, 0, 0];
      continue;
    }
    failing ||= Date.now();
    if (Date.now() - failing > TRY_FOR_MS) throw answer.error;
    await pause(PAUSES_MS[Math.min(failures++, PAUSES_MS.length - 1)] as number);
  }
}
