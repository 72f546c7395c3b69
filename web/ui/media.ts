// SPDX-License-Identifier: Apache-2.0
// Elements that show and sound media: lp-video for one picture, lp-audio for everybody's sound,
// lp-level for how loud a microphone is.
import { html, type PropertyValues } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { LoupeCall } from '../sdk/index.js';
import { PageElement } from './element.js';

/** One picture, always silent; sound is lp-audio's. With a call and the mid of one of its slots, the
 *  server hears how large it is shown, and whether at all. */
@customElement('lp-video')
export class VideoElement extends PageElement {
  @property({ attribute: false }) media: MediaStreamTrack | undefined;
  @property({ attribute: false }) call: LoupeCall | undefined;
  @property({ attribute: false }) mid: string | undefined;
  @property() label = '';
  #untie: (() => void) | undefined;

  protected override render() {
    return html`<video autoplay playsinline muted .muted=${true} aria-label=${this.label}></video>`;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.#tie();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#untie?.();
  }

  #tie(): void {
    this.#untie?.();
    const video = this.querySelector('video') as HTMLVideoElement;
    this.#untie = this.call && this.mid !== undefined ? this.call.watch(this.mid, video) : undefined;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has('call') || changed.has('mid')) this.#tie();
    if (!changed.has('media')) return;
    const video = this.querySelector('video') as HTMLVideoElement;
    video.srcObject = this.media ? new MediaStream([this.media]) : null;
    if (this.media) video.play().catch(() => {});
  }
}

/** Sounds every track given; says `blocked` when the browser wants a tap first. */
@customElement('lp-audio')
export class AudioElement extends PageElement {
  @property({ attribute: false }) tracks: MediaStreamTrack[] = [];
  #sounding = new Map<MediaStreamTrack, HTMLAudioElement>();
  #blocked = false;

  protected override updated(): void {
    for (const [track, audio] of this.#sounding) {
      if (this.tracks.includes(track)) continue;
      audio.srcObject = null;
      audio.remove();
      this.#sounding.delete(track);
    }
    let added = false;
    for (const track of this.tracks) {
      if (this.#sounding.has(track)) continue;
      const audio = document.createElement('audio');
      audio.autoplay = true;
      audio.srcObject = new MediaStream([track]);
      this.#sounding.set(track, audio);
      this.append(audio);
      added = true;
    }
    if (added) void this.play();
  }

  async play(): Promise<void> {
    const refused = (error: Error) => error.name === 'NotAllowedError';
    const results = await Promise.all(
      [...this.#sounding.values()].map((audio) => audio.play().then(() => false, refused)),
    );
    const blocked = results.includes(true);
    if (blocked === this.#blocked) return;
    this.#blocked = blocked;
    this.dispatchEvent(new CustomEvent('blocked', { detail: blocked }));
  }
}

/** A bar that moves with a microphone. */
@customElement('lp-level')
export class LevelElement extends PageElement {
  @property({ attribute: false }) media: MediaStreamTrack | undefined;
  #context: AudioContext | undefined;
  #frame = 0;

  protected override render() {
    return html`<div class="level"><div class="level-bar"></div></div>`;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has('media')) this.#listen();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop();
  }

  #stop(): void {
    cancelAnimationFrame(this.#frame);
    void this.#context?.close();
    this.#context = undefined;
  }

  #listen(): void {
    this.#stop();
    if (!this.media) return;
    this.#context = new AudioContext();
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 512;
    this.#context.createMediaStreamSource(new MediaStream([this.media])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const bar = this.querySelector('.level-bar') as HTMLElement;
    const show = () => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      const level = Math.max(0, Math.min(1, 1 + (10 * Math.log10(power + 1e-9)) / 55));
      bar.style.setProperty('--level', level.toFixed(3));
      this.#frame = requestAnimationFrame(show);
    };
    show();
  }
}
