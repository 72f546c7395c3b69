// SPDX-License-Identifier: Apache-2.0
// The page at /: what this server is, and where to go.
import { html } from 'lit';
import { customElement } from 'lit/decorators.js';
import { t } from '../../i18n/index.js';
import { PageElement, icon } from '../../ui/element.js';
import { brand, setUpPage } from '../../ui/page.js';
import './home.css';

setUpPage();

@customElement('home-app')
export class HomeApp extends PageElement {
  protected override render() {
    return html`<main class="home">
      ${brand()}
      <h1>${t('app.tagline')}</h1>
      <p class="lead">${t('home.lead')}</p>
      <ul>
        <li class="card">
          ${icon('phone')}
          <h2>${t('home.buyer.title')}</h2>
          <p class="quiet">${t('home.buyer.text')}</p>
        </li>
        <li class="card">
          ${icon('desk')}
          <h2>${t('home.desk.title')}</h2>
          <p class="quiet">${t('home.desk.text')}</p>
        </li>
        <li class="card">
          ${icon('code')}
          <h2>${t('home.build.title')}</h2>
          <p class="quiet">${t('home.build.text')}</p>
          <p>
            <a href="/openapi.json">${t('home.build.openapi')}</a> ·
            <a href="/sdk/loupe.js">${t('home.build.sdk')}</a>
          </p>
        </li>
      </ul>
    </main>`;
  }
}
