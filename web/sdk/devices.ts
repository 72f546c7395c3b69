// SPDX-License-Identifier: Apache-2.0
// Cameras and microphones: opening them, why that failed in words a page can translate, and what a
// camera can do beside giving a picture.
import type { Facing } from './protocol.js';

export type MediaTrouble = 'denied' | 'none' | 'busy' | 'unsupported' | 'insecure' | 'other';

export interface CameraWish {
  facing?: Facing;
  deviceId?: string;
}

export interface CameraAbilities {
  torch: boolean;
  zoom?: { min: number; max: number; step: number };
  facing?: Facing;
}

const TROUBLES: Record<string, MediaTrouble> = {
  NotAllowedError: 'denied',
  PermissionDeniedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'none',
  DevicesNotFoundError: 'none',
  OverconstrainedError: 'none',
  NotReadableError: 'busy',
  TrackStartError: 'busy',
  AbortError: 'busy',
};

export function explainMediaError(error: unknown): MediaTrouble {
  if (!globalThis.isSecureContext) return 'insecure';
  if (!navigator.mediaDevices?.getUserMedia) return 'unsupported';
  return TROUBLES[(error as Error | undefined)?.name ?? ''] ?? 'other';
}

function devices(): MediaDevices {
  if (!navigator.mediaDevices?.getUserMedia) throw new TypeError('no camera interface here');
  return navigator.mediaDevices;
}

/** The wished camera, or another when there is no such one. */
export async function openCamera(wish: CameraWish = {}): Promise<MediaStreamTrack> {
  const size = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
  const choice = wish.deviceId
    ? { deviceId: { exact: wish.deviceId } }
    : { facingMode: { ideal: wish.facing ?? 'environment' } };
  const stream = await devices().getUserMedia({ video: { ...size, ...choice } });
  const track = stream.getVideoTracks()[0];
  if (!track) throw new DOMException('no video track', 'NotFoundError');
  return track;
}

export async function openMicrophone(): Promise<MediaStreamTrack> {
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  const stream = await devices().getUserMedia({ audio });
  const track = stream.getAudioTracks()[0];
  if (!track) throw new DOMException('no audio track', 'NotFoundError');
  return track;
}

/** Labels are empty until a camera has been allowed once. */
export async function listCameras(): Promise<MediaDeviceInfo[]> {
  const all = await devices().enumerateDevices();
  return all.filter((device) => device.kind === 'videoinput');
}

interface MoreCapabilities extends MediaTrackCapabilities {
  torch?: boolean;
  zoom?: { min: number; max: number; step?: number };
}

export function cameraAbilities(track: MediaStreamTrack): CameraAbilities {
  const caps = (track.getCapabilities?.() ?? {}) as MoreCapabilities;
  const facing = track.getSettings?.().facingMode;
  const abilities: CameraAbilities = { torch: caps.torch === true };
  if (caps.zoom && caps.zoom.max > caps.zoom.min) {
    abilities.zoom = { min: caps.zoom.min, max: caps.zoom.max, step: caps.zoom.step ?? 0.1 };
  }
  if (facing === 'user' || facing === 'environment') abilities.facing = facing;
  return abilities;
}

function apply(track: MediaStreamTrack, wish: object): Promise<void> {
  return track.applyConstraints({ advanced: [wish as MediaTrackConstraintSet] });
}

export function setTorch(track: MediaStreamTrack, on: boolean): Promise<void> {
  return apply(track, { torch: on });
}

export function setZoom(track: MediaStreamTrack, zoom: number): Promise<void> {
  return apply(track, { zoom });
}
