// SPDX-License-Identifier: Apache-2.0
// What a camera is sent as. Its line is agreed with several encodings (simulcast), so that lower ones can
// be switched on and off without an offer. One sharp stream has the whole uplink for as long as it serves
// everybody; lower encodings are sent beside it while the server says that viewers' paths differ.
import type { Facing } from './protocol.js';

export interface Size {
  width: number;
  height: number;
}

/** What the viewers of what is sent can take now (`publish_hint`). */
export interface PublishHint {
  maxBitrate: number;
  slideshow: boolean;
  /** Viewers' paths or wishes differ: lower encodings are of use. */
  layers: boolean;
}

export interface SendPlan {
  camera: Size | undefined;
  facing: Facing | undefined;
  /** For the full resolution, bits per second. */
  bitrate: number;
  hint: PublishHint | undefined;
}

type Parameters = RTCRtpSendParameters & { degradationPreference?: RTCDegradationPreference };

const RIDS = ['l', 'm', 'h'];
const LEAST_BITRATE = 60_000;

/** How many encodings are worth it. Browsers drop the largest of three below this size, not the smallest. */
export function encodingCount(camera: Size | undefined): number {
  if (!camera) return 3;
  const pixels = camera.width * camera.height;
  return pixels >= 960 * 540 ? 3 : pixels >= 640 * 360 ? 2 : 1;
}

function bitrateAt(full: number, scale: number): number {
  return Math.max(LEAST_BITRATE * 2, Math.round(full / scale ** 1.8));
}

/** The encodings of a new line: one of each scale, the lowest first. */
export function encodingsFor(camera: Size | undefined, bitrate: number): RTCRtpEncodingParameters[] {
  const count = encodingCount(camera);
  if (count === 1) return [{ maxBitrate: bitrate }];
  return RIDS.slice(3 - count).map((rid, i) => {
    const scale = 2 ** (count - 1 - i);
    return { rid, scaleResolutionDownBy: scale, maxBitrate: bitrateAt(bitrate, scale) };
  });
}

/** Sets each encoding to what the plan asks; true if that changed anything. */
export function planEncodings(encodings: RTCRtpEncodingParameters[], plan: SendPlan): boolean {
  const before = JSON.stringify(encodings);
  const { hint } = plan;
  const useful = Math.min(encodings.length, encodingCount(plan.camera));
  const lowest = hint?.layers && !hint.slideshow ? 0 : useful - 1;
  const cap = hint?.maxBitrate ? Math.max(LEAST_BITRATE, hint.maxBitrate) : Infinity;
  encodings.forEach((encoding, i) => {
    const scale = 2 ** Math.max(0, useful - 1 - i);
    encoding.active = i >= lowest && i < useful;
    encoding.maxBitrate = Math.min(cap, bitrateAt(plan.bitrate, scale));
    // Where the answer took one encoding only, the lowest is left: it becomes the full size.
    if (encodings.length > 1 || encoding.scaleResolutionDownBy) encoding.scaleResolutionDownBy = scale;
    if (hint?.slideshow) encoding.maxFramerate = 1;
    else delete encoding.maxFramerate;
  });
  return JSON.stringify(encodings) !== before;
}

/** Goods are looked at, faces move: all but a camera that is known to face its user keeps its resolution. */
function preference(plan: SendPlan): RTCDegradationPreference {
  return plan.facing === 'user' && !plan.hint?.slideshow ? 'balanced' : 'maintain-resolution';
}

/** Brings a sender in line with the plan. Browsers differ in what they let be set: never throws. */
export async function applyPlan(sender: RTCRtpSender, plan: SendPlan): Promise<void> {
  const { track } = sender;
  const hint = plan.hint?.slideshow ? 'detail' : '';
  if (track && 'contentHint' in track && track.contentHint !== hint) track.contentHint = hint;
  try {
    const parameters = sender.getParameters() as Parameters;
    if (!parameters.encodings?.length) return;
    const wanted = preference(plan);
    const changed = planEncodings(parameters.encodings, plan);
    if (!changed && parameters.degradationPreference === wanted) return;
    parameters.degradationPreference = wanted;
    await sender.setParameters(parameters);
  } catch (error) {
    console.warn('not all of the sending parameters were taken', error);
  }
}

/** A key frame now, where the browser can; elsewhere the server asks for it. */
export async function sendKeyFrame(sender: RTCRtpSender): Promise<void> {
  const set = sender.setParameters.bind(sender) as (
    parameters: RTCRtpSendParameters,
    options: { encodingOptions: { keyFrame: boolean }[] },
  ) => Promise<void>;
  try {
    const parameters = sender.getParameters();
    await set(parameters, { encodingOptions: parameters.encodings.map(() => ({ keyFrame: true })) });
  } catch {
    // The picture is sent as it is.
  }
}
