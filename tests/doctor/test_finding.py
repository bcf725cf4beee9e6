import json

from legacy_chat.doctor.finding import as_json, bad, healthy, lines, note, ok

FINE = ok("python", "3.11.7")
ODD = note("scheme", "http", "no proxy is known", "CHAT_TRUSTED_PROXIES=1")
WRONG = bad("worker", "sync", "it has no sockets", "gunicorn -k …")


def test_what_is_well_takes_one_line_and_what_is_not_names_cause_and_mend():
    assert lines(FINE) == ["✓ python: 3.11.7"]
    assert lines(WRONG) == ["✗ worker: sync", "    cause: it has no sockets", "    mend: gunicorn -k …"]
    assert lines(ODD)[0] == "! scheme: http"


def test_a_note_leaves_a_site_healthy():
    assert healthy([FINE, ODD])
    assert not healthy([FINE, ODD, WRONG])


def test_programs_get_the_same_in_json():
    told = json.loads(as_json([FINE, WRONG]))
    assert told["ok"] is False
    assert [finding["state"] for finding in told["findings"]] == ["ok", "bad"]
    assert told["findings"][1]["mend"] == "gunicorn -k …"
