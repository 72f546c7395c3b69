// SPDX-License-Identifier: Apache-2.0
// What is to be seen over a clip at a moment: a shape from when its author's hand began, growing until it was done,
// until it was taken off.
import type { ClipDrawing, Shape } from '../sdk/index.js';

function shapeAt(one: ClipDrawing, ms: number): Shape {
  const { id = '', by, kind = 'line', color = 0, text, points = [], began_ms, at_ms } = one;
  const part = at_ms > began_ms && ms < at_ms ? (ms - began_ms) / (at_ms - began_ms) : 1;
  const shown = kind === 'line' ? points.slice(0, Math.max(1, Math.ceil(points.length * part))) : points;
  return { id, by, kind, color, points: shown, done: true, ...(text === undefined ? {} : { text }) };
}

/** `drawings` in the order of time, as the server has them. */
export function shapesAt(drawings: ClipDrawing[], ms: number): Shape[] {
  let shapes: Shape[] = [];
  // By when they were done: a shape that is being drawn still is not touched by what was taken off before.
  for (const one of drawings) {
    if (one.op === 'draw' && one.began_ms <= ms) shapes.push(shapeAt(one, ms));
    else if (one.op === 'undo' && one.at_ms <= ms) {
      shapes = shapes.filter(({ id, by }) => id !== one.shape || by !== one.by);
    } else if (one.op === 'clear' && one.at_ms <= ms) {
      shapes = shapes.filter(({ by }) => one.whose !== undefined && by !== one.whose);
    }
  }
  return shapes;
}
