#!/bin/sh
# Compares tokensense with the tools that stand in the same place: cat, tee, pv, jq and rg.
#
#   benches/compare.sh [BINARY]
#
# Each row is the median over ROUNDS interleaved rounds of how much faster than the reference a tool was in the
# same round: above 1 is faster. Tools that are missing are named and left out. Needs GNU date and taskset.
set -eu
cd "$(dirname "$0")/.."
ROUNDS=${ROUNDS:-7}
binary=${1:-target/release/tokensense}
if [ ! -x "$binary" ]; then
  echo "$binary is missing: run cargo build --release, or name another binary" >&2
  exit 2
fi
binary=$(readlink -f "$binary")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One stream of some 460 events, with an id of its own each time it is repeated.
stream() { # COUNT
  awk -v count="$1" '
    /"content":"[^"]/ { if (middle == "") middle = $0; next }
    $0 == "" { next }
    middle == "" { head = head $0 "\n\n"; next }
    { tail = tail $0 "\n\n" }
    END {
      for (n = 0; n < count; n++) {
        body = head
        for (i = 0; i < 460; i++) body = body middle "\n\n"
        body = body tail
        gsub(/"id":"[^"]*"/, sprintf("\"id\":\"chatcmpl-%029d\"", n), body)
        printf "%s", body
      }
    }' testdata/openai.chat/usage.sse
}

now() { date +%s%N; }

# Prints the median of the numbers on standard input.
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# Runs each command of the list in turn, ROUNDS times, and prints its speed against the first.
race() { # NAME=COMMAND…
  round=0
  while [ "$round" -lt "$ROUNDS" ]; do
    for entry; do
      name=${entry%%=*} command=${entry#*=}
      begun=$(now)
      sh -c "$command" > /dev/null 2>&1
      spent=$(($(now) - begun))
      [ "$entry" = "$1" ] && reference=$spent
      echo "$reference $spent" | awk '{ print $1 / $2 }' >> "$work/$name.ratios"
    done
    round=$((round + 1))
  done
  for entry; do
    name=${entry%%=*}
    printf '  %-26s %.2f\n' "$name" "$(median < "$work/$name.ratios")"
    rm "$work/$name.ratios"
  done
}

have() {
  command -v "$1" > /dev/null || { echo "  ($1 is not installed: left out)"; return 1; }
}

stream 2000 > "$work/big"
mkdir "$work/logs"
for n in 1 2 3 4 5 6 7 8; do stream $((n * 5)) > "$work/logs/$n.sse"; done
for copy in 1 2 3 4 5 6 7 8 9; do
  for n in 1 2 3 4 5 6 7 8; do sed "s/chatcmpl-0/chatcmpl-$copy/" "$work/logs/$n.sse" > "$work/logs/$n-$copy.sse"; done
done
through() { echo "cat $work/big | $1 | cat"; }
set -- "cat=$(through cat)" "tokensense=$(through "$binary tap -q")"
have tee && set -- "$@" "tee=$(through 'tee /dev/null')"
have pv && set -- "$@" "pv=$(through 'pv -q')"
have jq && set -- "$@" "jq=$(through 'sed -n s/^data:.{/{/p | jq -c .usage')"

echo "pipe to pipe, every event metered (cat = 1)"
race "$@"
echo "the same on one core"
core=$(($(nproc) - 1))
race "cat=taskset -c $core sh -c '$(through cat)'" "tokensense=taskset -c $core sh -c '$(through "$binary tap -q")'"
echo "start to end of an empty input"
race "cat=cat < /dev/null" "tokensense=$binary tap -q < /dev/null"
echo "a folder of logs summed up (rg = 1)"
if have rg; then
  race "rg=rg -c '\"usage\":\\{' $work/logs" "tokensense=$binary summarise -q --no-progress --format json $work/logs"
fi
