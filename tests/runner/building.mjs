// SPDX-License-Identifier: Apache-2.0
// How a preset is configured and built while other parts of the run may want the same.

/** The preset's folder below the top. */
export function buildFolder(preset) {
  return preset === 'release' ? 'build' : `build-${preset}`;
}

/** One command, to be run at the top: whoever comes second to the same preset waits for the first. */
export function buildCommand(preset, targets) {
  const script = 'cmake --preset "$1" && folder=$2 && shift 2 && exec ninja -C "$folder" "$@"';
  return ['flock', `build/${preset}.lock`, 'sh', '-c', script, 'sh', preset, buildFolder(preset), ...targets];
}
