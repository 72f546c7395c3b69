// SPDX-License-Identifier: Apache-2.0
// The buyer's own camera and microphone: opening, changing to the other camera, torch and zoom, and
// coming back after another app had taken the camera away.
import {
  RegionTrack, WishQueue, canSendRegions, cameraAbilities, explainMediaError, listCameras, openCamera, openMicrophone, setTorch, setZoom,
  type CameraAbilities, type CameraMembers, type CameraState, type CameraWish, type Facing, type MediaTrouble, type Region,
} from '../../sdk/index.js';

export class OwnMedia {
  camera: MediaStreamTrack | undefined;
  microphone: MediaStreamTrack | undefined;
  trouble: MediaTrouble | undefined;
  abilities: CameraAbilities = { torch: false };
  cameras: MediaDeviceInfo[] = [];
  torch = false;
  zoom = 1;
  #part: RegionTrack | undefined;
  readonly #wishes = new WishQueue((wish) => this.#carryOut(wish));

  /** `changed` is called when the tracks or what they can do have changed. */
  constructor(private readonly changed: () => void) {
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible' && this.camera?.readyState === 'ended') void this.reopen();
    });
  }

  get facing(): Facing | undefined {
    return this.abilities.facing;
  }

  /** What others see: the camera's picture, or the part of it that somebody wished for. */
  get sent(): MediaStreamTrack | undefined {
    return this.#part?.track ?? this.camera;
  }

  get region(): Region | null {
    return this.#part?.region ?? null;
  }

  /** How the camera is, for those who may steer it. */
  get state(): CameraState {
    const { facing, torch, zoom, region, abilities, cameras } = this;
    return {
      torch, zoom, region, ...(facing ? { facing } : {}),
      can: {
        torch: abilities.torch, flip: cameras.length > 1, region: canSendRegions(),
        ...(abilities.zoom ? { zoom: [abilities.zoom.min, abilities.zoom.max] as [number, number] } : {}),
      },
    };
  }

  /** Does what somebody wishes, as far as this camera can. */
  steer(wish: CameraMembers): Promise<void> {
    return this.#wishes.push(wish);
  }

  async #carryOut(wish: CameraMembers): Promise<void> {
    if (wish.facing && wish.facing !== this.facing) await this.flip();
    if (wish.torch !== undefined) await this.setTorch(wish.torch);
    if (wish.zoom !== undefined && this.abilities.zoom) await this.setZoom(wish.zoom);
    if (wish.region !== undefined) await this.#show(wish.region);
  }

  async #show(region: Region | null): Promise<void> {
    if (region && this.#part) {
      this.#part.set(region);
    } else if (region && this.camera) {
      const { camera } = this;
      const part = await RegionTrack.open(camera, region);
      // Its owner may have taken another camera meanwhile.
      if (camera === this.camera && camera.readyState === 'live') this.#part = part;
      else await part.close();
    } else {
      await this.#whole();
    }
    this.changed();
  }

  async #whole(): Promise<void> {
    const part = this.#part;
    this.#part = undefined;
    await part?.close();
  }

  /** The front camera's picture is shown as in a mirror. */
  get mirrored(): boolean {
    return this.facing === 'user';
  }

  /** Both at once, as people expect one question; without a microphone the camera alone. */
  async open(): Promise<boolean> {
    this.trouble = undefined;
    try {
      this.#took(await openCamera({ facing: 'environment' }));
    } catch (error) {
      this.trouble = explainMediaError(error);
      this.changed();
      return false;
    }
    try {
      this.microphone = await openMicrophone();
    } catch {
      this.microphone = undefined;
    }
    this.cameras = await listCameras().catch(() => []);
    this.changed();
    return true;
  }

  /** Phones have one camera open at a time: the old one is let go first. */
  async use(wish: CameraWish): Promise<void> {
    const before = this.camera?.getSettings().deviceId;
    await this.#whole();
    this.camera?.stop();
    try {
      this.#took(await openCamera(wish));
    } catch {
      if (before) this.#took(await openCamera({ deviceId: before }));
    }
    this.changed();
  }

  async flip(): Promise<void> {
    if (this.facing) return this.use({ facing: this.facing === 'user' ? 'environment' : 'user' });
    const now = this.camera?.getSettings().deviceId;
    const next = this.cameras[(this.cameras.findIndex((c) => c.deviceId === now) + 1) % this.cameras.length];
    if (next) await this.use({ deviceId: next.deviceId });
  }

  async reopen(): Promise<void> {
    const deviceId = this.camera?.getSettings().deviceId;
    await this.use(deviceId ? { deviceId } : { facing: 'environment' });
  }

  async setTorch(on: boolean): Promise<void> {
    if (!this.camera) return;
    await setTorch(this.camera, on).then(() => (this.torch = on), () => {});
    this.changed();
  }

  async setZoom(zoom: number): Promise<void> {
    this.zoom = zoom;
    if (this.camera) await setZoom(this.camera, zoom).catch(() => {});
  }

  close(): void {
    void this.#whole();
    this.camera?.stop();
    this.microphone?.stop();
    this.camera = undefined;
    this.microphone = undefined;
  }

  #took(track: MediaStreamTrack): void {
    this.camera = track;
    this.abilities = cameraAbilities(track);
    this.torch = false;
    this.zoom = this.abilities.zoom?.min ?? 1;
  }
}
