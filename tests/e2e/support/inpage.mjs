// SPDX-License-Identifier: Apache-2.0
// What tests put into a page before its own scripts: camera and microphone that can be recognised, and
// a look at every peer connection. The page under test is not changed and knows nothing of it.
import { makePattern } from './pattern.mjs';

/** Runs in the page. */
function instrument(pattern, { tag, hertz, width, height, relayOnly }) {
  const peers = [];
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(config, ...rest) {
      super(relayOnly ? { ...config, iceTransportPolicy: 'relay' } : config, ...rest);
      peers.push(this);
    }
  };

  function camera() {
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const context = canvas.getContext('2d');
    const paint = () => pattern.draw(context, width, height, tag, Date.now());
    paint();
    setInterval(paint, 40);
    return canvas.captureStream(25).getVideoTracks()[0];
  }

  const { mediaDevices } = navigator;
  const native = mediaDevices.getUserMedia.bind(mediaDevices);

  async function microphone() {
    if (navigator.userAgent.includes('Firefox')) {
      return (await native({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } }))
        .getAudioTracks()[0];
    }
    const context = new AudioContext();
    const oscillator = context.createOscillator();
    const gain = context.createGain();
    const out = context.createMediaStreamDestination();
    oscillator.frequency.value = hertz;
    gain.gain.value = 0.3;
    oscillator.connect(gain).connect(out);
    oscillator.start();
    void context.resume();
    return out.stream.getAudioTracks()[0];
  }

  mediaDevices.getUserMedia = async (wish) => {
    const stream = new MediaStream();
    if (wish.video) stream.addTrack(camera());
    if (wish.audio) stream.addTrack(await microphone());
    return stream;
  };

  /** What has been received over all connections that live. */
  async function received() {
    const sum = { framesDecoded: 0, audioEnergy: 0, packetsLost: 0, peers: 0 };
    for (const peer of peers.filter((one) => one.connectionState !== 'closed')) {
      sum.peers += 1;
      (await peer.getStats()).forEach((entry) => {
        if (entry.type !== 'inbound-rtp') return;
        sum.framesDecoded += entry.framesDecoded ?? 0;
        sum.audioEnergy += entry.totalAudioEnergy ?? 0;
        sum.packetsLost += entry.packetsLost ?? 0;
      });
    }
    return sum;
  }

  /** The pattern that a <video> shows now: { tag, ticks, age }, or null. */
  function seen(selector) {
    const video = document.querySelector(selector);
    if (!video || video.readyState < 2) return null;
    const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 180 });
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(video, 0, 0, 320, 180);
    const { data } = context.getImageData(0, 0, 320, 180);
    const found = pattern.read((x, y) => data[(y * 320 + x) * 4 + 1], 320, 180);
    return found && { ...found, age: pattern.age(found.ticks, Date.now()) };
  }

  window.lens = { peers, received, seen };
}

/** The script as text. `tag` is in the picture, `hertz` in the sound; `relayOnly`: no way but through TURN. */
export function lensScript({ tag, hertz, width = 640, height = 360, relayOnly = false }) {
  return `(${instrument})((${makePattern})(), ${JSON.stringify({ tag, hertz, width, height, relayOnly })})`;
}
