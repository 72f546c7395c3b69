# SPDX-License-Identifier: Apache-2.0
"""Another verifier, written from docs/EVIDENCE.md alone: verify.py CLIP MANIFEST KEYS. Prints nothing and exits with 0
if the clip verifies; says what is wrong and exits with 1 if it does not."""
import base64
import hashlib
import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha(data):
    return hashlib.sha256(data).digest()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(',', ':'), ensure_ascii=False).encode()


def number(data, at, keep_marker):
    """An EBML number: its value, and where it ends. None as the value: not known."""
    length = 9 - data[at].bit_length()
    value = data[at] if keep_marker else data[at] & (0xff >> length)
    for byte in data[at + 1:at + length]:
        value = value << 8 | byte
    unknown = not keep_marker and value == (1 << 7 * length) - 1
    return (None if unknown else value), at + length


def children(data, at, end):
    while at < end:
        element, at = number(data, at, True)
        size, at = number(data, at, False)
        stop = end if size is None else at + size
        yield element, at, stop
        at = stop


def block(data, at, end, cluster_ms):
    track, at = number(data, at, False)
    relative = int.from_bytes(data[at:at + 2], 'big', signed=True)
    assert not data[at + 2] & 0x06, 'laced'
    return track, cluster_ms + relative, bool(data[at + 2] & 0x80), data[at + 3:end]


def frames_of(data):
    for element, at, end in children(data, 0, len(data)):
        if element != 0x18538067:
            continue
        for inner, start, stop in children(data, at, end):
            if inner != 0x1F43B675:
                continue
            cluster_ms = None
            for leaf, first, last in children(data, start, stop):
                if leaf == 0xE7:
                    cluster_ms = int.from_bytes(data[first:last], 'big')
                elif leaf == 0xA3:
                    yield block(data, first, last, cluster_ms)
                elif leaf == 0xA0:
                    parts = {one: (x, y) for one, x, y in children(data, first, last)}
                    track, at_ms, _, payload = block(data, *parts[0xA1], cluster_ms)
                    yield track, at_ms, 0xFB not in parts, payload


def tree(leaves):
    if not leaves:
        return sha(b'')
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha(b'\x01' + tree(leaves[:split]) + tree(leaves[split:]))


def proven(kept, count, first, end, proof, low=0, high=None):
    """The tree's hash from the leaves first to end - 1 and the hashes of subtrees without them."""
    high = count if high is None else high
    if high <= first or low >= end:
        return proof.pop(0)
    if first <= low and high <= end:
        return tree(kept[low - first:high - first])
    split = 1
    while split * 2 < high - low:
        split *= 2
    left = proven(kept, count, first, end, proof, low, low + split)
    return sha(b'\x01' + left + proven(kept, count, first, end, proof, low + split, high))


def leaf(track, at_ms, key, size, digest):
    return sha(b'\0' + track.to_bytes(4, 'big') + at_ms.to_bytes(8, 'big') + bytes([key]) + size.to_bytes(4, 'big') + digest)


def signed(key, context, value, signature, keys, at):
    x = base64.urlsafe_b64decode(key['x'] + '=')
    assert hashlib.sha256(x).hexdigest()[:16] == key['kid'], 'kid'
    Ed25519PublicKey.from_public_bytes(x).verify(bytes.fromhex(signature), context + b'\0' + canonical(value))
    known = [one for one in keys if one['x'] == key['x']]
    assert known, 'a foreign key'
    assert known[0]['created_at'] <= at <= known[0].get('retired_at', '9'), 'not the time of the key'
    assert 'revoked_at' not in known[0], 'a revoked key'


def listed(document):
    for second in document['frames']:
        for line in second['frames']:
            track, at_ms, key, size, digest = line.split(' ')
            yield int(track), int(at_ms), key == 'k', int(size), bytes.fromhex(digest)


def check_seconds(document, frames):
    seal, trim = document['seal'], document.get('trim')
    voices = {track['number'] for track in seal['tracks'] if track['file'] == 'voices'}
    edges = {edge['second']: edge for edge in trim['edges']} if trim else {}
    chain = sha(seal['clip'].encode())
    for number_, second in enumerate(seal['seconds']):
        assert second['second'] == number_
        roots = {}
        for name, count in (('media', 'media_frames'), ('voices', 'voices_frames')):
            roots[name] = bytes.fromhex(second[name]) if name in second else sha(b'')
            leaves = [leaf(*f) for f in frames if f[1] // 1000 == number_ and (f[0] in voices) == (name == 'voices')]
            wanted = second.get(count, 0)
            if trim and (name == 'voices' or not leaves):
                continue
            if trim and len(leaves) < wanted:
                edge = edges[number_]
                proof = [bytes.fromhex(one) for one in edge['proof']]
                made = proven(leaves, wanted, edge['first'], edge['first'] + len(leaves), proof)
                assert not proof, 'too long a proof'
            else:
                assert len(leaves) == wanted, f'frames of second {number_}'
                made = tree(leaves)
            assert made == roots[name], f'second {number_}'
        chain = sha(b'loupe-second\0' + chain + number_.to_bytes(8, 'big') + roots['media'] + roots['voices'])
        assert chain.hex() == second['chain'], f'chain of second {number_}'
    assert chain.hex() == seal['head'], 'head'


def verify(clip, text, keys):
    document = json.loads(text)
    assert canonical(document) == text, 'not canonical'
    assert document['format'] == 'loupe-manifest/1'
    seal, trim = document['seal'], document.get('trim')
    signed(seal['key'], b'loupe-seal-1', seal, document['seal_signature'], keys, seal['sealed_at'])
    rest = {name: value for name, value in document.items() if name != 'signature'}
    made_at = (trim or {}).get('made_at', seal['sealed_at'])
    if 'stamped' in document:
        before = document['stamped']
        assert 'timestamp' in document
        signed(document['key'], b'loupe-manifest-1', rest, document['signature'], keys, before['at'])
        rest = {name: value for name, value in rest.items() if name not in ('timestamp', 'stamped')}
        document = {**document, 'key': before['key'], 'signature': before['signature']}
        rest['key'] = before['key']
    signed(document['key'], b'loupe-manifest-1', rest, document['signature'], keys, made_at)
    assert trim or document['key'] == seal['key'], 'another key than the seal\'s'
    told = list(listed(document))
    check_seconds(document, told)
    media = (trim or seal)['media']
    assert media['bytes'] == len(clip) and media['sha256'] == sha(clip).hex(), 'the file'
    voices = {track['number'] for track in seal['tracks'] if track['file'] == 'voices'}
    of = {track['number']: track['of'] for track in trim['tracks']} if trim else None
    offset = trim['from_ms'] if trim else 0
    there = sorted(((of[t] if of else t), at_ms + offset, key, len(payload), sha(payload)) for t, at_ms, key, payload in frames_of(clip))
    assert there == sorted(f for f in told if f[0] not in voices), 'the frames'


if __name__ == '__main__':
    with open(sys.argv[1], 'rb') as media_, open(sys.argv[2], 'rb') as manifest_, open(sys.argv[3], 'rb') as keys_:
        try:
            verify(media_.read(), manifest_.read(), json.load(keys_)['keys'])
        except Exception as why:
            sys.exit(f'{type(why).__name__}: {why}')
