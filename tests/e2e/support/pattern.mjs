// SPDX-License-Identifier: Apache-2.0
// A picture that says who made it and when: 8 x 5 blocks, black or white, hold a tag of 8 bits, the time
// in hundredths of a second (24 bits) and a checksum. It survives scaling and a lossy codec.

/** Self-contained, because its source is also put into pages. */
export function makePattern() {
  const COLUMNS = 8;
  const ROWS = 5;
  const TICK_MS = 10;
  const MARGIN = 0.1;
  const checksum = (bytes) => bytes.reduce((sum, byte) => ((sum * 31) ^ byte) & 255, 0x5a);

  function bitsOf(tag, ticks) {
    const bytes = [tag, (ticks >> 16) & 255, (ticks >> 8) & 255, ticks & 255];
    return [...bytes, checksum(bytes)].flatMap((byte) => [7, 6, 5, 4, 3, 2, 1, 0].map((n) => (byte >> n) & 1));
  }

  function blocks(width, height) {
    const [w, h] = [(width * (1 - 2 * MARGIN)) / COLUMNS, (height * (1 - 2 * MARGIN)) / ROWS];
    return Array.from({ length: COLUMNS * ROWS }, (unused, i) => ({
      x: width * MARGIN + (i % COLUMNS) * w,
      y: height * MARGIN + Math.floor(i / COLUMNS) * h,
      w,
      h,
    }));
  }

  function draw(context, width, height, tag, now) {
    context.fillStyle = '#808080';
    context.fillRect(0, 0, width, height);
    const bits = bitsOf(tag, Math.floor(now / TICK_MS) & 0xffffff);
    blocks(width, height).forEach(({ x, y, w, h }, i) => {
      context.fillStyle = bits[i] ? '#ffffff' : '#000000';
      context.fillRect(x, y, w, h);
    });
  }

  /** `luma(x, y)` of a picture: { tag, ticks }, or null when there is no pattern in it. */
  function read(luma, width, height) {
    const bits = blocks(width, height).map(({ x, y, w, h }) => {
      let sum = 0;
      for (const dx of [0.35, 0.5, 0.65]) {
        for (const dy of [0.35, 0.5, 0.65]) sum += luma(Math.floor(x + w * dx), Math.floor(y + h * dy));
      }
      return sum / 9 > 128 ? 1 : 0;
    });
    const bytes = [];
    for (let i = 0; i < bits.length; i += 8) bytes.push(parseInt(bits.slice(i, i + 8).join(''), 2));
    const [tag, a, b, c, sum] = bytes;
    return sum === checksum([tag, a, b, c]) ? { tag, ticks: (a << 16) | (b << 8) | c } : null;
  }

  /** Milliseconds from the picture's making to `now`. */
  function age(ticks, now) {
    return (((Math.floor(now / TICK_MS) & 0xffffff) - ticks) & 0xffffff) * TICK_MS;
  }

  return { draw, read, age, tickMs: TICK_MS };
}
