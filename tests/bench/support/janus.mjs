// SPDX-License-Identifier: Apache-2.0
// Debian's Janus as a server to be measured: the VideoRoom plugin over the HTTP API.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { end, sleep } from './host.mjs';

export class Janus {
    static async start(host, { cpu, eventLoops = 0 } = {}) {
        const server = new Janus();
        server.config = mkdtempSync(join(tmpdir(), 'janus-bench-'));
        const write = (name, text) => writeFileSync(join(server.config, name), text);
        write('janus.jcfg', `general: { configs_folder = "${server.config}" debug_level = ${process.env.JANUS_LOG ?? 2}
            session_timeout = 0
            ${eventLoops ? `event_loops = ${eventLoops}` : ''} }
            media: { ipv6 = false } nat: { ice_lite = true ignore_mdns = true }
            transports: { disable = "libjanus_websockets.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_mqtt.so,libjanus_nanomsg.so" }\n`);
        write('janus.transport.http.jcfg', `general: { http = true port = 8088 https = false ip = "${host.address}" }\n`);
        write('janus.plugin.videoroom.jcfg', 'general: {}\n');
        server.url = `http://${host.address}:8088/janus`;
        server.child = host.start('janus', ['-F', server.config], { cpu, cwd: server.config }); // where it leaves what it drops
        process.env.JANUS_LOG ? server.child.stdout.pipe(process.stderr) : server.child.stdout.resume();
        server.child.stderr.resume();
        for (let i = 0; i < 100; i++) {
            if (server.child.exitCode !== null) throw new Error('janus ended at once');
            try {
                await server.post('', { janus: 'info' });
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

    /** Each side of a call, each publisher and each viewer has a session of its own. */
    async open() {
        const session = (await this.post('', { janus: 'create' })).data.id;
        return { session, handle: await this.attach(session) };
    }

    async room(room, publishers) {
        const { session, handle } = await this.open();
        await this.post(`/${session}/${handle}`, { janus: 'message', body: {
            request: 'create', room, publishers, videocodec: 'vp8', audiocodec: 'opus', bitrate: 0 } });
        return { id: room };
    }

    /** The feed's id. */
    async publishIn(load, room, peer, video_bps) {
        const { session, handle } = await this.open();
        const sdp = await load.offer(peer, { publish: true, video_bps });
        const event = await this.message(session, handle,
            { request: 'joinandconfigure', ptype: 'publisher', room: room.id, display: peer, audio: true, video: true },
            { type: 'offer', sdp }, true);
        await load.answer(peer, event.jsep.sdp);
        return event.plugindata.data.id;
    }

    async watch(load, room, feed, peer) {
        const { session, handle } = await this.open();
        const event = await this.subscribe(session, handle, room.id, feed);
        const sdp = await load.accept(peer, event.jsep.sdp);
        await this.message(session, handle, { request: 'start' }, { type: 'answer', sdp }, false);
    }

    async publish(load, name, video_bps) {
        const room = await this.room(1, 1);
        return { ...room, feed: await this.publishIn(load, room, `publisher${name}`, video_bps) };
    }

    view(load, room, name) {
        return this.watch(load, room, room.feed, name);
    }

    async call(load, index, video_bps) {
        const room = await this.room(1000 + index, 2);
        const feeds = [];
        for (const side of ['a', 'b']) feeds.push(await this.publishIn(load, room, `${side}${index}-out`, video_bps));
        for (const [i, side] of ['a', 'b'].entries()) await this.watch(load, room, feeds[1 - i], `${side}${index}-in`);
    }

    async stop() {
        await end(this.child);
        rmSync(this.config, { recursive: true, force: true });
    }
}
