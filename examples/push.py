"""Pushes a text to one person, who finds it as a message if no page is open. Needs nothing but Python.

CHAT_URL=https://shop.example/chat CHAT_KEY=lc_… python push.py UID TEXT
"""

import json
import os
import sys
import urllib.error
import urllib.request
import uuid

uid, text = sys.argv[1:]
request = urllib.request.Request(
    os.environ["CHAT_URL"] + "/api/v1/push",
    json.dumps({"uid": uid, "content": text, "durable": True}).encode(),
    {
        "Authorization": "Bearer " + os.environ["CHAT_KEY"],
        "Content-Type": "application/json",
        "Idempotency-Key": str(uuid.uuid4()),  # the same for every repeat: it is then carried out once
    },
)
for attempt in range(3):
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            pushed = json.load(answer)
        break
    except urllib.error.HTTPError as error:
        if error.code < 500 or attempt == 2:
            sys.exit(f"{error.code}: {json.load(error)['detail']}")
    except OSError as error:  # no answer: nobody knows whether it was carried out, so the same request again
        if attempt == 2:
            sys.exit(f"no answer: {error}")
print("{users} people and {connections} pages reached, {stored} stored".format(**pushed))
