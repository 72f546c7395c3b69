// SPDX-License-Identifier: Apache-2.0
// A louped of the test's own, with a data folder of its own, that can be killed and started again on the
// same ports; tokens for its people, and calls of its HTTP interface.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLouped as startProcess, token } from '../../net/support/louped.mjs';

export const tokens = {
  service: () => token({ sub: 'shop', name: 'Shop', role: 'service' }),
  agent: (sub = 'agent-1', name = 'Chen Jie') => token({ sub, name, role: 'agent' }),
  buyer: (one) => token({ sub: one.buyer.id, name: one.buyer.name, role: 'buyer', case: one.id }),
};

export class Louped {
  data = mkdtempSync(join(tmpdir(), 'loupe-e2e-'));

  constructor(args, env) {
    this.args = args;
    this.env = env;
  }

  /** The ports are free ones at first, and the same again after a restart. */
  async start() {
    const { data, args, env } = this;
    const same = this.url ? ['--http', new URL(this.url).host, '--media', this.media] : [];
    this.process = await startProcess({ data, env, args: [...same, ...args] });
    this.url = this.process.url;
    this.media = this.process.media;
    return this;
  }

  get log() {
    return this.process.log;
  }

  /** Ends it as a power cut would. */
  kill() {
    return this.process.stop('SIGKILL');
  }

  /** Ends it gently; gives its exit code. */
  async stop() {
    const code = await this.process.stop();
    rmSync(this.data, { recursive: true, force: true });
    return code;
  }

  call(method, path, who, body) {
    return this.process.api(method, `/api/v1${path}`, { token: who, body });
  }

  /** As call(), and fails unless the answer is 2xx. */
  async ask(method, path, who, body) {
    const { status, body: answer } = await this.call(method, path, who, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
    return answer;
  }

  newCase(members = {}) {
    return this.ask('POST', '/cases', tokens.service(), {
      kind: 'inspection',
      title: 'Handbag strap torn at the seam',
      reason: 'The strap was torn when the parcel was opened',
      language: 'en',
      order: { number: '8829-4410', item: 'Leather bag', price: { value: '1280.00', currency: 'CNY' } },
      buyer: { id: `buyer-${randomUUID().slice(0, 8)}`, name: 'Wang Fang' },
      ...members,
    });
  }

  /** Waits until a clip is finished: its row as GET /clips/{id} has it. */
  async finished(id, who, withinMs = 15_000) {
    const end = Date.now() + withinMs;
    for (;;) {
      const clip = await this.ask('GET', `/clips/${id}`, who);
      if (clip.state === 'ready' || clip.state === 'failed') return clip;
      if (Date.now() > end) throw new Error(`the clip stays ${clip.state}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

export function startLouped(...args) {
  return new Louped(args).start();
}
