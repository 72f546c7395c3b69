// SPDX-License-Identifier: Apache-2.0
// Keeps the screen on during a call, where the browser can; asked for anew when the page is shown again.

/** Returns the function that lets the screen sleep again. */
export function keepAwake(): () => void {
  let lock: WakeLockSentinel | undefined;
  let wanted = true;
  const ask = async () => {
    if (!wanted || document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return;
    try {
      const got = await navigator.wakeLock.request('screen');
      if (wanted) lock = got;
      else void got.release();
    } catch {
      // Battery saving, or no permission: the call goes on without it.
    }
  };
  document.addEventListener('visibilitychange', ask);
  void ask();
  return () => {
    wanted = false;
    document.removeEventListener('visibilitychange', ask);
    void lock?.release();
  };
}
