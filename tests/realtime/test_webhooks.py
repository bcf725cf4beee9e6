"""The sender: in order, one at a time for each webhook, with rests for receivers that fail."""

from __future__ import annotations

import gevent
import pytest

from legacy_chat.actions.webhooks import Webhooks
from legacy_chat.core.webhooks import Outcome
from legacy_chat.errors import Unavailable
from legacy_chat.realtime import webhooks as module
from legacy_chat.realtime.webhooks import Sender

TAKEN, FAILS = Outcome(204), Outcome(500)


class World:
    """A site with webhooks; `outcomes` are what its receivers do, by URL, then they take all."""

    def __init__(self, parts, monkeypatch):
        self.parts, self.webhooks = parts, Webhooks(parts)
        self.now, self.over = 0.0, False
        self.sent: list[tuple[str, str]] = []
        self.outcomes: dict[str, list[Outcome]] = {}
        self.gates: dict[str, gevent.event.Event] = {}
        self.open = self.most = 0
        world = self

        class Receiver:
            def __init__(self, webhook, *_):
                self.url = webhook.url

            def send(self, delivery, now) -> Outcome:
                return world.take(self.url, delivery)

            def close(self) -> None:
                pass

        monkeypatch.setattr(module.post, "Receiver", Receiver)
        monkeypatch.setattr(module, "monotonic", lambda: self.now)
        self.sender = Sender(parts, self.webhooks, lambda: self.over)

    def take(self, url: str, delivery) -> Outcome:
        self.open += 1
        self.most = max(self.most, self.open)
        if url in self.gates:
            self.gates[url].wait()
        self.open -= 1
        self.sent.append((url[-1], delivery.event))
        outcomes = self.outcomes.get(url)
        return outcomes.pop(0) if outcomes else TAKEN

    def create(self, name: str):
        return self.webhooks.create(f"https://shop.example/{name}", ["user.online"])

    def happen(self, times: int = 1) -> list[str]:
        """Events for all; their ids."""
        for _ in range(times):
            self.parts.clock.now += 1
            self.parts.database.run(lambda c: self.webhooks.record(c, "user.online", {}, self.parts.clock.now))
        newest = self.webhooks.deliveries(self.webhooks.list()[0].id, limit=times)
        return [delivery.event for delivery in reversed(newest)]

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.parts.clock.now += round(seconds * 1000)

    def look(self) -> None:
        """One look of the sender, and what it began is over unless a gate is closed."""
        self.sender.run()
        for _ in range(50):
            gevent.sleep(0)

    def tries(self, name: str) -> list[str]:
        return [event for to, event in self.sent if to == name]


@pytest.fixture
def world(make_parts, monkeypatch):
    return World(make_parts(CHAT_WEBHOOK_RETRY_SECONDS="10,100,1000"), monkeypatch)


@pytest.fixture
def shop(world):
    return world.create("a")


def test_events_are_sent_in_their_order_and_once(world, shop):
    events = world.happen(45)
    world.look()
    world.look()
    assert world.tries("a") == events
    assert {delivery.status for delivery in world.webhooks.deliveries(shop.id)} == {"done"}


def test_a_failed_event_is_tried_again_and_the_others_pass(world, shop):
    world.outcomes[shop.url] = [FAILS]
    first, second = world.happen(2)
    world.look()
    assert world.tries("a") == [first]
    world.wait(5)
    world.look()
    assert world.tries("a") == [first], "a receiver that has just failed rests"
    world.wait(7)
    world.look()
    assert sorted(world.tries("a")) == sorted([first, first, second])


def test_one_event_that_cannot_be_digested_does_not_hold_up_the_others(world, shop):
    world.outcomes[shop.url] = [FAILS, TAKEN, TAKEN, FAILS]
    poison, *others = world.happen(3)
    world.look()
    world.wait(10)
    world.look()
    assert [event for event in world.tries("a") if event != poison] == others


def test_a_receiver_that_is_down_costs_a_try_a_minute(world, shop):
    world.outcomes[shop.url] = [FAILS] * 1000
    world.happen(100)
    for _ in range(600):
        world.look()
        world.wait(1)
    assert 8 <= len(world.tries("a")) <= 12


def test_a_receiver_that_is_back_gets_all_at_once(world, shop):
    world.outcomes[shop.url] = [FAILS] * 3
    events = world.happen(50)
    for _ in range(60):
        world.look()
        world.wait(10)
    assert set(world.tries("a")) == set(events)
    assert len(world.tries("a")) == 53


def test_a_slow_receiver_holds_up_nobody_else_and_never_gets_two_at_once(world, shop):
    world.create("b")
    world.gates[shop.url] = gevent.event.Event()
    events = world.happen(3)
    for _ in range(3):
        world.look()
    assert (world.tries("a"), world.open) == ([], 1)
    world.gates[shop.url].set()
    world.look()
    assert world.tries("a") == events
    assert len(world.tries("b")) == 3


def test_only_so_many_webhooks_are_sent_to_at_once_and_all_get_their_turn(world, shop, monkeypatch):
    gate = gevent.event.Event()
    webhooks = [shop] + [world.create(name) for name in "bcdefghijkl"]
    world.gates = {webhook.url: gate for webhook in webhooks}
    world.happen()
    world.look()
    assert world.open == module._AT_ONCE
    gate.set()
    world.look()
    world.look()
    assert (len(world.sent), world.most) == (len(webhooks), module._AT_ONCE)


def test_a_webhook_with_much_to_send_lets_others_have_its_place(world, shop, monkeypatch):
    monkeypatch.setattr(module, "_TURN", 0.0)
    world.happen(3)
    world.look()
    assert world.sent == []
    monkeypatch.setattr(module, "_TURN", 10.0)
    world.look()
    assert len(world.sent) == 3


def test_a_worker_that_ends_sends_nothing_more(world, shop):
    world.gates[shop.url] = gevent.event.Event()
    world.happen(3)
    world.look()
    world.over = True
    world.gates[shop.url].set()
    for _ in range(50):
        gevent.sleep(0)
    assert len(world.sent) == 1
    [(id_, _)] = world.webhooks.free()
    assert id_ == shop.id, "and the next worker need not wait"


def test_a_store_that_does_not_answer_costs_at_most_a_second_delivery(world, shop, monkeypatch):
    [event] = world.happen()

    def fail(*_):
        raise Unavailable("The message store does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(world.webhooks, "settle", fail)
        world.look()
    world.wait(30)
    world.look()
    world.look()
    assert world.tries("a") == [event, event]


def test_without_the_libraries_the_log_says_what_to_install(world, shop, monkeypatch):
    monkeypatch.setattr("legacy_chat.actions.webhooks.find_spec", lambda name: None)
    world.sender.run()
    world.happen()
    with pytest.raises(Unavailable, match="pip install"):
        world.sender.run()


def test_the_old_log_is_cleared_now_and_then(world, shop):
    world.happen()
    world.look()
    world.wait(8 * 86_400)
    world.look()
    assert world.webhooks.deliveries(shop.id) == []
