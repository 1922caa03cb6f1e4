"""Watches the transport of an HTTP client: httpx, or httpx2, whichever the program has."""

from __future__ import annotations

import contextvars
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any

from ._call import Call
from ._sink import Labels, Sink

_log = logging.getLogger("tokensense")

#: Labels for the calls that begin now.
around: contextvars.ContextVar[Labels] = contextvars.ContextVar("tokensense_labels", default={})
#: What is left in a response for the stream around it.
CALL = "tokensense.call"
#: The libraries that are known; both have the same face.
_LIBRARIES = ("httpx", "httpx2")


def _library(client: Any, kind: str) -> Any:
    """The library whose client of that kind this is."""
    for name in _LIBRARIES:
        library = sys.modules.get(name)
        if library is not None and isinstance(client, getattr(library, kind)):
            return library
    return None


def is_async(client: Any) -> bool:
    """Whether it is an asynchronous HTTP client."""
    return _library(client, "AsyncClient") is not None


def watch(client: Any, sink: Sink | None, own: Labels) -> bool:
    """Watches all that an HTTP client sends and gets; gives whether it is one."""
    library = _library(client, "Client") or _library(client, "AsyncClient")
    if library is None:
        return False
    transport = _classes(library)[is_async(client)]
    if not isinstance(client._transport, transport):
        client._transport = transport(client._transport, sink, own)
        client._mounts = {pattern: inner and transport(inner, sink, own) for pattern, inner in client._mounts.items()}
    return True


def _begin(request: Any, response: Any, stream: Any, sink: Sink | None, own: Labels) -> None:
    """Has the response's bytes seen as they are read. What goes wrong in that is no fault of the response."""
    try:
        # What undoes the compression; one of our own, since it keeps state.
        decoder = type(response)(response.status_code, headers=response.headers)._get_content_decoder()
        call = Call(_body(request), decoder, sink, {**own, **around.get()})
        response.stream = stream(response.stream, call)
        response.extensions[CALL] = call
    except Exception:
        _log.exception("tokensense: a response is not metered")


def _body(request: Any) -> bytes | None:
    try:
        body: bytes = request.content
    except Exception:
        # It is sent as it is made.
        return None
    return body


@cache
def _classes(http: Any) -> tuple[Any, Any]:
    """The transports for clients of a library."""

    class _Transport(http.BaseTransport):  # type: ignore[misc]
        def __init__(self, inner: Any, sink: Sink | None, own: Labels) -> None:
            self._inner, self._sink, self._own = inner, sink, own

        def handle_request(self, request: Any) -> Any:
            response = self._inner.handle_request(request)
            _begin(request, response, _Bytes, self._sink, self._own)
            return response

        def close(self) -> None:
            self._inner.close()

    class _AsyncTransport(http.AsyncBaseTransport):  # type: ignore[misc]
        def __init__(self, inner: Any, sink: Sink | None, own: Labels) -> None:
            self._inner, self._sink, self._own = inner, sink, own

        async def handle_async_request(self, request: Any) -> Any:
            response = await self._inner.handle_async_request(request)
            _begin(request, response, _AsyncBytes, self._sink, self._own)
            return response

        async def aclose(self) -> None:
            await self._inner.aclose()

    class _Bytes(http.SyncByteStream):  # type: ignore[misc]
        def __init__(self, inner: Any, call: Call) -> None:
            self._inner, self._call = inner, call

        def __iter__(self) -> Iterator[bytes]:
            try:
                for piece in self._inner:
                    self._call.came(piece)
                    yield piece
            except Exception:
                self._call.ended()
                raise
            self._call.ended()

        def close(self) -> None:
            self._inner.close()
            self._call.left()

    class _AsyncBytes(http.AsyncByteStream):  # type: ignore[misc]
        def __init__(self, inner: Any, call: Call) -> None:
            self._inner, self._call = inner, call

        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                async for piece in self._inner:
                    self._call.came(piece)
                    yield piece
            except Exception:
                self._call.ended()
                raise
            self._call.ended()

        async def aclose(self) -> None:
            await self._inner.aclose()
            self._call.left()

    return _Transport, _AsyncTransport
