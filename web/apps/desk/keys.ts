// SPDX-License-Identifier: Apache-2.0
// The desk's keys, unless something is being written somewhere or something lies over the page.
import type { DeskApp } from './main.js';

export function listenToKeys(app: DeskApp): void {
  window.addEventListener('keydown', (event) => {
    const at = event.target as HTMLElement | null;
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (at?.closest('input, textarea, select, [contenteditable]') || document.querySelector('dialog[open]')) return;
    if (event.key.toLowerCase() !== 's') app.tools.key(event);
    else if (app.call && app.room.buyer?.consent) void app.still();
  });
}
