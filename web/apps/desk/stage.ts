// SPDX-License-Identifier: Apache-2.0
// The desk's middle: the call with the buyer's picture, or a case's page, or nothing yet; the clips of
// the case below.
import { html, nothing } from 'lit';
import { t } from '../../i18n/index.js';
import { namesIn, stateChip } from '../../ui/case.js';
import { icon } from '../../ui/element.js';
import type { Case, Clip, Person, Slot } from '../../sdk/index.js';
import type { AudioElement } from '../../ui/media.js';
import type { StillsElement } from '../../ui/stills.js';
import '../../ui/attachments.js';
import '../../ui/settle.js';
import '../../ui/wrap-up.js';
import '../../ui/pass-on.js';
import { networkBadge, networkBars, networkMark } from '../../ui/network.js';
import type { DeskCall } from './call.js';
import { LOOK_BACK_S, type DeskApp } from './main.js';
import { inkView, toolsView } from './tools.js';

type Deleted = { object: 'clip' | 'still'; id: string };

/** Roles that may record, and so may make a part of a clip a new one. */
const RECORDS = new Set(['agent', 'appraiser', 'arbiter', 'host']);

function openStill(app: DeskApp, id: string): void {
  (app.querySelector('lp-stills') as StillsElement | null)?.show(id);
}

export function stageView(app: DeskApp) {
  const { call, selected } = app;
  return html`<main class="stage-column">
    ${app.note
      ? html`<p class="banner note" role="status" data-testid="note">${icon('warn')}${app.note}
          <button class="button plain tight" aria-label=${t('action.close')}
            @click=${() => (app.note = '')}>${icon('close')}</button></p>`
      : nothing}
    ${!call && app.room.notice ? html`<p class="banner" role="status" data-testid="notice">${icon('warn')}${app.room.notice}</p>` : nothing}
    <div class="done-line" role="status">${app.done ? html`<p class="banner good" data-testid="done">${icon('check')}${app.done}</p>` : nothing}</div>
    <lp-wrap-up .client=${app.client} .rest=${app.rest} .viewerRole=${app.link.claims?.role ?? ''} ?calling=${call !== undefined}
      @opened=${(event: CustomEvent<string>) => app.showCase(event.detail)}></lp-wrap-up>
    ${call ? callView(app, call) : selected ? caseHead(app) : idle(app)}
    ${selected || call
      ? html`${selected ? html`${passOn(app, selected)}${settling(app, selected)}` : nothing}${stillShelf(app)}<section class="clip-shelf" aria-label=${t('clip.title')}>
          <h2>${t('clip.title')}</h2>
          <lp-clips whole .clips=${app.room.clips} .rest=${app.rest} .stills=${app.room.stills}
            .names=${namesIn(app.timeline)} ?cuts=${RECORDS.has(app.link.claims?.role ?? '')} .viewerRole=${app.link.claims?.role ?? ''}
            @deleted=${(event: CustomEvent<Deleted>) => app.deleted(event.detail)}
            @made=${(event: CustomEvent<Clip>) => void app.follow(event.detail)}
            @still=${(event: CustomEvent<string>) => openStill(app, event.detail)}></lp-clips>
        </section>
        ${selected ? html`${files(app, selected)}${notes(app, selected)}` : nothing}
        ${call || !selected ? nothing : html`${exportCard(app)}
          <lp-keep ?graves=${app.timeline.some(({ type }) => type.endsWith('_deleted'))} .case=${selected.id} .rest=${app.rest} .names=${namesIn(app.timeline)} .viewerRole=${app.link.claims?.role ?? ''}></lp-keep>`}`
      : nothing}
  </main>`;
}

function passOn(app: DeskApp, one: Case) {
  return html`<lp-pass-on .case=${one} .rest=${app.rest} .client=${app.client} .viewerRole=${app.link.claims?.role ?? ''} .me=${app.client.identity}
    ?calling=${app.call?.caseId === one.id} @left=${() => app.leaveCall()}
    @changed=${(event: CustomEvent<Case>) => app.caseChanged(event.detail)}></lp-pass-on>`;
}

