#!/usr/bin/env python3
"""What observing adds: the same client bare and observed by turns, against a server on this machine.

    target/venv/bin/python -P bench.py [CALLS]

Prints the time to the first chunk (median and 99 of 100) and the time of a further chunk, and what observing adds.
"""
import statistics
import sys
import threading
import time

sys.path.insert(0, "tests")
import openai
from test_observe import CHAT, Handler, Server, at

import tokensense

CHUNKS = 200
server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
chunk = b'data: {"id":"chatcmpl-1","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":" hello"}}]}\n\n'
server.body = chunk * CHUNKS + b"data: [DONE]\n\n"
clients = {
    "bare": openai.OpenAI(api_key="sk-x", base_url=at(server)),
    "observed": tokensense.observe(openai.OpenAI(api_key="sk-x", base_url=at(server)), lambda record: None),
}
first = {name: [] for name in clients}
rest = {name: [] for name in clients}
for number in range(int(sys.argv[1]) if len(sys.argv) > 1 else 500):
    for name, client in clients.items():
        begun = time.perf_counter()
        stream = client.chat.completions.create(**CHAT, stream=True)
        next(stream)
        came = time.perf_counter()
        for _ in stream:
            pass
        ended = time.perf_counter()
        if number >= 20:
            first[name].append((came - begun) * 1e3)
            rest[name].append((ended - came) / (CHUNKS - 1) * 1e6)


def quantile(times, share):
    return sorted(times)[int(len(times) * share)]


for share, what in ((0.5, "median"), (0.99, "99 of 100")):
    bare, observed = (quantile(first[name], share) for name in clients)
    print(f"first chunk, {what}: {bare:.3f} ms bare, {observed:.3f} ms observed, {observed - bare:+.3f} ms")
bare, observed = (statistics.median(rest[name]) for name in clients)
print(f"further chunk, median: {bare:.1f} µs bare, {observed:.1f} µs observed, {observed - bare:+.1f} µs")
