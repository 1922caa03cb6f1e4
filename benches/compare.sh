#!/bin/sh
# The speed table: tokensense beside cat, tee, pv, jq, rg, DuckDB and ccusage, where they are installed, and how its
# cost grows. Builds the release binary and keeps 5 GB of made-up logs in target/compare.
#
#   benches/compare.sh [-b BINARY] [--svg FILE] [ROW…]      --help names the rows
#
# ROUNDS=7 is how often each command runs, TENTHS=10 how much of the data is used. Needs Linux and taskset.
set -eu
cd "$(dirname "$0")/.."
cargo build --release --quiet
exec cargo bench --quiet --bench compare -- "$@"
