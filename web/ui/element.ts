// SPDX-License-Identifier: Apache-2.0
// The base of the pages' elements. They render into the document itself: one style sheet per page, labels
// and focus work across elements, and nothing needs a style that the content security policy forbids.
import { LitElement, html, type TemplateResult } from 'lit';
import sprite from './icons.svg';

export class PageElement extends LitElement {
  protected override createRenderRoot(): HTMLElement {
    return this;
  }
}

export function icon(name: string): TemplateResult {
  return html`<svg class="icon" aria-hidden="true"><use href="${sprite}#${name}"></use></svg>`;
}