function settling(app: DeskApp, one: Case) {
  return html`<lp-settle .case=${one} .rest=${app.rest} .stills=${app.room.stills} .clips=${app.room.clips} .names=${namesIn(app.timeline)}
    .viewerRole=${app.link.claims?.role ?? ''} .me=${app.client.identity} .seq=${app.timeline.at(-1)?.seq ?? 0}
    @changed=${(event: CustomEvent<Case>) => app.caseChanged(event.detail)}></lp-settle>`;
}

function files(app: DeskApp, one: Case) {
  return html`<lp-attachments .case=${one} .rest=${app.rest} .names=${namesIn(app.timeline)} .viewerRole=${app.link.claims?.role ?? ''}
    .me=${app.client.identity} .version=${app.timeline.filter(({ type }) => /^attachment_(added|deleted)$/.test(type)).length}></lp-attachments>`;
}

function notes(app: DeskApp, one: Case) {
  return html`<lp-notes .case=${one} .rest=${app.rest} .names=${namesIn(app.timeline)} .viewerRole=${app.link.claims?.role ?? ''}
    .version=${app.timeline.filter(({ type }) => type === 'note_added').length}
    @changed=${(event: CustomEvent<Case>) => app.caseChanged(event.detail)}
    @opened=${(event: CustomEvent<string>) => app.showCase(event.detail)}></lp-notes>`;
}

function exportCard(app: DeskApp) {
  const clips = app.room.clips.filter((clip) => clip.state === 'ready').length;
  return html`<section class="card export" aria-label=${t('desk.export.title')}>
    <div><h2>${t('desk.export.title')}</h2>
      <p class="small quiet">${t('desk.export.text', { clips, stills: app.room.stills.length })}</p></div>
    <button class="button" data-testid="export" aria-busy=${app.exporting} ?disabled=${app.exporting}
      @click=${() => void app.exportCase()}>
      ${icon('save')}${app.exporting ? t('desk.export.running') : t('desk.export.button')}
    </button>
  </section>`;
}

function stillShelf(app: DeskApp) {
  const { stills } = app.room;
  if (stills.length === 0) return nothing;
  return html`<section class="clip-shelf" aria-label=${t('still.title')}>
    <h2>${t('still.title')}</h2>
    <lp-stills .stills=${stills} .rest=${app.rest} .names=${namesIn(app.timeline)} .viewerRole=${app.link.claims?.role ?? ''}
      @deleted=${(event: CustomEvent<Deleted>) => app.deleted(event.detail)}></lp-stills>
  </section>`;
}

function idle(app: DeskApp) {
  const { available } = app;
  return html`<section class="idle" data-testid="idle">
    <span class="face">${icon('loupe')}</span>
    <h1>${available ? t('desk.idle.title') : t('desk.idle.away.title')}</h1>
    <p class="quiet">${available ? t('desk.idle.text') : t('desk.idle.away.text')}</p>
    ${voiceChoice(app)}
  </section>`;
}

function voiceChoice(app: DeskApp) {
  const set = (event: Event) => void app.consentToVoice((event.target as HTMLInputElement).checked);
  return html`<label class="tick card voice">
    <input type="checkbox" data-testid="voice" .checked=${app.voice} @change=${set} />
    <span><strong>${t('desk.voice.label')}</strong><span class="small quiet">${t('desk.voice.text')}</span></span>
  </label>`;
}

function caseHead(app: DeskApp) {
  const one = app.selected;
  if (!one) return nothing;
  return html`<section class="card case-head" data-testid="case-page">
    <div>
      <p class="small quiet numbers">${one.number} ${stateChip(one.state)}</p>
      <h1>${one.title}</h1>
      ${one.reason ? html`<p class="quiet">${one.reason}</p>` : nothing}
    </div>
    <div class="case-actions">
      ${one.state === 'in_call'
        ? html`<button class="button main" data-testid="enter-call" @click=${() => void app.join(one.id)}>
            ${icon('phone')}${t('desk.call.enter')}
          </button>`
        : nothing}
      <button class="button plain round" aria-label=${t('desk.case.close')} @click=${() => app.closeCase()}>
        ${icon('close')}
      </button>
    </div>
  </section>`;
}

