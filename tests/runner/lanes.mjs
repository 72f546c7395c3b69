// SPDX-License-Identifier: Apache-2.0
// The order of the parts: those without a lane first, one after the other; then the lanes side by side,
// each of them one part after the other.

/** Applies an async function to every part; one that throws ends all of it. */
export async function inLanes(parts, apply) {
  const lanes = new Map();
  for (const part of parts) lanes.set(part.lane, [...(lanes.get(part.lane) ?? []), part]);
  const inTurn = async (lane) => {
    for (const part of lane) await apply(part);
  };
  await inTurn(lanes.get(undefined) ?? []);
  lanes.delete(undefined);
  await Promise.all([...lanes.values()].map(inTurn));
}
