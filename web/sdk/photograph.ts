// SPDX-License-Identifier: Apache-2.0
// A photograph from the camera of a call: at the camera's own resolution where the browser knows how, else
// a whole frame; and its way to the server, in pieces, over connections that break.
import type { LoupeRest } from './rest.js';
import type { Still } from './protocol.js';
import { sendPieces } from './upload.js';

const TAKE_WITHIN_MS = 6000;
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

/** Whether a JPEG says where it was taken: its Exif has a directory of the position. */
export function saysPlace(jpeg: ArrayBuffer): boolean {
  const view = new DataView(jpeg);
  try {
    for (let at = 2; view.getUint16(at) >= 0xffc0 && view.getUint16(at) !== 0xffda; at += 2 + view.getUint16(at + 2)) {
      if (view.getUint16(at) === 0xffe1 && view.getUint32(at + 4) === 0x45786966) return exifHasPlace(view, at + 10);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it ends before it should
  }
  return false;
}

const GPS_DIRECTORY = 0x8825;

function exifHasPlace(view: DataView, tiff: number): boolean {
  const little = view.getUint16(tiff) === 0x4949;
  const first = tiff + view.getUint32(tiff + 4, little);
  const tags = Array.from({ length: view.getUint16(first, little) }, (_, i) => view.getUint16(first + 2 + 12 * i, little));
  return tags.includes(GPS_DIRECTORY);
}

/** Until all of it is there; what was answered is never sent twice. Rejects when the server refuses it, or
 *  cannot be reached for two minutes. The server takes the place out of it unless `keepPlace` says that whoever
 *  took it agreed. `pause` waits, for tests. */
export async function sendPhotograph(
  rest: LoupeRest,
  id: string,
  photo: Blob,
  { keepPlace = false, pause }: { keepPlace?: boolean; pause?: (ms: number) => Promise<void> } = {},
): Promise<Still> {
  return sendPieces((piece) => rest.sendPiece(id, { ...piece, keepPlace: keepPlace && piece.digest !== undefined }), photo, pause ? { pause } : {});
}
