"""SPDY/3.1 as port-forward uses it: frames, compressed headers, and which streams are open. Bytes in, events out.

Owns: `Session` (one end of a connection), the frame types, the header dictionary, the limits.
Must not know: web sockets, pods, ports, tasks.
There is no flow control: moby/spdystream, which every Kubernetes client uses, neither sends WINDOW_UPDATE nor heeds it.
Source: the SPDY protocol, draft 3.1; moby/spdystream 0.5.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

from canarium.errors import CanariumError

MAX_DATA_BYTES = 1 << 20
"""The longest DATA frame we take; Go's io.Copy makes them of 32 KiB."""
MAX_CONTROL_BYTES = 64 << 10
MAX_HEADER_BYTES = 64 << 10
"""The longest header block, unpacked."""
MAX_STREAMS = 1000
"""As many may be open at once; two are one forwarded connection."""
MAX_STREAM_ID = (1 << 31) - 1

PROTOCOL_ERROR, INVALID_STREAM, REFUSED_STREAM, UNSUPPORTED_VERSION, CANCEL, INTERNAL_ERROR, FLOW_CONTROL_ERROR = range(
    1, 8
)
STREAM_IN_USE, STREAM_ALREADY_CLOSED = 8, 9
GOAWAY_OK, GOAWAY_PROTOCOL_ERROR = 0, 1

_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _HEADERS, _WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9
_FIN, _UNIDIRECTIONAL = 1, 2
_VERSION = 3

_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow"
    " authorization cache-control connection content-base content-encoding content-language content-length"
    " content-location content-md5 content-range content-type date etag expect expires from host if-match"
    " if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma"
    " proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade"
    " user-agent vary via warning www-authenticate method get status"
)
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized"
    "403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
    "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)


def _dictionary() -> bytes:
    words = [*_WORDS.split(), "200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin"]
    return b"".join(struct.pack(">I", len(word)) + word.encode() for word in words) + _TAIL.encode()


DICTIONARY = _dictionary()
"""What both ends have the header compressor know beforehand."""


class SpdyError(CanariumError):
    """The peer broke the protocol; the connection is of no further use."""


class SynStream(msgspec.Struct, frozen=True):
    """The peer opens a stream. Header names are lower case; several values of one name are joined by NUL."""

    stream: int
    headers: Mapping[str, str]
    fin: bool = False
    unidirectional: bool = False


class SynReply(msgspec.Struct, frozen=True):
    """The peer accepts a stream of ours."""

    stream: int
    headers: Mapping[str, str]
    fin: bool = False


class Headers(msgspec.Struct, frozen=True):
    """More headers of a stream."""

    stream: int
    headers: Mapping[str, str]
    fin: bool = False


class Data(msgspec.Struct, frozen=True):
    """Bytes of a stream; `fin` says they are the last."""

    stream: int
    data: bytes
    fin: bool = False


class RstStream(msgspec.Struct, frozen=True):
    """A stream is over at once, in both directions."""

    stream: int
    status: int


class Settings(msgspec.Struct, frozen=True):
    """What the peer prefers: value by setting."""

    values: Mapping[int, int]


class Ping(msgspec.Struct, frozen=True):
    """To be echoed. Clients count odd numbers, servers even ones."""

    id: int


class GoAway(msgspec.Struct, frozen=True):
    """The peer takes no further streams."""

    last_stream: int
    status: int


class WindowUpdate(msgspec.Struct, frozen=True):
    """The peer has room for `delta` more bytes."""

    stream: int
    delta: int


Frame: TypeAlias = SynStream | SynReply | Headers | Data | RstStream | Settings | Ping | GoAway | WindowUpdate


class Encoder:
    """Frames to bytes. Headers share one compressor, so frames must be sent in the order they were encoded."""

    def __init__(self) -> None:
        self._zlib = zlib.compressobj(zdict=DICTIONARY)

    def encode(self, frame: Frame) -> bytes:
        """The frame as it goes over the wire."""
        match frame:
            case Data(stream, data, fin):
                return struct.pack(">II", stream, (_FIN if fin else 0) << 24 | len(data)) + data
            case SynStream(stream, headers, fin, unidirectional):
                flags = (_FIN if fin else 0) | (_UNIDIRECTIONAL if unidirectional else 0)
                return _control(_SYN_STREAM, flags, struct.pack(">IIH", stream, 0, 0) + self._block(headers))
            case SynReply(stream, headers, fin):
                return _control(_SYN_REPLY, _FIN if fin else 0, struct.pack(">I", stream) + self._block(headers))
            case Headers(stream, headers, fin):
                return _control(_HEADERS, _FIN if fin else 0, struct.pack(">I", stream) + self._block(headers))
            case RstStream(stream, status):
                return _control(_RST_STREAM, 0, struct.pack(">II", stream, status))
            case Settings(values):
                entries = b"".join(struct.pack(">II", setting, value) for setting, value in sorted(values.items()))
                return _control(_SETTINGS, 0, struct.pack(">I", len(values)) + entries)
            case Ping(number):
                return _control(_PING, 0, struct.pack(">I", number))
            case GoAway(last_stream, status):
                return _control(_GOAWAY, 0, struct.pack(">II", last_stream, status))
            case WindowUpdate(stream, delta):
                return _control(_WINDOW_UPDATE, 0, struct.pack(">II", stream, delta))

    def _block(self, headers: Mapping[str, str]) -> bytes:
        plain = [struct.pack(">I", len(headers))]
        for name, value in headers.items():
            for text in (name.lower().encode("latin-1"), value.encode("latin-1", "replace")):
                plain += [struct.pack(">I", len(text)), text]
        return self._zlib.compress(b"".join(plain)) + self._zlib.flush(zlib.Z_SYNC_FLUSH)


