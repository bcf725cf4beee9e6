import json

import pytest

from legacy_chat.backplane.contract import Unsubscribe


def test_a_room_is_made_and_found(shop):
    made = shop.post("/rooms", {"gid": "order-42", "name": "Order 42", "private": True, "members": [7, "9", "7"]})
    assert made.status_code == 201
    assert made.json == {"gid": "order-42", "name": "Order 42", "private": True, "members": 2, "seq": 0, "ts": 0}
    assert shop.get("/rooms/order-42").json == made.json


def test_a_room_without_a_name_is_called_by_its_key(shop):
    assert shop.post("/rooms", {"gid": "读书会"}).json["name"] == "读书会"
    assert shop.get("/rooms/读书会").json["gid"] == "读书会"


def test_a_key_that_is_taken_or_cannot_be_is_refused(shop, problem):
    problem(shop.post("/rooms", {"gid": "lobby"}), 409, "exists")
    problem(shop.post("/rooms", {"gid": "a b"}), 422, "bad_text")


@pytest.mark.parametrize("path", ["", "/members", "/messages"])
def test_a_room_that_is_none_is_not_found(shop, problem, path):
    problem(shop.get(f"/rooms/nowhere{path}"), 404, "unknown_room")


def pages(shop, path: str, field: str, limit: int) -> list[list[dict]]:
    read, cursor = [], ""
    while cursor is not None:
        page = shop.get(f"{path}?limit={limit}{cursor and '&cursor=' + cursor}").json
        read.append(page[field])
        cursor = page.get("next")
    return read


def test_all_rooms_are_read_in_pages_also_those_made_meanwhile(shop):
    for number in range(4):
        shop.post("/rooms", {"gid": f"r{number}"})
    read = pages(shop, "/rooms", "rooms", 2)
    assert [[room["gid"] for room in page] for page in read] == [["lobby", "r0"], ["r1", "r2"], ["r3"]]


@pytest.mark.parametrize("cursor", ["x", "-1", "1" * 20, "²"])
def test_a_cursor_that_is_none_of_ours_is_refused(shop, problem, cursor):
    problem(shop.get(f"/rooms?cursor={cursor}"), 422, "bad_request")


def test_members_come_and_go_and_are_told(shop, told):
    path = "/rooms/lobby/members"
    assert shop.post(path, {"uid": 9}).status_code == 204
    assert shop.post(path, {"uid": "7"}).status_code == 204
    assert shop.post(path, {"uid": "7"}).status_code == 204
    assert [[m["uid"] for m in page] for page in pages(shop, path, "members", 1)] == [["7"], ["9"]]
    assert shop.ask("DELETE", f"{path}/9").status_code == 204
    assert Unsubscribe("9", "g:lobby") in told
    assert shop.ask("DELETE", f"{path}/9").status_code == 204
    types = [json.loads(notice.frame)["type"] for notice in told if hasattr(notice, "frame")]
    assert types == ["join", "join", "leave"]
    assert [member["uid"] for member in shop.get(path).json["members"]] == ["7"]


def test_who_is_in_too_many_rooms_already_stays_out(make_host, problem):
    host = make_host(CHAT_MAX_ROOMS="1")
    secret = host.test_cli_runner().invoke(args=["chat", "key", "shop"]).output.strip()

    def post(gid):
        path, keyed = f"/chat/api/v1/rooms/{gid}/members", {"Authorization": f"Bearer {secret}"}
        return host.test_client().post(path, json={"uid": "7"}, headers=keyed)

    host.test_cli_runner().invoke(args=["chat", "room", "annex"])
    assert post("lobby").status_code == 204
    problem(post("annex"), 403, "forbidden")


def test_a_member_who_is_away_was_last_seen(shop):
    shop.post("/rooms/lobby/members", {"uid": "7"})
    [member] = shop.get("/rooms/lobby/members").json["members"]
    assert member == {"uid": "7", "name": "7", "online": False, "away": False, "seen": None}
