// SPDX-License-Identifier: Apache-2.0
// What a page knows of the room it is in, kept up to date from the session's events: people, chat,
// recording, case and clips. `changed` is called after each change.
import { t } from '../i18n/index.js';
import type { Case, ChatMessage, Clip, LoupeClient, Network, Person, Still } from '../sdk/index.js';

const MOST_MESSAGES = 500;
const STAFF = new Set(['agent', 'appraiser', 'arbiter', 'host', 'supervisor']);

const NOTICES: Record<string, () => string> = {
  draining: () => t('notice.draining'),
  disk_low: () => t('notice.disk_low'),
  disk_ok: () => '',
  recording_stopped_disk_full: () => t('notice.recording_stopped_disk_full'),
  clip_not_saved: () => t('notice.clip_not_saved'),
};

export class RoomModel {
  people = new Map<string, Person>();
  messages: ChatMessage[] = [];
  clips: Clip[] = [];
  /** Oldest first. */
  stills: Still[] = [];
  case: Case | undefined;
  recordingSince = 0;
  recordingClips: string[] = [];
  notice = '';
  /** Messages that came since they were last looked at. */
  unread = 0;

  readonly #client: LoupeClient;
  readonly #offs: (() => void)[];

  constructor(client: LoupeClient, changed: () => void) {
    this.#client = client;
    const on: LoupeClient['on'] = (name, listener) =>
      client.on(name, (value) => {
        listener(value);
        changed();
      });
    this.#offs = [
      on('roster', ({ people }) => (this.people = new Map(people.map((p) => [p.identity, p])))),
      on('person_joined', ({ person }) => void this.people.set(person.identity, person)),
      on('person_changed', ({ person }) => void this.people.set(person.identity, person)),
      on('person_left', ({ identity }) => void this.people.delete(identity)),
      on('network', ({ identity, network }) => this.#network(identity, network)),
      on('history', ({ messages }) => messages.forEach((message) => this.#heard(message, false))),
      on('chat', ({ message }) => this.#heard(message, message.from !== client.identity)),
      on('recording', ({ on: isOn, clips, since }) => this.#recording(isOn, clips, since)),
      on('case', (message) => (this.case = message.case)),
      on('clip', ({ clip }) => this.putClip(clip)),
      on('still', ({ still }) => this.putStill(still)),
      on('deleted', ({ object, id }) => this.remove(object, id)),
      on('renewed', () => this.#recording(false, [], null)),
      on('notice', ({ code, message }) => (this.notice = NOTICES[code]?.() ?? message)),
    ];
  }

  dispose(): void {
    this.#offs.forEach((off) => off());
  }

  get others(): Person[] {
    return [...this.people.values()].filter((person) => person.identity !== this.#client.identity);
  }

  get buyer(): Person | undefined {
    return this.others.find((person) => person.role === 'buyer');
  }

  get staff(): Person | undefined {
    return this.others.find((person) => STAFF.has(person.role));
  }

  get me(): Person | undefined {
    return this.people.get(this.#client.identity);
  }

  putClip(clip: Clip): void {
    const known = this.clips.some((one) => one.id === clip.id);
    this.clips = !known
      ? [...this.clips, clip]
      : this.clips.map((one) => (one.id === clip.id ? { ...one, ...clip } : one));
  }

  putStill(still: Still): void {
    const known = this.stills.some((one) => one.id === still.id);
    this.stills = !known
      ? [...this.stills, still]
      : this.stills.map((one) => (one.id === still.id ? { ...one, ...still } : one));
  }

  remove(object: 'clip' | 'still', id: string): void {
    if (object === 'clip') this.clips = this.clips.filter((one) => one.id !== id);
    else this.stills = this.stills.filter((one) => one.id !== id);
  }

  putClips(clips: Clip[]): void {
    this.clips = [...clips].sort((a, b) => (a.started_at ?? '').localeCompare(b.started_at ?? ''));
  }

  /** Sends, and shows the message even if the server does not echo it. */
  async send(text: string): Promise<void> {
    const { message } = await this.#client.request('chat', { text });
    if (message === undefined) return;
    const me = this.#client.welcome;
    if (typeof message !== 'string') return this.#heard(message, false);
    const [from, name, role] = [me?.identity ?? '', me?.name ?? '', me?.role ?? 'viewer'];
    this.#heard({ message, from, name, role, text, at: new Date().toISOString() }, false);
  }

  #network(identity: string, network: Network | null): void {
    const { network: _before, ...person } = this.people.get(identity) ?? {};
    if (!('identity' in person)) return;
    this.people.set(identity, network ? { ...person, network } as Person : person as Person);
  }

  #heard(message: ChatMessage, isNew: boolean): void {
    if (this.messages.some((one) => one.message === message.message)) return;
    this.messages = [...this.messages, message].slice(-MOST_MESSAGES);
    if (isNew) this.unread += 1;
  }

  #recording(on: boolean, clips: string[], since: string | null): void {
    this.recordingClips = on ? clips : [];
    if (!on) this.recordingSince = 0;
    else if (!this.recordingSince) this.recordingSince = localTime(since, this.#client);
  }
}

/** A server time in this machine's clock; never in the future. */
function localTime(at: string | null, client: LoupeClient): number {
  const now = Date.now();
  const skew = client.clockSkewMs;
  return at ? Math.min(now, Date.parse(at) + skew) : now;
}
