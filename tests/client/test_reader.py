"""What the frames of the server come to: messages in their order, holes filled, answers told to who asked."""

from __future__ import annotations

from legacy_chat.core import frames

from .script import LIMITS, Peer, message, numbers


def test_a_hole_is_filled_by_history_before_later_messages_are_handed_out(play, ada):
    def scene(peer: Peer) -> None:
        peer.login(lobby=1)
        peer.say(4)
        asked = peer.hear("history")
        assert (asked["gid"], asked["after"]) == ("lobby", 1)
        peer.send(type="error", id=asked["id"], code="unavailable", message="later", retry_after=0.05)
        asked = peer.hear("history")
        peer.say(5)
        page = [message(seq) for seq in (2, 3, 4)]
        peer.send(type="ack", id=asked["id"], ok=True, messages=page, more=False)
        asked = peer.hear("history")
        assert asked["after"] == 4
        peer.send(type="ack", id=asked["id"], ok=True, messages=[message(5)], more=False)
        peer.say(6)
        peer.stay()

    assert numbers(ada(play(scene)), 5) == [2, 3, 4, 5, 6]


def test_a_hole_in_a_room_that_one_was_removed_from_holds_nothing_up(play, ada):
    def scene(peer: Peer) -> None:
        peer.login(lobby=1, tea=1)
        peer.say(4, "tea")
        peer.send(type="error", id=peer.hear("history")["id"], code="not_member", message="no")
        peer.say(2)
        peer.stay()

    client = ada(play(scene))
    assert numbers(client, 1) == [2]
    assert client.cursor.seqs == {"g:lobby": 2}


def test_a_gap_after_a_lost_history_is_handed_out(play, ada):
    def before(peer: Peer) -> None:
        peer.login(lobby=41)
        peer.vanish()

    def after(peer: Peer) -> None:
        peer.send(type="hello", client_id=1, version=1, limits=LIMITS, ping=25)
        login = peer.hear("login")
        room = {"gid": "lobby", "name": "Lobby", "seq": 2, "read": 0, "unread": 2, "private": False, "ts": 0}
        who = {"uid": "1", "name": "ada", "client_id": 1, "epoch": "e2"}
        peer.send(type="login", **who, groups=[room], peers=[], online={"users": 1, "connections": 1})
        peer.send(type="gap", gid="lobby", after=41, seq=2)
        peer.send(type="ack", id=login["id"], ok=True)
        peer.say(3)
        peer.stay()

    client = ada(play(before, after))
    gap = client.receive(10)
    assert isinstance(gap, frames.Gap)
    assert (gap.gid, gap.after, gap.seq) == ("lobby", 41, 2)
    assert numbers(client, 1) == [3]
    assert client.cursor == frames.Resume("e2", {"g:lobby": 3})


def test_ones_own_private_message_is_handed_out_as_it_was_stored(play, ada):
    def scene(peer: Peer) -> None:
        peer.login()
        peer.ack(peer.hear("pm")["id"], seq=1)
        peer.stay()

    client = ada(play(scene))
    client.pm(2, "one\r\ntwo", id="mine")
    own = client.receive(10)
    assert own == frames.PrivatePm("1", "2", "ada", "one\ntwo", 1, 5, "1.1", "mine")
    assert client.cursor.seqs == {"p:2": 1}


def test_other_frames_come_as_they_are_and_those_of_a_newer_server_are_passed_over(play, ada):
    def scene(peer: Peer) -> None:
        peer.login()
        peer.send(type="fireworks", colour="green")
        peer.send(type="presence", uid="2", online=True)
        peer.send(type="pong")
        peer.send(type="error", code="rate_limited", message="slowly")
        peer.stay()

    client = ada(play(scene))
    assert client.receive(10) == frames.Presence("2", True)
    assert client.receive(10) == frames.Error("rate_limited", "slowly")
    assert client.receive(0.05) is None
