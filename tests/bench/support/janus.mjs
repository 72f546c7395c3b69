// SPDX-License-Identifier: Apache-2.0
// Debian's Janus as a server to be measured: the VideoRoom plugin over the HTTP API.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { end, sleep } from './host.mjs';

export class Janus {
    static async start(host, eventLoops = 0) {
        const server = new Janus();
        server.config = mkdtempSync(join(tmpdir(), 'janus-bench-'));
        const write = (name, text) => writeFileSync(join(server.config, name), text);
        write('janus.jcfg', `general: { configs_folder = "${server.config}" debug_level = ${process.env.JANUS_LOG ?? 2}
            ${eventLoops ? `event_loops = ${eventLoops}` : ''} }
            media: { ipv6 = false } nat: { ice_lite = true ignore_mdns = true }
            transports: { disable = "libjanus_websockets.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_mqtt.so,libjanus_nanomsg.so" }\n`);
        write('janus.transport.http.jcfg', `general: { http = true port = 8088 https = false ip = "${host.address}" }\n`);
        write('janus.plugin.videoroom.jcfg', 'general: {}\n');
        server.url = `http://${host.address}:8088/janus`;
        server.child = host.start('janus', ['-F', server.config]);
        process.env.JANUS_LOG ? server.child.stdout.pipe(process.stderr) : server.child.stdout.resume();
        server.child.stderr.resume();
        server.sessions = [];
        for (let i = 0; i < 100; i++) {
            if (server.child.exitCode !== null) throw new Error('janus ended at once');
            try {
                await server.post('', { janus: 'info' });
                server.alive = setInterval(() => server.keepAlive(), 20000);
                return server;
            } catch {
                await sleep(100);
            }
        }
        throw new Error('janus does not answer');
    }

    get pid() {
        return this.child.pid;
    }

    async post(path, body) {
        const response = await fetch(this.url + path, {
            method: 'POST', body: JSON.stringify({ transaction: Math.random().toString(36).slice(2), ...body }),
        });
        const reply = await response.json();
        if (reply.janus === 'error') throw new Error(JSON.stringify(reply.error));
        return reply;
    }

    keepAlive() {
        for (const session of this.sessions) this.post(`/${session}`, { janus: 'keepalive' }).catch(() => {});
    }

    /** Sends a message and waits for the event that carries a session description, if one is due. */
    async message(session, handle, body, jsep, wantsJsep) {
        await this.post(`/${session}/${handle}`, { janus: 'message', body, ...(jsep ? { jsep } : {}) });
        for (let i = 0; wantsJsep && i < 50; i++) {
            const event = await (await fetch(`${this.url}/${session}?maxev=1`)).json();
            if (event.sender === handle && event.plugindata?.data?.error)
                throw new Error(event.plugindata.data.error);
            if (event.sender === handle && event.jsep) return event;
        }
        return undefined;
    }

    async attach(session) {
        const reply = await this.post(`/${session}`, { janus: 'attach', plugin: 'janus.plugin.videoroom' });
        return reply.data.id;
    }

    /** A feed exists once its publisher's media is up. */
    async subscribe(session, handle, room, feed) {
        const body = { request: 'join', ptype: 'subscriber', room, streams: [{ feed }] };
        for (let i = 0; ; i++) {
            try {
                return await this.message(session, handle, body, undefined, true);
            } catch (error) {
                if (i === 50) throw error;
                await sleep(100);
            }
        }
    }

    async call(load, index, video_bps) {
        const room = 1000 + index;
        const session = (await this.post('', { janus: 'create' })).data.id;
        this.sessions.push(session);
        const feeds = [];
        for (const side of ['a', 'b']) {
            const handle = await this.attach(session);
            if (side === 'a')
                await this.post(`/${session}/${handle}`, { janus: 'message', body: {
                    request: 'create', room, publishers: 2, videocodec: 'vp8', audiocodec: 'opus', bitrate: 0 } });
            const peer = `${side}${index}-out`;
            const sdp = await load.offer(peer, { publish: true, video_bps });
            const event = await this.message(session, handle,
                { request: 'joinandconfigure', ptype: 'publisher', room, display: peer, audio: true, video: true },
                { type: 'offer', sdp }, true);
            feeds.push(event.plugindata.data.id);
            await load.answer(peer, event.jsep.sdp);
        }
        for (const [i, side] of ['a', 'b'].entries()) {
            const handle = await this.attach(session);
            const event = await this.subscribe(session, handle, room, feeds[1 - i]);
            const sdp = await load.accept(`${side}${index}-in`, event.jsep.sdp);
            await this.message(session, handle, { request: 'start' }, { type: 'answer', sdp }, false);
        }
    }

    async stop() {
        clearInterval(this.alive);
        await end(this.child);
        rmSync(this.config, { recursive: true, force: true });
    }
}
