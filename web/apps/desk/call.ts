// SPDX-License-Identifier: Apache-2.0
// The agent's side of a call: own camera and microphone, the media, and a mark for its quality.
import { t } from '../../i18n/index.js';
import {
  LoupeCall, explainMediaError, keepAwake, openCamera, openMicrophone, type LoupeClient, type MediaTrouble,
  type Slot,
} from '../../sdk/index.js';

const DEVICES_WITHIN_MS = 500;

const TROUBLES: Record<MediaTrouble, () => string> = {
  denied: () => t('trouble.denied.title'),
  none: () => t('trouble.none.title'),
  busy: () => t('trouble.busy.title'),
  unsupported: () => t('trouble.unsupported.title'),
  insecure: () => t('trouble.insecure.title'),
  other: () => t('trouble.other.title'),
};

/** Asks the browser's question now, so that it does not stand between an accepted call and the buyer. */
export async function askForDevices(): Promise<string> {
  try {
    const tracks = [await openMicrophone(), await openCamera({ facing: 'user' })];
    tracks.forEach((track) => track.stop());
    return '';
  } catch (error) {
    return TROUBLES[explainMediaError(error)]();
  }
}

export class DeskCall {
  readonly media: LoupeCall;
  readonly started = Date.now();
  camera: MediaStreamTrack | undefined;
  deviceTrouble = '';
  soundBlocked = false;
  #microphone: MediaStreamTrack | undefined;
  #letSleep = keepAwake();

  constructor(
    client: LoupeClient,
    readonly room: string,
    readonly caseId: string,
    readonly changed: () => void,
  ) {
    this.media = new LoupeCall({ client, facing: 'user', videoBitrate: 800_000 });
    this.media.on('state', changed);
    this.media.on('slots', changed);
    this.media.on('error', (error) => console.warn('offer failed', error));
    this.media.on('network', changed);
  }

  /** Devices that are slow to open do not keep the buyer's picture waiting. */
  async start(): Promise<void> {
    const devices = this.#openDevices();
    await Promise.race([devices, new Promise((resolve) => setTimeout(resolve, DEVICES_WITHIN_MS))]);
    this.media.start();
    await devices;
  }

  stop(): void {
    this.#letSleep();
    this.media.stop();
    this.camera?.stop();
    this.#microphone?.stop();
  }

  /** The stream of one person, if it is shown. */
  picture(identity: string | undefined): Slot | undefined {
    return this.media.slots.find((slot) => slot.kind === 'video' && slot.identity === identity);
  }

  get sounds(): MediaStreamTrack[] {
    return this.media.slots.filter((slot) => slot.kind === 'audio').map((slot) => slot.media);
  }

  async #openDevices(): Promise<void> {
    const [microphone, camera] = await Promise.allSettled([openMicrophone(), openCamera({ facing: 'user' })]);
    const over = this.media.state === 'ended';
    for (const opened of [microphone, camera]) {
      if (opened.status === 'rejected') this.deviceTrouble = TROUBLES[explainMediaError(opened.reason)]();
      else if (over) opened.value.stop();
    }
    if (over) return;
    if (microphone.status === 'fulfilled') await this.media.setMicrophone((this.#microphone = microphone.value));
    if (camera.status === 'fulfilled') await this.media.setCamera((this.camera = camera.value), 'user');
    this.changed();
  }
}
