import pytest

from legacy_chat.web import api


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/rooms/a/b", "/keys/x", "/a%0Ab/%0A"])
def test_an_address_that_is_none_is_a_problem_and_no_page(shop, problem, path):
    problem(shop.get(path), 404, "not_found")


def test_a_slash_too_many_is_forgiven(shop):
    assert shop.get("/rooms/").status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_a_method_that_is_none_is_told_which_there_are(shop, problem, method):
    answer = shop.ask(method, "/rooms")
    problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_the_prefix_moves_the_api(make_host):
    host = make_host(CHAT_PREFIX="/talk")
    document = host.test_client().get("/talk/api/v1/openapi.json").json
    assert document["servers"] == [{"url": "/talk/api/v1"}]


def test_a_host_below_a_path_says_so(host):
    document = host.test_client().get("/chat/api/v1/openapi.json", environ_overrides={"SCRIPT_NAME": "/shop"}).json
    assert document["servers"] == [{"url": "/shop/chat/api/v1"}]


def test_every_operation_has_a_name_of_its_own_and_a_summary():
    names = [operation.name for operation in api.OPERATIONS]
    assert len(set(names)) == len(names)
    assert all(operation.summary for operation in api.OPERATIONS)


def test_a_mistake_of_ours_is_a_problem_without_its_inside(shop, problem, monkeypatch, caplog):
    monkeypatch.setattr("legacy_chat.storage.keys.listed", lambda _: {}["the secret"])
    assert "secret" not in problem(shop.get("/keys"), 500, "internal")["detail"]
    assert "the secret" in caplog.text