function callView(app: DeskApp, call: DeskCall) {
  const { room } = app;
  const { buyer } = room;
  const name = buyer?.name ?? app.selected?.buyer?.name ?? t('case.buyer');
  const slot = call.picture(buyer?.identity);
  const others = room.others.filter((person) => person !== buyer);
  return html`<section class="stage" data-testid="stage" data-media=${call.media.state}
    aria-label=${t('call.with', { name })}>
    <lp-video data-testid="buyer-video" class=${buyer?.facing === 'user' ? '' : 'rear'} .media=${slot?.media}
      .call=${call.media} .mid=${slot?.mid} label=${t('call.remote', { name })}></lp-video>
    ${inkView(app)}
    ${noPicture(call, slot, buyer, name)}
    <div class="stage-top">
      <strong class="badge"><span class="name">${name}</span>${buyer?.online ? networkMark(buyer.network) : nothing}</strong>
      <span class="badge"><lp-timer class="numbers" .since=${call.started}></lp-timer></span>
      ${room.recordingClips.length > 0
        ? html`<span class="badge rec"><span class="dot pulse"></span>${t('call.recording')}</span>`
        : nothing}
      ${slot?.state === 'slideshow'
        ? html`<span class="badge" data-testid="slideshow">${icon('cam')}${t('call.slideshow')}</span>`
        : nothing}
      ${networkBadge(call.media.network, t('quality.you'))}
    </div>
    ${banner(app, call, name)}
    <div class="small-ones">
      ${others.map((person) => {
        const picture = call.picture(person.identity);
        return picture
          ? html`<figure><lp-video class="fill" .media=${picture.media} .call=${call.media}
              .mid=${picture.mid} label=${t('call.remote', { name: person.name })}></lp-video>
              <figcaption><span class="name">${person.name}</span>${networkBars(person.network)}</figcaption></figure>`
          : nothing;
      })}
      <figure><lp-video class="fill mirrored" data-testid="self-video" .media=${call.camera}
        label=${t('call.selfSmall')}></lp-video>
        <figcaption><span class="name">${t('quality.you')}</span>${networkBars(call.media.network)}</figcaption></figure>
    </div>
    <lp-audio .tracks=${call.sounds} data-testid="remote-audio" @blocked=${(event: CustomEvent<boolean>) => {
      call.soundBlocked = event.detail;
      app.requestUpdate();
    }}></lp-audio>
  </section>
  ${toolsView(app)}
  ${controls(app, call, name)}`;
}

/** Why there is nothing to see. */
function noPicture(call: DeskCall, slot: Slot | undefined, buyer: Person | undefined, name: string) {
  let text = '';
  if (!slot && call.media.slots.some((one) => one.kind === 'video' && one.lacking)) text = t('call.codec', { name });
  else if (!slot) text = t('call.waitingPicture', { name });
  else if (buyer?.video === false) text = t('call.noPicture', { name });
  else if (slot.state === 'audio_only') text = t('call.audioOnly');
  return text ? html`<div class="no-picture">${icon(slot ? 'cam-off' : 'cam')}${text}</div>` : nothing;
}

function banner(app: DeskApp, call: DeskCall, name: string) {
  const { room } = app;
  let text = '';
  if (call.media.state === 'interrupted') text = t('call.network');
  else if (room.buyer?.online === false) text = t('call.away', { name });
  else if (room.notice) text = room.notice;
  else if (call.deviceTrouble) text = t('desk.call.camera', { why: call.deviceTrouble });
  return text ? html`<p class="banner over" role="status" data-testid="banner">${icon('warn')}${text}</p>` : nothing;
}

