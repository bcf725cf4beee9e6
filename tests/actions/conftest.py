from __future__ import annotations

import pytest

from legacy_chat.actions.events import Events
from legacy_chat.actions.handlers import Handlers
from legacy_chat.actions.local import Local, LocalClient
from legacy_chat.actions.requests import Requests
from legacy_chat.core.model import Member
from legacy_chat.errors import BadToken


class Site:
    """A site with handlers, whose people are in this process: `site.come(ada)`."""

    def __init__(self, parts):
        self.parts = parts
        self.handlers = Handlers()
        self.events = Events(parts, self.handlers)
        self.local = Local(parts, lambda online: Requests(parts, online, self._verify, events=self.events))
        self.local.requests.rooms.ensure_defaults()

    def on(self, name: str):
        return lambda function: self.handlers.add(name, function)

    def page(self, member: Member | None) -> LocalClient:
        return self.local.client(member)

    def come(self, member: Member) -> LocalClient:
        page = self.page(member)
        page.connect()
        return page

    def _verify(self, token: str) -> Member:
        if token != "token of ada":
            raise BadToken("Not one of this site.")
        return Member("7", "ada")


@pytest.fixture
def site(parts) -> Site:
    return Site(parts)
