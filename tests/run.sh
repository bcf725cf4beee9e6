#!/bin/sh
# The whole suite, in under 15 minutes on two cores. Tests mostly wait for servers, browsers and clocks, so three lanes go
# side by side; what measures time or memory has the machine to itself afterwards.
set -u
python=$1

alone="tests/faults"
for name in abuse blocking drain leaks limits; do
    alone="$alone tests/live/test_$name.py"
done
others=""
for path in $alone; do
    others="$others --ignore=$path"
done

# shellcheck disable=SC2086 # a list of options
"$python" -m pytest -n 3 --dist loadfile tests $others
lanes=$?
# shellcheck disable=SC2086 # a list of paths
"$python" -m pytest $alone
timed=$?
[ "$lanes$timed" = 00 ]
