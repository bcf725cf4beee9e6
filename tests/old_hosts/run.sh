#!/bin/sh
# The suite at the lowest versions, from nothing: the built wheel is installed with a site's pins, then the checkout's tests
# run there. Left out are browsers, fuzzing, and what measures.
set -eu
build=$1
old=$2
cd "$(dirname "$0")/../.."
here=tests/old_hosts
folder=build/old_hosts
rm -rf "$folder"
"$build" -m build --wheel --no-isolation --outdir "$folder" . >/dev/null
"$old" -m venv "$folder/venv"
python=$folder/venv/bin/python
wheel=$(echo "$folder"/*.whl)
"$python" -m pip install -q --disable-pip-version-check -c $here/constraints.txt -r $here/requirements.txt "$wheel[webhooks,metrics]"
"$python" -m pip check
"$python" -m pip uninstall -q -y legacy_chat

live=""
for name in talk upgrade presence push site logs client api webhooks tls drop_in mount php poll poll_workers events text \
    timers metrics health; do
    live="$live tests/live/test_$name.py"
done
# shellcheck disable=SC2086 # a list of paths
exec "$python" -m pytest -n 3 --dist loadfile -p no:cacheprovider -W ignore::DeprecationWarning tests/*.py tests/actions \
    tests/backplane tests/client tests/core tests/doctor tests/extension tests/realtime tests/site tests/storage \
    tests/testing tests/web --ignore=tests/web/api/test_fuzz_api.py $live
