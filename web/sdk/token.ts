// SPDX-License-Identifier: Apache-2.0
// Reads a link's token. Nothing is verified here: that is the server's part; a page only wants to know
// whose link it is and whether it is still worth sending.
import type { Role } from './protocol.js';

export interface TokenClaims {
  sub: string;
  name?: string;
  role?: Role;
  case?: string;
  room?: string;
  exp?: number;
}

/** The claims, or undefined when this is no token at all. */
export function readToken(token: string): TokenClaims | undefined {
  const part = token.split('.')[1];
  if (!part) return undefined;
  try {
    const bytes = Uint8Array.from(atob(part.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as TokenClaims;
    return typeof claims.sub === 'string' ? claims : undefined;
  } catch {
    return undefined;
  }
}
