// SPDX-License-Identifier: Apache-2.0
// Keeps what the desk lists fresh: what the server says has changed, by whatever door, is read again, a little later and not
// by all desks at once; not at all while nobody looks. Arbiters have their queue of disputes beside the cases.
import { clockExact, t } from '../../i18n/index.js';
import type { DisputeEntry } from '../../sdk/index.js';
import type { DeskApp } from './main.js';

const SETTLES_MS = 800;

export class FreshLists {
  disputes: DisputeEntry[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stale = false;

  constructor(private readonly app: DeskApp) {
    app.client.on('cases_changed', ({ cases, more }) => this.#changed(new Set(cases), more));
    app.client.on('renewed', () => this.#soon());
    app.client.on('awaiting_buyer', ({ until }) => (app.note = t('desk.awaiting', { at: clockExact(until) })));
    app.client.on('call_started', () => (app.note = ''));
    app.client.on('call_ended', ({ reason }) => reason === 'no_show' && (app.note = t('desk.noShow')));
    document.addEventListener('visibilitychange', () => {
      if (this.#stale && !document.hidden) this.#soon();
    });
  }

  get rules(): boolean {
    return this.app.link.claims?.role === 'arbiter';
  }

  async load(): Promise<void> {
    this.#stale = false;
    const disputes = this.rules ? this.app.rest.disputes().catch(() => undefined) : undefined;
    await this.app.loadCases();
    this.disputes = (await disputes)?.items ?? this.disputes;
    this.app.requestUpdate();
  }

  /** What lies open is read at once; in a call its room tells of it anyway. */
  #changed(cases: Set<string>, more: boolean): void {
    const open = this.app.selected?.id;
    if (open && !this.app.call && (more || cases.has(open))) void this.#open(open);
    if (document.hidden) this.#stale = true;
    else this.#soon();
  }

  async #open(id: string): Promise<void> {
    const one = await this.app.rest.case(id).catch(() => undefined);
    if (one && this.app.selected?.id === id) this.app.caseChanged(one);
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.load();
    }, SETTLES_MS * (1 + Math.random()));
  }
}
