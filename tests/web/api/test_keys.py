def test_a_key_is_made_used_and_revoked(shop, stranger, problem):
    made = shop.post("/keys", {"name": "cron", "scopes": ["rooms", "push"]})
    assert made.status_code == 201
    assert made.json["scopes"] == ["push", "rooms"]
    stranger.secret = made.json["key"]
    assert stranger.get("/rooms").status_code == 200
    revoked = shop.ask("DELETE", f"/keys/{made.json['id']}").json
    assert revoked["revoked"]
    problem(stranger.get("/rooms"), 401, "bad_key")


def test_the_list_shows_the_last_use_and_never_a_key(shop, back_end):
    desk = back_end("rooms")
    desk.get("/rooms")
    answer = shop.get("/keys")
    mine, theirs = answer.json["keys"]
    assert theirs["used"] >= theirs["created"]
    assert theirs["hint"] == desk.secret[:7]
    assert desk.secret not in answer.text
    assert shop.secret not in answer.text
    assert mine["name"] == "shop"


def test_a_key_hands_on_no_scope_that_it_lacks(back_end, problem):
    porter = back_end("keys", "push")
    assert porter.post("/keys", {"name": "cron", "scopes": ["push"]}).status_code == 201
    problem(porter.post("/keys", {"name": "cron", "scopes": ["push", "rooms"]}), 403, "forbidden")
    problem(porter.post("/keys", {"name": "cron", "scopes": ["all"]}), 403, "forbidden")


def test_a_key_that_is_none_cannot_be_revoked(shop, problem):
    problem(shop.ask("DELETE", "/keys/404"), 404, "not_found")
    problem(shop.ask("DELETE", f"/keys/{10**30}"), 404, "not_found")


def test_a_scope_that_is_none_is_refused(shop, problem):
    problem(shop.post("/keys", {"name": "cron", "scopes": ["root"]}), 422, "bad_request")
    problem(shop.post("/keys", {"name": "cron", "scopes": []}), 422, "bad_request")
