// SPDX-License-Identifier: Apache-2.0
// A disk that fails when told to (../faults/faults.c), for a louped that is started with `env`.
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildFolder } from './louped.mjs';

const TEXT_BYTES = 4096;
const LINES = 32;

export class Faults {
  #folder = mkdtempSync(join(tmpdir(), 'loupe-faults-'));
  #fd = openSync(join(this.#folder, 'board'), 'w+');
  #count = 0;

  constructor() {
    writeSync(this.#fd, Buffer.alloc(TEXT_BYTES + 16 * LINES), 0, TEXT_BYTES + 16 * LINES, 0);
  }

  get env() {
    return { LD_PRELOAD: join(buildFolder, 'loupe-faults.so'), LOUPE_FAULTS: join(this.#folder, 'board') };
  }

  /** From now on these fail, and nothing else: [{ op, code: 'EIO', path: a part of it, budget: bytes that pass before }].
   *  Without a code they take `budget` microseconds longer. */
  set(...lines) {
    const numbers = Buffer.alloc(16 * LINES);
    lines.forEach(({ budget = 0 }, i) => numbers.writeBigInt64LE(BigInt(budget), 16 * i + 8));
    const text = lines.map(({ op, code, path }) => `${op} ${constants.errno[code] ?? 0} ${path}\n`).join('');
    const board = Buffer.alloc(TEXT_BYTES);
    board.write(text);
    writeSync(this.#fd, Buffer.alloc(1), 0, 1, 0);
    writeSync(this.#fd, numbers, 0, numbers.length, TEXT_BYTES);
    writeSync(this.#fd, board, 1, TEXT_BYTES - 1, 1);
    writeSync(this.#fd, board, 0, 1, 0);
    this.#count = lines.length;
  }

  /** How often each of them struck. */
  struck() {
    const numbers = Buffer.alloc(16 * LINES);
    readSync(this.#fd, numbers, 0, numbers.length, TEXT_BYTES);
    return Array.from({ length: this.#count }, (_, i) => Number(numbers.readBigUInt64LE(16 * i)));
  }

  /** The disk is well again. */
  clear() {
    this.set();
  }

  close() {
    closeSync(this.#fd);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
