"""One line around the client: its transport is watched, and its streams say when they are left."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

from . import _transport
from ._call import Call
from ._sink import Labels, Sink
from ._transport import CALL

_log = logging.getLogger("tokensense")
Client = TypeVar("Client")
#: Where clients keep their HTTP client, as paths of attributes.
_PLACES = (
    "_client",
    "_client_wrapper.httpx_client.httpx_client",
    "_api_client._httpx_client",
    "_api_client._async_httpx_client",
    "sdk_configuration.client",
    "sdk_configuration.async_client",
)


@contextmanager
def labels(**pairs: str) -> Iterator[None]:
    """Labels for the records of all calls that begin within: `with tokensense.labels(user="ann"): …`."""
    token = _transport.around.set({**_transport.around.get(), **pairs})
    try:
        yield
    finally:
        _transport.around.reset(token)


def observe(client: Client, sink: Sink | None = None, labels: Labels | None = None) -> Client:
    """Meters every call of a client, and gives the same client back.

    Clients: OpenAI, Anthropic, Groq, Mistral, Cohere, Google GenAI, synchronous and asynchronous, and a bare `httpx.Client`
    or `httpx.AsyncClient`. `sink` is a function of one record (a dict, as `tokensense tap` writes it: counts in tokens,
    costs in US dollars), the path of a file that records are appended to, or a logger; without one they are logged
    by the logger `tokensense`. `labels` go into each record.

    Raises TypeError for a client that it finds no httpx client in.
    """
    found = False
    for place in ("", *_PLACES):
        target: Any = client
        for name in filter(None, place.split(".")):
            target = getattr(target, name, None)
        found |= _transport.watch(target, sink, labels or {})
    if not found:
        raise TypeError(f"observe knows no httpx client in {type(client).__name__}")
    if callable(getattr(client, "_process_response", None)) and callable(getattr(client, "request", None)):
        _wrap_streams(client)
    return client


def _wrap_streams(client: Any) -> None:
    """Has the streams of a client say which events they hand over, and when they are left."""
    request: Callable[..., Any] = client.request
    if hasattr(request, "tokensense"):
        return
    if _transport.is_async(getattr(client, "_client", None)):

        async def watched_async(*args: Any, **kwargs: Any) -> Any:
            return _watch_stream(await request(*args, **kwargs))

        watched: Any = watched_async
    else:

        def watched_sync(*args: Any, **kwargs: Any) -> Any:
            return _watch_stream(request(*args, **kwargs))

        watched = watched_sync
    watched.tokensense = True
    client.request = watched


def _watch_stream(answer: Any) -> Any:
    response = getattr(answer, "response", None)
    call = getattr(response, "extensions", {}).get(CALL)
    if call is None or not hasattr(answer, "_iterator"):
        return answer
    try:
        kind: Any = type(answer)
        answer.__class__ = _watched(kind)
        call.by_event()
    except Exception:
        _log.exception("tokensense: a stream is metered by its bytes alone")
    return answer


@cache
def _watched(kind: Any) -> Any:
    """A kind of stream below the client's own, so that `isinstance` says what it said."""
    if hasattr(kind, "__anext__"):
        namespace: dict[str, Any] = {"__aiter__": _aiter(kind), "__anext__": _anext(kind)}
    else:
        namespace = {"__iter__": _iter(kind), "__next__": _next(kind)}
    return type(kind.__name__, (kind,), {**namespace, "__module__": kind.__module__})


def _call_of(stream: Any) -> Call:
    call: Call = stream.response.extensions[CALL]
    return call


def _next(kind: Any) -> Any:
    def __next__(self: Any) -> Any:
        call = _call_of(self)
        call.reading = True
        try:
            item = kind.__next__(self)
        except BaseException as error:
            call.gave_up(error)
            raise
        call.reading = False
        call.handed_over()
        return item

    return __next__


def _iter(kind: Any) -> Any:
    def __iter__(self: Any) -> Iterator[Any]:
        call, items = _call_of(self), kind.__iter__(self)
        try:
            while True:
                call.reading = True
                try:
                    item = next(items)
                except BaseException as error:
                    call.gave_up(error)
                    if isinstance(error, StopIteration):
                        return
                    raise
                call.reading = False
                call.handed_over()
                yield item
        finally:
            call.left()

    return __iter__


def _anext(kind: Any) -> Any:
    async def __anext__(self: Any) -> Any:
        call = _call_of(self)
        call.reading = True
        try:
            item = await kind.__anext__(self)
        except BaseException as error:
            call.gave_up(error)
            raise
        call.reading = False
        call.handed_over()
        return item

    return __anext__


def _aiter(kind: Any) -> Any:
    async def __aiter__(self: Any) -> AsyncIterator[Any]:
        call, items = _call_of(self), kind.__aiter__(self)
        try:
            while True:
                call.reading = True
                try:
                    item = await anext(items)
                except BaseException as error:
                    call.gave_up(error)
                    if isinstance(error, StopAsyncIteration):
                        return
                    raise
                call.reading = False
                call.handed_over()
                yield item
        finally:
            call.left()

    return __aiter__
