"""Break files as the world does, and as somebody with intent would."""

import json
import struct
import zlib

_NUMBERS = (0, 1, 2, 127, 255, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**31)
_NUMBERS += (2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**64 - 1)
_VALUES = (None, True, 0, 5, -1.5, 10**400, float('inf'), float('nan'))
_VALUES += (
    '',
    'noise',
    'a\nb\0',
    'x' * 5000,
    [],
    [[]],
    [1, 'a'],
    {},
    {'a': []},
)
_NEAR = 600  # bytes from an end, where the headers are
_PNG = b'\x89PNG\r\n\x1a\n'


def mutate(data, others, rng):
    """Return ``data`` after one to four mutations.

    ``others`` are files to splice in; ``rng`` is a random.Random. Half of
    the JSON stays JSON, with some values deleted or replaced.
    """
    # Lines of JSON are not one value.
    whole = data.startswith(b'{') and b'\n{' not in data
    if whole and rng.random() < 0.5:
        return _change_json(data, rng)
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if data:
            rng.choice(_MUTATIONS)(data, others, rng)
    if data.startswith(_PNG) and rng.random() < 0.7:
        _repair_png(data)
    return bytes(data)


def _change_json(data, rng):
    """Delete or replace one to three values, at any depth."""
    tree = json.loads(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(tree))
        if not places:
            break
        parent, key = rng.choice(places)
        if rng.random() < 0.25:
            del parent[key]
        else:
            other, at = rng.choice(places)
            # A copy, or the tree might get a loop.
            value = rng.choice((*_VALUES, other[at]))
            parent[key] = json.loads(json.dumps(value))
    return json.dumps(tree).encode()


def _places(tree):
    """Yield (list or dictionary, key) of each value within."""
    keys = ()
    if isinstance(tree, (dict, list)):
        keys = range(len(tree)) if isinstance(tree, list) else list(tree)
    for key in keys:
        yield tree, key
        yield from _places(tree[key])


def _place(data, rng):
    """Return a random position; headers are as likely as all the rest."""
    near = rng.choice(('start', 'end', 'anywhere', 'anywhere'))
    last = len(data) - 1
    if near == 'start':
        return rng.randint(0, min(_NEAR, last))
    if near == 'end':
        return rng.randint(max(0, last - _NEAR), last)
    return rng.randint(0, last)


def _length(rng):
    return rng.choice((1, 2, 4, 8, 16, rng.randint(1, 300)))


def _flip_bits(data, others, rng):
    for _ in range(rng.choice((1, 1, 2, 8, 32))):
        data[_place(data, rng)] ^= 1 << rng.randint(0, 7)


def _truncate(data, others, rng):
    del data[_place(data, rng) :]


def _delete(data, others, rng):
    at = _place(data, rng)
    del data[at : at + _length(rng)]


def _insert(data, others, rng):
    at = _place(data, rng)
    data[at:at] = rng.randbytes(_length(rng))


def _overwrite_a_number(data, others, rng):
    at, size = _place(data, rng), rng.choice((1, 2, 4, 8))
    number = rng.choice((*_NUMBERS, rng.getrandbits(64))) % 256**size
    order = rng.choice(('little', 'big'))
    data[at : at + size] = number.to_bytes(size, order)


def _swap(data, others, rng):
    a, b = sorted((_place(data, rng), _place(data, rng)))
    size = min(_length(rng), b - a)
    part = data[a : a + size]
    data[a : a + size] = data[b : b + size]
    data[b : b + size] = part


def _repeat(data, others, rng):
    at = _place(data, rng)
    part = data[at : at + _length(rng)]
    data[at:at] = part * rng.choice((1, 2, 50))


def _splice(data, others, rng):
    other = rng.choice(others)
    data[_place(data, rng) :] = other[_place(other, rng) :]


_MUTATIONS = (
    _flip_bits,
    _flip_bits,
    _truncate,
    _delete,
    _insert,
    _overwrite_a_number,
    _overwrite_a_number,
    _overwrite_a_number,
    _swap,
    _repeat,
    _splice,
)


def _repair_png(data):
    """Correct the checksums of a PNG's chunks, so that they are read."""
    at = len(_PNG)
    while at + 12 <= len(data):
        [size] = struct.unpack_from('>I', data, at)
        end = at + 8 + size
        if end + 4 > len(data):
            return
        struct.pack_into('>I', data, end, zlib.crc32(data[at + 4 : end]))
        at = end + 4
