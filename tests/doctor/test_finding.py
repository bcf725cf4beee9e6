import json

import pytest

from legacy_chat.doctor.finding import as_json, bad, for_site, healthy, lines, note, ok

FINE = ok("python", "3.11.7")
ODD = note("scheme", "http", "no proxy is known", "CHAT_TRUSTED_PROXIES=1")
WRONG = bad("worker", "sync", "it has no sockets", "gunicorn -k …")


def test_what_is_well_takes_one_line_and_what_is_not_names_cause_and_mend():
    assert lines(FINE) == ["✓ python: 3.11.7"]
    assert lines(WRONG) == ["✗ worker: sync", "    cause: it has no sockets", "    mend: gunicorn -k …"]
    assert lines(ODD)[0] == "! scheme: http"


@pytest.mark.parametrize(
    ("mend", "said"),
    [
        ("gunicorn -k worker wsgi:app", "gunicorn -k worker 'shop:create_app()'"),
        ("flask --app wsgi chat init-db", "flask --app shop chat init-db"),
        ("import it later, in wsgi.py", "import it later, in wsgi.py"),
    ],
)
def test_a_mend_names_the_sites_own_app(mend, said):
    assert for_site(bad("x", "y", "z", mend), "shop", "shop:create_app()").mend == said


def test_a_note_leaves_a_site_healthy():
    assert healthy([FINE, ODD])
    assert not healthy([FINE, ODD, WRONG])


def test_programs_get_the_same_in_json():
    told = json.loads(as_json([FINE, WRONG]))
    assert told["ok"] is False
    assert [finding["state"] for finding in told["findings"]] == ["ok", "bad"]
    assert told["findings"][1]["mend"] == "gunicorn -k …"
