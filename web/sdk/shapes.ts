// SPDX-License-Identifier: Apache-2.0
// Shapes drawn over a picture, as the server tells of them.

export type ShapeKind = 'line' | 'arrow' | 'circle' | 'text';

/** A shape as it is now, from its point number `from` on. */
export interface Drawn {
  id: string;
  kind: ShapeKind;
  color: number;
  text?: string;
  from: number;
  points: [x: number, y: number][];
  done: boolean;
}

/** What was done over a clip's picture, with its time in the clip. */
export interface ClipDrawing extends Partial<Omit<Drawn, 'from'>> {
  op: 'draw' | 'undo' | 'clear' | 'freeze' | 'resume';
  by: string;
  began_ms: number;
  at_ms: number;
  /** Of `undo`: the shape of `by` that is gone. */
  shape?: string;
  /** Of `clear`: whose; else everybody's. */
  whose?: string;
  still?: string;
}
