// SPDX-License-Identifier: Apache-2.0
// LoupeCall with a played server and peer connections that only keep account, in virtual time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoupeCall } from './call.js';
import { LoupeClient } from './client.js';
import { FakeEnv } from './testing/fakes.js';

async function begin() {
  const env = new FakeEnv();
  const client = new LoupeClient({ url: 'ws://x/ws', token: 't', env });
  const welcome = client.connect();
  env.last.welcome();
  await welcome;
  const camera = { kind: 'video', enabled: true } as unknown as MediaStreamTrack;
  const microphone = { kind: 'audio', enabled: true } as unknown as MediaStreamTrack;
  const call = new LoupeCall({ client, camera, microphone, facing: 'environment', env });
  const states: string[] = [];
  call.on('state', (state) => states.push(state));
  let seq = 1;
  const say = (frame: object) => env.last.say({ seq: ++seq, ...frame });
  const answer = async () => {
    await env.settle();
    say({ type: 'answer', re: env.last.last('offer').id, sdp: 'answer' });
    await env.settle();
  };
  call.start();
  return { env, client, call, camera, microphone, states, say, answer };
}

async function connected() {
  const all = await begin();
  await all.answer();
  all.env.lastPeer.ice('connected');
  return all;
}

test('offers two senders and two slots of each kind, and tells its state', async () => {
  const { env, call, answer, states } = await begin();
  await env.settle();
  const directions = env.lastPeer.transceivers.map((t) => `${t.direction} ${t.receiver.track.kind}`);
  assert.deepEqual(directions, [
    'sendonly audio', 'sendonly video',
    'recvonly video', 'recvonly audio', 'recvonly video', 'recvonly audio',
  ]);
  assert.equal(env.last.last('offer')['sdp'], 'offer 1');
  const told = env.last.last('media_state');
  assert.deepEqual([told['audio'], told['video'], told['facing']], [true, true, 'environment']);
  await answer();
  env.lastPeer.ice('checking');
  env.lastPeer.ice('connected');
  assert.deepEqual(states, ['connecting', 'connected']);
  assert.equal(call.slots.length, 4);
  assert.equal(call.slots[0]?.identity, null);
});

test('slots say whom they show', async () => {
  const { call, say } = await connected();
  say({ type: 'slot', mid: '2', track: 7, identity: 'agent', kind: 'video' });
  assert.deepEqual([call.slots[0]?.identity, call.slots[0]?.track], ['agent', 7]);
  say({ type: 'slot', mid: '2', track: null, kind: 'video', lacking: 'codec' });
  assert.deepEqual([call.slots[0]?.identity, call.slots[0]?.lacking], [null, true]);
  say({ type: 'slot', mid: '2', track: null, kind: 'video' });
  assert.deepEqual([call.slots[0]?.identity, call.slots[0]?.lacking], [null, false]);
});

test('a third sender of a kind gets a slot of its own, one offer after the other', async () => {
  const { env, call, say, answer } = await connected();
  for (const [track, identity] of [[1, 'a'], [2, 'b'], [3, 'me'], [4, 'c'], [5, 'd']]) {
    say({ type: 'track_added', track, identity, kind: 'video', label: 'x' });
  }
  await env.settle();
  assert.equal(env.last.count('offer'), 2);
  await answer();
  assert.equal(env.last.count('offer'), 3);
  await answer();
  assert.equal(call.slots.filter((slot) => slot.kind === 'video').length, 4);
  assert.equal(env.last.count('offer'), 3);
});

test('ICE restarts when the path is lost, again and again until it is back', async () => {
  const { env, states, answer } = await connected();
  env.lastPeer.ice('disconnected');
  await env.advance(1_999);
  assert.equal(env.lastPeer.offers.length, 1);
  await env.advance(1);
  assert.deepEqual(env.lastPeer.offers.at(-1), { iceRestart: true });
  await answer();
  await env.advance(4_000);
  assert.equal(env.lastPeer.offers.length, 3);
  await answer();
  env.lastPeer.ice('connected');
  assert.deepEqual(states, ['connecting', 'connected', 'interrupted', 'connected']);
  await env.advance(10_000);
  assert.equal(env.lastPeer.offers.length, 3);
});

test('a restart uses the newest TURN credentials', async () => {
  const { env, client, answer } = await connected();
  const fresh = [{ urls: ['turn:t'], username: '2:me', credential: 'b' }];
  assert.deepEqual(env.lastPeer.configuration.iceServers, []);
  Object.assign(client.welcome as object, { ice_servers: fresh });
  env.lastPeer.ice('failed');
  await env.advance(0);
  await answer();
  assert.equal(env.lastPeer.offers.length, 2);
  assert.deepEqual(env.lastPeer.configuration, { iceServers: fresh, bundlePolicy: 'max-bundle' });
});

