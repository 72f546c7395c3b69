// SPDX-License-Identifier: Apache-2.0
// The buyer's camera from the desk: light, other camera, zoom, and the loupe, which has the phone send a part of what
// its sensor sees.
import { html, nothing } from 'lit';
import { t } from '../../i18n/index.js';
import { regionWithin, type CameraMembers, type Region } from '../../sdk/index.js';
import { icon } from '../../ui/element.js';
import type { DeskApp } from './main.js';

/** What is wished for is seen when the buyer's page has done it. */
export async function wish(app: DeskApp, members: CameraMembers): Promise<void> {
  const { buyer } = app.room;
  if (!buyer) return;
  try {
    await app.client.request('camera', { of: buyer.identity, wish: members });
    app.tools.asked = true;
    app.requestUpdate();
  } catch (error) {
    app.note = t('camera.failed', { why: (error as Error).message });
  }
}

/** A box that was dragged over what is seen now. */
export function lookAt(app: DeskApp, part: Region): void {
  void wish(app, { region: regionWithin(app.room.buyer?.camera?.region, part) });
}

export function steerView(app: DeskApp) {
  const { buyer } = app.room;
  const { camera } = buyer ?? {};
  const can = camera?.can;
  if (!buyer?.online || !can) return nothing;
  if (camera.allowed === false) return html`<span class="small quiet">${t('camera.refused')}</span>`;
  const whole = !camera.region;
  const asked = app.tools.asked && camera.allowed === undefined;
  return html`
    ${asked ? html`<span class="small quiet" role="status">${t('camera.asked')}</span>` : nothing}
    ${can.region
      ? html`<button class="button round" data-testid="tool-region" aria-pressed=${app.tools.tool === 'region'} aria-keyshortcuts="L"
          aria-label=${t('camera.region')} title="${t('camera.region')} (L)" @click=${() => app.tools.take('region')}>${icon('loupe')}</button>
        ${whole ? nothing : html`<button class="button tight" data-testid="region-whole" @click=${() => void wish(app, { region: null })}>${t('camera.whole')}</button>`}`
      : nothing}
    ${can.torch
      ? html`<button class="button round" data-testid="steer-torch" aria-pressed=${camera.torch === true}
          aria-label=${camera.torch ? t('camera.torchOff') : t('camera.torch')} title=${camera.torch ? t('camera.torchOff') : t('camera.torch')}
          @click=${() => void wish(app, { torch: !camera.torch })}>${icon('torch')}</button>`
      : nothing}
    ${can.flip
      ? html`<button class="button round" data-testid="steer-flip" aria-label=${t('camera.flip')} title=${t('camera.flip')}
          @click=${() => void wish(app, { facing: buyer.facing === 'user' ? 'environment' : 'user' })}>${icon('flip')}</button>`
      : nothing}
    ${can.zoom
      ? html`<label class="steer-zoom"><span class="only-read">${t('camera.zoom')}</span>
          <input type="range" data-testid="steer-zoom" min=${can.zoom[0]} max=${can.zoom[1]} step="0.1" .value=${String(camera.zoom ?? can.zoom[0])}
            @change=${(event: Event) => void wish(app, { zoom: Number((event.target as HTMLInputElement).value) })} /></label>`
      : nothing}`;
}
