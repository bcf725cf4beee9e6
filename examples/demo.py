"""Fills a site of its own with a few people, rooms and a little history, and prints how to log in.

`make demo` runs this and then the server. Running it again changes nothing.
"""

from __future__ import annotations

from legacy_chat import create_app
from legacy_chat.actions.login import Login
from legacy_chat.actions.messages import Messages
from legacy_chat.actions.rooms import Rooms
from legacy_chat.core.model import Member
from legacy_chat.site.accounts import NameTaken

PASSWORD = "demo-demo"
PEOPLE = ("ada", "ben", "小明", "chloé")
ROOMS = {"tea": ("Tea kitchen", False), "读书会": ("读书会", False), "launch": ("Launch plans", True)}
TALK = (
    ("lobby", "ada", "Good morning! The new chat is in."),
    ("lobby", "小明", "早上好！中文也没问题。"),
    ("lobby", "ben", "Nice. Does it survive a restart?"),
    ("lobby", "ada", "Try it: stop the server, start it, and read on."),
    ("tea", "chloé", "There is cake in the kitchen, see https://example.com/cake"),
    ("tea", "ben", "On my way!"),
    ("读书会", "小明", "这个月我们读什么？"),
    ("读书会", "chloé", "《三体》怎么样？"),
    ("launch", "ada", "Only the three of us can read this room."),
)
PRIVATE = (
    ("ada", "ben", "Lunch at noon?"),
    ("ben", "ada", "Yes, the usual place."),
    ("小明", "ada", "晚上一起吃饭吗？"),
)


def fill(app) -> None:
    accounts = app.extensions["site_accounts"]
    parts = app.extensions["legacy_chat"].parts
    people = {name: Member(accounts.register(name, PASSWORD).get_id(), name) for name in PEOPLE}
    rooms, messages = Rooms(parts), Messages(parts)
    for member in people.values():
        Login(parts).open(member, None, lambda snapshot: None)
    for gid, (name, private) in ROOMS.items():
        members = [m.uid for n, m in people.items() if not private or n != "chloé"]
        rooms.create(gid, name, private, tuple(members))
    for number, (gid, name, text) in enumerate(TALK):
        messages.post(rooms.find(people[name], gid), people[name], text, must_succeed, f"demo-{number}")
    for number, (author, reader, text) in enumerate(PRIVATE):
        where = messages.private(people[author].uid, people[reader].uid)
        messages.post(where, people[author], text, must_succeed, f"demo-private-{number}")


def must_succeed(result) -> None:
    if isinstance(result, Exception):
        raise result


if __name__ == "__main__":
    demo = create_app()
    try:
        fill(demo)
    except NameTaken:
        pass  # filled by an earlier run
    print("Log in as", ", ".join(PEOPLE), "with the password", PASSWORD)