test('silence restarts ICE once, before the browser finds out', async () => {
  const { env, answer } = await connected();
  const hear = (packets: number) => {
    env.lastPeer.stats = [
      { id: 'a', type: 'inbound-rtp', kind: 'audio', packetsReceived: packets },
      { id: 'p', type: 'candidate-pair', nominated: true, state: 'succeeded', bytesReceived: packets * 100 },
    ];
    return env.advance(2_000);
  };
  await hear(100);
  await hear(200);
  assert.equal(env.lastPeer.offers.length, 1);
  await hear(200);
  assert.deepEqual(env.lastPeer.offers.slice(1), [{ iceRestart: true }]);
  await answer();
  await hear(200);
  await hear(200);
  assert.equal(env.lastPeer.offers.length, 2);
  await hear(300);
  await hear(300);
  assert.equal(env.lastPeer.offers.length, 3);
});

test('a short loss heals without a restart', async () => {
  const { env } = await connected();
  env.lastPeer.ice('disconnected');
  await env.advance(1_000);
  env.lastPeer.ice('connected');
  await env.advance(5_000);
  assert.equal(env.lastPeer.offers.length, 1);
});

test('another network interface restarts ICE; a page merely shown again does not', async () => {
  const { env } = await connected();
  env.networkChanges('visible');
  await env.advance(1_000);
  assert.equal(env.lastPeer.offers.length, 1);
  env.networkChanges('connection');
  await env.advance(300);
  assert.deepEqual(env.lastPeer.offers.at(-1), { iceRestart: true });
});

for (const cause of ['media_gone', 'renewed']) {
  test(`${cause}: a new connection with the same tracks`, async () => {
    const { env, call, camera, say, answer } = await connected();
    say({ type: 'slot', mid: '2', track: 7, identity: 'agent', kind: 'video' });
    if (cause === 'media_gone') {
      say({ type: 'media_gone', reason: 'timeout' });
    } else {
      env.last.cut();
      await env.advance(300);
      env.last.accept();
      env.last.say({ type: 'error', re: env.last.last('hello').id, code: 'not_found' });
      const hello = env.last.last('hello');
      env.last.say({ type: 'welcome', seq: 1, re: hello.id, session: 's2', identity: 'me', resumed: false });
      assert.equal(env.peers.length, 1, 'not before the room is joined');
      env.last.say({ type: 'roster', seq: 2, room: 'r', people: [] });
    }
    assert.equal(env.peers.length, 2);
    assert.equal(env.peers[0]?.closed, true);
    assert.equal(env.lastPeer.transceivers[1]?.sender.track, camera);
    assert.equal(call.state, 'interrupted');
    await answer();
    assert.equal(call.slots[0]?.identity, null);
    env.lastPeer.ice('connected');
    assert.equal(call.state, 'connected');
  });
}

test('an answer for a connection given up meanwhile is not used', async () => {
  const { env, say } = await begin();
  await env.settle();
  const stale = env.last.last('offer').id;
  say({ type: 'media_gone', reason: 'failed' });
  await env.settle();
  say({ type: 'answer', re: stale, sdp: 'old' });
  await env.settle();
  assert.equal(env.peers[0]?.signalingState, 'have-local-offer');
  assert.equal(env.lastPeer.signalingState, 'have-local-offer');
});

test('a refused offer is taken back, told, and tried again when that may help', async () => {
  const { env, call, say } = await connected();
  const errors: Error[] = [];
  call.on('error', (error) => errors.push(error));
  env.lastPeer.ice('failed');
  await env.advance(0);
  say({ type: 'error', re: env.last.last('offer').id, code: 'full', message: 'later' });
  await env.settle();
  assert.equal(errors.length, 1);
  assert.equal(env.lastPeer.signalingState, 'stable');
  await env.advance(1_500);
  assert.equal(env.lastPeer.offers.length, 3);
});

test('switching off keeps the track and tells the others; another camera inherits it', async () => {
  const { env, call, camera } = await connected();
  call.switchCamera(false);
  assert.equal(camera.enabled, false);
  assert.equal(env.last.last('media_state')['video'], false);
  const other = { kind: 'video', enabled: true } as unknown as MediaStreamTrack;
  await call.setCamera(other, 'user');
  assert.equal(other.enabled, false);
  assert.equal(env.lastPeer.transceivers[1]?.sender.track, other);
  assert.equal(env.last.last('media_state')['facing'], 'user');
});

