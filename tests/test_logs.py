"""The chat's own lines: where they go, how they look, and how many of them there may be."""

from __future__ import annotations

import ast
import io
import json
import logging
import sys
from pathlib import Path

import pytest

from legacy_chat import logs
from legacy_chat.logs import FIELDS, SPARING, JSONHandler, Sparing, set_up

PACKAGE = Path(logs.__file__).parent


def _state(logger: logging.Logger) -> dict:
    kept = {name: vars(logger)[name] for name in ("parent", "propagate", "level")}
    return {**kept, "handlers": list(logger.handlers), "filters": list(logger.filters)}


@pytest.fixture(autouse=True)
def _loggers_as_before():
    loggers = [logging.getLogger(name) for name in ("legacy_chat", "gunicorn.error", *SPARING)]
    before = [_state(logger) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.filters = [], []
    yield
    for logger, state in zip(loggers, before, strict=True):
        vars(logger).update(state)


@pytest.fixture
def gunicorn() -> io.StringIO:
    """gunicorn's error log."""
    stream = io.StringIO()
    logging.getLogger("gunicorn.error").addHandler(logging.StreamHandler(stream))
    return stream


def lines(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


# -- as JSON -----------------------------------------------------------------------------------------------------------


def test_a_line_is_an_object_with_its_fields(gunicorn):
    set_up("json")
    fields = {"uid": "7", "code": 1000, "seconds": 1.5, "address": None}
    logging.getLogger("legacy_chat.sockets").info("socket of %s", "7", extra=fields)
    [line] = lines(gunicorn)
    assert line.pop("ts").endswith("Z")
    assert line.pop("pid") > 0
    assert line == {
        **{"level": "info", "logger": "legacy_chat.sockets", "message": "socket of 7"},
        **{"uid": "7", "code": 1000, "seconds": 1.5},
    }


def test_a_field_that_nobody_listed_is_not_written(gunicorn):
    set_up("json")
    logging.getLogger("legacy_chat").info("hello", extra={"token": "top-secret"})
    assert "top-secret" not in gunicorn.getvalue()


def test_an_error_is_one_line_however_long_its_traceback(gunicorn):
    set_up("json")
    try:
        raise ValueError("two\nlines \u2028 and \ud800")
    except ValueError:
        logging.getLogger("legacy_chat").exception("it failed")
    [line] = lines(gunicorn)
    assert line["level"] == "error"
    assert "Traceback" in line["exception"]
    assert "ValueError: two\nlines" in line["exception"]


def test_what_the_site_logs_and_how_is_left_alone(gunicorn):
    root, site = _state(logging.getLogger()), logging.getLogger("shop")
    set_up("json")
    site.warning("sold out")
    logging.getLogger("legacy_chat").info("hello")
    assert _state(logging.getLogger()) == root
    assert [line["message"] for line in lines(gunicorn)] == ["hello"]


def test_a_second_app_in_the_process_writes_no_line_twice(gunicorn):
    set_up("json")
    set_up("json")
    logging.getLogger("legacy_chat").info("hello")
    assert len(lines(gunicorn)) == 1
    assert all(len(logging.getLogger(name).filters) == 1 for name in SPARING)


def test_lines_follow_a_log_file_that_gunicorn_opened_anew(gunicorn):
    set_up("json")
    [handler] = logging.getLogger("gunicorn.error").handlers
    handler.stream = io.StringIO()
    logging.getLogger("legacy_chat").info("after the rotation")
    assert [line["message"] for line in lines(handler.stream)] == ["after the rotation"]
    assert gunicorn.getvalue() == ""


def test_without_gunicorn_lines_go_to_stderr(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    set_up("json")
    logging.getLogger("legacy_chat").info("hello")
    assert [line["message"] for line in lines(sys.stderr)] == ["hello"]


# -- as text -----------------------------------------------------------------------------------------------------------


def test_text_goes_where_gunicorns_goes(gunicorn, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    set_up("text")
    logging.getLogger("legacy_chat.sockets").info("socket 1001")
    assert gunicorn.getvalue() == "socket 1001\n"


def test_a_site_that_set_up_logging_keeps_it(gunicorn, caplog):
    set_up("text")  # pytest has a handler on the root logger, as such a site does
    logging.getLogger("legacy_chat").warning("hello")
    assert gunicorn.getvalue() == ""
    assert caplog.messages == ["hello"]


# -- not too many ------------------------------------------------------------------------------------------------------


def test_an_attack_writes_a_few_lines_and_the_number_of_the_others(caplog, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(logs, "monotonic", lambda: now[0])
    logger = logging.getLogger("legacy_chat.refusals")
    logger.addFilter(Sparing())
    with caplog.at_level(logging.INFO, "legacy_chat.refusals"):
        for _ in range(5000):
            logger.info("refused %d", 403)
        assert 1 < len(caplog.messages) <= 21
        now[0] += 60
        logger.info("refused %d", 403)
    assert caplog.messages[-1] == "refused 403 (4980 lines before this one were not written)"


def test_what_happens_now_and_then_is_written_as_it_is(caplog):
    logger = logging.getLogger("legacy_chat.refusals")
    logger.addFilter(Sparing())
    with caplog.at_level(logging.INFO, "legacy_chat.refusals"):
        logger.info("refused %d", 403)
    assert caplog.messages == ["refused 403"]


# -- the house ---------------------------------------------------------------------------------------------------------


def _extras() -> set[str]:
    """The names of all that is given to loggers as `extra`: in the call, or gathered in the same function before."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef):
                continue
            nodes = list(ast.walk(function))
            given = [k.value for node in nodes if isinstance(node, ast.Call) for k in node.keywords if k.arg == "extra"]
            if given:
                given += [node.value for node in nodes if isinstance(node, ast.Assign)]
            dicts = [value for value in given if isinstance(value, ast.Dict)]
            found |= {key.value for value in dicts for key in value.keys if isinstance(key, ast.Constant)}
    return found


def test_every_field_that_is_given_is_listed_and_the_other_way_round():
    given = _extras()
    assert given - set(FIELDS) == set()
    assert set(FIELDS) - given == set()


def test_no_field_is_called_as_a_secret_is():
    assert not set(FIELDS) & {"token", "cursor", "key", "cookie", "secret", "password", "content", "text", "message"}


def test_every_logger_that_is_spared_is_one():
    source = "\n".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    for name in SPARING:
        module = PACKAGE / (name.removeprefix("legacy_chat.").replace(".", "/") + ".py")
        assert module.exists() or f'getLogger("{name}")' in source
    assert JSONHandler().formatter is not None
