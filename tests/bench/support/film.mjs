// SPDX-License-Identifier: Apache-2.0
// Pictures that a decoder takes, with noise in them so that they have the wanted size.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Four seconds of VP8, 30 pictures each, in an IVF file in `folder`: its path. The more noise, the larger is the
 *  key frame (186 KB at 1.2 Mbit/s with 30). */
export function makeFilm(folder, kbps, noise = 30, more = []) {
    const path = join(folder, 'film.ivf');
    execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=640x360:rate=30', '-t', '4', '-vf', `noise=alls=${noise}:allf=t`,
        '-c:v', 'libvpx', '-b:v', `${kbps}k`, '-minrate', `${kbps}k`, '-maxrate', `${kbps}k`, '-g', '120', '-deadline', 'realtime',
        '-cpu-used', '8', ...more, '-y', path]);
    return path;
}
