// SPDX-License-Identifier: Apache-2.0
// What a plain page of another site does to publish and to play over WHIP and WHEP, with nothing of
// Loupe's code. Each function runs in the page; `keep` names the transport ('udp', 'tcp') whose candidates
// of the answer it takes, `config` goes to the RTCPeerConnection, `encodings` to what sends the picture.

/** In the page: publishes; gives the status, the answer and the session's address. */
export async function publish({ url, token, keep, config, encodings }) {
  const peer = new RTCPeerConnection(config);
  const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
  for (const track of stream.getTracks()) {
    const several = encodings && track.kind === 'video' ? { sendEncodings: encodings } : {};
    peer.addTransceiver(track, { direction: 'sendonly', streams: [stream], ...several });
  }
  await peer.setLocalDescription(await peer.createOffer());
  const headers = { 'Content-Type': 'application/sdp', Authorization: `Bearer ${token}` };
  const response = await fetch(url, { method: 'POST', headers, body: peer.localDescription.sdp });
  const text = await response.text();
  const kept = (line) => !keep || !line.startsWith('a=candidate:') || line.includes(` ${keep} `);
  if (response.status === 201) {
    await peer.setRemoteDescription({ type: 'answer', sdp: text.split('\r\n').filter(kept).join('\r\n') });
  }
  const { headers: back } = response;
  return { status: response.status, text, location: back.get('Location'), etag: back.get('ETag'), link: back.get('Link') };
}

/** In the page: plays into #v; gives the same. */
export async function play({ url, token, keep, config }) {
  const peer = new RTCPeerConnection(config);
  const stream = new MediaStream();
  peer.addTransceiver('video', { direction: 'recvonly' });
  peer.addTransceiver('audio', { direction: 'recvonly' });
  peer.ontrack = ({ track }) => stream.addTrack(track);
  document.querySelector('#v').srcObject = stream;
  await peer.setLocalDescription(await peer.createOffer());
  const headers = { 'Content-Type': 'application/sdp', Authorization: `Bearer ${token}` };
  const response = await fetch(url, { method: 'POST', headers, body: peer.localDescription.sdp });
  const text = await response.text();
  const kept = (line) => !keep || !line.startsWith('a=candidate:') || line.includes(` ${keep} `);
  if (response.status === 201) {
    await peer.setRemoteDescription({ type: 'answer', sdp: text.split('\r\n').filter(kept).join('\r\n') });
  }
  document.querySelector('#v').play().catch(() => {});
  const { headers: back } = response;
  return { status: response.status, text, location: back.get('Location'), etag: back.get('ETag'), link: back.get('Link') };
}

/** In the page: ends a session; gives the status. */
export function remove({ url, token }) {
  return fetch(url, { method: 'DELETE', headers: { Authorization: `Bearer ${token}` } }).then((r) => r.status);
}

/** In the page: the remote candidate in use by the newest connection, or null. */
export async function route() {
  const stats = await window.lens.peers.at(-1).getStats();
  const entries = [...stats.values()];
  const transport = entries.find((entry) => entry.type === 'transport');
  const pair =
    stats.get(transport?.selectedCandidatePairId) ??
    entries.find((entry) => entry.type === 'candidate-pair' && entry.selected) ??
    entries.find((entry) => entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded');
  const [local, remote] = [stats.get(pair?.localCandidateId), stats.get(pair?.remoteCandidateId)];
  if (!local || !remote) return null;
  return {
    protocol: remote.protocol, address: remote.address ?? remote.ip, port: remote.port,
    type: local.candidateType, relay: local.relayProtocol, bytes: pair.bytesReceived,
  };
}
