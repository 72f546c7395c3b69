// SPDX-License-Identifier: Apache-2.0
// A running time since a moment, or down to one.
import { customElement, property } from 'lit/decorators.js';
import { duration } from '../i18n/index.js';
import { PageElement } from './element.js';

@customElement('lp-timer')
export class TimerElement extends PageElement {
  /** Milliseconds since the epoch, of this machine's clock. */
  @property({ type: Number }) since = 0;
  #interval: ReturnType<typeof setInterval> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#interval = setInterval(() => this.requestUpdate(), 250);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#interval);
  }

  protected override render() {
    return duration(this.since ? Date.now() - this.since : 0);
  }
}
