#!/bin/sh
# The whole suite, in under 15 minutes on two cores. Tests mostly wait for servers, browsers and clocks, so several lanes go
# side by side; those marked `timed` come after the crowd. `make test-old` has a suite of its own.
#
# What fails in the crowd, or beside the faults, is shown and run once more by itself: it has to pass there. The faults, where
# chance has its part, have one try.
set -u
python=$1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
rest="tests --ignore=tests/faults --ignore=tests/live/test_old_host.py"

again() {
    echo "--- once more, by itself: what failed in company"
    # shellcheck disable=SC2086 # lists of paths and options
    "$python" -m pytest --last-failed --last-failed-no-failures=none -m "$1" $rest
}

# shellcheck disable=SC2086
"$python" -m pytest -n 4 --dist loadfile -m "not timed" $rest || again "not timed"
lanes=$?
"$python" -m pytest -p no:cacheprovider tests/faults > "$log" 2>&1 &
beside=$!
# A browser is never quite idle, so it is not there while others measure.
# shellcheck disable=SC2086
"$python" -m pytest -m timed $rest --ignore=tests/browser
timed=$?
"$python" -m pytest -m timed tests/browser || timed=1
wait $beside
faults=$?
cat "$log"
# A machine that others share may be slow for a while: what measures milliseconds gets a few chances, some time apart.
for pause in 0 60 120 240; do
    [ $timed = 0 ] && break
    sleep $pause
    again timed
    timed=$?
done
[ "$lanes$timed$faults" = 000 ]
