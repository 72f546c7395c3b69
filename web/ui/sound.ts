// SPDX-License-Identifier: Apache-2.0
// The pages' few sounds, made of tones: a ring while an offer waits, a chime when somebody is there.

function tone(context: AudioContext, hertz: number, at: number, seconds: number): void {
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  const start = context.currentTime + at;
  oscillator.frequency.value = hertz;
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(0.18, start + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.001, start + seconds);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(start);
  oscillator.stop(start + seconds);
}

function play(notes: [hertz: number, at: number, seconds: number][]): void {
  try {
    const context = new AudioContext();
    for (const [hertz, at, seconds] of notes) tone(context, hertz, at, seconds);
    setTimeout(() => void context.close(), 2000);
  } catch {
    // No sound here: what it says is on the screen as well.
  }
}

export function chime(): void {
  play([[660, 0, 0.35], [880, 0.16, 0.5]]);
}

/** Rings until the returned function is called. */
export function ring(): () => void {
  const once = () => play([[740, 0, 0.3], [740, 0.35, 0.3], [990, 0.7, 0.5]]);
  once();
  const interval = setInterval(once, 2200);
  return () => clearInterval(interval);
}
