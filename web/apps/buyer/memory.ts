// SPDX-License-Identifier: Apache-2.0
// What the buyer's page remembers across a reload, in this tab alone: how far one had come and what
// was consented to. Private windows may refuse storage; then a reload begins at the beginning.

export interface Memory {
  stage: 'start' | 'waiting' | 'call' | 'end';
  consent: boolean;
}

export function recall(key: string): Memory | undefined {
  try {
    const text = sessionStorage.getItem(`loupe.buyer.${key}`);
    return text ? (JSON.parse(text) as Memory) : undefined;
  } catch {
    return undefined;
  }
}

export function remember(key: string, memory: Memory): void {
  try {
    sessionStorage.setItem(`loupe.buyer.${key}`, JSON.stringify(memory));
  } catch {
    // Nothing is remembered, then.
  }
}
