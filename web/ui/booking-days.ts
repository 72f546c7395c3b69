// SPDX-License-Identifier: Apache-2.0
// Times that can be booked, day by day as the reader's own calendar has them.
import type { FreeTime } from '../sdk/index.js';

export interface SlotDay {
  /** "2026-11-24", of the reader's calendar. */
  key: string;
  slots: FreeTime[];
}

const two = (n: number) => String(n).padStart(2, '0');

export function dayKey(at: string): string {
  const day = new Date(at);
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}

/** In the order in which they came, which is that of time. */
export function byDay(slots: readonly FreeTime[]): SlotDay[] {
  const days: SlotDay[] = [];
  for (const slot of slots) {
    const key = dayKey(slot.at);
    const last = days.at(-1);
    if (last?.key === key) last.slots.push(slot);
    else days.push({ key, slots: [slot] });
  }
  return days;
}

/** Whether what is shown was taken away meanwhile: then another is to be chosen. */
export function stillFree(slots: readonly FreeTime[], at: string): boolean {
  return slots.some((slot) => slot.at === at);
}
