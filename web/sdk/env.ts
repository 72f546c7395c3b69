// SPDX-License-Identifier: Apache-2.0
// What the library takes from its surroundings: sockets, peer connections, timers, chance. Tests hand
// in their own and run in virtual time.

export interface SocketLike {
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export interface Env {
  socket(url: string, protocol: string): SocketLike;
  peer(config: RTCConfiguration): RTCPeerConnection;
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
  random(): number;
  /** Calls back with an element's size in pixels of the screen, at first and when it changes. */
  onResize(element: Element, callback: (width: number, height: number) => void): () => void;
  /** Calls back when the page with the element is hidden or shown again. */
  onHidden(element: Element, callback: (hidden: boolean) => void): () => void;
  /** Calls back when the network may have changed: back online, another interface, page shown again. */
  onNetworkChange(callback: (why: 'online' | 'connection' | 'visible') => void): () => void;
}

function listen(target: EventTarget | undefined, type: string, callback: () => void): () => void {
  target?.addEventListener(type, callback);
  return () => target?.removeEventListener(type, callback);
}

/** The browser itself. */
export const browserEnv: Env = {
  socket: (url, protocol) => new WebSocket(url, protocol) as SocketLike,
  peer: (config) => new RTCPeerConnection(config),
  setTimeout: (callback, ms) => globalThis.setTimeout(callback, ms),
  clearTimeout: (handle) => globalThis.clearTimeout(handle as number),
  random: () => Math.random(),
  onResize(element, callback) {
    const observer = new ResizeObserver(([entry]) => {
      if (!entry) return;
      const { width, height } = entry.contentRect;
      callback(width * devicePixelRatio, height * devicePixelRatio);
    });
    observer.observe(element);
    return () => observer.disconnect();
  },
  onHidden(element, callback) {
    const tell = () => {
      const floats = document.pictureInPictureElement === element;
      callback(document.visibilityState === 'hidden' && !floats);
    };
    return listen(document, 'visibilitychange', tell);
  },
  onNetworkChange(callback) {
    const connection = (navigator as Navigator & { connection?: EventTarget }).connection;
    const offs = [
      listen(window, 'online', () => callback('online')),
      listen(connection, 'change', () => callback('connection')),
      listen(document, 'visibilitychange', () => {
        if (document.visibilityState === 'visible') callback('visible');
      }),
    ];
    return () => offs.forEach((off) => off());
  },
};
