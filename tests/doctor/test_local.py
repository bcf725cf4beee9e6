import pytest

from legacy_chat.doctor import local
from legacy_chat.doctor.gunicorn import WORKER, Gunicorn
from legacy_chat.settings import load

DEFAULTS = load({}, {})


def conf(worker_class=WORKER, workers=1, preload=False, patched=True, file="gunicorn.conf.py"):
    return Gunicorn(worker_class, workers, preload, 1000, patched, file)


def states(found, settings=DEFAULTS):
    return {finding.check: finding.state for finding in local.check_gunicorn(found, settings)}


def test_all_is_well_with_the_shipped_files(host):
    assert [finding for finding in local.check(host.extensions["legacy_chat"]) if finding.state == "bad"] == []


def test_a_word_in_the_environment_that_is_no_setting_is_pointed_out(host, monkeypatch):
    monkeypatch.setenv("CHAT_PREFFIX", "/talk")
    monkeypatch.setenv("CHAT_RATE", "50/200")
    monkeypatch.setenv("CHAT_URL", "https://shop.example/chat")
    given, typo = [f for f in local.check_settings(host.extensions["legacy_chat"]) if f.check == "settings"]
    assert given.text == "CHAT_RATE"
    assert (typo.state, typo.mend) == ("note", "rename it to CHAT_PREFIX")


@pytest.mark.parametrize(("key", "notes"), [("short", 1), ("x" * 32, 0), (b"x" * 32, 0)])
def test_a_short_secret_key_can_be_guessed(make_host, key, notes):
    state = make_host(SECRET_KEY=key).extensions["legacy_chat"]
    assert len([finding for finding in local.check_settings(state) if finding.check == "SECRET_KEY"]) == notes


def test_a_file_that_cannot_be_read_is_bad():
    assert states("SyntaxError: line 3") == {"gunicorn.conf.py": "bad"}


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (conf(), "ok"),
        (conf(worker_class="gthread"), "bad"),
        (conf(worker_class="sync"), "note"),  # nobody named one: it may stand on the command line
        (conf(worker_class="sync", file=None), "note"),
    ],
)
def test_the_worker_class_of_the_file(found, state):
    assert states(found)["gunicorn.conf.py"] == state


@pytest.mark.parametrize(("patched", "bad"), [(True, False), (False, True)])
def test_preload_needs_a_patch_in_the_file(patched, bad):
    found = list(local.check_gunicorn(conf(preload=True, patched=patched), DEFAULTS))
    assert any(finding.text == "preload_app without a patch" for finding in found) == bad


def test_workers_without_a_backplane_are_seen_before_they_are_started():
    assert states(conf(workers=2))["gunicorn.conf.py, workers"] == "bad"
