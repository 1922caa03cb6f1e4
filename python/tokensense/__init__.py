"""See what LLM API calls use and cost: one line around the client.

    from tokensense import observe
    client = observe(AsyncOpenAI())

Every call of the client is metered from then on, streaming or not. Nothing else about it changes.
"""

from ._observe import labels, observe
from ._sink import Labels, Sink

__all__ = ["Labels", "Sink", "labels", "observe"]
