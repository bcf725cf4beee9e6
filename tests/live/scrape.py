"""What a scraper reads at a running server."""

from __future__ import annotations

import urllib.request

from prometheus_client.parser import text_string_to_metric_families as parse

PREFIX = "legacy_chat_"


def scrape(server) -> dict[str, float]:
    """`name{label}` without our prefix → value."""
    with urllib.request.urlopen(f"{server.url}/chat/metrics", timeout=20) as answer:
        text = answer.read().decode()
    return {
        sample.name.removeprefix(PREFIX) + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in parse(text)
        for sample in family.samples
    }


# Without the patches of our gunicorn.conf.py: threads of the system.
PLAIN = """import os
bind = f"127.0.0.1:{os.environ['PORT']}"
control_socket_disable = True
"""
