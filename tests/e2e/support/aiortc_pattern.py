# SPDX-License-Identifier: Apache-2.0
"""The pattern of pattern.mjs in Python, for aiortc: a tag, the time in hundredths of a second, a checksum."""
import json
import time
import urllib.error
import urllib.request

import numpy

COLUMNS, ROWS, MARGIN = 8, 5, 0.1


def _checksum(data):
    total = 0x5A
    for byte in data:
        total = ((total * 31) ^ byte) & 255
    return total


def _blocks(width, height):
    w, h = width * (1 - 2 * MARGIN) / COLUMNS, height * (1 - 2 * MARGIN) / ROWS
    for i in range(COLUMNS * ROWS):
        yield width * MARGIN + (i % COLUMNS) * w, height * MARGIN + (i // COLUMNS) * h, w, h


def draw(width, height, tag):
    """A grey picture with the pattern of now."""
    ticks = int(time.time() * 100) & 0xFFFFFF
    data = [tag, ticks >> 16 & 255, ticks >> 8 & 255, ticks & 255]
    data.append(_checksum(data))
    bits = [byte >> n & 1 for byte in data for n in range(7, -1, -1)]
    picture = numpy.full((height, width), 128, dtype=numpy.uint8)
    for bit, (x, y, w, h) in zip(bits, _blocks(width, height)):
        picture[round(y):round(y + h), round(x):round(x + w)] = 255 if bit else 0
    return picture


def read(picture):
    """(tag, ticks) of a grey picture, or None."""
    height, width = picture.shape
    bits = []
    for x, y, w, h in _blocks(width, height):
        middle = picture[int(y + h * 0.35):int(y + h * 0.65), int(x + w * 0.35):int(x + w * 0.65)]
        bits.append(int(middle.mean() > 128))
    data = [int("".join(map(str, bits[i:i + 8])), 2) for i in range(0, 40, 8)]
    if _checksum(data[:4]) != data[4]:
        return None
    return data[0], data[1] << 16 | data[2] << 8 | data[3]


def exchange(url, token, sdp):
    """Posts an offer as WHIP and WHEP have it: (answer, the session's address)."""
    headers = {"Content-Type": "application/sdp", "Authorization": "Bearer " + token}
    request = urllib.request.Request(url, sdp.encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(request) as response:
            return response.read().decode(), response.headers["Location"]
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{url}: {error.code} {error.read().decode()}") from error


def end(url, token):
    request = urllib.request.Request(url, headers={"Authorization": "Bearer " + token}, method="DELETE")
    with urllib.request.urlopen(request) as response:
        return response.status


def say(**facts):
    print(json.dumps(facts), flush=True)
