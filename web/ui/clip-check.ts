// SPDX-License-Identifier: Apache-2.0
// A first check of a clip in the browser itself: that the seal is signed by one of the server's keys, and
// that the file has the hash that the seal names. loupe-verify checks all the rest.
import type { Manifest, PublicKey } from './evidence.js';

export type CheckResult = 'verified' | 'altered' | 'bad_signature' | 'unknown_key' | 'bad_key' | 'unsupported';

type Jwk = PublicKey & { crv?: string; kty?: string; x?: string };

const encoder = new TextEncoder();

function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function toHex(bytes: ArrayBuffer): string {
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The manifest is canonical, and parsing keeps the order of members: what JSON.stringify makes of a part of
 *  it is what was signed. */
async function signedBy(key: Jwk, context: string, document: unknown, signature: string): Promise<boolean> {
  const { subtle } = globalThis.crypto;
  const { crv = 'Ed25519', kty = 'OKP', x = '' } = key;
  const imported = await subtle.importKey('jwk', { crv, kty, x }, { name: 'Ed25519' }, false, ['verify']);
  const bytes = encoder.encode(`${context}\0${JSON.stringify(document)}`);
  return subtle.verify({ name: 'Ed25519' }, imported, fromHex(signature), bytes);
}

/** With a revoked key whoever has it can date back, so what it signed is good only if a time stamp says so, which
 *  is not looked at here. */
function isGood({ created_at: begin, retired_at: end, revoked_at: revoked }: PublicKey, at: string): boolean {
  const time = Date.parse(at);
  return !revoked && !(begin && time < Date.parse(begin)) && !(end && time > Date.parse(end));
}

/** `media`: the clip's file. */
export async function checkClip(
  manifest: Manifest & { seal_signature: string; signature: string; key: Jwk }, keys: Jwk[], media: ArrayBuffer,
): Promise<CheckResult> {
  const { signature, ...document } = manifest;
  const [sealer, signer] = [manifest.seal.key, manifest.key].map(({ kid }) => keys.find((key) => key.kid === kid));
  if (!sealer || !signer) return 'unknown_key';
  try {
    const sealed = await signedBy(sealer, 'loupe-seal-1', manifest.seal, manifest.seal_signature);
    const signed = await signedBy(signer, 'loupe-manifest-1', document, signature);
    if (!sealed || !signed) return 'bad_signature';
  } catch {
    return 'unsupported';
  }
  if (!isGood(sealer, manifest.seal.sealed_at) || signer.revoked_at) return 'bad_key';
  const expected = (manifest.trim ? manifest.trim.media : manifest.seal.media)?.sha256;
  return toHex(await globalThis.crypto.subtle.digest('SHA-256', media)) === expected ? 'verified' : 'altered';
}
