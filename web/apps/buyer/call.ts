// SPDX-License-Identifier: Apache-2.0
// The call: the buyer's own camera fills the screen, because that is what the agent sees; the agent is
// small in a corner, the controls are at the thumb.
import { html, nothing } from 'lit';
import { classMap } from 'lit/directives/class-map.js';
import { t } from '../../i18n/index.js';
import { icon } from '../../ui/element.js';
import type { AudioElement } from '../../ui/media.js';
import '../../ui/ink.js';
import { recordingSign, type RecordingSign } from '../../ui/recording.js';
import { networkBadge, networkBars } from '../../ui/network.js';
import type { BuyerApp } from './main.js';
import { steeringBadge, steeringQuestion } from './steering.js';

export function callView(app: BuyerApp) {
  const { call, room, own } = app;
  const staff = room?.staff;
  const name = staff?.name || app.agentName || t('call.agent');
  const slots = call?.slots ?? [];
  const isAgent = (identity: string | null) => identity !== null && (!staff || identity === staff.identity);
  const picture = slots.find((slot) => slot.kind === 'video' && isAgent(slot.identity));
  const sound = slots.filter((slot) => slot.kind === 'audio').map((slot) => slot.media);
  const { soundBlocked, chatOpen } = app;
  return html`<main class="call ${chatOpen ? 'with-chat' : ''}" data-testid="stage-call"
      data-media=${call?.state ?? ''} aria-label=${t('call.with', { name })}>
    <lp-video class=${classMap({ self: true, mirrored: own.mirrored })} data-testid="self-video"
      .media=${own.sent} label=${t('call.self', { name })}></lp-video>
    ${inkView(app)}
    ${call?.cameraOn ? nothing : html`<div class="self-off">${icon('cam-off')}${t('call.cameraOff')}</div>`}
    <div class="call-top">
      <div class="badges">
        ${sign(app)}
        <span class="badge"><lp-timer class="numbers" .since=${app.callStarted}></lp-timer>${networkBars(call?.network)}</span>
        ${networkBadge(call?.network)}
      </div>
      ${banners(app, name)}
      ${app.photo
        ? html`<p class="badge" role="status" data-testid="photo" data-state=${app.photo}>${icon('photo')}${PHOTO[app.photo](name)}</p>`
        : nothing}
      <button class="badge consent-badge" data-testid="consent-toggle" aria-pressed=${app.consent}
        title=${app.consent ? t('call.stopAllowing') : t('call.allowRecording')}
        @click=${() => void app.setConsent(!app.consent)}>
        ${icon('shield')}${app.consent ? (signOf(app) === 'recording' ? t('call.stopAllowing') : t('call.consentOn')) : t('call.consentOff')}
      </button>
      ${steeringBadge(app.steering)}
    </div>
    <figure class="agent">
      <lp-video class="fill" data-testid="remote-video" .media=${picture?.media} .call=${call}
        .mid=${picture?.mid} label=${t('call.remote', { name })}></lp-video>
      ${picture && staff?.video !== false && picture.state !== 'audio_only'
        ? nothing
        : html`<div class="face">${icon('user')}</div>`}
      <figcaption><span class="name">${name}</span>${staff?.online ? networkBars(staff.network) : nothing}</figcaption>
    </figure>
    <lp-audio .tracks=${sound} data-testid="remote-audio"
      @blocked=${(event: CustomEvent<boolean>) => (app.soundBlocked = event.detail)}></lp-audio>
    ${soundBlocked
      ? html`<button class="button main listen" data-testid="listen" @click=${listen}>
          ${icon('sound')}${t('action.listen')}
        </button>`
      : nothing}
    ${own.abilities.zoom ? zoom(app) : nothing}
    ${bar(app)}
    ${app.answerPlace ? placeQuestion(app.answerPlace, name) : steeringQuestion(app.steering)}
    ${app.light
      ? html`<div class="light ${app.light} ${own.abilities.torch ? 'torch' : ''}" role="status" data-testid="light"
          data-light=${app.light}><p><strong>${t('call.light', { name })}</strong><br />${own.abilities.torch ? t('call.lightTorch') : t('call.lightScreen')}</p></div>`
      : nothing}
    ${chatOpen && room
      ? html`<section class="chat-sheet" aria-label=${t('chat.title')}>
          <header>
            <h2>${t('chat.title')}</h2>
            <button class="button plain round" aria-label=${t('action.close')} data-testid="chat-close"
              @click=${() => toggleChat(app)}>${icon('close')}</button>
          </header>
          <lp-chat .messages=${room.messages} .me=${app.client?.identity ?? ''}
            .send=${(text: string) => room.send(text)}></lp-chat>
        </section>`
      : nothing}
  </main>`;
}

/** What the agent shows, over one's own picture. */
function inkView(app: BuyerApp) {
  const { room, drawing, rest, client } = app;
  const names = new Map([...(room?.people.values() ?? [])].map(({ identity, name }) => [identity, name]));
  return html`<lp-ink .drawing=${drawing} .of=${client?.identity ?? ''} .mirrored=${app.own.mirrored} .names=${names}
    .stillUrl=${async (id: string) => (await rest.still(id)).media_url ?? ''}></lp-ink>`;
}

function signOf(app: BuyerApp): RecordingSign {
  const { room } = app;
  return recordingSign({
    allowed: app.consent,
    told: app.consentTold,
    clips: room?.recordingClips ?? [],
    publisherOf: (id) => room?.clips.find((clip) => clip.id === id)?.publisher,
    me: app.client?.identity ?? '',
  });
}

