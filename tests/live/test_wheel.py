"""`pip install` of the built wheel alone, in an empty environment, serves the pages."""

import subprocess
import sys
import venv
import zipfile

import pytest

from .server import ROOT, Server


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_pages_scripts_translations_and_migrations(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "templates/chat/index.html",
        "static/chat/client.js",
        "static/vendor/lit-html/lit-html.js",
        "translations/zh/LC_MESSAGES/legacy_chat.mo",
        "storage/migrations/versions/0001_start.py",
        "proxy/nginx.jinja",
    ):
        assert f"legacy_chat/{name}" in names


class Installed(Server):
    """The same server from an environment that has only the wheel."""

    def __init__(self, folder, python):
        super().__init__(folder)
        self.cwd = folder
        self.python = str(python)
        del self._env["PYTHONPATH"]


def test_an_empty_environment_serves_page_and_static_files(wheel, tmp_path):
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", str(wheel)], check=True, capture_output=True)
    site = tmp_path / "site"
    site.mkdir()
    (site / "wsgi.py").write_text("from legacy_chat import create_app\n\napp = create_app()\n")
    server = Installed(site, python)
    server._options = ("--bind", f"127.0.0.1:{server.port}", "--no-control-socket")
    server.start()
    try:
        browser = server.browser()
        assert "chat-boot" in browser.submit("/register", username="ada", password="correct-horse")[1]
        for path in ("/chat/static/client.js", "/chat/vendor/lit-html/lit-html.js", "/chat/static/chat.css"):
            assert browser.open(path)[0] == 200
        assert "密码" in server.browser().open("/login?lang=zh")[1]
    finally:
        server.stop()
