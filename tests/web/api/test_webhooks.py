import time

import pytest

EVENTS = {"url": "https://shop.example/chat-events", "events": ["message.created", "user.online"]}


@pytest.fixture
def hook(shop) -> dict:
    return shop.post("/webhooks", EVENTS).json


@pytest.fixture
def record(host):
    """Something happened that webhooks may want to hear of."""
    state = host.extensions["legacy_chat"]

    def record(number: int) -> None:
        now = int(time.time() * 1000)
        state.parts.writer.call(lambda c: state.webhooks.record(c, "user.online", {"uid": str(number)}, now))

    return record


def test_a_webhook_shows_its_secret_once(shop):
    made = shop.post("/webhooks", EVENTS)
    assert made.status_code == 201
    assert made.json["secret"].startswith("whsec_")
    shown = {name: value for name, value in made.json.items() if name != "secret"}
    assert shop.get(f"/webhooks/{made.json['id']}").json == shown
    assert shop.get("/webhooks").json == {"webhooks": [shown]}
    assert sorted(shown["events"]) == EVENTS["events"]


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://127.0.0.1/"},
        {"url": "ftp://shop.example"},
        {"events": []},
        {"events": ["x"]},
        {"secret": "short"},
    ],
)
def test_a_webhook_that_may_not_be_is_not_made(shop, problem, change):
    problem(shop.post("/webhooks", {**EVENTS, **change}), 422, "bad_request")
    assert shop.get("/webhooks").json == {"webhooks": []}


def test_a_webhook_is_changed_stopped_and_started_again(shop, hook):
    path = f"/webhooks/{hook['id']}"
    assert shop.ask("PATCH", path, json={"events": ["user.offline"]}).json["events"] == ["user.offline"]
    assert shop.ask("PATCH", path, json={"enabled": False}).json["disabled"]
    assert shop.ask("PATCH", path, json={"enabled": True}).json["disabled"] is None
    assert shop.get(path).json["url"] == EVENTS["url"]


def test_a_change_that_may_not_be_changes_nothing(shop, hook, problem):
    problem(shop.ask("PATCH", f"/webhooks/{hook['id']}", json={"url": "http://10.0.0.1/"}), 422, "bad_request")
    assert shop.get(f"/webhooks/{hook['id']}").json["url"] == EVENTS["url"]


def test_a_deleted_webhook_is_gone(shop, hook, problem):
    assert shop.ask("DELETE", f"/webhooks/{hook['id']}").status_code == 204
    problem(shop.ask("DELETE", f"/webhooks/{hook['id']}"), 404, "not_found")


def test_deliveries_are_read_in_pages_the_newest_first(shop, hook, record):
    for number in range(3):
        record(number)
    path = f"/webhooks/{hook['id']}/deliveries"
    newest = shop.get(f"{path}?limit=2").json
    oldest = shop.get(f"{path}?limit=2&cursor={newest['next']}").json
    ids = [delivery["id"] for page in (newest, oldest) for delivery in page["deliveries"]]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 3
    assert "next" not in oldest
    assert newest["deliveries"][0]["type"] == "user.online"
    assert newest["deliveries"][0]["attempts"] == 0


def test_a_delivery_is_sent_again_under_the_same_event_id(shop, hook, record, problem):
    record(7)
    path = f"/webhooks/{hook['id']}/deliveries"
    [delivery] = shop.get(path).json["deliveries"]
    again = shop.ask("POST", f"{path}/{delivery['id']}/resend")
    assert (again.status_code, again.json["event"]) == (202, delivery["event"])
    problem(shop.ask("POST", f"{path}/404/resend"), 404, "not_found")


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("PATCH", ""), ("GET", "/deliveries")])
def test_a_webhook_that_is_none_is_not_found(shop, problem, method, path):
    body = {"json": {}} if method == "PATCH" else {}
    problem(shop.ask(method, f"/webhooks/404{path}", **body), 404, "not_found")
