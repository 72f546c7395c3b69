// SPDX-License-Identifier: Apache-2.0
// loupectl by itself: each verb asked wrongly says how it is used (2), and asked for what is not there says so (1); nothing
// that was refused leaves anything behind. Beside a server it is in records.test.mjs, keys, webhooks, backup and others.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { buildFolder, startLouped } from './support/louped.mjs';

const folder = mkdtempSync(join(tmpdir(), 'loupe-ctl-'));
const nowhere = join(folder, 'nowhere');
const ctl = (...args) => spawnSync(join(buildFolder, 'loupectl'), args, { encoding: 'utf8' });
const ID = '01jd3x8m6q0c5n2v7t9w4y1zab';
after(() => rmSync(folder, { recursive: true, force: true }));

// What is asked wrongly, whatever there is in the folder.
const WRONG = `
token|token --role agent --sub a|token --key k --role agent --sub a|token --key k:s --role king --sub a
token --key k:s --role agent|token --key k:s --role agent --sub a --ttl 0|token --key k:s --role agent --sub a --ttl 86401
token --key k:s --role buyer --sub a --case x|token --key k:s --role agent --sub a --what|
api-keys|api-keys list|api-keys make --data D|api-keys list --data D --what x|
merchants|people|people list|people add --data D --nobody x|
cases|cases list|cases find --data D|events|drain|
retention|retention list|retention set --data D --what x|holds|
webhooks|webhooks list|keys|keys list|keys forge --data D|
storage-key|storage-key new|storage-key burn --file F|encrypt-storage|
verify|backup|backup TO|restore|restore FROM|fsck|migrate|nonsense`
  .split(/[|\n]/).filter(Boolean);

test('what is asked wrongly is told how it is used', () => {
  const is = WRONG.map((line) => {
    const { status, stderr, stdout } = ctl(...line.replace(/\bD\b/, nowhere).split(' '));
    return [line, status, (stderr + stdout).includes('loupectl')];
  });
  assert.deepEqual(is, WRONG.map((line) => [line, 2, true]));
  assert.equal(existsSync(nowhere), false);
});

test('a folder that is none is left alone', () => {
  for (const line of ['api-keys list', 'merchants list', 'people list', 'cases list', 'retention list', `holds list --case ${ID}`, 'webhooks list', 'fsck', 'drain']) {
    const { status } = ctl(...line.split(' '), '--data', nowhere);
    assert.ok(status === 1 || status === 2, `${line}: ${status}`);
  }
  assert.equal(existsSync(nowhere), false);
  const junk = join(folder, 'junk');
  writeFileSync(junk, 'no backup');
  assert.equal(ctl('restore', junk, '--data', nowhere).status, 1);
  assert.equal(existsSync(join(nowhere, 'loupe.db')), false);
});

test('what is not there is said, and nothing is changed', async () => {
  const server = await startLouped();
  const one = await server.newCase();
  const at = (line) => ctl(...line.split(' '), '--data', server.data).status;
  try {
    const lines = {
      'api-keys rotate --id none': 1, 'api-keys remove --id none': 1, 'api-keys rotate': 2, 'api-keys add': 2,
      'api-keys add --merchant a/b': 2, 'api-keys add --merchant m --roles king': 2, 'api-keys add --merchant m --scopes fly': 2,
      'merchants remove': 2, 'holds keep': 2, 'webhooks shout': 2, 'merchants add': 2, 'people add': 2, 'people link --identity nobody': 1, 'people remove --identity nobody': 1,
      'people link --identity nobody --ttl 0': 2, [`cases show --case ${ID}`]: 1, 'cases list --state odd': 2, 'cases list --limit 0': 2,
      'retention set --kind clip': 2, 'retention set --kind film --seconds 5': 2, 'retention set --kind clip --seconds -5': 2,
      'holds place --reason x': 2, [`holds place --case ${ID} --reason x`]: 1, [`holds place --case ${one.id}`]: 2,
      [`holds lift --hold ${ID} --reason x`]: 1, [`webhooks remove --id ${ID}`]: 1, 'webhooks add --url ftp://x': 2,
      [`webhooks replay --id ${ID}`]: 1, 'keys revoke --kid 0000000000000000 --reason x': 1, 'keys revoke --reason x': 2,
    };
    assert.deepEqual(Object.fromEntries(Object.keys(lines).map((line) => [line, at(line)])), lines);
    assert.equal(at('fsck'), 0);
    assert.equal(ctl('api-keys', 'list', '--data', server.data).stdout, '');
    assert.equal(at('migrate --check'), 0);
  } finally {
    await server.stop();
  }
});
