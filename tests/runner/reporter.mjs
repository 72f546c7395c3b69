// SPDX-License-Identifier: Apache-2.0
// A node:test reporter for the runner: one JSON line per test that ran, suites and parents left out.
const NOT_WANTED = 'test name does not match pattern';

function resultOf({ type, data }) {
  if (type !== 'test:pass' && type !== 'test:fail') return undefined;
  if (data.details?.type === 'suite' || data.skip === NOT_WANTED) return undefined;
  // A parent fails with its subtests, which are reported for themselves.
  if (data.details?.error?.failureType === 'subtestsFailed') return undefined;
  const skipped = data.skip !== undefined && data.skip !== false;
  return { name: data.name, ok: type === 'test:pass', skipped };
}

export default async function* reporter(source) {
  for await (const event of source) {
    const result = resultOf(event);
    if (result) yield `${JSON.stringify(result)}\n`;
  }
}
