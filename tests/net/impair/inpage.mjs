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

  /** `scales`: one encoding for each, the lowest first; none: a plain camera. */
  async function publish({ width, height, scales, maxBitrate, ...where }) {
    const peer = (globalThis.peer = new RTCPeerConnection());
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width, height, frameRate: 30 } });
    peer.addTransceiver(stream.getAudioTracks()[0], { direction: 'sendonly', streams: [stream] });
    const encodings = scales?.map((scale, i) => ({
      rid: `r${i}`, scaleResolutionDownBy: scale, maxBitrate: Math.round(maxBitrate / scale ** 1.8),
    }));
    const video = peer.addTransceiver(stream.getVideoTracks()[0], {
      direction: 'sendonly', streams: [stream], ...(encodings ? { sendEncodings: encodings } : {}),
    });
    const { codecs } = RTCRtpSender.getCapabilities('video');
    video.setCodecPreferences?.(codecs.filter(({ mimeType }) => /vp8|rtx/i.test(mimeType)));
    await exchange(where, peer);
  }

  async function watch(where) {
    const peer = (globalThis.peer = new RTCPeerConnection());
    const stream = new MediaStream();
    const video = Object.assign(document.createElement('video'), { autoplay: true, muted: true, playsInline: true });
    document.body.append(video);
    video.srcObject = stream;
    peer.ontrack = ({ track }) => stream.addTrack(track);
    peer.addTransceiver('audio', { direction: 'recvonly' });
    peer.addTransceiver('video', { direction: 'recvonly' });
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