class Decoder:
    """Bytes to frames, whatever pieces they come in. Holds at most one unfinished frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._zlib = zlib.decompressobj(zdict=DICTIONARY)

    def feed(self, received: bytes) -> list[Frame]:
        """The frames that are complete now, in order; control frames of unknown types are skipped. Raises SpdyError."""
        buffer = self._buffer
        buffer += received
        frames: list[Frame] = []
        at = 0
        while len(buffer) - at >= 8:
            first, second = struct.unpack_from(">II", buffer, at)
            is_control, flags, length = bool(first >> 31), second >> 24, second & 0xFFFFFF
            most = MAX_CONTROL_BYTES if is_control else MAX_DATA_BYTES
            if length > most:
                raise SpdyError(f"a frame of {length} bytes is longer than {most}")
            if len(buffer) - at - 8 < length:
                break
            body = bytes(memoryview(buffer)[at + 8 : at + 8 + length])
            at += 8 + length
            if not is_control:
                frames.append(Data(_stream(first), body, bool(flags & _FIN)))
                continue
            if (version := first >> 16 & 0x7FFF) != _VERSION:
                raise SpdyError(f"SPDY version {version} is not 3")
            try:
                frame = self._control(first & 0xFFFF, flags, body)
            except (struct.error, zlib.error) as error:
                raise SpdyError(f"a control frame of type {first & 0xFFFF} cannot be read: {error}") from error
            if frame is not None:
                frames.append(frame)
        del buffer[:at]
        return frames

    def _control(self, kind: int, flags: int, body: bytes) -> Frame | None:
        fin = bool(flags & _FIN)
        match kind:
            case 1:
                stream, _, _ = struct.unpack_from(">IIH", body)
                return SynStream(_stream(stream), self._headers(body[10:]), fin, bool(flags & _UNIDIRECTIONAL))
            case 2 | 8:
                (stream,) = struct.unpack_from(">I", body)
                headers = self._headers(body[4:])
                return SynReply(_stream(stream), headers, fin) if kind == 2 else Headers(_stream(stream), headers, fin)
            case 3:
                stream, status = struct.unpack_from(">II", body)
                return RstStream(_stream(stream), status)
            case 4:
                (count,) = struct.unpack_from(">I", body)
                if len(body) != 4 + 8 * count:
                    raise struct.error(f"{count} settings do not make {len(body)} bytes")
                return Settings({setting & 0xFFFFFF: value for setting, value in struct.iter_unpack(">II", body[4:])})
            case 6:
                return Ping(struct.unpack_from(">I", body)[0])
            case 7:
                last, status = struct.unpack_from(">II", body)
                return GoAway(last & MAX_STREAM_ID, status)
            case 9:
                stream, delta = struct.unpack_from(">II", body)
                return WindowUpdate(stream & MAX_STREAM_ID, delta & MAX_STREAM_ID)
            case _:
                return None

    def _headers(self, block: bytes) -> Mapping[str, str]:
        plain = self._zlib.decompress(block, MAX_HEADER_BYTES)
        if self._zlib.unconsumed_tail:
            raise SpdyError(f"a header block unpacks to more than {MAX_HEADER_BYTES} bytes")
        (count,) = struct.unpack_from(">I", plain)
        if count > len(plain) // 8:
            raise struct.error(f"{count} headers do not fit into {len(plain)} bytes")
        texts: list[str] = []
        at = 4
        for _ in range(2 * count):
            (length,) = struct.unpack_from(">I", plain, at)
            text = plain[at + 4 : at + 4 + length]
            if len(text) != length:
                raise struct.error("a header is cut short")
            texts.append(text.decode("latin-1"))
            at += 4 + length
        names = [name.lower() for name in texts[::2]]
        if len(set(names)) != len(names) or "" in names:
            raise SpdyError("header names must be unique and not empty")
        return dict(zip(names, texts[1::2], strict=True))


def _stream(number: int) -> int:
    number &= MAX_STREAM_ID
    if number == 0:
        raise SpdyError("stream 0 does not exist")
    return number


def _control(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack(">II", 0x80000000 | _VERSION << 16 | kind, flags << 24 | len(body)) + body


class _Stream(msgspec.Struct):
    is_replied: bool = False
    is_peer_done: bool = False
    is_ours_done: bool = False


class Session:
    """The server's end of a connection: what the peer may do now, and the bytes that answer it.

    `receive` returns the events that matter to a server: SynStream, Data, RstStream, GoAway. What needs no judgement is
    answered by itself: pings are echoed, streams too many are refused, data for a closed stream is dropped. Everything
    to be sent gathers until `take` is called.
    """

    def __init__(self, *, max_streams: int = MAX_STREAMS) -> None:
        self._decoder = Decoder()
        self._encoder = Encoder()
        self._streams: dict[int, _Stream] = {}
        self._last = 0
        self._most = max_streams
        self._out: list[bytes] = []

    @property
    def has_output(self) -> bool:
        """Whether `take` would return anything."""
        return bool(self._out)

    @property
    def streams(self) -> Iterable[int]:
        """The open streams, in the order of their numbers."""
        return sorted(self._streams)

    def take(self) -> bytes:
        """What is to be sent, in order, since the last call."""
        out = b"".join(self._out)
        self._out.clear()
        return out

    def receive(self, received: bytes) -> list[SynStream | Data | RstStream | GoAway]:
        """Take bytes from the peer. Raises SpdyError; then `go_away` is the last thing worth sending."""
        events: list[SynStream | Data | RstStream | GoAway] = []
        for frame in self._decoder.feed(received):
            match frame:
                case SynStream():
                    if self._opens(frame):
                        events.append(frame)
                case Data(stream, data, fin):
                    known = self._streams.get(stream)
                    if known is None:
                        if stream > self._last:
                            self._send(RstStream(stream, INVALID_STREAM))
                        continue  # ended here while this was under way
                    if known.is_peer_done:
                        self.reset(stream, STREAM_ALREADY_CLOSED)
                        events.append(RstStream(stream, STREAM_ALREADY_CLOSED))
                        continue
                    if data or fin:
                        events.append(frame)
                    if fin:
                        known.is_peer_done = True
                        self._forget_done(stream)
                case RstStream(stream):
                    if self._streams.pop(stream, None) is not None:
                        events.append(frame)
                case Ping(number):
                    if number % 2:
                        self._send(frame)
                case GoAway():
                    events.append(frame)
                case Headers(stream, _, fin):
                    if fin and (known := self._streams.get(stream)) is not None and not known.is_peer_done:
                        known.is_peer_done = True
                        events.append(Data(stream, b"", True))
                        self._forget_done(stream)
                case SynReply() | Settings() | WindowUpdate():
                    pass  # we open no streams, and there is no flow control
        return events

    def reply(self, stream: int) -> None:
        """Accept a stream; the client waits for this."""
        known = self._streams.get(stream)
        if known is not None and not known.is_replied:
            known.is_replied = True
            self._send(SynReply(stream, {}))

    def data(self, stream: int, data: bytes, *, fin: bool = False) -> bool:
        """Send bytes of a stream; False when it is over and nothing was sent."""
        known = self._streams.get(stream)
        if known is None or known.is_ours_done:
            return False
        self._send(Data(stream, data, fin))
        if fin:
            known.is_ours_done = True
            self._forget_done(stream)
        return True

    def reset(self, stream: int, status: int = CANCEL) -> None:
        """End a stream at once; one that is over already stays so."""
        if self._streams.pop(stream, None) is not None:
            self._send(RstStream(stream, status))

    def go_away(self, status: int = GOAWAY_OK) -> None:
        """Take no further streams."""
        self._send(GoAway(self._last, status))

    def _opens(self, frame: SynStream) -> bool:
        if frame.stream % 2 == 0 or frame.stream <= self._last:
            raise SpdyError(f"stream {frame.stream} cannot be opened after stream {self._last}")
        self._last = frame.stream
        if len(self._streams) >= self._most:
            self._send(RstStream(frame.stream, REFUSED_STREAM))
            return False
        self._streams[frame.stream] = _Stream(is_peer_done=frame.fin, is_ours_done=frame.unidirectional)
        return True

    def _forget_done(self, stream: int) -> None:
        known = self._streams[stream]
        if known.is_peer_done and known.is_ours_done:
            del self._streams[stream]

    def _send(self, frame: Frame) -> None:
        self._out.append(self._encoder.encode(frame))
