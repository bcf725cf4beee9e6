import json

ROOM = "/rooms/lobby/messages"
ADA = {"uid": 7, "name": "ada"}


def contents(page: dict) -> list[str]:
    return [message["content"] for message in page["messages"]]


def test_what_the_shop_says_is_stored_numbered_and_told(shop, told):
    answer = shop.post(ROOM, {"content": "We open at nine", "sender": ADA, "id": "n1"})
    assert answer.status_code == 201
    message = answer.json
    assert {name: message[name] for name in ("uid", "name", "content", "seq", "id")} == {
        "uid": "7", "name": "ada", "content": "We open at nine", "seq": 1, "id": "n1",
    }  # fmt: skip
    frame = json.loads(told[-1].frame)
    assert (frame["type"], frame["gid"], frame["mid"]) == ("groupPm", "lobby", message["mid"])
    assert shop.get(ROOM).json == {"messages": [message]}


def test_the_same_id_is_said_once(shop):
    said = [shop.post(ROOM, {"content": "Hello", "id": "n1"}).json["seq"] for _ in range(2)]
    assert said == [1, 1]


def test_the_history_is_read_back_in_pages(shop):
    for number in range(5):
        shop.post(ROOM, {"content": str(number)})
    newest = shop.get(f"{ROOM}?limit=2").json
    older = shop.get(f"{ROOM}?limit=2&cursor={newest['next']}").json
    oldest = shop.get(f"{ROOM}?limit=2&cursor={older['next']}").json
    assert [contents(page) for page in (newest, older, oldest)] == [["3", "4"], ["1", "2"], ["0"]]
    assert "next" not in oldest


def test_what_came_since_is_read_on_in_pages(shop):
    for number in range(5):
        shop.post(ROOM, {"content": str(number)})
    first = shop.get(f"{ROOM}?limit=2&after=1").json
    second = shop.get(f"{ROOM}?limit=2&cursor={first['next']}").json
    assert [contents(page) for page in (first, second)] == [["1", "2"], ["3", "4"]]
    assert "next" not in second


def test_ben_is_written_to_before_he_ever_came(shop, told):
    answer = shop.post("/people/9/messages", {"content": "Welcome", "sender": ADA})
    assert (answer.status_code, answer.json["seq"]) == (201, 1)
    frame = json.loads(told[-1].frame)
    assert (frame["type"], frame["uid"], frame["to"], told[-1].uids) == ("pm", "7", "9", ("7", "9"))


def test_what_cannot_stand_in_a_chat_is_not_stored(shop, problem):
    problem(shop.post(ROOM, {"content": " "}), 422, "empty")
    problem(shop.post(ROOM, {"content": "x" * 4001}), 422, "too_long")
    problem(shop.post(ROOM, {"content": "\x07"}), 422, "bad_text")
    problem(shop.post(f"/people/{'9' * 65}/messages", {"content": "x"}), 422, "too_long")
    assert shop.get(ROOM).json == {"messages": []}
