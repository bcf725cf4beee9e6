"""The site says who is told of what; the log, and what becomes of a delivery after each try."""

from __future__ import annotations

import pytest

from legacy_chat.actions import webhooks as module
from legacy_chat.actions.webhooks import Webhooks
from legacy_chat.core.metrics import WEBHOOKS
from legacy_chat.core.webhooks import Outcome
from legacy_chat.errors import BadRequest, NotFound, Unavailable

URL = "https://shop.example/hook"
TAKEN, FAILS, GONE = Outcome(204), Outcome(500), Outcome(410)


@pytest.fixture
def hooks(make_parts) -> Webhooks:
    return Webhooks(make_parts(CHAT_WEBHOOK_RETRY_SECONDS="10,100"))


@pytest.fixture
def record(database, hooks, clock):
    """Something happens: ada comes."""

    def record() -> None:
        database.run(lambda c: hooks.record(c, "user.online", {"uid": "7"}, clock.now))

    return record


@pytest.fixture
def shop(hooks):
    return hooks.create(URL, ["user.online"])


@pytest.fixture
def attempt(hooks):
    """A worker sends what is due for a webhook, once, with that outcome; whether it may go on."""

    def attempt(webhook, outcome: Outcome) -> bool:
        [held] = [held for id_, held in hooks.free() if id_ == webhook.id]
        hold = hooks.hold(webhook.id, held)
        on = hooks.settle(hold, hooks.due(hold)[0], outcome)
        hooks.release(hold)
        return on

    return attempt


def test_a_webhook_without_a_secret_gets_a_random_one(hooks):
    one, two = hooks.create(URL, ["user.online"]), hooks.create(URL, ["user.online"])
    assert one.secret.startswith("whsec_")
    assert one.secret != two.secret
    assert hooks.list() == [one, two]
    assert hooks.get(one.id) == one


def test_a_webhook_may_bring_its_own_secret(hooks):
    secret = hooks.create(URL, ["user.online"]).secret
    assert hooks.create(URL, ["user.offline"], secret).secret == secret


@pytest.mark.parametrize(
    ("url", "events", "secret"),
    [("nowhere", ["user.online"], None), (URL, [], None), (URL, ["user.online"], "s"), ("http://10.0.0.1/", [], None)],
)
def test_what_cannot_be_a_webhook_is_refused(hooks, url, events, secret):
    with pytest.raises(BadRequest):
        hooks.create(url, events, secret)
    assert hooks.list() == []


def test_private_addresses_are_for_sites_that_allow_them(make_parts):
    hooks = Webhooks(make_parts(CHAT_WEBHOOK_PRIVATE="1"))
    assert hooks.create("http://127.0.0.1:8000/hook", ["user.online"]).url == "http://127.0.0.1:8000/hook"


