// SPDX-License-Identifier: Apache-2.0
// QR codes (ISO/IEC 18004): a text as bytes, error correction level M, versions 1 to 10. What comes out is the
// matrix of modules, true for dark, without the quiet zone around it.

/** Of a version: error correction codewords of a block, and [count, data codewords] of its groups of blocks. */
const BLOCKS: ReadonlyArray<readonly [number, ReadonlyArray<readonly [number, number]>]> = [
  [10, [[1, 16]]], [16, [[1, 28]]], [26, [[1, 44]]], [18, [[2, 32]]], [24, [[2, 43]]],
  [16, [[4, 27]]], [18, [[4, 31]]], [22, [[2, 38], [2, 39]]], [22, [[3, 36], [2, 37]]], [26, [[4, 43], [1, 44]]],
];
const CENTRES = [
  [], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50],
];
const MASKS: ReadonlyArray<(x: number, y: number) => boolean> = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(y / 2) + Math.floor(x / 3)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

// --- the field of 256 elements

const POWERS = new Uint8Array(510);
const LOGS = new Uint8Array(256);
for (let i = 0, value = 1; i < 255; i++) {
  POWERS[i] = POWERS[i + 255] = value;
  LOGS[value] = i;
  value <<= 1;
  if (value & 0x100) value ^= 0x11d;
}

function times(a: number, b: number): number {
  return a && b ? (POWERS[(LOGS[a] as number) + (LOGS[b] as number)] as number) : 0;
}

/** The check bytes: what is left of the data, shifted, over the product of (x - 2^i). */
function checkBytes(data: readonly number[], count: number): number[] {
  let generator = [1];
  for (let i = 0; i < count; i++) {
    const root = POWERS[i] as number;
    generator = [...generator, 0].map((term, j) => term ^ times(generator[j - 1] ?? 0, root));
  }
  const rest = [...data, ...new Array<number>(count).fill(0)];
  for (let i = 0; i < data.length; i++) {
    const factor = rest[i] as number;
    generator.forEach((term, j) => (rest[i + j] = (rest[i + j] as number) ^ times(term, factor)));
  }
  return rest.slice(data.length);
}

// --- from text to codewords

/** How many bytes of text go into a version. */
function capacity(version: number): number {
  const [, groups] = BLOCKS[version - 1] as (typeof BLOCKS)[number];
  const codewords = groups.reduce((sum, [count, size]) => sum + count * size, 0);
  return codewords - (version < 10 ? 2 : 3);
}

function codewordsOf(bytes: Uint8Array, version: number): number[] {
  const bits: number[] = [];
  const put = (value: number, count: number) => {
    for (let i = count - 1; i >= 0; i--) bits.push((value >> i) & 1);
  };
  const room = capacity(version) + (version < 10 ? 2 : 3);
  put(4, 4);
  put(bytes.length, version < 10 ? 8 : 16);
  for (const byte of bytes) put(byte, 8);
  put(0, Math.min(4, room * 8 - bits.length));
  while (bits.length % 8) bits.push(0);
  const words: number[] = [];
  for (let i = 0; i < bits.length; i += 8) words.push(bits.slice(i, i + 8).reduce((sum, bit) => sum * 2 + bit, 0));
  for (let pad = 0xec; words.length < room; pad ^= 0xec ^ 0x11) words.push(pad);
  return words;
}

/** In blocks, each with its check bytes, byte by byte of each in turn. */
function woven(words: readonly number[], version: number): number[] {
  const [checks, groups] = BLOCKS[version - 1] as (typeof BLOCKS)[number];
  const blocks: number[][] = [];
  let at = 0;
  for (const [count, size] of groups) {
    for (let i = 0; i < count; i++) blocks.push(words.slice(at, (at += size)));
  }
  const turns = (rows: number[][]) => {
    const longest = Math.max(...rows.map((row) => row.length));
    return Array.from({ length: longest }, (_, i) => rows.flatMap((row) => row.slice(i, i + 1))).flat();
  };
  return [...turns(blocks), ...turns(blocks.map((block) => checkBytes(block, checks)))];
}

// --- the matrix

type Matrix = (boolean | undefined)[][];

/** What is left of `value`, shifted by `shift`, over `divisor`: both as polynomials of bits. */
function remainder(value: number, shift: number, divisor: number): number {
  let rest = value << shift;
  for (let bit = 31 - Math.clz32(rest); rest >> shift; bit = 31 - Math.clz32(rest)) rest ^= divisor << (bit - shift);
  return rest;
}

function placeSquare(m: Matrix, cx: number, cy: number, rings: readonly boolean[]): void {
  const reach = rings.length - 1;
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      const row = m[cy + dy];
      if (row && cx + dx >= 0 && cx + dx < m.length) row[cx + dx] = rings[Math.max(Math.abs(dx), Math.abs(dy))];
    }
  }
}

