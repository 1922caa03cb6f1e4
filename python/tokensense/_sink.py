"""Where records go."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, Union

Record = dict[str, Any]
Labels = Mapping[str, str]
#: A function that is called with each record, a file that a line is appended to, or a logger.
Sink = Union[Callable[[Record], object], "os.PathLike[str]", str, logging.Logger]

_log = logging.getLogger("tokensense")


def put(sink: Sink | None, lines: list[str]) -> None:
    """Puts records to where they go. A fault on the way is logged, never raised."""
    for line in lines:
        try:
            _put(sink, line)
        except Exception:
            _log.exception("tokensense: a record is lost")


def _put(sink: Sink | None, line: str) -> None:
    if sink is None or isinstance(sink, logging.Logger):
        (sink or _log).info("%s", line)
    elif callable(sink):
        sink(json.loads(line))
    else:
        # One write at the end of the file: lines of several processes do not mix.
        descriptor = os.open(sink, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode() + b"\n")
        finally:
            os.close(descriptor)
