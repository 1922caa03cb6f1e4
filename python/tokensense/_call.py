"""One metered response: what came, and what of it was handed over."""

from __future__ import annotations

import logging
import re
import weakref
from collections import deque
from typing import Any

from ._meter import Meter
from ._sink import Labels, Sink, put

_END = re.compile(rb"(\n\n|\r\n\r\n|\r\r)")
_DATA = re.compile(rb"^data", re.MULTILINE)
_log = logging.getLogger("tokensense")


class Call:
    """Meters one response. No fault in here reaches the caller."""

    def __init__(self, request: bytes | None, decoder: Any, sink: Sink | None, labels: Labels) -> None:
        self._meter = Meter(request, dict(labels))
        #: Undoes the compression that the bytes came with.
        self._decoder = decoder
        self._sink = sink
        self._over = False
        #: Somebody tells which events were handed over: until then they wait here.
        self._by_event = False
        self._pending = b""
        self._waiting: deque[bytes] = deque()
        #: The client reads: what it closes then, it closes because it has enough.
        self.reading = False
        # Where nobody says that it is left, it is left when nobody holds it any more.
        self._ending = weakref.finalize(self, _left, self._meter, sink)

    def came(self, bytes: bytes) -> None:
        """Bytes came from the network."""
        try:
            if self._over:
                return
            bytes = _whole(self._decoder.decode(bytes))
            if not self._by_event:
                self._meter.feed(bytes)
                return
            *events, self._pending = _events(self._pending + bytes)
            self._waiting.extend(events)
        except Exception:
            _log.exception("tokensense: metering failed")

    def by_event(self) -> None:
        """From now on `handed_over` tells what counts."""
        self._by_event = True

    def handed_over(self) -> None:
        """One event was handed over to the program."""
        try:
            while self._waiting:
                event = self._waiting.popleft()
                self._meter.feed(event)
                if _DATA.search(event) and b"event: ping" not in event:
                    return
        except Exception:
            _log.exception("tokensense: metering failed")

    def ended(self) -> None:
        """The response came to its end, by its own word or because the connection broke."""
        try:
            rest = _whole(self._decoder.flush())
            if self._by_event:
                self._pending += rest
            else:
                self._meter.feed(rest)
        except Exception:
            _log.debug("tokensense: the response's compression is broken", exc_info=True)
        if not self._by_event:
            self._finish(left=False)

    def read_to_end(self) -> None:
        """The program has read all that there was."""
        try:
            if not self._over:
                for event in [*self._waiting, self._pending]:
                    self._meter.feed(event)
        except Exception:
            _log.exception("tokensense: metering failed")
        self._finish(left=False)

    def gave_up(self, error: BaseException) -> None:
        """A read has ended so: at the end, by a connection that broke, or because the program is stopped."""
        self.reading = False
        if isinstance(error, Exception):
            self.read_to_end()
        else:
            self.left()

    def left(self) -> None:
        """The program has left the response."""
        if not self.reading:
            self._finish(left=True)

    def _finish(self, left: bool) -> None:
        if self._over:
            return
        self._over = True
        self._ending.detach()
        try:
            put(self._sink, self._meter.finish(left))
        except Exception:
            _log.exception("tokensense: metering failed")


def _whole(decoded: Any) -> bytes:
    """What a decoder gives: bytes, or pieces of them."""
    return decoded if isinstance(decoded, bytes) else b"".join(decoded)


def _left(meter: Meter, sink: Sink | None) -> None:
    put(sink, meter.finish(True))


def _events(text: bytes) -> list[bytes]:
    """Server-sent events, each with its end; what is not whole yet comes last."""
    parts = _END.split(text)
    # Each part is followed by the end that was found behind it.
    whole = [part + end for part, end in zip(parts[::2], parts[1::2])]
    return [*whole, parts[-1]]
