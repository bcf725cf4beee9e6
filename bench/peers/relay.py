"""What the plain peers share: rooms, names, and the little protocol of ``bench/load/protocols.c``.

Sends block, one after the other: this is what a chat looks like when it is written straight down.
"""

from collections import defaultdict

rooms = defaultdict(set)
people = {}


class Member:
    """One connection, from its login to its end; ``send`` takes one text frame."""

    def __init__(self, send):
        self.send = send
        self.uid = self.room = None

    def take(self, text):
        kind = text[0]
        if kind == "G":
            self.say(text)
        elif kind == "P":
            self.tell(text)
        elif kind == "L":
            self.login(text)

    def login(self, text):
        _, self.uid, self.room = text.split(" ")
        rooms[self.room].add(self)
        people[self.uid] = self
        self.send("L")

    def say(self, text):
        room = text.split(" ", 2)[1]
        for member in list(rooms[room]):
            member.send(text)

    def tell(self, text):
        _, uid, number, _ = text.split(" ", 3)
        people[uid].send(text)
        self.send("A " + number)

    def leave(self):
        rooms[self.room].discard(self)
        people.pop(self.uid, None)
