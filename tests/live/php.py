"""PHP's own server with the site of examples/php, and its chat beside it."""

from __future__ import annotations

import subprocess

from .fixtures import no_traceback
from .raw import eventually
from .server import ROOT, Browser, Server, free_port

PHP = ROOT / "examples" / "php"
SECRET = "only for tests"


class Chat(Server):
    """The chat of examples/php, which knows nobody by itself."""

    app = "wsgi:application"

    def __init__(self, folder, origin: str):
        options = ("--config", str(ROOT / "gunicorn.conf.py"), "--pythonpath", str(PHP))
        super().__init__(folder, *options, env={"SECRET_KEY": SECRET}, allowed_origins=origin)
        self.cwd = folder

    def key(self) -> str:
        """With which PHP may end what somebody has open."""
        command = [self.python, "-m", "flask", "--app", PHP / "wsgi.py", "chat", "key", "site", "--scope", "tokens"]
        done = subprocess.run(command, cwd=self.cwd, env=self._env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


class Site:
    """PHP's own server with the pages of examples/php."""

    def __init__(self, folder):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.chat = Chat(folder, self.url).start()
        env = {**self.chat._env, "CHAT_URL": f"{self.chat.url}/chat", "CHAT_KEY": self.chat.key()}
        command = ["php", "-S", f"127.0.0.1:{port}", "-t", str(PHP), "-d", f"session.save_path={folder}"]
        with open(folder / "php.log", "wb") as log:
            self._process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        eventually(self._answers, what="PHP")

    def _answers(self) -> bool:
        try:
            return Browser(self.url).open("/")[0] == 200
        except OSError:
            return False

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self.chat.stop()
        no_traceback(self.chat)

    def visit(self, name: str) -> Browser:
        browser = Browser(self.url)
        browser.open("/", {"username": name, "password": "correct-horse"})
        return browser
