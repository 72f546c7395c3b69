// SPDX-License-Identifier: Apache-2.0
// A merchant's pages in its own name and colour: set through the object model, so that no page needs a style of its own. The server
// has seen to it that what stands in the accent, and on it, can be read (server/brand.c makes the same of it).
import { html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { fits, offer, t } from '../i18n/index.js';
import type { Brand } from '../sdk/index.js';
import { accentColours } from './accent.js';
import { PageElement, icon } from './element.js';

const TOLD = 'loupe-brand';
let shown: Brand | undefined;

/** The page is the merchant's from now on. One that is not in a language of its own begins anew in one that is. */
export function showBrand(brand: Brand): void {
  offer(brand.languages);
  if (!fits()) return location.reload();
  shown = brand;
  const { style } = document.documentElement;
  for (const [name, colour] of Object.entries(brand.accent ? accentColours(brand.accent) : {})) style.setProperty(name, colour);
  document.title = document.title.replace(t('app.name'), brand.name);
  document.dispatchEvent(new Event(TOLD));
}

/** Nothing of a page waits for it, and what cannot be had is left out. */
export async function loadBrand(asked: Promise<Brand>): Promise<void> {
  const brand = await asked.catch(() => undefined);
  if (brand && (brand.accent || brand.logo_url || brand.languages || brand.privacy_url || brand.terms_url || brand.named)) showBrand(brand);
}

class BrandElement extends PageElement {
  @state() protected brand: Brand | undefined = shown;
  readonly #told = () => (this.brand = shown);

  override connectedCallback(): void {
    super.connectedCallback();
    this.#told();
    document.addEventListener(TOLD, this.#told);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener(TOLD, this.#told);
  }
}

@customElement('lp-brand')
export class BrandNameElement extends BrandElement {
  protected override render() {
    const { brand } = this;
    return html`<span class="brand" data-testid="brand">${brand?.logo_url
      ? html`<img class="brand-logo" src=${brand.logo_url} alt="" />`
      : brand ? nothing : icon('loupe')}<span class="brand-name">${brand?.name ?? t('app.name')}</span></span>`;
  }
}

@customElement('lp-brand-foot')
export class BrandFootElement extends BrandElement {
  protected override render() {
    const { brand } = this;
    if (!brand) return nothing;
    const link = (url: string | undefined, name: string) =>
      url?.startsWith('https://') ? html`<a href=${url} target="_blank" rel="noopener noreferrer">${name}</a>` : nothing;
    return html`<footer class="brand-foot small quiet" data-testid="brand-foot">
      ${link(brand.privacy_url, t('brand.privacy'))} ${link(brand.terms_url, t('brand.terms'))}
      <span>${t('brand.with', { app: t('app.name') })}</span></footer>`;
  }
}
