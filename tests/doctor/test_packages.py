import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from legacy_chat.doctor import packages

ROOT = Path(__file__).parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text()


@pytest.fixture(autouse=True)
def _afresh():
    caches = (packages.needed, packages.versions)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


REQUIRED = {
    str(Requirement(text))
    for text in re.findall(r'"([^"]+)"', re.search(r"^dependencies = \[(.*?)\]", PYPROJECT, re.S | re.M)[1])
}


def names():
    return {str(one) for one in packages.needed()}


def test_a_checkout_needs_what_its_list_says():
    assert names() == REQUIRED
    assert f'requires-python = ">={packages.PYTHON}"' in PYPROJECT


def test_an_installed_one_needs_no_extras(monkeypatch):
    monkeypatch.setattr(packages, "requires", lambda name: [*REQUIRED, 'urllib3>=2; extra == "webhooks"'])
    assert names() == REQUIRED


def test_here_everything_is_there():
    assert packages.check_python().state == "ok"
    assert packages.check_packages().state == "ok"


def test_what_is_old_or_missing_is_named_with_the_command(monkeypatch):
    monkeypatch.setattr(packages, "requires", lambda name: ["gunicorn>=20.1", "gevent>=23.9,!=24.1", "flask>=2.2"])
    versions = {"gevent": "24.1", "flask": "3.1"}
    monkeypatch.setattr(packages, "version_of", versions.get)
    found = packages.check_packages()
    assert found.text == "gunicorn is missing, gevent 24.1"
    assert found.mend == 'pip install "gunicorn>=20.1" "gevent!=24.1,>=23.9"'


def test_an_old_python_is_named(monkeypatch):
    monkeypatch.setattr(packages.platform, "python_version", lambda: "3.9.2")
    assert packages.check_python().state == "bad"
