// SPDX-License-Identifier: Apache-2.0
// The camera and microphone check, and what to do when the camera cannot be had.
import { html, nothing } from 'lit';
import { t } from '../../i18n/index.js';
import type { MediaTrouble } from '../../sdk/index.js';
import { icon } from '../../ui/element.js';
import type { BuyerApp } from './main.js';

const TROUBLES: Record<MediaTrouble, [title: () => string, text: () => string]> = {
  denied: [() => t('trouble.denied.title'), () => t('trouble.denied.text')],
  none: [() => t('trouble.none.title'), () => t('trouble.none.text')],
  busy: [() => t('trouble.busy.title'), () => t('trouble.busy.text')],
  unsupported: [() => t('trouble.unsupported.title'), () => t('trouble.unsupported.text')],
  insecure: [() => t('trouble.insecure.title'), () => t('trouble.insecure.text')],
  other: [() => t('trouble.other.title'), () => t('trouble.other.text')],
};

export function mediaTroubleText(trouble: MediaTrouble): string {
  return TROUBLES[trouble][0]();
}

export function checkView(app: BuyerApp) {
  const { own } = app;
  return html`<main class="page check" data-testid="stage-check">
    <header class="top">
      <button class="button plain tight" @click=${() => back(app)}>${t('action.back')}</button>
    </header>
    <div class="hello">
      <h1>${t('check.title')}</h1>
      ${own.camera ? nothing : html`<p class="quiet">${t('check.lead')}</p>`}
    </div>
    ${own.trouble ? troubleCard(app, own.trouble) : own.camera ? preview(app) : ask(app)}
  </main>`;
}

function back(app: BuyerApp): void {
  app.own.close();
  app.stage = 'start';
}

function ask(app: BuyerApp) {
  return html`<div class="preview empty">${icon('cam')}</div>
    <button class="button main wide" data-testid="check-allow" ?disabled=${app.opening}
      @click=${() => void app.openMedia()}>
      ${app.opening ? t('check.opening') : t('check.allow')}
    </button>`;
}

function preview(app: BuyerApp) {
  const { own } = app;
  const go = app.rejoin ? t('check.rejoin') : t('check.go');
  return html`<lp-video class="preview ${own.mirrored ? 'mirrored' : ''}" .media=${own.camera}
      label=${t('check.preview')} data-testid="preview"></lp-video>
    ${own.cameras.length > 1 ? cameraChoice(app) : nothing}
    <section class="card level-card">
      <h3>${icon(own.microphone ? 'mic' : 'mic-off')} ${t('check.microphone')}</h3>
      ${own.microphone
        ? html`<lp-level .media=${own.microphone}></lp-level>
            <p class="small quiet">${t('check.speak')}</p>`
        : html`<p class="small quiet">${t('check.muted')}</p>`}
    </section>
    <button class="button main wide" data-testid="check-go" @click=${() => void app.enter()}>
      ${own.microphone ? go : t('check.without')}
    </button>`;
}

function cameraChoice(app: BuyerApp) {
  const { own } = app;
  const now = own.camera?.getSettings().deviceId;
  const choose = (event: Event) => void own.use({ deviceId: (event.target as HTMLSelectElement).value });
  return html`<label class="choice"><span class="small quiet">${t('check.camera')}</span>
    <select class="field" data-testid="camera-choice" @change=${choose}>
      ${own.cameras.map(
        (camera, index) => html`<option value=${camera.deviceId} ?selected=${camera.deviceId === now}>
          ${camera.label || t('check.camera.n', { n: index + 1 })}
        </option>`,
      )}
    </select></label>`;
}

function troubleCard(app: BuyerApp, trouble: MediaTrouble) {
  const [title, text] = TROUBLES[trouble];
  const copy = async (event: Event) => {
    const button = event.currentTarget as HTMLElement;
    await navigator.clipboard?.writeText(location.href);
    button.textContent = t('trouble.copied');
  };
  const elsewhere = trouble === 'unsupported' || trouble === 'none' || trouble === 'insecure';
  return html`<section class="card trouble" role="alert" data-testid="media-trouble" data-trouble=${trouble}>
    ${icon('cam-off')}
    <h2>${title()}</h2>
    <p class="quiet">${text()}</p>
    ${elsewhere ? html`<button class="button" @click=${copy}>${t('trouble.copy')}</button>` : nothing}
    <button class="button main" data-testid="check-retry" @click=${() => void app.openMedia()}>
      ${t('action.retry')}
    </button>
  </section>`;
}
