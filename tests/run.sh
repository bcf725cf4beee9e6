#!/bin/sh
# The whole suite, in under 15 minutes on two cores. Tests mostly wait for servers, browsers and clocks, so two runs go
# side by side; what measures time or memory has the machine to itself afterwards.
set -u
python=$1
log=$(mktemp)
trap 'rm -f "$log"' EXIT

alone="tests/faults"
for name in abuse blocking drain leaks limits; do
    alone="$alone tests/live/test_$name.py"
done
others=""
for path in $alone; do
    others="$others --ignore=$path"
done

"$python" -m pytest tests --ignore=tests/live --ignore=tests/faults > "$log" 2>&1 &
beside=$!
"$python" -m pytest tests/live $others
live=$?
wait $beside
units=$?
cat "$log"
# shellcheck disable=SC2086 # a list of paths
"$python" -m pytest $alone
timed=$?
[ "$live$units$timed" = 000 ]