function recordButton(app: DeskApp, name: string) {
  const { room } = app;
  const { buyer } = room;
  const on = room.recordingClips.length > 0;
  const why = !buyer ? t('desk.call.recordNobody') : buyer.consent ? '' : t('desk.call.recordNoConsent', { name });
  return html`<button class="button record ${on ? 'on' : ''}" data-testid="record" aria-pressed=${on}
      ?disabled=${!on && why !== ''} aria-describedby="record-why" @click=${() => void app.record()}>
      ${icon(on ? 'stop' : 'record')}${on ? t('desk.call.stop') : t('desk.call.record')}
      ${on ? html`<lp-timer class="numbers" data-testid="record-time" .since=${room.recordingSince}></lp-timer>` : nothing}
    </button>
    <span class="small quiet record-why" id="record-why" data-testid="record-why" ?hidden=${on || !why}>
      ${why}</span>`;
}

function stillButton(app: DeskApp) {
  const { buyer } = app.room;
  return html`<button class="button" data-testid="take-still" aria-keyshortcuts="S" aria-busy=${app.takingStill}
      title=${t('desk.call.stillKey')} ?disabled=${!buyer?.consent || app.takingStill}
      @click=${() => void app.still()}>
      ${icon('picture')}<span class="word">${t('desk.call.still')}</span>
    </button>
    <button class="button" data-testid="take-photo" aria-busy=${app.awaited.size > 0}
      title=${t('desk.call.photoHint')} ?disabled=${!buyer?.consent || !buyer.online}
      @click=${() => void app.photograph()}>
      ${icon('photo')}<span class="word">${app.awaited.size > 0 ? t('desk.call.photoWaiting') : t('desk.call.photo')}</span>
    </button>
    <button class="button" data-testid="light-challenge" aria-busy=${app.challenging} title=${t('desk.light.hint')}
      ?disabled=${!buyer?.consent || !buyer.online || app.challenging} @click=${() => void app.challenge()}>
      ${icon('torch')}<span class="word">${app.challenging ? t('desk.light.running') : t('desk.light.button')}</span>
    </button>`;
}

function lookBackButton(app: DeskApp) {
  const { buyer } = app.room;
  const label = t('desk.call.lookBack', { n: LOOK_BACK_S });
  return html`<button class="button" data-testid="look-back" aria-label=${label} title=${label}
      aria-busy=${app.lookingBack} ?disabled=${!buyer?.consent || app.lookingBack}
      @click=${() => void app.lookBack()}>
      ${icon('clock')}<span class="word">${label}</span>
    </button>`;
}

function controls(app: DeskApp, call: DeskCall, name: string) {
  const { media } = call;
  const [sounds, shows] = [media.microphoneOn, media.cameraOn];
  const toggle = (act: () => void) => () => {
    act();
    app.requestUpdate();
  };
  const play = () => void (app.querySelector('lp-audio') as AudioElement).play();
  return html`<div class="controls">
    ${recordButton(app, name)} ${lookBackButton(app)} ${stillButton(app)}
    ${!app.voice && app.room.buyer?.consent
      ? html`<span class="small quiet voice-hint">${t('desk.voice.silent')}
          <button class="button tight" data-testid="voice-allow" @click=${() => void app.consentToVoice(true)}>
            ${t('desk.voice.allow')}</button></span>`
      : nothing}
    <span class="talk">${call.soundBlocked
      ? html`<button class="button main" @click=${play}>${icon('sound')}${t('action.listen')}</button>`
      : nothing}
    <button class="button round" data-testid="mute" aria-pressed=${!sounds}
      aria-label=${sounds ? t('action.mute') : t('action.unmute')}
      @click=${toggle(() => media.switchMicrophone(!sounds))}>${icon(sounds ? 'mic' : 'mic-off')}</button>
    <button class="button round" data-testid="camera" aria-pressed=${!shows}
      aria-label=${shows ? t('action.cameraOff') : t('action.cameraOn')}
      @click=${toggle(() => media.switchCamera(!shows))}>${icon(shows ? 'cam' : 'cam-off')}</button>
    <button class="button danger" data-testid="hang-up" @click=${() => void app.hangUp()}>
      ${icon('hang-up')}<span class="word">${t('action.hangUp')}</span>
    </button></span>
  </div>`;
}
