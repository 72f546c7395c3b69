// SPDX-License-Identifier: Apache-2.0
// Drawing over people's pictures: what everybody has drawn, kept up to date from the session, and one's own strokes,
// which are seen here at once and by the others as the hand moves.
import type { LoupeClient } from './client.js';
import { Emitter } from './emitter.js';
import { browserEnv, type Env } from './env.js';
import type { Drawn, ShapeKind } from './protocol.js';

/** A place in a picture as it is seen upright: shares of its width and height. */
export type Spot = [x: number, y: number];

export interface Shape {
  id: string;
  by: string;
  kind: ShapeKind;
  color: number;
  text?: string;
  points: Spot[];
  done: boolean;
}

/** Where somebody points just now. */
export interface Pointer {
  by: string;
  spot: Spot;
}

export interface Frozen {
  by: string;
  /** A still that stands for the picture meanwhile; without one each page holds what it showed last. */
  still?: string;
}

/** One person's picture, with what is on it. */
export interface Picture {
  shapes: Shape[];
  pointers: Pointer[];
  frozen?: Frozen;
}

export interface DrawingEvents {
  /** Whose picture has something else on it now. */
  changed: string;
  /** The server did not take a stroke: it is off again. */
  refused: Error;
}

/** What the hand's movements are gathered for before they are sent. */
const SEND_EVERY_MS = 33;
/** A pointer that does not move is gone after it. */
const POINTER_STAYS_MS = 3000;
const NOTHING: Picture = { shapes: [], pointers: [] };

const clamp = (share: number) => Math.min(1, Math.max(0, Math.round(share * 10_000) / 10_000));
const spotOf = ([x, y]: Spot): Spot => [clamp(x), clamp(y)];

/** One's own shape while the hand moves. */
export interface Stroke {
  move(spot: Spot): void;
  end(): void;
}

export interface DrawingOptions {
  env?: Env;
  /** How old the picture is that one looks at, so that what is drawn stands at its moment in a clip. */
  ageMs?: () => number;
}

export class Drawing extends Emitter<DrawingEvents> {
  readonly #client: LoupeClient;
  readonly #env: Env;
  readonly #ageMs: () => number;
  readonly #offs: (() => void)[];
  readonly #pictures = new Map<string, Picture>();
  readonly #fading = new Map<string, unknown>();
  #pointing: { of: string; spot: Spot | undefined; timer: unknown } | undefined;
  #count = 0;

