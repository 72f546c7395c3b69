// SPDX-License-Identifier: Apache-2.0
// For work on the pages alone: serves build/web/ and plays the server's part with a made-up case, so
// that every state of the pages can be looked at without media. `node dev/mock-server.mjs [port]`,
// then open what it prints. Scenes are chosen by the token's `scene`.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../build/web');
const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml',
};
const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();

const theCase = {
  id: 'c1', number: 'LP-2026-0481', room: 'r1', state: 'open', kind: 'inspection', merchant: 'default',
  title: 'Handbag strap torn at the seam', language: 'en', priority: 2, tier: 'Gold',
  reason: 'The strap was torn when the parcel was opened',
  buyer: { id: 'b1', name: 'Wang Fang' }, created_at: ago(5400),
  order: {
    number: '8829-4410-2756', item: 'Leather crossbody bag, cognac', quantity: 1,
    price: { value: '1280.00', currency: 'CNY' }, delivered_at: ago(90_000),
  },
};
const otherTitles = [
  'Watch stops overnight', 'Cracked teapot lid', 'Wrong colour delivered', 'Sneakers: glue marks on the sole',
  'Phone screen flickers', 'Silk scarf, pulled thread',
];
const cases = [
  theCase,
  ...otherTitles.map((title, i) => ({
    ...theCase, id: `c${i + 2}`, number: `LP-2026-0${480 - i}`, title,
    state: ['waiting', 'open', 'proposed', 'agreed', 'closed', 'disputed'][i],
    buyer: { id: `b${i + 2}`, name: 'Li Wei' },
  })),
];
const clips = [
  { seconds: 900, duration_ms: 12_300, bytes: 2_400_000, state: 'ready', label: 'Seam, outside' },
  { seconds: 420, duration_ms: 31_000, bytes: 7_100_000, state: 'ready', label: '' },
].map((clip, i) => ({
  id: `k${i + 1}`, case: 'c1', started_at: ago(clip.seconds), sha256: 'e3b0c44298fc1c14'.repeat(4), ...clip,
}));
const timeline = [
  ['case_opened', 'shop', {}, 5400],
  ['joined', 'b1', { name: 'Wang Fang', role: 'buyer' }, 500],
  ['recording_consent', 'b1', { recording: true }, 498],
  ['waiting_started', 'b1', {}, 490],
  ['joined', 'a1', { name: 'Chen Jie', role: 'agent' }, 300],
  ['call_started', 'a1', {}, 300],
  ['clip_started', 'a1', { label: 'Seam, outside' }, 240],
  ['clip_ready', 'system', { label: 'Seam, outside' }, 226],
].map(([type, actor, data, seconds], i) => ({ seq: i + 1, type, actor, data, at: ago(seconds) }));

const person = (identity, name, role, more = {}) => ({
  identity, name, role, online: true, consent: true, audio: true, video: true, joined_at: ago(300), ...more,
});
const buyer = person('b1', 'Wang Fang', 'buyer', { facing: 'environment', network: { quality: 'good', rtt_ms: 41 } });
const agent = person('a1', 'Chen Jie', 'agent', { network: { quality: 'good', rtt_ms: 24 } });
const messages = [
  ['m1', agent, 'Hello Ms Wang, could you show me the seam beside the buckle?', 120],
  ['m2', buyer, 'Yes, one moment. It is torn on the inside as well.', 80],
  ['m3', agent, 'Thank you, a little closer please. I am recording now.', 40],
].map(([message, { identity, name, role }, text, seconds]) => ({
  message, from: identity, name, role, text, at: ago(seconds),
}));

function token(sub, name, role, scene, more = {}) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + 3600;
  return `${part({ alg: 'HS256' })}.${part({ sub, name, role, scene, exp, ...more })}.x`;
}
const claimsOf = (text) => JSON.parse(Buffer.from(text.split('.')[1], 'base64url').toString());

