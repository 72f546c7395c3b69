// SPDX-License-Identifier: Apache-2.0
// A call without browsers: a buyer whose pictures (real ones, from a film) and sound the load generator sends,
// and an agent. It can be entered again and again, at a server that was started anew.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Load } from '../../bench/support/load.mjs';
import { buildFolder } from './louped.mjs';
import { enter } from './ws.mjs';

/** The generator, with a film that is made in `folder`. */
export async function startGenerator(folder, size = '320x180') {
  const film = join(folder, 'film.ivf');
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', `testsrc=size=${size}:rate=30`, '-t', '4', '-c:v', 'libvpx',
    '-b:v', '400k', '-g', '30', '-deadline', 'realtime', '-y', film]);
  const load = new Load(join(buildFolder, 'loupe-bench'));
  const { er } = await load.call({ cmd: 'film', path: film });
  if (er !== 0) throw new Error(`the generator does not take the film: ${er}`);
  return load;
}

export class Caller {
  #entered = 0;

  constructor(load, item) {
    Object.assign(this, { load, item });
  }

  /** Both enter; the buyer consents and sends. */
  async enter(server) {
    const { id, room, buyer } = this.item;
    this.buyer = await enter(server, { role: 'buyer', sub: buyer.id, name: 'Lin', case: id });
    await this.buyer.ask({ type: 'consent', recording: true });
    this.peer = `${id}-${this.#entered++}`;
    const sdp = await this.load.offer(this.peer, { publish: true });
    const answer = await this.buyer.ask({ type: 'offer', sdp }, 'answer');
    await this.load.answer(this.peer, answer.sdp);
    this.connected = Infinity; // since when media flows
    this.buyer.expect('media_connected').then(() => (this.connected = Date.now()), () => undefined);
    this.agent = await enter(server, { role: 'agent', sub: 'agent-1', name: 'Ann', room });
  }

  /** Waits for the buyer's first picture: of who sends none there is no clip. */
  async seen() {
    const isPicture = ({ kind, identity }) => kind === 'video' && identity === this.item.buyer.id;
    await this.agent.expect('track_added', isPicture);
  }

  /** The agent receives what the buyer sends. */
  async watch() {
    this.viewer = `${this.peer}-viewer`;
    const sdp = await this.load.offer(this.viewer, { receive: 1 });
    const answer = await this.agent.ask({ type: 'offer', sdp }, 'answer');
    await this.load.answer(this.viewer, answer.sdp);
  }

  /** Without a goodbye: the server is gone, or about to be. */
  async drop() {
    await Promise.all([this.buyer, this.agent].map((client) => client?.cut()));
    for (const peer of [this.peer, this.viewer]) if (peer) await this.load.close(peer);
    this.peer = this.viewer = this.buyer = this.agent = undefined;
  }
}
