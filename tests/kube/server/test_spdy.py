"""SPDY frames, and what a session lets its peer do."""

from __future__ import annotations

import contextlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canarium.kube.server import spdy
from canarium.kube.server.spdy import Data, Decoder, Encoder, Frame, Session, SpdyError

IDS = st.integers(1, spdy.MAX_STREAM_ID)
NUMBERS = st.integers(0, 2**31 - 1)
TEXTS = st.text(st.characters(max_codepoint=255), max_size=20)
HEADERS = st.dictionaries(st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12), TEXTS, max_size=6)
FRAMES: st.SearchStrategy[Frame] = st.one_of(
    st.builds(Data, IDS, st.binary(max_size=100), st.booleans()),
    st.builds(spdy.SynStream, IDS, HEADERS, st.booleans(), st.booleans()),
    st.builds(spdy.SynReply, IDS, HEADERS, st.booleans()),
    st.builds(spdy.Headers, IDS, HEADERS, st.booleans()),
    st.builds(spdy.RstStream, IDS, NUMBERS),
    st.builds(spdy.Settings, st.dictionaries(st.integers(0, 2**24 - 1), NUMBERS, max_size=4)),
    st.builds(spdy.Ping, NUMBERS),
    st.builds(spdy.GoAway, NUMBERS, NUMBERS),
    st.builds(spdy.WindowUpdate, NUMBERS, NUMBERS),
)


class Peer:
    """A client: encodes what it sends, decodes what it gets."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._encoder, self._decoder = Encoder(), Decoder()

    def sends(self, *frames: Frame) -> list[Frame]:
        return list(self.session.receive(b"".join(self._encoder.encode(frame) for frame in frames)))

    def gets(self) -> list[Frame]:
        return self._decoder.feed(self.session.take())


def test_the_dictionary_is_the_one_of_the_draft() -> None:
    """Its Adler-32 is what zlib streams of other implementations name."""
    assert zlib.adler32(spdy.DICTIONARY) == 0xE3C6A7C2


@given(st.lists(FRAMES, max_size=8), st.integers(1, 40))
def test_frames_survive_the_wire_in_pieces_of_any_size(frames: list[Frame], size: int) -> None:
    encoder, decoder = Encoder(), Decoder()
    wire = b"".join(encoder.encode(frame) for frame in frames)

    got = [frame for at in range(0, len(wire), size) for frame in decoder.feed(wire[at : at + size])]

    assert got == frames


@given(st.binary(max_size=200), st.sampled_from([1, 2, 3, 4, 6, 7, 8, 9, 77]))
def test_a_broken_control_frame_is_an_error_of_the_protocol_and_nothing_else(body: bytes, kind: int) -> None:
    wire = struct.pack(">II", 0x80030000 | kind, len(body)) + body

    with contextlib.suppress(SpdyError):
        Decoder().feed(wire)


@pytest.mark.parametrize(
    ("wire", "words"),
    [
        pytest.param(struct.pack(">II", 1, 0xFFFFFF), "longer than", id="data too long"),
        pytest.param(struct.pack(">II", 0x80030001, 0xFFFFFF), "longer than", id="control too long"),
        pytest.param(struct.pack(">II", 0x80020006, 4) + b"\0\0\0\1", "version 2", id="SPDY/2"),
        pytest.param(struct.pack(">II", 0, 0), "stream 0", id="stream 0"),
    ],
)
def test_frames_beyond_the_limits_are_refused_before_they_are_held(wire: bytes, words: str) -> None:
    with pytest.raises(SpdyError, match=words):
        Decoder().feed(wire)


def test_a_small_block_that_unpacks_to_very_much_is_refused() -> None:
    bomb = Encoder().encode(spdy.SynStream(1, {"a": "x" * 500_000}))

    with pytest.raises(SpdyError, match="unpacks to more"):
        Decoder().feed(bomb)


def test_pings_of_the_client_are_echoed_and_answers_are_not() -> None:
    peer = Peer(Session())

    assert peer.sends(spdy.Ping(1), spdy.Ping(2), spdy.Ping(3)) == []
    assert peer.gets() == [spdy.Ping(1), spdy.Ping(3)]


def test_a_stream_is_open_until_both_sides_are_done() -> None:
    peer = Peer(Session())
    peer.sends(spdy.SynStream(1, {}))
    peer.session.reply(1)

    assert peer.sends(Data(1, b"a", True)) == [Data(1, b"a", True)]
    assert peer.session.data(1, b"b")
    assert peer.session.data(1, b"", fin=True)

    assert list(peer.session.streams) == []
    assert not peer.session.data(1, b"late")
    assert peer.gets() == [spdy.SynReply(1, {}), Data(1, b"b"), Data(1, b"", True)]


def test_data_after_the_end_resets_the_stream() -> None:
    peer = Peer(Session())

    events = peer.sends(spdy.SynStream(1, {}), Data(1, b"", True), Data(1, b"more"))

    assert events[-1] == spdy.RstStream(1, spdy.STREAM_ALREADY_CLOSED)
    assert peer.gets() == [spdy.RstStream(1, spdy.STREAM_ALREADY_CLOSED)]


def test_data_for_a_stream_that_never_was_is_told_and_for_one_that_is_over_is_not() -> None:
    peer = Peer(Session())
    peer.sends(spdy.SynStream(3, {}))
    peer.session.reset(3)

    assert peer.sends(Data(3, b"late"), Data(5, b"early")) == []
    assert peer.gets() == [spdy.RstStream(3, spdy.CANCEL), spdy.RstStream(5, spdy.INVALID_STREAM)]


def test_streams_beyond_the_limit_are_refused_one_by_one() -> None:
    peer = Peer(Session(max_streams=2))

    events = peer.sends(*(spdy.SynStream(number, {}) for number in (1, 3, 5)))

    assert [event.stream for event in events if isinstance(event, spdy.SynStream)] == [1, 3]
    assert peer.gets() == [spdy.RstStream(5, spdy.REFUSED_STREAM)]


@pytest.mark.parametrize("number", [1, 2, 4])
def test_stream_numbers_are_odd_and_grow(number: int) -> None:
    peer = Peer(Session())
    peer.sends(spdy.SynStream(3, {}))

    with pytest.raises(SpdyError, match="cannot be opened"):
        peer.sends(spdy.SynStream(number, {}))
