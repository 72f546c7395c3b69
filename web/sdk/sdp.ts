// SPDX-License-Identifier: Apache-2.0
// Changes to offers that browsers have no switch for.

/** Lost sound may be asked for again (RFC 4585) on the lines that send it: browsers answer such
 *  requests once it is agreed, but do not offer it. */
export function withSoundSentAgain(sdp: string): string {
  return sdp
    .split(/^(?=m=)/m)
    .map((section) => {
      if (!section.startsWith('m=audio') || !/^a=send(only|recv)\s*$/m.test(section)) return section;
      const type = /^a=rtpmap:(\d+) opus\//im.exec(section)?.[1];
      if (type === undefined || new RegExp(`^a=rtcp-fb:${type} nack\\s*$`, 'm').test(section)) {
        return section;
      }
      return section.replace(
        new RegExp(`^a=rtpmap:${type} .*(\\r?\\n)`, 'm'),
        `$&a=rtcp-fb:${type} nack$1`,
      );
    })
    .join('');
}
