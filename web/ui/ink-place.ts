// SPDX-License-Identifier: Apache-2.0
// Where a picture lies in the element that shows it, and places in it.
import type { Spot } from '../sdk/index.js';

export interface Size {
  width: number;
  height: number;
}

export interface Box extends Size {
  left: number;
  top: number;
}

export function boxOf({ left, top, width, height }: Box): Box {
  return { left, top, width, height };
}

/** The whole picture within the element, or the picture that covers it and is cut off at two sides. */
export function fitted(element: Size, picture: Size, cover: boolean): Box {
  if (picture.width === 0 || picture.height === 0) return { left: 0, top: 0, ...element };
  const scales = [element.width / picture.width, element.height / picture.height] as const;
  const scale = cover ? Math.max(...scales) : Math.min(...scales);
  const [width, height] = [picture.width * scale, picture.height * scale];
  return { left: (element.width - width) / 2, top: (element.height - height) / 2, width, height };
}

/** A place of the screen as shares of a box; beyond its edges, the edge. */
export function spotIn(box: Box, x: number, y: number): Spot {
  const share = (place: number, from: number, length: number) => (length > 0 ? Math.min(1, Math.max(0, (place - from) / length)) : 0);
  return [share(x, box.left, box.width), share(y, box.top, box.height)];
}

/** Of a picture, in shares. */
export interface Part extends Size {
  x: number;
  y: number;
}

/** The box between two places. */
export function partOf(from: Spot, to: Spot): Part {
  return {
    x: Math.min(from[0], to[0]),
    y: Math.min(from[1], to[1]),
    width: Math.abs(to[0] - from[0]),
    height: Math.abs(to[1] - from[1]),
  };
}

const HEAD_MOST = 26;

/** The ends of the two strokes of an arrow's head, in pixels. */
export function arrowHead(from: Spot, to: Spot): [left: Spot, right: Spot] {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy) || 1;
  const size = Math.min(HEAD_MOST, length / 2);
  const end = (turn: number): Spot => {
    const angle = Math.atan2(dy, dx) + Math.PI + turn;
    return [to[0] + size * Math.cos(angle), to[1] + size * Math.sin(angle)];
  };
  return [end(0.5), end(-0.5)];
}
