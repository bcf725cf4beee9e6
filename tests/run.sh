#!/bin/sh
# The whole suite, in under 15 minutes on two cores. Tests mostly wait for servers, browsers and clocks, so several lanes go
# side by side; what measures time or memory comes after the crowd. `make test-old` has a suite of its own.
set -u
python=$1
log=$(mktemp)
trap 'rm -f "$log"' EXIT

quiet=""
for name in abuse blocking doctor drain leaks limits; do
    quiet="$quiet tests/live/test_$name.py"
done
others="--ignore=tests/faults --ignore=tests/live/test_old_host.py"
for path in $quiet; do
    others="$others --ignore=$path"
done

# shellcheck disable=SC2086 # a list of options
"$python" -m pytest -n 4 --dist loadfile tests $others
lanes=$?
"$python" -m pytest tests/faults > "$log" 2>&1 &
beside=$!
# shellcheck disable=SC2086 # a list of paths
"$python" -m pytest $quiet
timed=$?
wait $beside
faults=$?
cat "$log"
[ "$lanes$timed$faults" = 000 ]
