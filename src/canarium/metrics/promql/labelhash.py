"""The hash of a label set, as Prometheus computes it.

Owns: xxHash64 over upstream's encoding of labels, which `limit_ratio` samples by. Must not know: anything else.
Source: Prometheus 3.x `model/labels/labels_stringlabels.go` (the default build) and the xxHash specification.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final

from canarium.metrics.tsdb.labels import Labels

_MASK: Final = (1 << 64) - 1
_P1: Final = 0x9E3779B185EBCA87
_P2: Final = 0xC2B2AE3D27D4EB4F
_P3: Final = 0x165667B19E3779F9
_P4: Final = 0x85EBCA77C2B2AE63
_P5: Final = 0x27D4EB2F165667C5


def _rotate(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _MASK


def _round(state: int, lane: int) -> int:
    return _rotate((state + lane * _P2) & _MASK, 31) * _P1 & _MASK


def xxh64(data: bytes) -> int:
    """xxHash64 with seed 0."""
    size, position = len(data), 0
    if size >= 32:
        states = [(_P1 + _P2) & _MASK, _P2, 0, -_P1 & _MASK]
        while position + 32 <= size:
            for index, lane in enumerate(struct.unpack_from("<4Q", data, position)):
                states[index] = _round(states[index], lane)
            position += 32
        value = sum(_rotate(state, bits) for state, bits in zip(states, (1, 7, 12, 18), strict=True)) & _MASK
        for state in states:
            value = ((value ^ _round(0, state)) * _P1 + _P4) & _MASK
    else:
        value = _P5
    value = (value + size) & _MASK
    while position + 8 <= size:
        value ^= _round(0, struct.unpack_from("<Q", data, position)[0])
        value = (_rotate(value, 27) * _P1 + _P4) & _MASK
        position += 8
    if position + 4 <= size:
        value ^= struct.unpack_from("<I", data, position)[0] * _P1 & _MASK
        value = (_rotate(value, 23) * _P2 + _P3) & _MASK
        position += 4
    for byte in data[position:]:
        value = _rotate(value ^ (byte * _P5 & _MASK), 11) * _P1 & _MASK
    value = (value ^ (value >> 33)) * _P2 & _MASK
    value = (value ^ (value >> 29)) * _P3 & _MASK
    return value ^ (value >> 32)


def _sized(text: str) -> bytes:
    data = text.encode()
    size = len(data)
    return (bytes((size,)) if size < 255 else b"\xff" + size.to_bytes(3, "little")) + data


@lru_cache(maxsize=4096)
def sampling_offset(labels: Labels) -> float:
    """Where a series lies between 0 and 1 for `limit_ratio`."""
    encoded = b"".join(_sized(part) for pair in labels.pairs for part in pair)
    return float(xxh64(encoded)) / float(_MASK)
