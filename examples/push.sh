#!/bin/sh
# Pushes a text to one person's open pages, or to everybody's, through the one-line door. It prints ok, offline or fail.
#
#   CHAT_URL=https://shop.example/chat CHAT_KEY=lc_… sh push.sh UID TEXT
#   CHAT_URL=https://shop.example/chat CHAT_KEY=lc_… sh push.sh "" TEXT
set -eu
# The key comes by standard input: on the command line everybody on this machine could read it.
printf 'header = "Authorization: Bearer %s"\n' "$CHAT_KEY" |
    curl --silent --show-error --max-time 10 --config - "$CHAT_URL/push" \
        --data type=publish --data-urlencode "to=$1" --data-urlencode "content=$2"
echo
