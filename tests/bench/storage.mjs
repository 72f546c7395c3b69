// SPDX-License-Identifier: Apache-2.0
// What encryption at rest costs: files written as recorders do, and clips read over HTTP in ranges, plain
// and encrypted by turns. MIB=64 RUNS=5 by default; DISK=DIR: where (the folder of temporary files).
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bench, louped, loupeBench, median, number, round, say, settings } from './support/bench.mjs';
import { cpuSeconds } from './support/host.mjs';
import { Loupe, token } from './support/loupe.mjs';

const CLIP = '01hzzzzzzzzzzzzzzzzzzzzzz0';
const KEY = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const mib = number('MIB', 64);
const runs = number('RUNS', 5);
const RANGE = 1 << 20;
const agent = token({ sub: 'agent-1', role: 'agent' });

/** A server with one clip, made of what a recorder would have left. */
async function serverWithClip(host, data, env) {
    mkdirSync(data);
    const start = () => Loupe.start(host, louped(), { cpu: settings.serverCpu, data, env });
    let server = await start();
    const item = await server.room('1');
    await server.stop();
    const path = join(data, 'blobs', CLIP.slice(0, 2), CLIP);
    mkdirSync(join(data, 'blobs', CLIP.slice(0, 2)), { recursive: true });
    execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=640x360:rate=15,noise=alls=100:allf=t', '-f', 'lavfi', '-i',
        'sine', '-t', '20', '-c:v', 'libvpx', '-b:v', '12M', '-minrate', '12M', '-maxrate', '12M', '-g', '30', '-deadline', 'realtime', '-cpu-used', '8',
        '-c:a', 'libopus', '-frame_duration', '20', '-f', 'webm', '-y', `${path}.part`]);
    const row = `INSERT INTO clips(id, case_id, room, merchant, state, kind, label, publisher, started_by, path, reason, created_us, started_us,
        duration_ms, bytes, sha256, width, height, gaps, gap_ms, has_video, has_audio, has_poster, repaired, video_codec)
        VALUES('${CLIP}', '${item.buyer.case}', '${item.id}', 'default', 'recording', 'clip', 'crack', 'buyer-1', 'agent-1', '${path}', '',
        1000000, 2000000, 0, 0, '', 0, 0, 0, 0, 0, 0, 0, 0, '')`;
    execFileSync('sqlite3', ['-cmd', '.timeout 5000', join(data, 'loupe.db'), row]);
    server = await start();
    for (;;) {
        const body = JSON.parse((await server.request('GET', `/api/v1/clips/${CLIP}`, agent)).text);
        if (body.state === 'ready') return { server, clip: body };
        if (body.state === 'failed') throw new Error(JSON.stringify(body));
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
}

const connections = new Agent({ keepAlive: true, maxSockets: 1 });

/** Bytes that came. */
function range(url, first) {
    return new Promise((resolve, reject) => {
        get(url, { agent: connections, headers: { range: `bytes=${first}-${first + RANGE - 1}` } }, (answer) => {
            let len = 0;
            answer.on('data', (piece) => { len += piece.length; });
            answer.on('end', () => (answer.statusCode === 206 ? resolve(len) : reject(new Error(`${answer.statusCode}`))));
            answer.on('error', reject);
        }).on('error', reject);
    });
}

/** MiB per second of the server's CPU time. */
async function read({ server, clip }, seed) {
    const url = new URL(clip.media_url, server.url);
    let [done, at] = [0, seed];
    const used = cpuSeconds(server.pid);
    while (done < mib << 20) {
        at = (at * 1_103_515_245 + 12_345) % 2_147_483_648;
        done += await range(url, at % (clip.bytes - RANGE));
    }
    return done / 2 ** 20 / (cpuSeconds(server.pid) - used);
}

await bench('storage', async (host) => {
    const folder = mkdtempSync(join(process.env.DISK ?? tmpdir(), 'loupe-storage-'));
    const servers = [];
    try {
        const files = JSON.parse(execFileSync(loupeBench(), ['storage', folder, String(mib), String(runs)], { encoding: 'utf8' }));
        say(JSON.stringify(files));
        for (const [name, env] of [['plain', {}], ['encrypted', { LOUPE_STORAGE_KEY: KEY }]]) {
            servers.push(await serverWithClip(host, join(folder, name), env));
        }
        const rates = [[], []];
        for (let run = 0; run < runs; run++) {
            for (const [i, one] of servers.entries()) rates[i].push(await read(one, run + 1));
        }
        const [plain, encrypted] = rates.map(median);
        const http_range_mib_per_cpu_s = { plain: Math.round(plain), encrypted: Math.round(encrypted), ratio: round(encrypted / plain) };
        return { mib, runs, ...files, http_range_mib_per_cpu_s };
    } finally {
        for (const { server } of servers) await server.stop();
        connections.destroy();
        rmSync(folder, { recursive: true, force: true });
    }
});
