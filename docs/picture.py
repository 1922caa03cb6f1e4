#!/usr/bin/env python3
"""Makes docs/picture.svg: a real run of tokensense on a terminal, as it looks when the stream has ended.

usage: docs/picture.py [BINARY [SVG]]        needs Python 3.8 or newer and nothing else
"""

import html
import os
import pty
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else f"{ROOT}/target/release/tokensense")
SVG = sys.argv[2] if len(sys.argv) > 2 else f"{ROOT}/docs/picture.svg"
COLUMNS = 101
PLACE = tempfile.TemporaryDirectory()

# What is typed, and what runs: saved streams stand in for the network.
RUNS = [
    (
        "tokensense run --emit text -- curl -s https://api.openai.com/v1/chat/completions -d @body.json …",
        "tokensense run --emit text -- curl -s https://api.openai.com/v1/chat/completions -d '{\"stream\":true}'",
    ),
    (
        "tokensense summarise logs",
        "tokensense summarise --no-progress testdata/openai.chat/usage.sse testdata/gemini/stream.sse "
        "testdata/anthropic.messages/stream.sse testdata/openai.responses/completed.sse",
    ),
]

# In place of curl: an answer that takes its time.
CURL = """#!/bin/sh
while IFS= read -r line; do
  printf '%s\\n' "$line"
  sleep 0.01
done < testdata/openai.chat/usage.sse
"""

COLOURS = {"31": "#f85149", "33": "#d29922"}
LINE, CHAR, LEFT, TOP = 22, 8.43, 22, 66


def shown(command):
    """What a terminal of COLUMNS columns shows of a command."""
    user, side = pty.openpty()
    subprocess.run(["stty", "cols", str(COLUMNS), "rows", "40"], stdin=side, check=True)
    folder = os.path.dirname(BINARY)
    stand_in = f"{PLACE.name}/curl"
    with open(stand_in, "w", encoding="utf-8") as script:
        script.write(CURL)
    os.chmod(stand_in, 0o755)
    env = {"PATH": f"{PLACE.name}:{folder}:{os.environ['PATH']}", "TERM": "xterm", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
    child = subprocess.Popen(command, shell=True, cwd=ROOT, env=env, stdout=side, stderr=side)
    os.close(side)
    seen = b""
    while True:
        try:
            piece = os.read(user, 4096)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    child.wait()
    return seen.decode().replace("\r\n", "\n").rstrip("\n").split("\n")


def spans(line):
    """The line in parts that have a style, as SVG."""
    out, style = [], ""
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        code = re.fullmatch(r"\x1b\[([0-9;]*)m", part)
        if code:
            codes = code.group(1).split(";")
            if codes in (["0"], [""]):
                style = ""
            for one in codes:
                style += {"1": "font-weight:600;", "2": "fill:#8b949e;"}.get(one, "")
                style += f"fill:{COLOURS[one]};" if one in COLOURS else ""
        elif part:
            text = html.escape(part, quote=False)
            out.append(f'<tspan style="{style}">{text}</tspan>' if style else text)
    return "".join(out)


rows = []
for typed, command in RUNS:
    if rows:
        rows.append("")
    rows.append(f'<tspan style="fill:#3fb950">$</tspan> {html.escape(typed, quote=False)}')
    rows += [spans(line) for line in shown(command)]

width = int(2 * LEFT + COLUMNS * CHAR)
height = TOP + LINE * len(rows) + 6
print(f"{len(rows)} lines, {width} x {height}", file=sys.stderr)
with open(SVG, "w", encoding="utf-8") as svg:
    svg.write(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">\n'
        "<title>tokensense on a terminal: an answer that ends in its cost line, and a summary of logs</title>\n"
        f'<rect width="{width}" height="{height}" rx="10" fill="#0d1117"/>\n'
        + "".join(f'<circle cx="{LEFT + 4 + 20 * at}" cy="24" r="6" fill="{fill}"/>\n'
                  for at, fill in enumerate(["#ff5f57", "#febc2e", "#28c840"]))
        + '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="14" '
        'fill="#e6edf3" xml:space="preserve">\n'
    )
    for at, row in enumerate(rows):
        if row:
            svg.write(f'<text x="{LEFT}" y="{TOP + LINE * at}">{row}</text>\n')
    svg.write("</g>\n</svg>\n")
