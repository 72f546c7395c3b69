// SPDX-License-Identifier: Apache-2.0
// What every page does first: its language and title, and the token of its link.
import { html, type TemplateResult } from 'lit';
import { language, t } from '../i18n/index.js';
import { LoupeError, LoupeProblem, readToken, type TokenClaims } from '../sdk/index.js';
import { icon } from './element.js';
import './base.css';
import './brand.js';

export type LinkTrouble = 'bad' | 'expired' | 'denied' | 'replaced' | 'offline';

export function setUpPage(title?: string): void {
  document.documentElement.lang = language;
  document.title = title ? `${title} · ${t('app.name')}` : t('app.name');
  // Another link pasted into the same tab changes only the fragment: begin anew with it.
  window.addEventListener('hashchange', () => location.reload());
}

/** The token stands in the fragment, so that it never reaches a server's log. */
export function linkToken(): { token: string; claims: TokenClaims | undefined } {
  const token = decodeURIComponent(location.hash.slice(1)).replace(/^token=/, '');
  return { token, claims: readToken(token) };
}

/** What an error says about the link itself, if anything. */
export function linkTrouble(error: unknown): LinkTrouble | undefined {
  if (error instanceof LoupeError) {
    const known: Record<string, LinkTrouble> = {
      unauthenticated: 'expired',
      denied: 'denied',
      replaced: 'replaced',
    };
    return known[error.code];
  }
  if (!(error instanceof LoupeProblem)) return undefined;
  if (error.status === 0) return 'offline';
  if (error.status === 401) return 'expired';
  return error.status === 403 || error.status === 404 ? 'denied' : undefined;
}

const TEXTS: Record<LinkTrouble, [title: () => string, text: () => string]> = {
  bad: [() => t('link.bad.title'), () => t('link.bad.text')],
  expired: [() => t('link.expired.title'), () => t('link.expired.text')],
  denied: [() => t('link.denied.title'), () => t('link.denied.text')],
  replaced: [() => t('link.replaced.title'), () => t('link.replaced.text')],
  offline: [() => t('link.offline.title'), () => t('link.offline.text')],
};

export function troubleView(trouble: LinkTrouble): TemplateResult {
  const [title, text] = TEXTS[trouble];
  const reload = trouble === 'replaced' || trouble === 'offline';
  const again = trouble === 'replaced' ? t('link.replaced.here') : t('action.retry');
  return html`<main class="trouble" data-testid="link-trouble" data-trouble=${trouble}>
    ${icon(trouble === 'offline' ? 'warn' : 'link')}
    <h1>${title()}</h1>
    <p class="quiet">${text()}</p>
    ${reload
      ? html`<button class="button main" @click=${() => location.reload()}>${again}</button>`
      : ''}
  </main>`;
}

export function brand(): TemplateResult {
  return html`<lp-brand></lp-brand>`;
}
