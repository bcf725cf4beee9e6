from types import SimpleNamespace

from legacy_chat.backplane.contract import Disconnect
from legacy_chat.core import close
from legacy_chat.web import identity


def test_a_token_lets_ada_in(shop, host):
    answer = shop.post("/tokens", {"uid": 7, "name": "ada"})
    assert answer.status_code == 201
    member = host.extensions["legacy_chat"].tokens.verify(answer.json["token"])
    assert (member.uid, member.name) == (answer.json["uid"], answer.json["name"]) == ("7", "ada")


def test_it_is_told_when_a_token_expires_and_not_a_second_later(shop, monkeypatch):
    monkeypatch.setattr(identity, "time", SimpleNamespace(time=lambda: 1_700_000_000.9))
    assert shop.post("/tokens", {"uid": 7}).json["expires"] == 1_700_003_600_000


def test_a_token_carries_the_name_that_was_last_seen(shop):
    assert shop.post("/tokens", {"uid": "7"}).json["name"] == "7"
    shop.post("/rooms/lobby/messages", {"content": "Hi", "sender": {"uid": "7", "name": "ada"}})
    assert shop.post("/tokens", {"uid": "7"}).json["name"] == "ada"


def test_a_uid_that_cannot_stand_in_a_chat_gets_no_token(shop, problem):
    problem(shop.post("/tokens", {"uid": "a\x00b"}), 422, "bad_text")


def test_who_is_here_is_asked_of_several_at_once(shop):
    people = shop.get("/presence?uid=7&uid=9").json["people"]
    assert [(person["uid"], person["online"]) for person in people] == [("7", False), ("9", False)]


def test_somebody_must_be_asked_for(shop, problem):
    problem(shop.get("/presence"), 422, "bad_request")
    problem(shop.get("/presence?" + "&".join("uid=7" for _ in range(101))), 422, "bad_request")


def test_a_token_carries_picture_roles_and_language(shop, host):
    more = {"avatar": "https://pics.example/ada.png", "roles": ["staff"], "locale": "zh"}
    token = shop.post("/tokens", {"uid": "7", **more}).json["token"]
    member = host.extensions["legacy_chat"].tokens.verify(token)
    assert (member.avatar, member.roles, member.locale) == (more["avatar"], ("staff",), "zh")


def test_a_picture_that_no_page_may_show_gets_no_token(shop, problem):
    problem(shop.post("/tokens", {"uid": "7", "avatar": "javascript:alert(1)"}), 422, "bad_text")


def test_what_ada_has_open_ends_at_the_word_of_a_back_end(shop, told):
    assert shop.ask("DELETE", "/people/7/connections").status_code == 204
    (notice,) = (notice for notice in told if isinstance(notice, Disconnect))
    assert (notice.uid, notice.code, notice.device) == ("7", close.SESSION_ENDED, None)
    assert notice.by.startswith("key ")


def test_who_may_not_make_tokens_may_not_end_what_they_opened(back_end, problem, told):
    problem(back_end("presence").ask("DELETE", "/people/7/connections"), 403, "forbidden")
    assert told == []