  constructor(client: LoupeClient, options: DrawingOptions = {}) {
    super();
    this.#client = client;
    this.#env = options.env ?? browserEnv;
    this.#ageMs = options.ageMs ?? (() => 0);
    this.#offs = [
      client.on('drawings', ({ of, shapes, frozen }) =>
        this.#put(of, { shapes: shapes as Shape[], pointers: [], ...(frozen ? { frozen } : {}) })),
      client.on('drawn', ({ by, of, shape }) => this.#drawn(by, of, shape)),
      client.on('undrawn', ({ by, of, shape }) => this.#remove(of, (one) => one.by === by && one.id === shape)),
      client.on('cleared', ({ of, whose }) => this.#remove(of, (one) => whose === undefined || one.by === whose)),
      client.on('frozen', ({ by, of, on, still }) => this.#freeze(of, on ? { by, ...(still ? { still } : {}) } : undefined)),
      client.on('pointer', ({ by, of, x, y }) => this.#point(by, of, x === undefined || y === undefined ? undefined : [x, y])),
      client.on('person_left', ({ identity }) => this.#left(identity)),
      client.on('roster', () => this.#forget()),
    ];
  }

  dispose(): void {
    this.#offs.forEach((off) => off());
    this.#fading.forEach((timer) => this.#env.clearTimeout(timer));
    if (this.#pointing) this.#env.clearTimeout(this.#pointing.timer);
  }

  /** What is on one person's picture. */
  picture(of: string): Picture {
    return this.#pictures.get(of) ?? NOTHING;
  }

  /** Begins a shape. A text is done at once. */
  begin(of: string, kind: ShapeKind, color: number, spot: Spot, text?: string): Stroke {
    const id = `s${Date.now().toString(36)}${(this.#count++).toString(36)}`;
    const shape: Shape = {
      id, kind, color, by: this.#client.identity, points: [spotOf(spot)], done: false, ...(text ? { text } : {}),
    };
    let unsent: Spot[] = [];
    let timer: unknown;
    let begun = false;
    this.#put(of, { ...this.picture(of), shapes: [...this.picture(of).shapes, shape] });
    const send = (done: boolean) => {
      this.#env.clearTimeout(timer);
      timer = undefined;
      const head = begun ? {} : { kind, color, ...(text ? { text } : {}) };
      const points = begun ? unsent : [...shape.points];
      begun = true;
      unsent = [];
      this.#ask('draw', { of, shape: { id, points, ...head, ...(done ? { done } : {}) } }, of, shape);
    };
    const later = () => {
      timer ??= this.#env.setTimeout(() => send(false), SEND_EVERY_MS);
    };
    shape.done = kind === 'text';
    send(shape.done);
    return {
      move: (to) => {
        if (shape.done) return;
        const spot = spotOf(to);
        if (kind === 'line') shape.points.push(spot);
        else shape.points = [shape.points[0] as Spot, spot];
        if (kind === 'line') unsent.push(spot);
        else unsent = [spot];
        later();
        this.emit('changed', of);
      },
      end: () => {
        if (shape.done) return;
        shape.done = true;
        send(true);
      },
    };
  }

  /** Takes off the shape that one began last. */
  undo(of: string): void {
    const mine = this.picture(of).shapes.filter((one) => one.by === this.#client.identity).at(-1);
    if (!mine) return;
    this.#remove(of, (one) => one === mine);
    this.#ask('undo', { of, shape: mine.id });
  }

  /** Everything on it, for those who may record; else one's own. */
  clear(of: string, all: boolean): void {
    if (this.picture(of).shapes.length === 0) return;
    this.#remove(of, (one) => all || one.by === this.#client.identity);
    this.#ask('clear', { of });
  }

  /** Has the picture stand still for everybody, or go on; seen when the server says so. */
  async freeze(of: string, on: boolean, still?: string): Promise<void> {
    await this.#client.request('freeze', { of, on, age_ms: this.#age(), ...(still ? { still } : {}) });
  }

  /** Points somewhere; without a place no longer. At most thirty times a second are told, and the last. */
  point(of: string, spot: Spot | undefined): void {
    const waiting = this.#pointing;
    const place = spot && spotOf(spot);
    if (waiting?.of === of) {
      waiting.spot = place;
      return;
    }
    if (waiting) this.#env.clearTimeout(waiting.timer);
    const tell = () => {
      const now = this.#pointing;
      if (!now) return;
      this.#pointing = undefined;
      this.#client.tell('pointer', now.spot ? { of, x: now.spot[0], y: now.spot[1] } : { of });
    };
    this.#pointing = { of, spot: place, timer: this.#env.setTimeout(tell, SEND_EVERY_MS) };
  }

  #age(): number {
    return Math.min(5000, Math.max(0, Math.round(this.#ageMs())));
  }

  #ask(type: 'draw' | 'undo' | 'clear', members: object, of?: string, shape?: Shape): void {
    this.#client.request(type, { ...members, age_ms: this.#age() } as never).catch((error: Error) => {
      if (of && shape) this.#remove(of, (one) => one === shape);
      this.emit('refused', error);
    });
  }

  #put(of: string, picture: Picture): void {
    this.#pictures.set(of, picture);
    this.emit('changed', of);
  }

  #drawn(by: string, of: string, said: Drawn): void {
    const { shapes } = this.picture(of);
    const { from, points, ...rest } = said;
    const known = shapes.find((one) => one.by === by && one.id === said.id);
    const whole: Shape = { ...rest, by, points: [...(known?.points.slice(0, from) ?? []), ...points] };
    this.#put(of, { ...this.picture(of), shapes: known ? shapes.map((one) => (one === known ? whole : one)) : [...shapes, whole] });
  }

  #remove(of: string, which: (one: Shape) => boolean): void {
    const picture = this.picture(of);
    this.#put(of, { ...picture, shapes: picture.shapes.filter((one) => !which(one)) });
  }

  #freeze(of: string, frozen: Frozen | undefined): void {
    const { frozen: _before, ...picture } = this.picture(of);
    this.#put(of, frozen ? { ...picture, frozen } : picture);
  }

  #point(by: string, of: string, spot: Spot | undefined): void {
    const key = `${by} ${of}`;
    const others = this.picture(of).pointers.filter((one) => one.by !== by);
    this.#env.clearTimeout(this.#fading.get(key));
    this.#fading.delete(key);
    if (spot) this.#fading.set(key, this.#env.setTimeout(() => this.#point(by, of, undefined), POINTER_STAYS_MS));
    this.#put(of, { ...this.picture(of), pointers: spot ? [...others, { by, spot }] : others });
  }

  #left(identity: string): void {
    if (this.#pictures.delete(identity)) this.emit('changed', identity);
    for (const of of this.#pictures.keys()) this.#point(identity, of, undefined);
  }

  /** Another room, or the same anew: what is drawn there is told next. */
  #forget(): void {
    const all = [...this.#pictures.keys()];
    this.#pictures.clear();
    for (const of of all) this.emit('changed', of);
  }
}
