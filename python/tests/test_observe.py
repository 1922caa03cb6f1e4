"""Real clients against a server on this machine that answers with captures: records are those of `tokensense tap`."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import logging
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anthropic
import cohere
import groq
import httpx
import openai
import pytest
from google import genai
from mistralai.client import Mistral

import tokensense

ROOT = Path(__file__).resolve().parents[2]
COMMAND = os.environ.get("TOKENSENSE", str(ROOT / "target/debug/tokensense"))
TESTDATA = ROOT / "testdata"
# Not of the wire: when, how long, where, and who closed first once all had come.
TIMES = {"ended_by", "started_at", "duration_ms", "ttft_ms", "tokens_per_second", "source", "labels", "usage_request"}

ANSWER = json.dumps({
    "id": "chatcmpl-1234567890abcdef", "object": "chat.completion", "created": 1762336800, "model": "gpt-4o-mini",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello there."}}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
}).encode()


class Server(ThreadingHTTPServer):
    body, kind, status, cut, asked, coded = b"", "text/event-stream", 200, False, b"", False


    def handle_error(self, *_: Any) -> None:
        """Clients that leave early leave sockets that are reset."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server: Any = self.server
        server.asked = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(server.status)
        self.send_header("content-type", server.kind)
        self.send_header("transfer-encoding", "chunked")
        body = server.body
        if server.coded:
            self.send_header("content-encoding", "gzip")
            body = gzip.compress(body)
        self.end_headers()
        step = max(1, len(body) // 7)
        for at in range(0, len(body), step):
            piece = body[at : at + step]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
        if server.cut:
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()


def at(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


def tapped(server: Server) -> list[dict[str, Any]]:
    """The records of the command over the same bytes."""
    with tempfile.NamedTemporaryFile() as asked:
        asked.write(server.asked)
        asked.flush()
        command = [COMMAND, "tap", "--emit", "none", "-o", "-", "--format", "json", "--request", asked.name]
        done = subprocess.run(command, input=server.body, capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def same(records: list[dict[str, Any]], server: Server) -> None:
    def bare(all: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{key: value for key, value in record.items() if key not in TIMES} for record in all]

    assert bare(records) == bare(tapped(server))


CHAT: Any = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}


def chat(client: Any, **more: Any) -> Any:
    return client.chat.completions.create(**CHAT, **more)


CHATS = [(openai.OpenAI, openai.AsyncOpenAI, openai.Stream, openai.AsyncStream), (groq.Groq, groq.AsyncGroq, groq.Stream, groq.AsyncStream)]


@pytest.mark.parametrize("sync, _async, stream, _", CHATS)
def test_chat(server: Server, sync: Any, _async: Any, stream: Any, _: Any) -> None:
    records: list[Any] = []
    client = tokensense.observe(sync(api_key="sk-x", base_url=at(server), max_retries=0), records.append, {"team": "web"})
    server.body = (TESTDATA / "openai.chat/usage.sse").read_bytes()
    answer = chat(client, stream=True)
    assert isinstance(answer, stream)
    bare = sync(api_key="sk-x", base_url=at(server), max_retries=0)
    assert [chunk.model_dump() for chunk in answer] == [chunk.model_dump() for chunk in chat(bare, stream=True)]
    same(records, server)
    assert records.pop()["labels"] == {"team": "web"}
    server.body, server.kind = ANSWER, "application/json"
    with tokensense.labels(user="ann"):
        assert chat(client).choices[0].message.content == "Hello there."
    same(records, server)
    assert records.pop()["labels"] == {"team": "web", "user": "ann"}
    raw = client.chat.completions.with_raw_response.create(**CHAT)
    assert raw.parse().usage.total_tokens == 12
    same(records, server)


@pytest.mark.parametrize("_, kind, _sync, stream", CHATS)
def test_chat_async(server: Server, _: Any, kind: Any, _sync: Any, stream: Any) -> None:
    async def main() -> None:
        records: list[Any] = []
        client = tokensense.observe(kind(api_key="sk-x", base_url=at(server), max_retries=0), records.append)
        server.body = (TESTDATA / "openai.chat/usage.sse").read_bytes()
        answer = await chat(client, stream=True)
        assert isinstance(answer, stream)
        assert len([chunk async for chunk in answer]) > 2
        same(records, server)
        records.clear()
        # Left early, with the stream still there.
        answer = await chat(client, stream=True)
        async for chunk in answer:
            if chunk.choices and chunk.choices[0].delta.content:
                break
        for _ in range(3):
            await asyncio.sleep(0)
        assert [(record["status"], record["partial"]) for record in records] == [("cancelled", True)]
        records.clear()
        # A task that is cancelled.
        async def read() -> None:
            async for _ in await chat(client, stream=True):
                await asyncio.sleep(60)

        task = asyncio.create_task(read())
        await asyncio.sleep(0.3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for _ in range(3):
            await asyncio.sleep(0)
        assert [record["status"] for record in records] == ["cancelled"]

    asyncio.run(main())


def test_left_early(server: Server) -> None:
    """The record is there at once, and its estimate counts what was handed over, not what had come."""
    records: list[Any] = []
    client = tokensense.observe(openai.OpenAI(api_key="sk-x", base_url=at(server)), records.append)
    chunk = b'data: {"id":"chatcmpl-1","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":" hello"}}]}\n\n'
    server.body = chunk * 50 + b"data: [DONE]\n\n"
    counts = []
    for wanted in (1, 7, 20):
        answer = chat(client, stream=True)
        for number, _ in enumerate(answer, 1):
            if number == wanted:
                break
        assert isinstance(answer, openai.Stream) and len(records) == 1
        record = records.pop()
        assert (record["status"], record["partial"]) == ("cancelled", True)
        assert "output_tokens" in record["estimated"]
        counts.append(record["output_tokens"])
    assert counts == [1, 7, 20]
    # Closed, and let go of.
    answer = chat(client, stream=True)
    next(answer)
    answer.close()
    assert [record["output_tokens"] for record in records] == [1]
    answer = chat(client, stream=True)
    next(answer)
    del answer
    gc.collect()
    assert [record["output_tokens"] for record in records] == [1, 1]


def test_failures(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """Errors are the client's own; a fault of the sink reaches nobody but the log."""
    records: list[Any] = []
    client = tokensense.observe(openai.OpenAI(api_key="sk-x", base_url=at(server), max_retries=1), records.append)
    server.body, server.kind, server.status = (TESTDATA / "openai.chat/error.json").read_bytes(), "application/json", 500
    with pytest.raises(openai.InternalServerError):
        chat(client)
    # The first try and the second.
    assert [record["status"] for record in records] == ["error", "error"]
    records.clear()
    server.body = (TESTDATA / "openai.chat/usage.sse").read_bytes()
    server.kind, server.status, server.cut = "text/event-stream", 200, True
    server.body = server.body[: len(server.body) // 2]
    with pytest.raises(openai.APIConnectionError):
        list(chat(client, stream=True))
    assert [record["status"] for record in records] == ["truncated"]

    def broken(_: Any) -> None:
        raise RuntimeError("no")

    server.cut, server.body, server.kind = False, ANSWER, "application/json"
    client = tokensense.observe(openai.OpenAI(api_key="sk-x", base_url=at(server)), broken)
    with caplog.at_level(logging.ERROR, logger="tokensense"):
        assert chat(client).usage.total_tokens == 12
    assert "a record is lost" in caplog.text


def test_anthropic(server: Server) -> None:
    records: list[Any] = []
    server.body = (TESTDATA / "anthropic.messages/stream.sse").read_bytes()
    ask: Any = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    client = tokensense.observe(anthropic.Anthropic(api_key="x", base_url=at(server)), records.append)
    assert len(list(client.messages.create(**ask, stream=True))) > 2
    same(records, server)
    records.clear()
    with client.messages.stream(**ask) as stream:
        assert "".join(stream.text_stream)
    same(records, server)
    records.clear()

    async def main() -> None:
        client = tokensense.observe(anthropic.AsyncAnthropic(api_key="x", base_url=at(server)), records.append)
        assert len([event async for event in await client.messages.create(**ask, stream=True)]) > 2

    asyncio.run(main())
    same(records, server)


def test_others(server: Server, tmp_path: Path) -> None:
    """Clients that are watched by their transport alone, and files that records go to."""
    path = tmp_path / "records.jsonl"
    server.body = (TESTDATA / "gemini/stream.sse").read_bytes()
    google = genai.Client(api_key="x", http_options={"base_url": at(server)})
    tokensense.observe(google, path)
    parts = list(google.models.generate_content_stream(model="gemini-2.5-flash", contents="Hi"))
    assert parts
    same([json.loads(line) for line in path.read_text().splitlines()], server)
    # The same text as the command's, digit for digit.
    assert '"cost_usd":0.0' in path.read_text()
    path.unlink()
    server.body = (TESTDATA / "cohere.v2/stream.sse").read_bytes()
    client = tokensense.observe(cohere.ClientV2(api_key="x", base_url=at(server)), path)
    assert list(client.chat_stream(model="command-r", messages=[{"role": "user", "content": "Hi"}]))
    same([json.loads(line) for line in path.read_text().splitlines()], server)
    path.unlink()
    server.body = (TESTDATA / "openai.chat/usage.sse").read_bytes()
    mistral = tokensense.observe(Mistral(api_key="x", server_url=at(server)), path)
    message: Any = {"role": "user", "content": "Hi"}
    with mistral.chat.stream(model="mistral-small", messages=[message]) as events:
        assert list(events)
    same([json.loads(line) for line in path.read_text().splitlines()], server)
    path.unlink()
    with tokensense.observe(httpx.Client(), path) as plain:
        assert plain.post(at(server), json=CHAT).content == server.body
    same([json.loads(line) for line in path.read_text().splitlines()], server)
    with pytest.raises(TypeError, match="object"):
        tokensense.observe(object())


def test_others_async(server: Server) -> None:
    records: list[Any] = []

    async def main() -> None:
        server.body = (TESTDATA / "gemini/stream.sse").read_bytes()
        google = genai.Client(api_key="x", http_options={"base_url": at(server), "httpx_async_client": httpx.AsyncClient()})
        tokensense.observe(google, records.append)
        async for _ in await google.aio.models.generate_content_stream(model="gemini-2.5-flash", contents="Hi"):
            pass
        same(records, server)
        records.clear()
        server.body = (TESTDATA / "cohere.v2/stream.sse").read_bytes()
        client = tokensense.observe(cohere.AsyncClientV2(api_key="x", base_url=at(server)), records.append)
        async for _ in client.chat_stream(model="command-r", messages=[{"role": "user", "content": "Hi"}]):
            pass
        same(records, server)
        records.clear()
        server.body = (TESTDATA / "openai.chat/usage.sse").read_bytes()
        async with tokensense.observe(httpx.AsyncClient(), records.append) as plain:
            assert (await plain.post(at(server), json=CHAT)).content == server.body
        same(records, server)

    asyncio.run(main())


def test_compressed(server: Server) -> None:
    """What comes compressed is metered as what it means."""
    records: list[Any] = []
    server.body, server.coded = ANSWER, True
    client = tokensense.observe(openai.OpenAI(api_key="sk-x", base_url=at(server)), records.append)
    assert chat(client).usage.total_tokens == 12
    same(records, server)