const rest = [
  [/^\/cases$/, (scene, url) => ({
    items: cases.filter((one) => one.title.toLowerCase().includes((url.searchParams.get('q') ?? '').toLowerCase())),
  })],
  [/^\/cases\/(\w+)$/, (scene, url, id) => ({
    ...cases.find((one) => one.id === id), ...(scene.startsWith('call') && id === 'c1' ? { state: 'in_call' } : {}),
    ...(scene === 'booked' || scene === 'rings' ? { booking: { id: 'k1', kind: 'callback', state: scene === 'rings' ? 'ringing' : 'booked',
      at: ago(scene === 'rings' ? 20 : -86_400), note: 'After six, please.', tries: 0, booked_by: 'b1', booked_at: ago(60) } } : {}),
  })],
  [/^\/cases\/(\w+)\/slots$/, () => ({ offered: true, time_zone: 'Asia/Shanghai', items: [1, 2, 3, 6, 7].flatMap((day) =>
    Array.from({ length: 14 }, (_, i) => {
      const at = new Date();
      at.setDate(at.getDate() + day);
      at.setHours(9, i * 30, 0, 0);
      return { at: at.toISOString(), ends_at: new Date(at.getTime() + 1_800_000).toISOString(), free: 1 + (i % 3) };
    })) })],
  [/^\/bookings$/, () => ({ items: [
    { case: { ...cases[1], buyer_name: 'Li Wei' }, booking: { id: 'k1', kind: 'callback', state: 'ringing', at: ago(20), tries: 1, booked_by: 'b2', booked_at: ago(9000) } },
    { case: { ...cases[2], buyer_name: 'Zhao Min' }, booking: { id: 'k2', kind: 'appointment', state: 'booked', at: ago(-5400), tries: 0, booked_by: 'b3', booked_at: ago(9000) } },
    { case: { ...cases[4], buyer_name: 'Sun Yue' }, booking: { id: 'k3', kind: 'message', state: 'open', note: 'The left sole is loose, too. Please call in the evening.', tries: 0, booked_by: 'b4', booked_at: ago(7000) } },
  ] })],
  [/^\/cases\/(\w+)\/clips$/, (scene, url, id) => ({ items: id === 'c1' ? clips : [] })],
  [/^\/cases\/(\w+)\/stills$/, () => ({ items: [] })],
  [/^\/cases\/(\w+)\/timeline$/, (scene, url, id) => ({ items: id === 'c1' ? timeline : timeline.slice(0, 1) })],
  [/^\/clips\/(\w+)$/, (scene, url, id) => clips.find((clip) => clip.id === id)],
];

async function serve(request, response) {
  const url = new URL(request.url, 'http://x');
  const api = url.pathname.match(/^\/api\/v1(\/.*)$/)?.[1];
  if (api) {
    const scene = claimsOf(request.headers.authorization).scene;
    for (const [pattern, answer] of rest) {
      const match = pattern.exec(api);
      if (!match) continue;
      response.setHeader('Content-Type', 'application/json');
      return response.end(JSON.stringify(answer(scene, url, match[1])));
    }
    response.statusCode = 409;
    response.setHeader('Content-Type', 'application/problem+json');
    return response.end(JSON.stringify({ status: 409, title: 'Conflict', detail: 'not played here' }));
  }
  let path = normalize(url.pathname);
  if (path === '/desk') path = '/desk/';
  if (path.endsWith('/')) path += 'index.html';
  try {
    const body = await readFile(join(root, path));
    response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream');
    response.setHeader('Content-Security-Policy', "default-src 'self'; base-uri 'none'; frame-ancestors 'none'");
    response.end(body);
  } catch {
    response.statusCode = 404;
    response.end();
  }
}

// --- the WebSocket, as far as one page needs it

function frameOf(text) {
  const body = Buffer.from(text);
  const head = body.length < 126 ? [0x81, body.length] : [0x81, 126, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from(head), body]);
}

/** The whole text frames at the start of `bytes`, and the rest. */
function framesIn(bytes) {
  const texts = [];
  for (;;) {
    if (bytes.length < 6) return [texts, bytes];
    const short = bytes[1] & 127;
    const at = short === 126 ? 4 : 2;
    const length = short === 126 ? bytes.readUInt16BE(2) : short;
    if (bytes.length < at + 4 + length) return [texts, bytes];
    const mask = bytes.subarray(at, at + 4);
    const body = Buffer.from(bytes.subarray(at + 4, at + 4 + length).map((byte, i) => byte ^ mask[i % 4]));
    if ((bytes[0] & 15) === 1) texts.push(body.toString());
    bytes = bytes.subarray(at + 4 + length);
  }
}

const replies = {
  wait: (message, scene) => ({ type: 'waiting', position: 3, expected_wait_ms: scene === 'long' ? 1_500_000 : 240_000, agents_available: 2, callback: scene === 'long' }),
  join: () => ({ type: 'joined', room: 'r1', case: 'c1' }),
  accept: () => ({ type: 'joined', room: 'r1', case: 'c1' }),
  ping: () => ({ type: 'pong' }),
};

