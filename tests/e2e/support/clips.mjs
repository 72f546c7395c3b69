// SPDX-License-Identifier: Apache-2.0
// Looks into a recorded clip with FFmpeg's tools: what is in it, whether it decodes, the patterns of its
// pictures, and the tones of its sound. Each clip that is looked into has to verify, too.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildFolder } from '../../net/support/louped.mjs';
import { makePattern } from './pattern.mjs';

const pattern = makePattern();
const VERIFY = join(buildFolder, 'loupe-verify');
const VERIFIES = { code: 0, verdict: 'verifies', wrong: 0, findings: [] };
const WIDTH = 320;
const HEIGHT = 180;
const RATE = 16_000;

/** Into a file; gives its path. */
export async function download(louped, url, path) {
  const response = await fetch(new URL(url, louped.url));
  if (!response.ok) throw new Error(`GET ${url}: ${response.status}`);
  writeFileSync(path, Buffer.from(await response.arrayBuffer()));
  return path;
}

/** What loupe-verify says of some files: { code, verdict, findings }. */
export function verify(files, keys, ...more) {
  const args = [...files, ...(keys ? ['--keys', keys] : []), '--json', ...more];
  const { status, stdout, stderr } = spawnSync(VERIFY, args, { encoding: 'utf8' });
  return { code: status, ...JSON.parse(stdout || JSON.stringify({ verdict: stderr })) };
}

/** Fetches a clip's file, with its manifest and the keys beside it, and hands its path to `look`; all are
 *  gone afterwards. */
export async function withClip(louped, clip, look) {
  const folder = mkdtempSync(join(tmpdir(), 'loupe-clip-'));
  try {
    const path = await download(louped, clip.media_url, join(folder, 'clip.webm'));
    const manifest = await download(louped, clip.manifest_url, join(folder, 'clip.manifest.json'));
    const keys = await download(louped, '/.well-known/loupe-keys.json', join(folder, 'keys.json'));
    const report = verify([path, manifest], keys);
    assert.deepEqual({ ...report, findings: report.findings?.filter((f) => f.kind !== 'note') }, VERIFIES);
    return await look(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function probe(path) {
  const args = ['-v', 'error', '-show_streams', '-show_format', '-of', 'json', path];
  const { streams, format } = JSON.parse(execFileSync('ffprobe', args, { encoding: 'utf8' }));
  return { codecs: streams.map((s) => s.codec_name).sort(), seconds: Number(format.duration) };
}

/** What FFmpeg complains of while decoding everything; empty when all is well. */
export function complaints(path) {
  const video = ['-map', '0:v', '-fps_mode', 'passthrough', '-enc_time_base:v', '1:1000', '-f', 'rawvideo', '-y', '/dev/null'];
  const audio = ['-map', '0:a', '-f', 's16le', '-y', '/dev/null'];
  const args = ['-v', 'error', '-xerror', '-i', path, ...video, ...audio];
  const { status, stderr } = spawnSync('ffmpeg', args, { encoding: 'utf8' });
  return status === 0 ? stderr.trim() : `exit code ${status}: ${stderr}`;
}

/** The pattern of every picture: [{ tag, ticks } | null]. */
export function patternsOf(path) {
  const filter = `scale=${WIDTH}:${HEIGHT},format=gray`;
  const timing = ['-fps_mode', 'passthrough', '-enc_time_base:v', '1:1000'];
  const args = ['-v', 'error', '-i', path, '-an', ...timing, '-vf', filter, '-f', 'rawvideo', '-'];
  const raw = execFileSync('ffmpeg', args, { maxBuffer: 1 << 30 });
  const frames = [];
  for (let at = 0; at + WIDTH * HEIGHT <= raw.length; at += WIDTH * HEIGHT) {
    frames.push(pattern.read((x, y) => raw[at + y * WIDTH + x], WIDTH, HEIGHT));
  }
  return frames;
}

/** The pattern of a JPEG, given as a Buffer; and its size. */
export function patternOfJpeg(jpeg) {
  const folder = mkdtempSync(join(tmpdir(), 'loupe-still-'));
  const path = join(folder, 'still.jpg');
  try {
    writeFileSync(path, jpeg);
    const probed = ['-v', 'error', '-show_entries', 'stream=width,height', '-of', 'json', path];
    const [{ width, height }] = JSON.parse(execFileSync('ffprobe', probed, { encoding: 'utf8' })).streams;
    const args = ['-v', 'error', '-i', path, '-vf', `scale=${WIDTH}:${HEIGHT},format=gray`, '-f', 'rawvideo', '-'];
    const raw = execFileSync('ffmpeg', args);
    return { width, height, found: pattern.read((x, y) => raw[y * WIDTH + x], WIDTH, HEIGHT) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The SHA-256 of each picture's coded frame, as it lies in the file. */
export function frameHashesOf(path) {
  const args = ['-v', 'error', '-select_streams', 'v', '-show_packets', '-show_data_hash', 'sha256', '-of', 'json', path];
  const { packets } = JSON.parse(execFileSync('ffprobe', args, { encoding: 'utf8', maxBuffer: 1 << 28 }));
  return packets.map(({ data_hash: hash }) => hash.replace(/^SHA256:/i, '').toLowerCase());
}

/** How strong a tone is in 50 ms of sound (Goertzel, Hann's window). Short, because a clip's sound follows
 *  its speaker's clock, and so a tone may be almost half a percent off. */
function levelOf(samples, at, size, hertz) {
  const coefficient = 2 * Math.cos((2 * Math.PI * hertz) / RATE);
  let [one, two] = [0, 0];
  for (let i = 0; i < size; i++) {
    const hann = 1 - Math.cos((2 * Math.PI * (i + 0.5)) / size);
    [one, two] = [(hann * samples[at + i]) / 32768 + coefficient * one - two, one];
  }
  const power = one * one + two * two - coefficient * one * two;
  return (2 * Math.sqrt(Math.max(0, power))) / size;
}

/** How strong a tone is in the sound, 0 to 1 of full scale, for each 200 ms. */
export function toneOf(path, hertz) {
  const args = ['-v', 'error', '-i', path, '-vn', '-ac', '1', '-ar', String(RATE), '-f', 's16le', '-'];
  const raw = execFileSync('ffmpeg', args, { maxBuffer: 1 << 30 });
  const samples = new Int16Array(raw.buffer, raw.byteOffset, raw.length >> 1);
  const size = RATE / 20;
  const levels = [];
  for (let at = 0; at + 4 * size <= samples.length; at += 4 * size)
    levels.push(mean([0, 1, 2, 3].map((part) => levelOf(samples, at + part * size, size, hertz))));
  return levels;
}

export const mean = (list) => list.reduce((sum, value) => sum + value, 0) / Math.max(1, list.length);

