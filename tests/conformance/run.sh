#!/bin/sh
# Runs Autobahn's fuzzing client, cases 1-7, 9 and 10, against the echo endpoint of a server of its own.
#
#   sh tests/conformance/run.sh [PYTHON]     PYTHON has the project's packages; .venv/bin/python where not given
#
# Autobahn's test suite is written in Python 2. Used is, in this order: $WSTEST, `wstest` on the path, or one that is
# installed into build/conformance/ by a Python 2.7 ($PYTHON2, `python2.7`, or one of pyenv's).
set -eu
cd "$(dirname "$0")/../.."
python=${1:-.venv/bin/python}
home=build/conformance

python2() {
    for candidate in "${PYTHON2:-}" "$(command -v python2.7 || true)" "$HOME"/.pyenv/versions/2.7*/bin/python2.7; do
        if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

# A wstest at $home/wstest: the packages in a folder of their own, beside nothing else that this Python 2.7 has.
install() {
    echo "installing Autobahn's test suite into $home/ with $1"
    mkdir -p "$home"
    "$1" -m pip install --quiet --disable-pip-version-check --no-warn-script-location --target "$home/packages" \
        autobahntestsuite==25.10.1 2>"$home/install.log" || { cat "$home/install.log" >&2; exit 1; }
    cat >"$home/wstest" <<END
#!$1
import site
site.addsitedir("$PWD/$home/packages")  # not just on the path: Python 2 finds zope.interface by its .pth file
from autobahntestsuite import wstest
wstest.run()
END
    chmod +x "$home/wstest"
}

wstest=${WSTEST:-$(command -v wstest || true)}
if [ -z "$wstest" ]; then
    wstest=$home/wstest
    if [ ! -x "$wstest" ]; then
        found=$(python2)
        if [ -z "$found" ]; then
            echo "There is no wstest here and no Python 2.7 to install it with (Debian 12 has none)." >&2
            echo "Set WSTEST to a wstest, or PYTHON2 to a Python 2.7 with pip: pyenv install 2.7.18" >&2
            echo "make test checks the same cases without it: tests/live/test_conformance.py" >&2
            exit 2
        fi
        install "$found"
    fi
fi
PYTHONPATH=tests:. exec "$python" -m conformance.fuzz "$wstest" "$home"