def test_without_the_libraries_that_send_it_says_what_to_install(hooks, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(Unavailable, match=r'pip install "legacy_chat\[webhooks\]"'):
        hooks.create(URL, ["user.online"])


def test_a_webhook_is_changed_as_far_as_is_said(hooks, shop):
    assert hooks.update(shop.id, url="https://new.example/").url == "https://new.example/"
    changed = hooks.update(shop.id, events=["user.offline"], enabled=False)
    assert (changed.url, changed.events) == ("https://new.example/", ["user.offline"])
    assert changed.disabled
    assert hooks.update(shop.id, enabled=True).disabled is None
    with pytest.raises(BadRequest):
        hooks.update(shop.id, url="http://[::1]/")


def test_what_is_not_there_is_not_found(hooks, shop):
    hooks.delete(shop.id)
    calls = (hooks.get, hooks.delete, hooks.update, hooks.deliveries)
    for call in calls:
        with pytest.raises(NotFound):
            call(shop.id)
    with pytest.raises(NotFound):
        hooks.resend(shop.id, 1)


def test_what_was_taken_is_done(hooks, shop, record, attempt):
    record()
    assert attempt(shop, TAKEN)
    [delivery] = hooks.deliveries(shop.id)
    assert (delivery.status, delivery.attempts, delivery.code, delivery.due) == ("done", 1, 204, None)
    assert hooks.free() == []


def test_what_failed_waits_longer_each_time_and_is_given_up_in_the_end(hooks, shop, record, attempt, clock, caplog):
    record()
    waits = []
    for outcome in (FAILS, Outcome(error="no answer within 10 s"), FAILS):
        attempt(shop, outcome)
        [delivery] = hooks.deliveries(shop.id)
        waits.append(delivery.due and delivery.due - clock.now)
        clock.now = delivery.due or clock.now
    assert 8_000 <= waits[0] <= 12_000
    assert 80_000 <= waits[1] <= 120_000
    assert (waits[2], delivery.status, delivery.attempts, delivery.code) == (None, "failed", 3, 500)
    assert "given up" in caplog.text
    assert shop.secret not in caplog.text
    assert "shop.example" not in caplog.text


def test_a_failed_one_lets_the_next_pass(hooks, shop, record, attempt, clock):
    record()
    clock.now += 1
    record()
    attempt(shop, FAILS)
    attempt(shop, TAKEN)
    assert [delivery.status for delivery in hooks.deliveries(shop.id)] == ["done", "waiting"]


def test_410_disables_until_the_site_enables_it_again(hooks, shop, record, attempt):
    record()
    record()
    assert not attempt(shop, GONE)
    assert "410" in hooks.get(shop.id).disabled
    record()
    waiting, gone = hooks.deliveries(shop.id)
    assert (gone.status, gone.code, gone.due, waiting.status) == ("failed", 410, None, "waiting")
    assert hooks.free() == []
    hooks.update(shop.id, enabled=True)
    record()
    assert len(hooks.deliveries(shop.id)) == 3


def test_a_resent_delivery_starts_anew_under_its_old_id(hooks, shop, record, attempt, clock):
    record()
    attempt(shop, TAKEN)
    [done] = hooks.deliveries(shop.id)
    clock.now += 5
    again = hooks.resend(shop.id, done.id)
    assert (again.event, again.body, again.status, again.attempts) == (done.event, done.body, "waiting", 0)
    assert attempt(shop, TAKEN)
    assert len(hooks.deliveries(shop.id)) == 1


def test_the_delivery_of_another_webhook_is_not_resent(hooks, shop, record):
    other = hooks.create(URL, ["user.offline"])
    record()
    [delivery] = hooks.deliveries(shop.id)
    with pytest.raises(NotFound):
        hooks.resend(other.id, delivery.id)


def test_one_worker_sends_and_another_takes_over_when_it_died(hooks, shop, record, clock):
    record()
    [(id_, held)] = hooks.free()
    hold = hooks.hold(id_, held)
    assert hold.webhook == shop
    assert hooks.hold(id_, held) is None
    assert hooks.free() == []
    clock.now = hold.until
    [(id_, held)] = hooks.free()
    other = hooks.hold(id_, held)
    assert not hooks.settle(hold, hooks.due(other)[0], TAKEN), "who lost its hold sends nothing more"
    hooks.release(hold)
    assert hooks.hold(id_, held) is None, "nor does it release what another holds"


def test_a_webhook_that_was_stopped_meanwhile_is_not_sent_to(hooks, shop, record):
    record()
    record()
    [(id_, held)] = hooks.free()
    hold = hooks.hold(id_, held)
    hooks.update(shop.id, enabled=False)
    assert not hooks.settle(hold, hooks.due(hold)[0], TAKEN)


def test_the_log_goes_back_a_week(hooks, shop, record, clock):
    record()
    clock.now += 7 * 86_400_000
    record()
    assert not hooks.forget()
    assert len(hooks.deliveries(shop.id)) == 2
    clock.now += 1
    assert not hooks.forget()
    assert len(hooks.deliveries(shop.id)) == 1


def test_each_try_is_counted_by_how_it_ended(hooks, shop, record, attempt, clock):
    record()
    for _ in range(3):
        attempt(shop, FAILS)
        clock.now += 200_000
    record()
    attempt(shop, TAKEN)
    counts = hooks._parts.counts
    assert {how: counts[place] for how, place in WEBHOOKS.items()} == {"taken": 1, "again": 2, "given_up": 1}
