#!/bin/sh
# The whole suite, in under 15 minutes on two cores. Tests mostly wait for servers, browsers and clocks, so several lanes go
# side by side; those marked `timed` come after the crowd. `make test-old` has a suite of its own.
set -u
python=$1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
rest="tests --ignore=tests/faults --ignore=tests/live/test_old_host.py"

# shellcheck disable=SC2086 # lists of paths and options
"$python" -m pytest -n 4 --dist loadfile -m "not timed" $rest
lanes=$?
"$python" -m pytest tests/faults > "$log" 2>&1 &
beside=$!
# shellcheck disable=SC2086
"$python" -m pytest -m timed $rest
timed=$?
wait $beside
faults=$?
cat "$log"
[ "$lanes$timed$faults" = 000 ]
