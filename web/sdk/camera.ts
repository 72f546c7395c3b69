// SPDX-License-Identifier: Apache-2.0
// A camera as others may wish for it: what a wish is, how a camera is, and a part of its picture in the detail that the
// sensor has of it.
import type { Facing } from './protocol.js';

/** In shares of a camera's whole picture. */
export interface Region {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface CameraMembers {
  torch?: boolean;
  facing?: Facing;
  zoom?: number;
  focus?: [x: number, y: number] | null;
  priority?: 'detail' | 'motion';
  /** That part is sent in place of the whole; null: the whole. */
  region?: Region | null;
}

/** How somebody's camera is, as their page says. */
export interface CameraState extends CameraMembers {
  /** Its owner lets others steer it; left out: was not asked yet. */
  allowed?: boolean;
  can?: { torch?: boolean; flip?: boolean; focus?: boolean; region?: boolean; zoom?: [least: number, most: number] };
}

export const LEAST_REGION = 0.02;

/** A part of what is shown now, which may be a part itself, as a part of the whole. */
export function regionWithin(shown: Region | null | undefined, part: Region): Region {
  const outer = shown ?? { x: 0, y: 0, width: 1, height: 1 };
  const width = Math.max(LEAST_REGION, part.width * outer.width);
  const height = Math.max(LEAST_REGION, part.height * outer.height);
  return {
    x: Math.min(1 - width, outer.x + part.x * outer.width),
    y: Math.min(1 - height, outer.y + part.y * outer.height),
    width,
    height,
  };
}

/** More is not sent: the limit of bitrate is that of the whole. */
const MOST_PIXELS = 1280 * 720;
const SENSOR = { width: { ideal: 3840 }, height: { ideal: 2160 } };

/** The size in which a part of a sensor is sent: its own pixels, or as many as there may be. */
export function sizeOfPart(sensor: { width: number; height: number }, part: Region): { width: number; height: number } {
  const [width, height] = [sensor.width * part.width, sensor.height * part.height];
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)));
  const even = (pixels: number) => Math.max(16, 2 * Math.round((pixels * scale) / 2));
  return { width: even(width), height: even(height) };
}

const FIRST_PICTURE_MS = 3000;

type CanvasTrack = MediaStreamTrack & { requestFrame?: () => void };

/** A part of a camera's picture as a track. While it lives the camera gives all that its sensor has. */
export class RegionTrack {
  readonly track: CanvasTrack;
  readonly #camera: MediaStreamTrack;
  readonly #before: MediaTrackConstraints;
  readonly #video = document.createElement('video');
  readonly #canvas = document.createElement('canvas');
  #region: Region;
  #open = true;

  private constructor(camera: MediaStreamTrack, region: Region) {
    this.#camera = camera;
    this.#before = camera.getConstraints();
    this.#region = region;
    const { width = 1280, height = 720 } = camera.getSettings();
    Object.assign(this.#canvas, sizeOfPart({ width, height }, region));
    this.#canvas.getContext('2d', { alpha: false });
    this.track = this.#canvas.captureStream(0).getVideoTracks()[0] as CanvasTrack;
    this.track.contentHint = 'detail';
  }

  /** Resolves when its first picture is there. */
  static async open(camera: MediaStreamTrack, region: Region): Promise<RegionTrack> {
    const made = new RegionTrack(camera, region);
    // A camera that cannot give more gives what it can.
    await camera.applyConstraints({ ...made.#before, ...SENSOR }).catch(() => {});
    const video = made.#video;
    video.muted = true;
    video.playsInline = true;
    video.srcObject = new MediaStream([camera]);
    // A camera that ends meanwhile gives no picture any more.
    await Promise.race([video.play().catch(() => {}), new Promise((resolve) => setTimeout(resolve, FIRST_PICTURE_MS))]);
    made.#draw();
    made.#follow();
    return made;
  }

  get region(): Region {
    return this.#region;
  }

  set(region: Region): void {
    this.#region = region;
    this.#draw();
  }

  /** The camera gives again what it gave before. */
  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.track.stop();
    this.#video.srcObject = null;
    await this.#camera.applyConstraints(this.#before).catch(() => {});
  }

  #follow(): void {
    if (!this.#open) return;
    const next = () => {
      this.#draw();
      this.#follow();
    };
    if ('requestVideoFrameCallback' in this.#video) this.#video.requestVideoFrameCallback(next);
    else requestAnimationFrame(next);
  }

  #draw(): void {
    const { videoWidth, videoHeight } = this.#video;
    if (!this.#open || videoWidth === 0) return;
    const { x, y, width, height } = this.#region;
    const size = sizeOfPart({ width: videoWidth, height: videoHeight }, this.#region);
    const canvas = this.#canvas;
    if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
    const context = canvas.getContext('2d', { alpha: false });
    context?.drawImage(
      this.#video, x * videoWidth, y * videoHeight, width * videoWidth, height * videoHeight, 0, 0, size.width, size.height,
    );
    this.track.requestFrame?.();
  }
}

/** One after the other: what is wished while something is being done is done next, of each kind only the last. */
export class WishQueue {
  #next: CameraMembers | undefined;
  #running: Promise<void> | undefined;

  constructor(private readonly carryOut: (wish: CameraMembers) => Promise<void>) {}

  /** Resolves when all that is wished by then is done. */
  push(wish: CameraMembers): Promise<void> {
    this.#next = { ...this.#next, ...wish };
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    while (this.#next) {
      const wish = this.#next;
      this.#next = undefined;
      await this.carryOut(wish).catch(() => {});
    }
    this.#running = undefined;
  }
}

/** Not every browser makes tracks of canvases. */
export function canSendRegions(): boolean {
  return typeof document !== 'undefined' && 'captureStream' in HTMLCanvasElement.prototype;
}
