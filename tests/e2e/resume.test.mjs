// SPDX-License-Identifier: Apache-2.0
// The buyer's WebSocket is cut for 20 seconds: picture and sound go on, the same session resumes with
// nothing lost, and the roster has nobody twice. A reloaded page comes back into the call as well.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './support/browsers.mjs';
import { acceptCall, openBuyer, openDesk, takeCalls } from './support/people.mjs';
import { Proxy } from './support/proxy.mjs';
import { startLouped, tokens } from './support/server.mjs';

const CUT_MS = 20_000;
let louped;
let browser;
let proxy;

before(async () => {
  proxy = await new Proxy().listen();
  louped = await startLouped('--allowed-origins', proxy.origin);
  proxy.target = louped.url;
  browser = await launch('chromium');
});

after(async () => {
  await browser?.close();
  proxy?.close();
  await louped?.stop();
});

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function inCall(t, name) {
  const one = await louped.newCase();
  const agent = tokens.agent(`agent-${name}`);
  const desk = await openDesk(browser, louped, { token: agent });
  await takeCalls(desk);
  const buyer = await openBuyer(browser, louped, one, { base: proxy.origin });
  t.after(async () => {
    await desk.close();
    await buyer.close();
  });
  await acceptCall(desk, buyer);
  const people = async () => (await louped.ask('GET', `/rooms/${one.room}`, agent)).people;
  return { one, desk, buyer, people };
}

async function goesOn(page, ms) {
  const before = (await page.received()).framesDecoded;
  await pause(ms);
  return (await page.received()).framesDecoded - before;
}

test('20 s without a WebSocket', { timeout: 120_000 }, async (t) => {
  const { one, desk, buyer, people } = await inCall(t, 'cut');
  await desk.fill('chat-input', 'before');
  await desk.click('chat-send');
  proxy.cut();
  const cutAt = Date.now();
  await buyer.see('banner');
  await desk.see('banner');
  await desk.fill('chat-input', 'while you were away');
  await desk.click('chat-send');
  while (Date.now() - cutAt < CUT_MS - 3000) {
    const [seen, shown] = await Promise.all([goesOn(desk, 2000), goesOn(buyer, 2000)]);
    assert.ok(seen > 15 && shown > 15, `${seen} and ${shown} pictures in 2 s`);
  }
  assert.deepEqual((await people()).map((p) => [p.identity, p.online]).sort(), [
    ['agent-cut', true],
    [one.buyer.id, false],
  ].sort());
  await pause(Math.max(0, CUT_MS - (Date.now() - cutAt)));
  const peer = await buyer.evaluate(() => window.lens.peers.length);
  proxy.mend();
  await desk.gone('banner', 15_000);
  await buyer.gone('banner');
  assert.ok((await goesOn(desk, 1500)) > 15);
  assert.equal(await buyer.evaluate(() => window.lens.peers.length), peer, 'the same peer connection');

  const roster = await people();
  assert.equal(roster.length, 2);
  assert.ok(roster.every((person) => person.online));
  await buyer.click('chat');
  await buyer.until('all messages', () => document.querySelectorAll('[data-testid=chat-message]').length === 2);
  assert.match(await buyer.text('chat-list'), /before.*while you were away/s);
  assert.deepEqual(await buyer.evaluate(() => window.lens.peers.at(-1).connectionState), 'connected');
});

test('a reloaded page rejoins the call', { timeout: 90_000 }, async (t) => {
  const { desk, buyer, people } = await inCall(t, 'reload');
  await buyer.reload();
  await buyer.see('stage-call');
  await buyer.until('the picture', async () => (await window.lens.received()).framesDecoded > 5);
  await desk.until('the new picture', () => {
    const found = window.lens.seen('[data-testid=buyer-video] video');
    return found && found.age < 1500;
  });
  assert.equal((await people()).length, 2);
  await desk.reload();
  await desk.see('stage');
  await desk.until('the picture', async () => (await window.lens.received()).framesDecoded > 5);
  await buyer.until('the agent again', () => {
    const found = window.lens.seen('[data-testid=remote-video] video');
    return found && found.age < 1500;
  });
  const roster = await people();
  assert.equal(roster.length, 2);
  assert.ok(roster.every((person) => person.online));
});
