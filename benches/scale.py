#!/usr/bin/env python3
"""Sums up the logs of many hosts in four ways that have to agree: one summarise over all logs, one over the records of
each host, DuckDB over those records, and Spark, which pipes the raw logs through tap.

usage: benches/scale.py [BINARY] [HOSTS]        needs Linux, Java 17, and: pip install duckdb pyspark
"""

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else f"{ROOT}/target/release/tokensense")
HOSTS = int(sys.argv[2]) if len(sys.argv) > 2 else 100
LOGS, RESPONSES = 20, 40

# Captures and the id in each, which every response gets anew.
CAPTURES = [
    ("openai.chat/usage.sse", "chatcmpl-A1"),
    ("anthropic.messages/stream.sse", "msg_01A"),
    ("openai.responses/completed.sse", "resp_1"),
    ("openai.chat/truncated.sse", None),
]
SUMS = ["responses", "partial", "input_tokens", "output_tokens", "cost_usd"]


def logs(folder):
    """Writes the logs of all hosts. One log in fifty also lies on the next host, as after a move."""
    pick = random.Random(7)
    captures = []
    for name, known in CAPTURES:
        with open(f"{ROOT}/testdata/{name}", encoding="utf-8") as capture:
            text = capture.read()
        captures.append((text, known or re.search(r'"id":"([^"]+)"', text).group(1)))
    count = 0
    for host in range(HOSTS):
        place = f"{folder}/raw/host{host:03}"
        os.makedirs(place, exist_ok=True)
        for log in range(LOGS):
            text = ""
            for _ in range(RESPONSES):
                count += 1
                capture, known = pick.choices(captures, [60, 25, 10, 5])[0]
                text += capture.rstrip("\n").replace(known, f"{known}-{count:07}") + "\n\n"
            with open(f"{place}/{log}.sse", "w", encoding="utf-8") as file:
                file.write(text)
            if log % 50 == host % 50:
                other = f"{folder}/raw/host{(host + 1) % HOSTS:03}"
                os.makedirs(other, exist_ok=True)
                with open(f"{other}/moved{host}.sse", "w", encoding="utf-8") as file:
                    file.write(text)
    return count


def summarise(*args):
    out = subprocess.run([BINARY, "summarise", "-q", "--format", "json", *args], stdout=subprocess.PIPE, check=True)
    groups = json.loads(out.stdout, parse_float=Decimal)["groups"]
    return {group["model"]: tuple(Decimal(group[name] or 0) for name in SUMS) for group in groups}


def records(folder):
    """Each host writes the records of its own logs; only those travel."""
    os.makedirs(f"{folder}/records")

    def host(n):
        summarise("--threads", "1", "--records", f"{folder}/records/host{n:03}.jsonl", f"{folder}/raw/host{n:03}")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(host, range(HOSTS)))


# A response counts once, whichever host has it: by its provider and id.
ONCE = """
  select model, count(*) as responses, count(*) filter (where partial) as partial, sum(input_tokens) as input_tokens,
         sum(output_tokens) as output_tokens, sum(cast(cost_usd as decimal(38, 12))) as cost_usd
  from (select distinct provider, response_id, model, partial, input_tokens, output_tokens, cost_usd from records)
  group by model
"""


def rows(found):
    return {row[0]: tuple(Decimal(value or 0) for value in row[1:]) for row in found}


def duckdb_sums(folder):
    import duckdb

    columns = "{provider:'VARCHAR', response_id:'VARCHAR', model:'VARCHAR', partial:'BOOLEAN', input_tokens:'BIGINT', output_tokens:'BIGINT', cost_usd:'DECIMAL(38,12)'}"
    duckdb.sql(f"create or replace view records as select * from read_json('{folder}/records/*.jsonl', format='newline_delimited', columns={columns})")
    return rows(duckdb.sql(ONCE).fetchall())


def spark_sums(folder):
    from pyspark.sql import SparkSession
    from pyspark.sql.types import BooleanType, DecimalType, LongType, StringType, StructField, StructType

    spark = (
        SparkSession.builder.master("local[*]").config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false").config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1").config("spark.sql.shuffle.partitions", "8").getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    kinds = {"provider": StringType(), "response_id": StringType(), "model": StringType(), "partial": BooleanType(), "input_tokens": LongType(), "output_tokens": LongType(), "cost_usd": DecimalType(38, 12)}
    schema = StructType([StructField(name, kind) for name, kind in kinds.items()])
    raw = spark.sparkContext.wholeTextFiles(f"{folder}/raw/*", minPartitions=8).values()
    found = raw.pipe(f"{BINARY} tap --emit none --format json -o -")
    spark.read.schema(schema).json(found).createOrReplaceTempView("records")
    sums = rows(tuple(row) for row in spark.sql(ONCE).collect())
    spark.stop()
    return sums


def main():
    with tempfile.TemporaryDirectory() as folder:
        count = logs(folder)
        size = sum(os.path.getsize(f"{path}/{name}") for path, _, names in os.walk(f"{folder}/raw") for name in names)
        print(f"{HOSTS} hosts, {count:,} responses, {size / 1e6:.0f} MB of logs")
        results = {}

        def timed(what, work):
            begun = time.perf_counter()
            sums = work()
            print(f"{what:<52} {time.perf_counter() - begun:6.2f} s")
            if sums:
                results[what] = sums

        timed("one summarise over all logs", lambda: summarise(f"{folder}/raw"))
        timed("each host: records of its own logs", lambda: records(folder))
        timed("one summarise over all records", lambda: summarise(f"{folder}/records"))
        timed("DuckDB over all records", lambda: duckdb_sums(folder))
        timed("Spark, which pipes all logs through tap", lambda: spark_sums(folder))
        (_, first), *others = results.items()
        for what, sums in others:
            for model in sorted(set(first) | set(sums)):
                assert first.get(model) == sums.get(model), f"{what}: {model}: {sums.get(model)} is not {first.get(model)}"
        print("all agree:")
        for model, sums in sorted(first.items()):
            print(f"  {model:<30}", *(f"{value:>14,}" for value in sums))


if __name__ == "__main__":
    main()
