// SPDX-License-Identifier: Apache-2.0
// Offers ask for sound that is lost to be sent again, and are left as they are otherwise.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withSoundSentAgain } from './sdp.js';

const section = (kind: string, direction: string, more = '') =>
  `m=${kind} 9 UDP/TLS/RTP/SAVPF 111 63\r\na=${direction}\r\na=rtpmap:111 opus/48000/2\r\n` +
  `a=fmtp:111 minptime=10\r\n${more}a=rtpmap:63 red/48000/2\r\n`;

test('sound that is sent may be asked for again', () => {
  for (const direction of ['sendonly', 'sendrecv']) {
    const sdp = withSoundSentAgain(`v=0\r\n${section('audio', direction)}`);
    assert.match(sdp, /a=rtpmap:111 opus\/48000\/2\r\na=rtcp-fb:111 nack\r\na=fmtp:111/);
    assert.equal(sdp.split('nack').length, 2);
    assert.equal(withSoundSentAgain(sdp), sdp);
  }
});

test('nothing else of an offer changes', () => {
  const sdp =
    `v=0\r\na=sendonly\r\n${section('audio', 'recvonly')}${section('video', 'sendonly')}` +
    `m=audio 9 X 0\r\na=sendonly\r\na=rtpmap:0 PCMU/8000\r\n`;
  assert.equal(withSoundSentAgain(sdp), sdp);
  assert.equal(withSoundSentAgain('offer 1'), 'offer 1');
  const lines = `v=0\n${section('audio', 'sendonly').replaceAll('\r', '')}`;
  assert.equal(withSoundSentAgain(lines).includes('\r'), false);
});
