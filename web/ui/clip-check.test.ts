// SPDX-License-Identifier: Apache-2.0
// The browser's check of a clip, with keys and a manifest made here.
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { checkClip } from './clip-check.js';

function keyPair(kid: string) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { x } = publicKey.export({ format: 'jwk' });
  return { jwk: { crv: 'Ed25519', kid, kty: 'OKP', x: x as string }, privateKey };
}

const signed = (context: string, document: unknown, key: KeyObject) =>
  sign(null, Buffer.from(`${context}\0${JSON.stringify(document)}`), key).toString('hex');

const own = keyPair('own');
const media = Uint8Array.from([1, 2, 3, 4]).buffer;
const sha256 = createHash('sha256').update(Buffer.from(media)).digest('hex');

function manifestBy({ jwk, privateKey }: ReturnType<typeof keyPair>, more: object = {}) {
  const seal = { clip: 'c', key: jwk, media: { bytes: 4, sha256 }, sealed_at: '2026-11-22T07:44:27.375Z' };
  const seal_signature = signed('loupe-seal-1', seal, privateKey);
  const document = { key: jwk, seal, seal_signature, ...more };
  return { ...document, signature: signed('loupe-manifest-1', document, privateKey) };
}

test('a clip as it was sealed', async () => {
  assert.equal(await checkClip(manifestBy(own), [own.jwk], media), 'verified');
  const part = manifestBy(own, { trim: { of: 'c', from_ms: 0, to_ms: 1, media: { bytes: 4, sha256 } } });
  assert.equal(await checkClip(part, [own.jwk], media), 'verified');
});

test('a changed file, a changed seal, a changed manifest, a foreign key', async () => {
  const manifest = manifestBy(own);
  assert.equal(await checkClip(manifest, [own.jwk], Uint8Array.from([1, 2, 3, 5]).buffer), 'altered');
  const seal = { ...manifest.seal, sealed_at: '2025-01-01T00:00:00.000Z' };
  assert.equal(await checkClip({ ...manifest, seal }, [own.jwk], media), 'bad_signature');
  assert.equal(await checkClip({ ...manifest, timestamp: 'x' }, [own.jwk], media), 'bad_signature');
  const other = keyPair('own');
  assert.equal(await checkClip(manifestBy(other), [own.jwk], media), 'bad_signature');
  assert.equal(await checkClip(manifest, [keyPair('another').jwk], media), 'unknown_key');
});

test('a key that was revoked, or was not in use then', async () => {
  const manifest = manifestBy(own);
  const told = (times: object) => checkClip(manifest, [{ ...own.jwk, ...times }], media);
  const [before, after] = ['2026-11-22T07:44:27.374Z', '2026-11-22T07:44:27.376Z'];
  assert.equal(await told({ created_at: before, retired_at: after }), 'verified');
  assert.equal(await told({ created_at: before, revoked_at: after, reason: 'lost' }), 'bad_key');
  assert.equal(await told({ created_at: before, retired_at: before }), 'bad_key');
  assert.equal(await told({ created_at: after }), 'bad_key');
  const part = manifestBy(own, { trim: { of: 'c', from_ms: 0, to_ms: 1, media: { bytes: 4, sha256 } } });
  const other = keyPair('other');
  const { signature: _, ...document } = { ...part, key: other.jwk };
  const resigned = { ...document, signature: signed('loupe-manifest-1', document, other.privateKey) };
  assert.equal(await checkClip(resigned, [own.jwk, other.jwk], media), 'verified');
  assert.equal(await checkClip(resigned, [own.jwk, { ...other.jwk, revoked_at: after }], media), 'bad_key');
});
