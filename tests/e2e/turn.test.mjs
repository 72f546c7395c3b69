// SPDX-License-Identifier: Apache-2.0
// TURN: Debian's coturn takes the credentials that Loupe makes. A buyer whose browser may use nothing but
// the relay is in a call; so is a WHEP viewer that found the servers in the Link headers.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { KINDS, launch } from './support/browsers.mjs';
import { lensScript } from './support/inpage.mjs';
import { acceptCall, BUYER, openBuyer, openDesk, takeCalls } from './support/people.mjs';
import { startLouped, tokens } from './support/server.mjs';
import { play, publish, route } from './support/whip.mjs';

const COTURN = '/usr/bin/turnserver';
const skip = existsSync(COTURN) ? false : 'no coturn here';
const SECRET = 'a secret that both know';
const TAG = 0x3e;
let folder;
let coturn;
let louped;
const browsers = {};

async function freePort() {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

const answers = (port) => new Promise((resolve) => {
  const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
  socket.on('connect', () => socket.destroy());
});

async function startCoturn(port) {
  const child = spawn(COTURN, [
    '-n', '--verbose', '--log-file', 'stdout', '--simple-log', '--no-cli', '--no-tls', '--no-dtls', '--realm', 'loupe.test',
    '--use-auth-secret', '--static-auth-secret', SECRET, '--allow-loopback-peers', '--listening-ip', '127.0.0.1',
    '--relay-ip', '127.0.0.1', '--listening-port', String(port), '--pidfile', join(folder, 'pid'),
    '--userdb', join(folder, 'users'),
  ], { stdio: ['ignore', 'pipe', 'ignore'], cwd: folder });
  child.log = '';
  child.stdout.on('data', (bytes) => (child.log += bytes));
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`coturn ended with ${child.exitCode}: ${child.log}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return child;
}

before(async () => {
  if (skip) return;
  folder = mkdtempSync(join(tmpdir(), 'loupe-turn-'));
  const port = await freePort();
  coturn = await startCoturn(port);
  const urls = [`turn:127.0.0.1:${port}?transport=udp`, `turn:127.0.0.1:${port}?transport=tcp`];
  louped = await startLouped('--turn-secret', SECRET, '--stun-urls', `stun:127.0.0.1:${port}`,
    ...urls.flatMap((url) => ['--turn-urls', url]));
  for (const kind of KINDS) browsers[kind] = await launch(kind);
});

after(async () => {
  for (const browser of Object.values(browsers)) await browser.close();
  await louped?.stop();
  coturn?.kill();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

for (const kind of KINDS) {
  test(`a buyer in ${kind} with nothing but the relay`, { skip, timeout: 90_000 }, async (t) => {
    const one = await louped.newCase();
    const desk = await openDesk(browsers.chromium, louped, { token: tokens.agent(`agent-${kind}`) });
    t.after(() => desk.close());
    await takeCalls(desk);
    const script = lensScript({ ...BUYER, relayOnly: true });
    const buyer = await openBuyer(browsers[kind], louped, one, { script });
    t.after(() => buyer.close());
    await acceptCall(desk, buyer);
    const used = await buyer.until('a route', route);
    assert.equal(used.type, 'relay', JSON.stringify(used));
    assert.match(coturn.log, new RegExp(`user <\\d+:${one.buyer.id}>`));
  });
}

/** In the page: what a WHIP client does with Link headers. */
async function askForServers({ url, token }) {
  const response = await fetch(url, { method: 'OPTIONS', headers: { Authorization: `Bearer ${token}` } });
  const one = /<([^>]+)>; rel="ice-server"(?:; username="([^"]*)"; credential="([^"]*)"; credential-type="password")?/g;
  return [...(response.headers.get('Link') ?? '').matchAll(one)].map(([, urls, username, credential]) =>
    username ? { urls, username, credential } : { urls });
}

test('a WHEP viewer that reads the Link headers', { skip, timeout: 60_000 }, async (t) => {
  const { room } = await louped.newCase();
  const page = async (options) => {
    const made = await browsers.chromium.open({ script: lensScript({ tag: TAG, hertz: 600, ...options }) });
    t.after(() => made.close());
    await made.goto(`${louped.url}/healthz`);
    await made.evaluate(() => {
      document.body.innerHTML = '<video id="v" autoplay playsinline></video>';
    });
    return made;
  };
  const publisher = await page();
  const token = tokens.agent('camera');
  const sent = await publisher.evaluate(publish, { url: `${louped.url}/whip/${room}`, token });
  assert.equal(sent.status, 201, sent.text);
  assert.match(sent.link, /<stun:127\.0\.0\.1:\d+>; rel="ice-server", <turn:/);

  const viewer = await page({ relayOnly: true });
  const wish = { url: `${louped.url}/whep/${room}`, token: tokens.agent('eye') };
  const iceServers = await viewer.evaluate(askForServers, wish);
  assert.equal(iceServers.length, 3, JSON.stringify(iceServers));
  const played = await viewer.evaluate(play, { ...wish, config: { iceServers: iceServers.slice(2) } });
  assert.equal(played.status, 201, played.text);
  await viewer.until('the picture', (tag) => window.lens.seen('#v')?.tag === tag, TAG);
  const used = await viewer.until('a route', route);
  assert.equal(used.type, 'relay', JSON.stringify(used));
});

test('coturn refuses credentials of another secret', { skip, timeout: 60_000 }, async (t) => {
  const page = await browsers.chromium.open({ script: lensScript({ tag: TAG, hertz: 600 }) });
  t.after(() => page.close());
  await page.goto(`${louped.url}/healthz`);
  const wish = { url: `${louped.url}/whep/${(await louped.newCase()).room}`, token: tokens.agent('eye') };
  const candidates = (servers) => page.evaluate(async (iceServers) => {
    const peer = new RTCPeerConnection({ iceServers, iceTransportPolicy: 'relay' });
    peer.addTransceiver('audio');
    const found = [];
    peer.onicecandidate = ({ candidate }) => candidate && found.push(candidate.type);
    const complete = new Promise((resolve) => {
      peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && resolve();
    });
    await peer.setLocalDescription(await peer.createOffer());
    await complete;
    peer.close();
    return found;
  }, servers);
  const [, udp] = await page.evaluate(askForServers, wish);
  assert.deepEqual([...new Set(await candidates([udp]))], ['relay']);
  assert.deepEqual(await candidates([{ ...udp, credential: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' }]), []);
});
