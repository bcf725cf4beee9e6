import pytest

from legacy_chat.actions.rooms import Rooms
from legacy_chat.actions.site_messages import SiteMessages
from legacy_chat.backplane.contract import ToPeople, ToRoom
from legacy_chat.core.api import NewMessage
from legacy_chat.core.push import Sender
from legacy_chat.errors import BadText, Empty, TooLong, Unavailable, UnknownRoom
from legacy_chat.storage import people

ADA = Sender(uid=7, name="ada")


@pytest.fixture
def site(parts):
    Rooms(parts).ensure_defaults()
    return SiteMessages(parts)


def test_a_room_hears_the_site_once_for_each_id(site, published):
    first, again = (site.to_room("lobby", NewMessage(content="Hello"), "r1") for _ in range(2))
    assert (first.seq, again.seq, again.repeated) == (1, 1, True)
    assert [type(notice) for notice in published] == [ToRoom]


def test_a_person_hears_ada_whose_name_is_known_from_now_on(site, published, parts):
    message = site.to_person("9", NewMessage(content="Hello", sender=ADA))
    assert (message.uid, message.name) == ("7", "ada")
    assert [(type(notice), notice.uids) for notice in published] == [(ToPeople, ("7", "9"))]
    assert parts.read(lambda c: people.find_name(c, "7")) == "ada"


def test_a_sender_without_a_name_goes_by_the_one_that_is_known_or_the_uid(site, parts):
    def name(uid: str) -> str:
        return site.to_room("lobby", NewMessage(content="Hello", sender=Sender(uid))).name

    assert [name("shop"), name("site")] == ["shop", "Site"]
    parts.database.run(lambda c: people.introduce(c, "shop", "Tea things"))
    assert name("shop") == "Tea things"
    assert site.to_person("9", NewMessage(content="Hello", sender=Sender("shop"))).name == "Tea things"


@pytest.mark.parametrize(("content", "error"), [(" ", Empty), ("x" * 4001, TooLong), ("\x00", BadText)])
def test_what_cannot_stand_in_a_chat_leaves_no_trace(site, parts, content, error):
    for say in (lambda new: site.to_person("9", new), lambda new: site.to_room("lobby", new)):
        with pytest.raises(error):
            say(NewMessage(content=content, sender=ADA))
    assert parts.read(lambda c: people.find_name(c, "7")) is None


def test_a_room_that_is_none_is_unknown(site):
    with pytest.raises(UnknownRoom):
        site.to_room("nowhere", NewMessage(content="x"))


def test_a_store_that_fails_is_told_to_the_caller(site, monkeypatch):
    def fail(where, author, content, done, request_id=None, sender=None):
        done(Unavailable("The store does not answer."))

    monkeypatch.setattr(site._messages, "post", fail)
    with pytest.raises(Unavailable):
        site.to_room("lobby", NewMessage(content="x"))
