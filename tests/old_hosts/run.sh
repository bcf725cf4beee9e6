#!/bin/sh
# The suite at the lowest versions, from nothing: the built wheel is installed with a site's pins, then the checkout's tests
# run there. Left out are browsers, fuzzing, and what measures. At the end a site of 2022 is served from the wheel alone.
# Usage: run.sh PYTHON-OF-THE-BUILD [OLD-PYTHON]; without the second the lowest Python that is here.
set -eu
build=$1
old=${2:-}
cd "$(dirname "$0")/../.."
here=tests/old_hosts
folder=build/old_hosts

# Newer ones have no wheels of the oldest gevent and greenlet.
fits='import sys, ensurepip, venv; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))'
if [ -z "$old" ]; then
    for old in python3.10 python3.11 python3.12 python3 none; do
        "$old" -c "$fits" 2>/dev/null && break
    done
fi
if ! "$old" -c "$fits"; then
    echo "make test-old needs a Python 3.10, 3.11 or 3.12 with venv: make test-old OLD_PYTHON=/path/to/python3.11" >&2
    exit 1
fi
"$old" --version

rm -rf "$folder"
"$build" -m build --wheel --no-isolation --outdir "$folder" . >/dev/null
"$old" -m venv "$folder/venv"
python=$folder/venv/bin/python
wheel=$(echo "$folder"/*.whl)
extras=webhooks,metrics,postgresql,mariadb
"$python" -m pip install -q --disable-pip-version-check -c $here/constraints.txt -r $here/requirements.txt "$wheel[$extras]"
"$python" -m pip check
"$python" -m pip uninstall -q -y legacy_chat

live=""
for name in talk upgrade presence push site logs client api webhooks tls drop_in mount php poll poll_workers events text \
    metrics health; do
    live="$live tests/live/test_$name.py"
done
options="-p no:cacheprovider -W ignore::DeprecationWarning"
paths="tests/*.py tests/actions tests/backplane tests/client tests/core tests/doctor tests/extension tests/realtime tests/site
    tests/storage tests/testing tests/web --ignore=tests/web/api/test_fuzz_api.py $live"
# shellcheck disable=SC2086 # lists of paths and options
"$python" -m pytest -n 3 --dist loadfile $options -m "not timed" $paths

# What goes by the clock, after the crowd.
# shellcheck disable=SC2086
"$python" -m pytest $options -m timed $paths
# shellcheck disable=SC2086
"$python" -m pytest $options tests/live/test_timers.py

# Between the oldest Flask-SQLAlchemy and the newest, which the suite has by itself, engines were kept in a third way.
"$python" -m pip install -q --disable-pip-version-check flask-sqlalchemy==3.0.0
# shellcheck disable=SC2086
"$python" -m pytest $options tests/test_state.py tests/test_extension.py tests/extension

OLD_PYTHON=$old exec "$build" -m pytest tests/live/test_old_host.py
