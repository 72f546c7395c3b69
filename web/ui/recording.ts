// SPDX-License-Identifier: Apache-2.0
// What a page says of recording: one sign for what is recorded and what was allowed, so that the two never
// contradict each other; and the telling of consent, over whatever reaches the server first.

export type RecordingSign =
  | 'recording' // this person is being recorded,
  | 'allowed' // or may be;
  | 'stopping' // was, and has taken it back: the server has yet to say that it ended
  | 'others' // a clip goes on, without this person
  | 'refused';

export interface RecordingFacts {
  /** What this person has said on this page, */
  allowed: boolean;
  /** and whether the server has answered that. */
  told: boolean;
  /** Ids of the clips being recorded, as the server says. */
  clips: readonly string[];
  /** Whose picture a clip is of, as far as it is known. */
  publisherOf(clip: string): string | undefined;
  me: string;
}

export function recordingSign({ allowed, told, clips, publisherOf, me }: RecordingFacts): RecordingSign {
  if (allowed) return clips.length > 0 ? 'recording' : 'allowed';
  if (clips.length === 0) return 'refused';
  return told && !clips.some((clip) => publisherOf(clip) === me) ? 'others' : 'stopping';
}

/** One way, and if that has not answered after a while another beside it: whichever gets there first. Rejects
 *  when both fail. */
export function firstOf(
  one: () => Promise<unknown>, patience: Promise<void>, other: () => Promise<unknown>,
): Promise<unknown> {
  let answered = false;
  const first = one().then(() => void (answered = true));
  const second = patience.then(() => (answered ? undefined : other()));
  return Promise.any([first, second]);
}

/** Keeps asking until it is answered, or until `wanted` says that it is not worth it any more. */
export async function untilTold(
  ask: () => Promise<unknown>, wanted: () => boolean, pause: (ms: number) => Promise<void>,
): Promise<boolean> {
  for (let wait = 250; wanted(); wait = Math.min(4000, wait * 2)) {
    try {
      await ask();
      return wanted();
    } catch {
      await pause(wait);
    }
  }
  return false;
}