function placeFixed(m: Matrix, version: number): void {
  const last = m.length - 1;
  for (let i = 0; i <= last; i++) {
    (m[6] as boolean[])[i] = i % 2 === 0;
    (m[i] as boolean[])[6] = i % 2 === 0;
  }
  for (const [x, y] of [[3, 3], [last - 3, 3], [3, last - 3]] as const) {
    placeSquare(m, x, y, [true, true, false, true, false]);
  }
  const centres = CENTRES[version - 1] as number[];
  const end = centres.at(-1);
  for (const y of centres) {
    for (const x of centres) {
      const corner = (x === 6 && y === 6) || (x === 6 && y === end) || (x === end && y === 6);
      if (!corner) placeSquare(m, x, y, [true, false, true]);
    }
  }
  if (version < 7) return;
  const bits = (version << 12) | remainder(version, 12, 0x1f25);
  for (let i = 0; i < 18; i++) {
    const [a, b] = [last - 10 + (i % 3), Math.floor(i / 3)];
    (m[b] as boolean[])[a] = (m[a] as boolean[])[b] = ((bits >> i) & 1) === 1;
  }
}

/** Level M and the mask, twice, and the module that is always dark. */
function placeFormat(m: Matrix, mask: number): void {
  const bits = ((mask << 10) | remainder(mask, 10, 0x537)) ^ 0x5412;
  const last = m.length - 1;
  for (let i = 0; i < 15; i++) {
    const dark = ((bits >> i) & 1) === 1;
    const down = i < 6 ? i : i < 8 ? i + 1 : last - 14 + i;
    const along = i < 8 ? last - i : i < 9 ? 7 : 14 - i;
    (m[down] as boolean[])[8] = dark;
    (m[8] as boolean[])[along] = dark;
  }
  (m[last - 7] as boolean[])[8] = true;
}

/** The bits upwards and downwards, two columns at a time, from the right. */
function placeData(m: Matrix, words: readonly number[]): [number, number][] {
  const places: [number, number][] = [];
  const last = m.length - 1;
  let bit = 0;
  let upwards = true;
  for (let right = last; right > 0; right -= right === 8 ? 3 : 2, upwards = !upwards) {
    for (let i = 0; i <= last; i++) {
      const y = upwards ? last - i : i;
      for (const x of [right, right - 1]) {
        const row = m[y] as (boolean | undefined)[];
        if (row[x] !== undefined) continue;
        row[x] = (((words[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
        places.push([x, y]);
        bit++;
      }
    }
  }
  return places;
}

/** How hard a matrix is to read: long runs, blocks, what looks like a corner, too much of one shade. */
function penalty(m: readonly (readonly boolean[])[]): number {
  const size = m.length;
  let score = 0;
  let dark = 0;
  const lines = [...m, ...m.map((_, x) => m.map((row) => row[x] as boolean))];
  for (const line of lines) {
    const text = line.map((module) => (module ? '1' : '0')).join('');
    for (const run of text.match(/0{5,}|1{5,}/g) ?? []) score += run.length - 2;
    for (const look of ['00001011101', '10111010000']) {
      for (let at = text.indexOf(look); at >= 0; at = text.indexOf(look, at + 1)) score += 40;
    }
  }
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const one = m[y]?.[x];
      if (one) dark++;
      if (x + 1 < size && y + 1 < size && [m[y]?.[x + 1], m[y + 1]?.[x], m[y + 1]?.[x + 1]].every((other) => other === one)) {
        score += 3;
      }
    }
  }
  return score + 10 * Math.floor(Math.abs((dark * 100) / (size * size) - 50) / 5);
}

/** The modules of a QR code, row by row. Throws when the text has more than 213 bytes. */
export function qrMatrix(text: string): boolean[][] {
  const bytes = new TextEncoder().encode(text);
  const version = BLOCKS.findIndex((_, i) => capacity(i + 1) >= bytes.length) + 1;
  if (version === 0) throw new RangeError('the text is too long for a QR code');
  const words = woven(codewordsOf(bytes, version), version);
  const size = 17 + 4 * version;
  const plain: Matrix = Array.from({ length: size }, () => new Array<boolean | undefined>(size).fill(undefined));
  placeFixed(plain, version);
  placeFormat(plain, 0);
  const places = placeData(plain, words);
  const tried = MASKS.map((flips, mask) => {
    const m = plain.map((row) => [...row]);
    placeFormat(m, mask);
    for (const [x, y] of places) if (flips(x, y)) (m[y] as boolean[])[x] = !m[y]?.[x];
    return m as boolean[][];
  });
  return tried.reduce((best, one) => (penalty(one) < penalty(best) ? one : best));
}

/** The dark modules as the path of an SVG whose unit is a module. */
export function qrPath(matrix: readonly (readonly boolean[])[]): string {
  return matrix
    .flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')))
    .join('');
}
