// SPDX-License-Identifier: Apache-2.0
// Opinions that are committed to before they are known: the hash that is told now, and what is told later.
import type { SealedOpinion } from './rest.js';

/** JSON whose bytes depend on its values alone (RFC 8785), of what has neither fractions nor odd numbers in it. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  const sorted = members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`;
}

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** With a nonce that nobody can guess, and the hash to commit to: of this case, by this person. Keep the opinion:
 *  without it the hash is worth nothing. */
export async function sealOpinion(
  caseId: string, by: string, said: Omit<SealedOpinion, 'nonce'>,
): Promise<{ opinion: SealedOpinion; commitment: string }> {
  const opinion = { ...said, nonce: hex(crypto.getRandomValues(new Uint8Array(32))) };
  const text = new TextEncoder().encode(canonicalJson({ ...opinion, by, case: caseId }));
  return { opinion, commitment: hex(new Uint8Array(await crypto.subtle.digest('SHA-256', text))) };
}
