// SPDX-License-Identifier: Apache-2.0
// People who are in a room by the client library alone, without the pages: with a camera or to watch, over
// the straight path or behind a bad network.
import { ImpairRelay, throughRelay } from '../../net/impair/relay.mjs';
import { lensScript } from './inpage.mjs';

/** In the page: answers lead through the relay on this port. */
function detour(port) {
  const set = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (given) {
    const sdp = given.type === 'answer' ? globalThis.throughRelay(given.sdp, port) : given.sdp;
    return set.call(this, { type: given.type, sdp });
  };
}

/** In the page: into the room; window.video shows the first person's picture, window.mid is its slot. */
async function enter({ token, room, camera }) {
  const { LoupeClient, LoupeCall, openCamera, openMicrophone } = await import('/sdk/loupe.js');
  const client = new LoupeClient({ token });
  await client.connect();
  if (room) await client.request('join', { room });
  const media = camera ? { camera: await openCamera(), microphone: await openMicrophone() } : {};
  const call = new LoupeCall({ client, facing: 'environment', ...media });
  const video = Object.assign(document.createElement('video'), { muted: true, autoplay: true });
  document.body.append(video);
  call.on('slots', (slots) => {
    const slot = slots.find((one) => one.kind === 'video' && one.identity);
    if (!slot || video.srcObject) return;
    video.srcObject = new MediaStream([slot.media]);
    window.mid = slot.mid;
    video.play().catch(() => {});
  });
  window.hints = [];
  call.on('hint', (hint) => window.hints.push(hint ?? null));
  call.start();
  Object.assign(window, { call, client, video, slot: () => call.slots.find((one) => one.mid === window.mid) });
}

/** `rules` of the bad network, both directions, make page.relay. Closed with the test. */
export async function someone(t, browser, louped, { token, room, camera = false, lens, rules, seed = 1 }) {
  const relay = rules && (await ImpairRelay.start({ target: louped.media, up: rules, down: rules, seed }));
  const script = [lensScript({ width: 1280, height: 720, ...lens })];
  if (relay) script.push(`globalThis.throughRelay = ${throughRelay}`, `(${detour})(${relay.port})`);
  const page = await browser.open({ script: script.join(';\n') });
  t.after(async () => {
    await page.close();
    relay?.close();
  });
  await page.goto(`${louped.url}/healthz`);
  await page.evaluate(enter, { token, room, camera });
  return Object.assign(page, { relay });
}
