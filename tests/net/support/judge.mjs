// SPDX-License-Identifier: Apache-2.0
// Holds a data folder against a ledger of what was acknowledged: all of it is there, what is finished
// verifies, what is not was repaired or has failed, and no file lies about that nobody knows of.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildFolder } from './louped.mjs';

const LOST_MS = 2500; // a recording that went on for longer leaves something

export class Judge {
  verified = new Map(); // id -> the hash of its manifest, or record
  repaired = 0;
  failed = 0;

  /** `download`: (path of the API, file) => Promise, for what lies encrypted. */
  constructor(data, download) {
    this.data = data;
    this.download = download;
  }

  sql(statement) {
    const said = execFileSync('sqlite3', ['-json', '-cmd', '.timeout 10000', join(this.data, 'loupe.db'), statement],
      { encoding: 'utf8', maxBuffer: 1 << 28 });
    return said.trim() ? JSON.parse(said) : [];
  }

  path(id, suffix = '') {
    return join(this.data, 'blobs', id.slice(0, 2), id + suffix);
  }

  /** What loupe-verify takes of a clip, or of a still; fetched from the server if it lies encrypted. */
  async files(id) {
    const isClip = existsSync(this.path(id, '.webm'));
    const [media, proof] = isClip ? ['.webm', '.manifest.json'] : ['.jpg', '.still.json'];
    const plain = /^(1a45dfa3|ffd8)/.test(readFileSync(this.path(id, media)).subarray(0, 4).toString('hex'));
    const voices = plain && isClip && existsSync(this.path(id, '.voices.mka')) ? [this.path(id, '.voices.mka')] : [];
    if (plain) return [this.path(id, media), ...voices, this.path(id, proof)];
    const fetched = join(this.data, `fetched${media}`);
    await this.download(`/${isClip ? 'clips' : 'stills'}/${id}/media`, fetched);
    return [fetched, this.path(id, proof)];
  }

  verify(...args) {
    return new Promise((resolve) => {
      const child = spawn(join(buildFolder, 'loupe-verify'), [...args, '--keys', join(this.data, 'keys/keys.json')]);
      let text = '';
      for (const out of [child.stdout, child.stderr]) out.setEncoding('utf8').on('data', (piece) => (text += piece));
      child.on('close', (code) => resolve({ code, text }));
    });
  }

