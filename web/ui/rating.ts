// SPDX-License-Identifier: Apache-2.0
// What the buyer says of how a case went: asked once, when there is an outcome.
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { t, tMaybe } from '../i18n/index.js';
import { LoupeProblem, type Case, type LoupeRest } from '../sdk/index.js';
import { icon, PageElement } from './element.js';
import { SCORES, asksRating, fits, stars } from './rating-rules.js';
import './rating.css';

@customElement('lp-rating')
export class Rating extends PageElement {
  @property({ attribute: false }) case: Case | undefined;
  @property({ attribute: false }) rest: LoupeRest | undefined;
  /** The case with what was said. */
  @property({ attribute: false }) rated: (one: Case) => void = () => {};
  @state() score = 0;
  @state() resolved: boolean | undefined;
  @state() text = '';
  @state() sending = false;
  @state() failed = '';

  async #send(event: Event): Promise<void> {
    event.preventDefault();
    const one = this.case;
    if (!one || !this.rest || !this.score || this.sending) return;
    const text = this.text.trim();
    this.sending = true;
    this.failed = '';
    try {
      this.rated(await this.rest.act(one.id, 'rate', {
        score: this.score,
        ...(text ? { text } : {}),
        ...(this.resolved === undefined ? {} : { resolved: this.resolved }),
      }));
    } catch (error) {
      if (error instanceof LoupeProblem && error.status === 409) this.rated(await this.rest.case(one.id));
      else this.failed = error instanceof Error ? error.message : String(error);
    } finally {
      this.sending = false;
    }
  }

  protected override render() {
    const said = this.case?.satisfaction;
    if (said) {
      return html`<section class="card rating" data-testid="rated" data-score=${said.score}>
        <h3>${t('rating.thanks')}</h3>
        <p class="stars-said" role="img" aria-label=${t('rating.score', { n: said.score })}>${stars(said.score)}</p>
        ${said.text ? html`<p class="rating-text">${said.text}</p>` : nothing}
      </section>`;
    }
    if (!asksRating(this.case)) return nothing;
    return html`<section class="card rating" data-testid="rating">
      <form @submit=${(event: Event) => void this.#send(event)}>
        <fieldset class="stars">
          <legend><h2>${t('rating.title')}</h2></legend>
          ${SCORES.map((score) => this.#star(score))}
          <span class="small quiet" aria-hidden="true">${this.score ? tMaybe('rating.word.', String(this.score)) : t('rating.hint')}</span>
        </fieldset>
        <fieldset class="answers">
          <legend>${t('rating.resolved')}</legend>
          ${this.#answer(true, t('rating.yes'))} ${this.#answer(false, t('rating.no'))}
        </fieldset>
        <label class="choice"><span>${t('rating.text')}</span>
          <textarea class="field" rows="3" data-testid="rating-text" .value=${this.text}
            @input=${(event: Event) => (this.text = (event.target as HTMLTextAreaElement).value)}></textarea>
        </label>
        ${this.failed ? html`<p class="banner bad" role="alert">${icon('warn')}${t('rating.failed')}</p>` : nothing}
        ${fits(this.text) ? nothing : html`<p class="banner bad" role="alert">${t('rating.long')}</p>`}
        <button class="button main wide" data-testid="rating-send" ?disabled=${!this.score || this.sending || !fits(this.text)}>
          ${t('rating.send')}
        </button>
      </form>
    </section>`;
  }

  #star(score: number) {
    const word = tMaybe('rating.word.', String(score));
    return html`<label class="star ${score <= this.score ? 'on' : ''}" title=${word}>
      <input type="radio" name="score" class="only-read" value=${score} data-testid="star-${score}"
        aria-label=${`${t('rating.score', { n: score })}: ${word}`}
        .checked=${score === this.score} @change=${() => (this.score = score)} />
      <span aria-hidden="true">${score <= this.score ? '★' : '☆'}</span>
    </label>`;
  }

  #answer(value: boolean, word: string) {
    return html`<label class="answer">
      <input type="radio" name="resolved" data-testid="resolved-${value ? 'yes' : 'no'}"
        .checked=${this.resolved === value} @change=${() => (this.resolved = value)} /> ${word}
    </label>`;
  }
}
