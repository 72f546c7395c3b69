# SPDX-License-Identifier: Apache-2.0
"""Publishes a pattern and a tone over WHIP with aiortc: URL TOKEN TAG SECONDS [CODEC, as video/H264]."""
import asyncio
import fractions
import sys
from urllib.parse import urljoin

import numpy
from aiortc import (MediaStreamTrack, RTCPeerConnection, RTCRtpSender, RTCSessionDescription,
                    VideoStreamTrack)
from av import AudioFrame, VideoFrame

import aiortc_pattern as pattern

RATE, SAMPLES = 48000, 960


class Camera(VideoStreamTrack):
    def __init__(self, tag):
        super().__init__()
        self.tag = tag

    async def recv(self):
        pts, time_base = await self.next_timestamp()
        grey = pattern.draw(320, 180, self.tag)
        frame = VideoFrame.from_ndarray(grey, format="gray").reformat(format="yuv420p")
        frame.pts, frame.time_base = pts, time_base
        return frame


class Microphone(MediaStreamTrack):
    kind = "audio"
    at = 0

    async def recv(self):
        loop = asyncio.get_event_loop()
        if self.at == 0:
            self.start = loop.time()
        await asyncio.sleep(max(0, self.start + self.at / RATE - loop.time()))
        phase = 2 * numpy.pi * 700 * (self.at + numpy.arange(SAMPLES)) / RATE
        samples = (numpy.sin(phase) * 8000).astype(numpy.int16).reshape(1, -1)
        frame = AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self.at, fractions.Fraction(1, RATE)
        self.at += SAMPLES
        return frame


def prefer(peer, sender, codec):
    transceiver = next(one for one in peer.getTransceivers() if one.sender == sender)
    codecs = RTCRtpSender.getCapabilities("video").codecs
    transceiver.setCodecPreferences([one for one in codecs if one.mimeType in (codec, "video/rtx")])


async def main(url, token, tag, seconds, codec=None):
    peer = RTCPeerConnection()
    camera = peer.addTrack(Camera(int(tag)))
    if codec:
        prefer(peer, camera, codec)
    peer.addTrack(Microphone())
    await peer.setLocalDescription(await peer.createOffer())
    answer, session = pattern.exchange(url, token, peer.localDescription.sdp)
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    for _ in range(100):
        if peer.connectionState == "connected":
            break
        await asyncio.sleep(0.05)
    pattern.say(state=peer.connectionState)
    await asyncio.sleep(float(seconds))
    pattern.say(deleted=pattern.end(urljoin(url, session), token))
    await peer.close()


asyncio.run(main(*sys.argv[1:]))
