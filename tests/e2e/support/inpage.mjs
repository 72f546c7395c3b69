// SPDX-License-Identifier: Apache-2.0
// What tests put into a page before its own scripts: camera and microphone that can be recognised, and
// a look at every peer connection. The page under test is not changed and knows nothing of it.
import { makePattern } from './pattern.mjs';

/** Runs in the page. */
function instrument(pattern, { tag, hertz, width, height, relayOnly, keep, codec, ownCamera }) {
  const peers = [];
  const Native = window.RTCPeerConnection;
  const wanted = ({ mimeType }) => mimeType === codec || mimeType === 'video/rtx';
  window.RTCPeerConnection = class extends Native {
    constructor(config, ...rest) {
      super(relayOnly ? { ...config, iceTransportPolicy: 'relay' } : config, ...rest);
      peers.push(this);
    }

    /** Of an answer, only the candidates of one transport, if the test says so. */
    setRemoteDescription(description) {
      const kept = (line) => !keep || !line.startsWith('a=candidate:') || line.includes(` ${keep} `);
      const sdp = description.sdp.split('\r\n').filter(kept).join('\r\n');
      return super.setRemoteDescription({ type: description.type, sdp });
    }

    /** Pictures are published in one codec, if the test says so. */
    createOffer(...args) {
      for (const { sender } of codec ? this.getTransceivers() : []) {
        if (sender.track?.kind !== 'video') continue;
        const { codecs } = RTCRtpSender.getCapabilities('video');
        this.getTransceivers().find((one) => one.sender === sender).setCodecPreferences(codecs.filter(wanted));
      }
      return super.createOffer(...args);
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
    if (wish.video) stream.addTrack(ownCamera ? (await native({ video: wish.video })).getVideoTracks()[0] : camera());
    if (wish.audio) stream.addTrack(await microphone());
    return stream;
  };

  /** What has been received over all connections that live. */
  async function received() {
    const sum = { framesDecoded: 0, videoBytes: 0, audioEnergy: 0, packetsLost: 0, peers: 0 };
    for (const peer of peers.filter((one) => one.connectionState !== 'closed')) {
      sum.peers += 1;
      (await peer.getStats()).forEach((entry) => {
        if (entry.type !== 'inbound-rtp') return;
        sum.framesDecoded += entry.framesDecoded ?? 0;
        if (entry.kind === 'video') sum.videoBytes += entry.bytesReceived ?? 0;
        sum.audioEnergy += entry.totalAudioEnergy ?? 0;
        sum.packetsLost += entry.packetsLost ?? 0;
      });
    }
    return sum;
  }

  /** The codecs of what flows, and the mean bytes of a packet of sound that came:
   *  { sent: ['video/VP8', ..], received: [..], soundBytes }. */
  async function codecs() {
    const found = { sent: [], received: [], soundBytes: 0 };
    for (const peer of peers.filter((one) => one.connectionState !== 'closed')) {
      const stats = await peer.getStats();
      stats.forEach((entry) => {
        const name = stats.get(entry.codecId)?.mimeType;
        if (name && entry.type === 'outbound-rtp' && entry.packetsSent > 0) found.sent.push(name);
        if (name && entry.type === 'inbound-rtp' && entry.kind === 'audio') {
          found.soundBytes = entry.bytesReceived / Math.max(1, entry.packetsReceived);
        }
        if (name && entry.type === 'inbound-rtp' && entry.packetsReceived > 0) found.received.push(name);
      });
    }
    return found;
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

  window.lens = { peers, received, codecs, seen };
}

/** The script as text. `tag` is in the picture, `hertz` in the sound; `relayOnly`: no way but through TURN;
 *  `codec`: that of published pictures ("video/VP9"); `ownCamera`: the browser's own is not replaced. */
export function lensScript({ width = 640, height = 360, relayOnly = false, ...options }) {
  return `(${instrument})((${makePattern})(), ${JSON.stringify({ ...options, width, height, relayOnly })})`;
}
