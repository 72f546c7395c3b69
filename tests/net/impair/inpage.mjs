// SPDX-License-Identifier: Apache-2.0
// What pages do behind the bad network: publish a camera, watch, and tell what they see. Plain WHIP and WHEP,
// with nothing of Loupe's library.
import { throughRelay } from './relay.mjs';

/** Runs in the page, after `throughRelay` has been put there. */
function instrument() {
  const exchange = async ({ url, token, port }, peer) => {
    await peer.setLocalDescription(await peer.createOffer());
    const headers = { 'Content-Type': 'application/sdp', Authorization: `Bearer ${token}` };
    const response = await fetch(url, { method: 'POST', headers, body: peer.localDescription.sdp });
    const sdp = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${sdp}`);
    await peer.setRemoteDescription({ type: 'answer', sdp: globalThis.throughRelay(sdp, port) });
    while (peer.connectionState !== 'connected') await new Promise((done) => setTimeout(done, 20));
  };

  /** AV1's spatial layers cannot be told apart without it, and browsers do not offer it by themselves. */
  function describeDependencies(transceiver) {
    const list = transceiver.getHeaderExtensionsToNegotiate?.() ?? [];
    for (const one of list) if (one.uri.includes('dependency-descriptor')) one.direction = 'sendrecv';
    transceiver.setHeaderExtensionsToNegotiate?.(list);
  }

  /** A picture that takes as many bits as there are: grain that changes everywhere all the time, which the
   *  browsers' own fake cameras have not. */
  function grainy(width, height) {
    const grain = new OffscreenCanvas(width + 64, height + 64);
    const shown = Object.assign(document.createElement('canvas'), { width, height });
    const pixels = new ImageData(grain.width, grain.height);
    for (let i = 0; i < pixels.data.length; i += 4) {
      pixels.data.fill(96 + 64 * Math.random(), i, i + 3);
      pixels.data[i + 3] = 255;
    }
    grain.getContext('2d').putImageData(pixels, 0, 0);
    const context = shown.getContext('2d');
    const draw = () => context.drawImage(grain, -Math.floor(64 * Math.random()), -Math.floor(64 * Math.random()));
    draw();
    setInterval(draw, 33);
    return shown.captureStream(30).getVideoTracks()[0];
  }

  /** `scales`: one encoding for each, the lowest first; none: a plain camera. `layers`: in one stream, as
   *  scalabilityMode names them; `grain`: not the camera's picture. */
  async function publish({ width, height, grain, scales, maxBitrate, layers, codec = 'vp8', ...where }) {
    const peer = (globalThis.peer = new RTCPeerConnection());
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width, height, frameRate: 30 } });
    peer.addTransceiver(stream.getAudioTracks()[0], { direction: 'sendonly', streams: [stream] });
    const encodings = layers ? [{ scalabilityMode: layers, maxBitrate }] : scales?.map((scale, i) => ({
      rid: `r${i}`, scaleResolutionDownBy: scale, maxBitrate: Math.round(maxBitrate / scale ** 1.8),
    }));
    const video = peer.addTransceiver(grain ? grainy(width, height) : stream.getVideoTracks()[0], {
      direction: 'sendonly', streams: [stream], ...(encodings ? { sendEncodings: encodings } : {}),
    });
    const { codecs } = RTCRtpSender.getCapabilities('video');
    video.setCodecPreferences?.(codecs.filter(({ mimeType }) => new RegExp(`${codec}|rtx`, 'i').test(mimeType)));
    if (layers) describeDependencies(video);
    await exchange(where, peer);
  }

  /** `layers`: spatial ones of AV1 are understood. */
  async function watch({ layers, ...where }) {
    const peer = (globalThis.peer = new RTCPeerConnection());
    const stream = new MediaStream();
    const video = Object.assign(document.createElement('video'), { autoplay: true, muted: true, playsInline: true });
    document.body.append(video);
    video.srcObject = stream;
    peer.ontrack = ({ track }) => stream.addTrack(track);
    peer.addTransceiver('audio', { direction: 'recvonly' });
    const picture = peer.addTransceiver('video', { direction: 'recvonly' });
    if (layers) describeDependencies(picture);
    globalThis.pictures = []; // { at, width } of each that was shown
    const next = () =>
      video.requestVideoFrameCallback((_now, { width }) => {
        globalThis.pictures.push({ at: Date.now(), width });
        next();
      });
    next();
    await exchange(where, peer);
    video.play().catch(() => {});
  }

  /** What has been received and sent so far. */
  async function figures() {
    const found = { at: Date.now() };
    (await globalThis.peer.getStats()).forEach((entry) => {
      if (entry.type === 'inbound-rtp') {
        found[entry.kind] = {
          bytes: entry.bytesReceived, packets: entry.packetsReceived, lost: entry.packetsLost,
          frames: entry.framesDecoded, width: entry.frameWidth, fps: entry.framesPerSecond,
          freezes: entry.freezeCount, frozen: entry.totalFreezesDuration, keys: entry.keyFramesDecoded,
          made: (entry.concealedSamples ?? 0) - (entry.silentConcealedSamples ?? 0), samples: entry.totalSamplesReceived,
          nacks: entry.nackCount, plis: entry.pliCount,
        };
      } else if (entry.type === 'outbound-rtp' && entry.kind === 'video') {
        found.sent ??= {};
        found.sent[entry.rid ?? ''] = {
          bytes: entry.bytesSent, frames: entry.framesEncoded, width: entry.frameWidth, fps: entry.framesPerSecond,
          target: entry.targetBitrate, why: entry.qualityLimitationReason, keys: entry.keyFramesEncoded,
          again: entry.retransmittedBytesSent,
        };
      } else if (entry.type === 'candidate-pair' && entry.nominated) {
        found.estimate = entry.availableOutgoingBitrate;
      }
    });
    return found;
  }

  globalThis.impaired = { publish, watch, figures };
}

export const impairScript = `globalThis.throughRelay = ${throughRelay};\n(${instrument})()`;
