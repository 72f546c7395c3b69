// SPDX-License-Identifier: Apache-2.0
// What runs in the browser's pages of the join benchmark: the same page for every server, which differs
// only in how descriptions are exchanged: WHIP and WHEP, or Janus's HTTP API. Functions given to
// page.evaluate must stand alone, so `inPage` puts their helpers into the page first.
export function inPage() {
    const vp8First = (transceiver, side) => {
        const { codecs } = side.getCapabilities('video');
        const wanted = codecs.filter(({ mimeType }) => /vp8|rtx/i.test(mimeType));
        transceiver.setCodecPreferences(wanted);
    };

    const whip = async (url, token, peer) => {
        const headers = { 'Content-Type': 'application/sdp', Authorization: `Bearer ${token}` };
        const response = await fetch(url, { method: 'POST', headers, body: peer.localDescription.sdp });
        const sdp = await response.text();
        if (!response.ok) throw new Error(`${response.status} ${sdp}`);
        await peer.setRemoteDescription({ type: 'answer', sdp });
        return response.headers.get('Location');
    };

    const janusPost = async (url, body) => {
        const response = await fetch(url, { method: 'POST', body: JSON.stringify({ transaction: Math.random().toString(36), ...body }) });
        const reply = await response.json();
        if (reply.janus === 'error') throw new Error(JSON.stringify(reply.error));
        return reply;
    };

    /** A session with a handle on the VideoRoom. */
    const janusOpen = async (url) => {
        const session = (await janusPost(url, { janus: 'create' })).data.id;
        const handle = (await janusPost(`${url}/${session}`, { janus: 'attach', plugin: 'janus.plugin.videoroom' })).data.id;
        return { url, session, handle };
    };

    const janusMessage = async ({ url, session, handle }, body, jsep, wantsJsep) => {
        await janusPost(`${url}/${session}/${handle}`, { janus: 'message', body, ...(jsep ? { jsep } : {}) });
        for (let i = 0; wantsJsep && i < 50; i++) {
            const event = await (await fetch(`${url}/${session}?maxev=1`)).json();
            if (event.plugindata?.data?.error) throw new Error(event.plugindata.data.error);
            if (event.jsep) return event;
        }
        return undefined;
    };

    const camera = async () => {
        const peer = new RTCPeerConnection();
        const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 480, frameRate: 30 } });
        for (const track of stream.getTracks()) {
            const transceiver = peer.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
            if (track.kind === 'video') vp8First(transceiver, RTCRtpSender);
        }
        await peer.setLocalDescription(await peer.createOffer());
        return peer;
    };

    const connected = async (peer) => {
        while (peer.connectionState !== 'connected') await new Promise((resolve) => setTimeout(resolve, 20));
    };

    /** Resolves with the time at which the first picture was decoded. */
    const firstPicture = (peer) => new Promise((resolve, reject) => {
        peer.ontrack = async ({ track }) => {
            if (track.kind !== 'video') return;
            const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
            const { value } = await reader.read();
            resolve({ at: performance.now(), width: value.displayWidth });
            value.close();
            reader.cancel().catch(() => {});
        };
        setTimeout(() => reject(new Error('no picture within 10 s')), 10000);
    });

    /** When the connection stood. */
    const watchSteps = (peer) => {
        const steps = {};
        peer.addEventListener('iceconnectionstatechange', () => (steps[`ice_${peer.iceConnectionState}`] ??= performance.now()));
        peer.addEventListener('connectionstatechange', () => (steps[peer.connectionState] ??= performance.now()));
        return steps;
    };
    const since = (steps, begin) => ({
        answered: steps.answered - begin, checked: (steps.ice_connected ?? steps.ice_completed) - begin, connected: steps.connected - begin,
    });

    globalThis.bench = {
        async publishLoupe({ url, token }) {
            const peer = await camera();
            await whip(url, token, peer);
            await connected(peer);
            globalThis.publisher = peer;
        },
        async publishJanus({ url, room }) {
            const peer = await camera();
            const handle = await janusOpen(url);
            await janusMessage(handle, { request: 'create', room, publishers: 1, videocodec: 'vp8', audiocodec: 'opus', bitrate: 0 });
            const { type, sdp } = peer.localDescription;
            const event = await janusMessage(handle,
                { request: 'joinandconfigure', ptype: 'publisher', room, audio: true, video: true }, { type, sdp }, true);
            await peer.setRemoteDescription(event.jsep);
            await connected(peer);
            globalThis.publisher = peer;
            return event.plugindata.data.id;
        },
        /** Milliseconds from sending the offer to the first picture decoded. */
        async watchLoupe({ url, token }) {
            const peer = new RTCPeerConnection();
            const picture = firstPicture(peer);
            for (const kind of ['audio', 'video']) peer.addTransceiver(kind, { direction: 'recvonly' });
            await peer.setLocalDescription(await peer.createOffer());
            const begin = performance.now();
            const steps = watchSteps(peer);
            const session = await whip(url, token, peer);
            steps.answered = performance.now();
            const { at, width } = await picture;
            await fetch(new URL(session, url), { method: 'DELETE', headers: { Authorization: `Bearer ${token}` } });
            peer.close();
            return { ms: at - begin, width, steps: since(steps, begin) };
        },
        /** Here the server offers: the clock runs from asking for that. */
        async watchJanus({ url, room, feed }) {
            const peer = new RTCPeerConnection();
            const picture = firstPicture(peer);
            const handle = await janusOpen(url);
            const begin = performance.now();
            const event = await janusMessage(handle, { request: 'join', ptype: 'subscriber', room, streams: [{ feed }] }, undefined, true);
            await peer.setRemoteDescription(event.jsep);
            await peer.setLocalDescription(await peer.createAnswer());
            const { type, sdp } = peer.localDescription;
            const steps = watchSteps(peer);
            steps.answered = performance.now();
            await janusMessage(handle, { request: 'start' }, { type, sdp });
            const { at, width } = await picture;
            peer.close();
            await janusPost(`${url}/${handle.session}`, { janus: 'destroy' });
            return { ms: at - begin, width, steps: since(steps, begin) };
        },
    };
}
