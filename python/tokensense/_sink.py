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


def put(sink: Sink | None, lines: list[str], labels: Mapping[str, str]) -> None:
    """Puts records to where they go. A fault on the way is logged, never raised."""
    for line in lines:
        try:
            record: Record = json.loads(line, parse_float=float)
            record["labels"] = {**record.get("labels", {}), **labels}
            _put(sink, record)
        except Exception:
            _log.exception("tokensense: a record is lost")


def _put(sink: Sink | None, record: Record) -> None:
    if sink is None:
        _log.info("%s", json.dumps(record))
    elif isinstance(sink, logging.Logger):
        sink.info("%s", json.dumps(record))
    elif callable(sink):
        sink(record)
    else:
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
        # One write at the end of the file: lines of several processes do not mix.
        descriptor = os.open(sink, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
