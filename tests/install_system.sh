#!/bin/sh
# Installs what the tests need beyond Python packages, where it is missing (Debian, as root).
set -eu
missing=""
command -v chromium >/dev/null || missing="$missing chromium"
[ -x /usr/sbin/nginx ] || missing="$missing nginx-light"
[ -x /usr/sbin/apache2 ] || missing="$missing apache2-bin media-types"
command -v caddy >/dev/null || missing="$missing caddy"
command -v systemd-analyze >/dev/null || missing="$missing systemd"
command -v node >/dev/null || missing="$missing nodejs"
command -v npm >/dev/null || missing="$missing npm"
command -v curl >/dev/null || missing="$missing curl"
command -v php >/dev/null || missing="$missing php-cli"
fc-list 2>/dev/null | grep -qi 'noto.*cjk' || missing="$missing fontconfig fonts-noto-cjk"
if [ -n "$missing" ]; then
    echo "installing$missing"
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
# A WebSocket client that is not ours: Node 20 has none built in.
node=$(dirname "$0")/node
if [ ! "$node/node_modules/.package-lock.json" -nt "$node/package-lock.json" ]; then
    npm ci --prefix "$node" --silent --no-audit --no-fund
fi