test('stop closes the connection and listens no more', async () => {
  const { env, call, say } = await connected();
  call.stop();
  assert.equal(env.lastPeer.closed, true);
  say({ type: 'media_gone', reason: 'closed' });
  env.networkChanges('connection');
  await env.advance(10_000);
  assert.equal(env.peers.length, 1);
  assert.equal(call.state, 'ended');
});

test('lower encodings are sent while viewers differ', async () => {
  const { env, call, say } = await connected();
  const active = () => env.lastPeer.transceivers[1]?.sender.parameters.encodings.map((one) => one.active);
  assert.deepEqual(active(), [false, false, true]);
  say({ type: 'publish_hint', mid: '1', max_bitrate_bps: 0, slideshow: false, layers: true });
  await env.settle();
  assert.deepEqual(active(), [true, true, true]);
  assert.deepEqual(call.hint, { maxBitrate: 0, slideshow: false, layers: true });
  say({ type: 'publish_hint', mid: '1', max_bitrate_bps: 0, slideshow: false, layers: false });
  await env.settle();
  assert.deepEqual(active(), [false, false, true]);
});

test('a hint for the camera is obeyed; a slideshow makes key frames until it ends', async () => {
  const { env, call, say } = await connected();
  const sender = env.lastPeer.transceivers[1]!.sender;
  const hints: unknown[] = [];
  call.on('hint', (hint) => hints.push(hint));
  say({ type: 'publish_hint', mid: '0', max_bitrate_bps: 1, slideshow: false });
  assert.deepEqual(hints, []);
  say({ type: 'publish_hint', mid: '1', max_bitrate_bps: 300_000, slideshow: true });
  await env.advance(3_500);
  assert.deepEqual(hints, [{ maxBitrate: 300_000, slideshow: true, layers: false }]);
  assert.equal(sender.parameters.encodings[2]?.maxFramerate, 1);
  assert.equal(sender.keyFrames, 3);
  say({ type: 'publish_hint', mid: '1', max_bitrate_bps: 0, slideshow: false });
  await env.advance(3_000);
  assert.equal(sender.keyFrames, 3);
  assert.equal(sender.parameters.encodings[2]?.maxFramerate, undefined);
  assert.equal(hints[1], undefined);
});

test('wishes are told, kept with the layer that is pinned, and told anew on a new connection', async () => {
  const { env, call, say, answer } = await connected();
  const element = {} as Element;
  const view = () => {
    const { type: _type, id: _id, ...members } = env.last.last('view');
    return members;
  };
  const off = call.watch('2', element);
  env.resizes(element, 640, 360);
  await env.advance(250);
  assert.deepEqual(view(), { mid: '2', paused: false, max_width: 640, max_height: 360 });
  call.pin('2', 1);
  assert.deepEqual(view(), { mid: '2', paused: false, max_width: 640, max_height: 360, layer: 1 });
  env.hides(element, true);
  await env.advance(3_000);
  assert.deepEqual(view(), { mid: '2', paused: true, layer: 1 });
  off();
  const before = env.last.count('view');
  say({ type: 'media_gone', reason: 'timeout' });
  await answer();
  assert.equal(env.last.count('view'), before + 1);
});

test('slots say what is sent there', async () => {
  const { call, say } = await connected();
  assert.equal(call.slots[0]?.state, 'video');
  say({ type: 'layer', mid: '2', width: 320, height: 180, state: 'slideshow' });
  assert.deepEqual([call.slots[0]?.state, call.slots[0]?.width, call.slots[0]?.height], ['slideshow', 320, 180]);
});

test('measures the network, tells the page what changes and the server now and then', async () => {
  const { env, call } = await connected();
  const words: string[] = [];
  call.on('network', ({ quality, why }) => words.push(why ?? quality));
  const pair = (rtt: number) => [
    { id: 'p', type: 'candidate-pair', nominated: true, currentRoundTripTime: rtt, bytesReceived: 1 },
  ];
  env.lastPeer.stats = pair(0.05);
  await env.advance(4_000);
  assert.deepEqual(words, ['good']);
  assert.equal(call.network?.rtt_ms, 50);
  assert.equal(env.last.count('stats'), 1);
  await env.advance(4_000);
  assert.equal(env.last.count('stats'), 1);
  env.lastPeer.stats = pair(0.7);
  await env.advance(2_000);
  assert.deepEqual(words, ['good', 'delay']);
  const told = env.last.last('stats');
  assert.deepEqual([told['quality'], told['why'], told['rtt_ms']], ['poor', 'delay', 700]);
});
