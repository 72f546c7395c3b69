# SPDX-License-Identifier: Apache-2.0
"""Plays over WHEP with aiortc: URL TOKEN PICTURES. Says what came until there were so many, or for 20 s."""
import asyncio
import sys
from urllib.parse import urljoin

import numpy
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

import aiortc_pattern as pattern


async def watch(track, seen):
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        if track.kind == "audio":
            seen["sounds"] += 1
            seen["loudest"] = max(seen["loudest"], int(numpy.abs(frame.to_ndarray()).max()))
            continue
        seen["pictures"] += 1
        found = pattern.read(frame.to_ndarray(format="gray"))
        if found:
            seen["tags"][str(found[0])] = seen["tags"].get(str(found[0]), 0) + 1


async def main(url, token, pictures):
    seen = {"pictures": 0, "sounds": 0, "loudest": 0, "tags": {}}
    peer = RTCPeerConnection()
    peer.addTransceiver("video", direction="recvonly")
    peer.addTransceiver("audio", direction="recvonly")
    peer.on("track", lambda track: asyncio.ensure_future(watch(track, seen)))
    await peer.setLocalDescription(await peer.createOffer())
    answer, session = pattern.exchange(url, token, peer.localDescription.sdp)
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    for _ in range(200):
        if seen["pictures"] >= int(pictures) and seen["sounds"] >= int(pictures):
            break
        await asyncio.sleep(0.1)
    pattern.say(state=peer.connectionState, deleted=pattern.end(urljoin(url, session), token), **seen)
    await peer.close()


asyncio.run(main(*sys.argv[1:]))
