// SPDX-License-Identifier: Apache-2.0
// Opinions to commit to: canonical, of one case and person, and never the same twice.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { canonicalJson, sealOpinion } from './opinion.js';

test('canonical JSON has its keys in order, all the way down, and nothing that is not there', () => {
  assert.equal(canonicalJson({ b: [{ d: 1, c: 'é"' }], a: null, x: undefined }), '{"a":null,"b":[{"c":"é\\"","d":1}]}');
});

test('the hash is of the opinion, its case and its author', async () => {
  const said = { verdict: 'genuine' as const, grounds: [{ text: 'x', evidence: [] }], points: { logo: { judgement: 'consistent' as const, note: 'n' } } };
  const { opinion, commitment } = await sealOpinion('01hz', 'ann', said);
  const whole = `{"by":"ann","case":"01hz","grounds":[{"evidence":[],"text":"x"}],"nonce":"${opinion.nonce}",`
    + '"points":{"logo":{"judgement":"consistent","note":"n"}},"verdict":"genuine"}';
  assert.equal(commitment, createHash('sha256').update(whole).digest('hex'));
  assert.match(opinion.nonce, /^[0-9a-f]{64}$/);
  assert.notEqual((await sealOpinion('01hz', 'ann', said)).commitment, commitment);
});
