"""Chromium by its own protocol, for what Playwright prevents: its pages always count as seen and never freeze."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from itertools import count
from pathlib import Path
from typing import Any

from live.raw import eventually
from websockets.sync.client import connect

_TIMEOUT = 20


class Devtools:
    """A browser with one page. `folder` is its profile."""

    def __init__(self, chromium: str, folder: Path, *arguments: str):
        command = [chromium, *arguments, "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._ids = count(1)
        self._socket: Any = None
        try:
            self._socket = connect(_page(folder / "DevToolsActivePort"), max_size=None, legacy=True)
        except BaseException:
            self.close()
            raise

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while (answer := json.loads(self._socket.recv(timeout=_TIMEOUT))).get("id") != number:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def evaluate(self, expression: str) -> Any:
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def open(self, url: str, cookies: str = "") -> None:
        for cookie in cookies.split("; "):
            name, _, value = cookie.partition("=")
            self.call("Network.setCookie", name=name, value=value, url=url)
        self.call("Page.navigate", url=url)

    def freeze(self) -> None:
        self.call("Page.setWebLifecycleState", state="frozen")

    def wake(self) -> None:
        self.call("Page.setWebLifecycleState", state="active")

    def close(self) -> None:
        if self._socket:
            self._socket.close()
        self._process.terminate()
        self._process.wait(_TIMEOUT)


def _page(ready: Path) -> str:
    """Where the page listens, once the browser has written its port."""
    eventually(lambda: ready.exists() and ready.read_text().count("\n"), what="the start of chromium")
    port = ready.read_text().split()[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=_TIMEOUT) as answer:
        return next(target["webSocketDebuggerUrl"] for target in json.load(answer) if target["type"] == "page")