  /** Waits until nothing is unfinished any more of what was begun before. */
  async settled(server) {
    for (const end = Date.now() + 30_000; ; ) {
      const open = this.sql("SELECT id, kind FROM clips WHERE state = 'recording' UNION SELECT id, object FROM tombstones WHERE cleared = 0");
      if (open.length === 0) return;
      assert.ok(Date.now() < end, `not finished: ${JSON.stringify(open)}\n${server.log.slice(-3000)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Of one case. */
  async hold(item, ledger) {
    assert.deepEqual(this.sql('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
    assert.deepEqual(this.sql('PRAGMA foreign_key_check'), []);
    this.#deleted(ledger);
    await this.#clips(item, ledger);
    await this.#stills(item, ledger);
    const said = new Set(this.sql(`SELECT json_extract(data, '$.message') AS message FROM events
      WHERE case_id = '${item.id}' AND type = 'chat'`).map(({ message }) => String(message)));
    for (const message of ledger.chat) assert.ok(said.has(String(message)), `chat message ${message} is lost`);
    const [{ exported }] = this.sql(`SELECT count(*) AS exported FROM events WHERE case_id = '${item.id}' AND type = 'case_exported'`);
    assert.ok(exported >= ledger.exported);
    this.#noStrays();
  }

  /** What was deleted, and was not, is one or the other; of what was nothing is left but its tombstone. */
  #deleted(ledger) {
    const tombs = new Set(this.sql('SELECT id FROM tombstones').map(({ id }) => id));
    for (const id of ledger.deleted) assert.ok(tombs.has(id), `${id} was deleted, and has no tombstone`);
    for (const id of ledger.unsure) {
      if (!tombs.has(id)) continue;
      for (const list of [ledger.clips, ledger.ready, ledger.stills, this.verified]) list.delete(id);
      assert.deepEqual(this.sql(`SELECT id FROM clips WHERE id = '${id}' UNION SELECT id FROM stills WHERE id = '${id}'`), []);
    }
  }

  async #clips(item, ledger) {
    const rows = new Map(this.sql(`SELECT id, state, kind, reason, repaired, sha256,
      (SELECT json_extract(data, '$.manifest_sha256') FROM events WHERE case_id = clips.case_id AND type = 'clip_ready'
        AND json_extract(data, '$.clip') = clips.id) AS manifest FROM clips WHERE case_id = '${item.id}'`).map((row) => [row.id, row]));
    for (const [id, clip] of ledger.clips) {
      const row = rows.get(id);
      assert.ok(row, `the clip ${id} (${clip.kind}) was acknowledged and is lost`);
      if (clip.kind === 'clip' && clip.media_ms > LOST_MS) assert.equal(row.state, 'ready', `${clip.media_ms} ms of ${JSON.stringify(row)}`);
    }
    for (const [id, hash] of ledger.ready) assert.deepEqual([rows.get(id).state, rows.get(id).sha256], ['ready', hash]);
    for (const row of rows.values()) {
      if (row.state === 'ready') await this.#ready(row, ledger);
      else this.#failed(row);
    }
    this.repaired = this.sql('SELECT count(*) AS n FROM clips WHERE repaired')[0].n;
    this.failed = this.sql("SELECT count(*) AS n FROM clips WHERE state = 'failed'")[0].n;
  }

  async #ready(row, ledger) {
    const manifest = createHash('sha256').update(readFileSync(this.path(row.id, '.manifest.json'))).digest('hex');
    assert.equal(manifest, row.manifest, `${row.id}: the manifest is not the one of the timeline`);
    ledger.ready.set(row.id, row.sha256);
    if (this.verified.get(row.id) === manifest) return;
    const { code, text } = await this.verify(...(await this.files(row.id)));
    assert.equal(code, 0, `${JSON.stringify(row)}: ${text}`);
    this.verified.set(row.id, manifest);
  }

  #failed(row) {
    assert.equal(row.state, 'failed', JSON.stringify(row));
    assert.ok(row.reason, JSON.stringify(row));
    // What the disk did not take is kept, and tried again: it may be sealed at this moment.
    for (const suffix of row.reason === 'io' ? [] : ['.webm', '.manifest.json'])
      assert.ok(!existsSync(this.path(row.id, suffix)), `${JSON.stringify(row)} left its ${suffix}`);
  }

  async #stills(item, ledger) {
    const rows = this.sql(`SELECT id, kind, ready, sha256 FROM stills WHERE case_id = '${item.id}'`);
    for (const [id, hash] of ledger.stills) {
      const row = rows.find((one) => one.id === id);
      assert.deepEqual([row?.ready, row?.sha256], [1, hash], `the still ${id} was acknowledged`);
    }
    for (const id of ledger.uploads.keys()) assert.ok(rows.some((row) => row.id === id), `the photograph ${id} was asked for`);
    for (const { id, kind, ready } of rows) {
      if (!ready) assert.equal(kind, 'photo', `the still ${id} is neither finished nor gone`);
      if (!ready || this.verified.has(id)) continue;
      const { code, text } = await this.verify(...(await this.files(id)));
      assert.equal(code, 0, `${id}: ${text}`);
      this.verified.set(id, 'still');
    }
  }

  /** Every file is of something in the database, and none of something that was broken off. */
  #noStrays() {
    const known = new Map(this.sql(`SELECT id, state, kind, reason FROM clips UNION SELECT id, ready, kind, '' FROM stills`)
      .map((row) => [row.id, row]));
    for (const folder of readdirSync(join(this.data, 'blobs'))) {
      for (const name of readdirSync(join(this.data, 'blobs', folder))) {
        const row = known.get(name.slice(0, 26));
        assert.ok(row, `${name} is nobody's`);
        const goesOn = row.reason === 'io' || (row.kind === 'photo' && row.state === 0);
        assert.ok(goesOn || !/\.(tmp|part)$/.test(name), `${name} was left by ${JSON.stringify(row)}`);
      }
    }
  }
}