/** What is recorded of this person, if there is anything to say beside the consent itself. */
function sign(app: BuyerApp) {
  const shown = signOf(app);
  if (shown === 'recording') {
    return html`<span class="badge rec" role="status" data-testid="rec">
      <span class="dot pulse"></span>${t('call.recording')}
      <lp-timer class="numbers" .since=${app.room?.recordingSince ?? 0}></lp-timer>
    </span>`;
  }
  if (shown !== 'stopping' && shown !== 'others') return nothing;
  const text = shown === 'others' ? t('call.recordingOthers') : t('call.recordingStops');
  return html`<span class="badge wrap" role="status" data-testid="rec-${shown}">${icon('shield')}${text}</span>`;
}

const PHOTO = {
  taking: (name: string) => t('call.photo.taking', { name }),
  sending: () => t('call.photo.sending'),
  sent: () => t('call.photo.sent'),
  failed: () => t('call.photo.failed'),
};

function placeQuestion(answer: (yes: boolean) => void, name: string) {
  return html`<section class="place-question" role="alertdialog" aria-labelledby="place-title" aria-describedby="place-text"
      data-testid="place-question">
    <h2 id="place-title">${t('call.place.title')}</h2>
    <p class="small" id="place-text">${t('call.place.text', { name })}</p>
    <div class="pair-buttons">
      <button class="button main" data-testid="place-without" @click=${() => answer(false)}>${t('call.place.without')}</button>
      <button class="button" data-testid="place-with" @click=${() => answer(true)}>${t('call.place.with')}</button>
    </div>
  </section>`;
}

function listen(event: Event): void {
  const main = (event.target as HTMLElement).closest('main');
  void (main?.querySelector('lp-audio') as AudioElement).play();
}

function banners(app: BuyerApp, name: string) {
  const { call, room, client, own } = app;
  let text = '';
  if (app.heldBack) text = t('call.heldBack');
  else if (client?.state === 'reconnecting') text = t('call.reconnecting');
  else if (call?.state === 'interrupted') text = t('call.network');
  else if (call?.state === 'connecting') text = t('call.connecting');
  else if (room?.staff?.online === false) text = t('call.away', { name });
  else if (room?.notice) text = room.notice;
  else if (own.region) text = t('steer.region', { name });
  else if (frozenBy(app)) text = t('draw.frozen', { name: frozenBy(app) });
  else if (call?.hint?.slideshow) text = t('call.holdStill');
  return text
    ? html`<p class="banner" role="status" data-testid="banner">${icon('warn')}${text}</p>`
    : nothing;
}

/** Who has frozen this page's picture. */
function frozenBy(app: BuyerApp): string {
  const by = app.drawing?.picture(app.client?.identity ?? '').frozen?.by;
  return by === undefined ? '' : (app.room?.people.get(by)?.name ?? by);
}

function zoom(app: BuyerApp) {
  const { zoom: range } = app.own.abilities;
  const set = (event: Event) => void app.own.setZoom(Number((event.target as HTMLInputElement).value));
  return html`<label class="zoom"><span class="only-read">${t('action.zoom')}</span>
    <input type="range" min=${range?.min ?? 1} max=${range?.max ?? 1} step=${range?.step ?? 0.1}
      .value=${String(app.own.zoom)} @input=${set} />
  </label>`;
}

function toggleChat(app: BuyerApp): void {
  app.chatOpen = !app.chatOpen;
  if (app.room) app.room.unread = 0;
}

interface Control {
  id: string;
  icon: string;
  label: string;
  text: string;
  pressed?: boolean;
  act(): void;
}

function controls(app: BuyerApp): Control[] {
  const { call, own } = app;
  const sounds = call?.microphoneOn ?? false;
  const shows = call?.cameraOn ?? false;
  const list: (Control | false)[] = [
    {
      id: 'mute', icon: sounds ? 'mic' : 'mic-off', text: t('bar.mic'), pressed: !sounds,
      label: sounds ? t('action.mute') : t('action.unmute'),
      act: () => call?.switchMicrophone(!sounds),
    },
    {
      id: 'camera', icon: shows ? 'cam' : 'cam-off', text: t('bar.camera'), pressed: !shows,
      label: shows ? t('action.cameraOff') : t('action.cameraOn'),
      act: () => call?.switchCamera(!shows),
    },
    own.cameras.length > 1 && {
      id: 'flip', icon: 'flip', text: t('bar.flip'), label: t('action.flip'), act: () => void own.flip(),
    },
    own.abilities.torch && {
      id: 'torch', icon: 'torch', text: t('bar.torch'), label: t('action.torch'), pressed: own.torch,
      act: () => void own.setTorch(!own.torch),
    },
    {
      id: 'chat', icon: 'chat', text: t('bar.chat'), label: t('action.chat'), pressed: app.chatOpen,
      act: () => toggleChat(app),
    },
  ];
  return list.filter((control) => control !== false);
}

/** What is held back is not switched on by hand. */
const HELD = new Set(['mute', 'camera']);

function bar(app: BuyerApp) {
  const unread = app.chatOpen ? 0 : (app.room?.unread ?? 0);
  const act = (control: Control) => {
    control.act();
    app.requestUpdate();
  };
  return html`<nav class="bar">
    ${controls(app).map(
      (control) => html`<button class="control" aria-label=${control.label} data-testid=${control.id}
        aria-pressed=${control.pressed ?? nothing} ?disabled=${app.heldBack && HELD.has(control.id)} @click=${() => act(control)}>
        <span class="disc">${icon(control.icon)}
          ${control.id === 'chat' && unread > 0 ? html`<span class="count">${unread}</span>` : nothing}
        </span>
        <span class="word">${control.text}</span>
      </button>`,
    )}
    <button class="control end" aria-label=${t('action.hangUp')} data-testid="hang-up"
      @click=${() => void app.hangUp()}>
      <span class="disc">${icon('hang-up')}</span><span class="word">${t('bar.end')}</span>
    </button>
  </nav>`;
}