function openRoom(say, people) {
  say({ type: 'roster', room: 'r1', people });
  say({ type: 'history', messages });
  say({ type: 'case', case: { ...theCase, state: people.length > 1 ? 'in_call' : 'open' } });
}

/** What happens after a request, by scene. */
function play({ type, on, recording }, { scene, role }, say) {
  if (type === 'available' && on) {
    say({ type: 'queue', waiting: cases.slice(0, 3).map((one, i) => ({
      case: one.id, number: one.number, title: one.title, priority: 1, waiting_since: ago(140 - i * 50),
    })) });
    if (scene.startsWith('offer')) {
      say({
        type: 'call_offer', reservation: 'v1', case: theCase, ring_ms: 20_000,
        buyer: { identity: 'b1', name: 'Wang Fang' }, expires_at: new Date(Date.now() + 14_000).toISOString(),
      });
    }
  }
  const consent = scene !== 'offer-noconsent';
  const slow = scene.endsWith('-net');
  if (type === 'accept') openRoom(say, [agent, { ...buyer, consent }]);
  if (type === 'accept' && consent && scene.endsWith('rec')) {
    say({ type: 'recording', on: true, clips: ['k9'], since: ago(37) });
    say({ type: 'clip', clip: { id: 'k9', case: 'c1', state: 'recording', started_at: ago(37) } });
  }
  if (type === 'accept' && slow) {
    say({ type: 'network', identity: 'b1', network: { quality: 'poor', why: 'loss', rtt_ms: 180 } });
  }
  if (role === 'buyer' && type === 'wait' && scene === 'closed') {
    say({ type: 'queue_closed', waiting: false, opens_at: new Date(Date.now() + 50_000_000).toISOString(), time_zone: 'Asia/Shanghai',
      reason: { en: 'Spring Festival', zh: '春节放假' } });
  }
  if (role === 'buyer' && type === 'wait' && scene.startsWith('call')) {
    say({ type: 'call_started', room: 'r1', case: 'c1', agent: { identity: 'a1', name: agent.name } });
  }
  if (role === 'buyer' && type === 'consent') {
    if (scene.endsWith('rec')) say({ type: 'recording', on: recording, clips: recording ? ['k9'] : [], since: ago(12) });
  }
}

function talk(socket) {
  let seq = 0;
  let claims;
  let rest = Buffer.alloc(0);
  const say = (frame) => socket.write(frameOf(JSON.stringify({ ...frame, seq: ++seq })));
  const handle = (message) => {
    if (message.type === 'hello') {
      claims = claimsOf(message.token);
      say({
        type: 'welcome', re: message.id, session: 's1', identity: claims.sub, name: claims.name, role: claims.role,
        server_time: ago(0), resumed: false, ping_ms: 20_000, ice_servers: [],
      });
      if (claims.role === 'buyer') openRoom(say, claims.scene.startsWith('call') ? [buyer, agent] : [buyer]);
      return;
    }
    if (message.type === 'offer') return;
    const reply = replies[message.type]?.(message, claims?.scene) ?? { type: 'ok' };
    say({ ...reply, re: message.id });
    play(message, claims, say);
  };
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    const [texts, left] = framesIn(Buffer.concat([rest, bytes]));
    rest = left;
    texts.forEach((text) => handle(JSON.parse(text)));
  });
}

function upgrade(request, socket) {
  const key = request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
  const accept = createHash('sha1').update(key).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Protocol: loupe.v1\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  talk(socket);
}

const port = Number(process.argv[2] ?? 8099);
const server = createServer((request, response) => void serve(request, response));
server.on('upgrade', upgrade);
server.listen(port, '127.0.0.1', () => {
  const at = `http://127.0.0.1:${server.address().port}`;
  for (const scene of ['wait', 'long', 'booked', 'rings', 'closed', 'call', 'call-rec', 'call-net']) {
    console.log(`buyer ${scene}: ${at}/c/#${token('b1', 'Wang Fang', 'buyer', scene, { case: 'c1' })}`);
  }
  for (const scene of ['idle', 'offer', 'offer-noconsent', 'offer-rec', 'offer-net']) {
    console.log(`desk ${scene}: ${at}/desk#${token('a1', 'Chen Jie', 'agent', scene)}`);
  }
});
