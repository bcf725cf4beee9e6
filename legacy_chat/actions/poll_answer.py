"""The answer to one poll in its order: by time, messages of a conversation by number, acks where they belong."""

from __future__ import annotations

from typing import Any

import msgspec

from ..core import frames
from ..core.model import Conversation, Message
from ..core.poll import Kept, News
from .poll_client import PollClient, Told


class PollAnswer:
    """What `client` is told of `news`: its `frames`, and `seqs`, the number of the last message by conversation id."""

    def __init__(self, client: PollClient, news: News, kept: list[Kept]):
        self._client = client
        self._me = client.here.member.uid
        ids = {id_ for id_ in client.said.values() if id_ is not None}
        self._acks = {_ack_id(told): told for told in client.out if _ack_id(told) in ids}
        self._timed: list[tuple[int, Any]] = []
        self.seqs = {h.where.id: client.here.seqs.get(h.where.id, h.since) for h in news.headings}
        for where, page in news.messages:
            self._add_page(where, page)
        self._add_notices(kept)
        self._timed.sort(key=lambda item: item[0])
        late = set(map(id, self._acks.values()))  # those that found no place: what they answer was read before
        first = [told.raw for told in client.out if _ack_id(told) not in ids or id(told) in late]
        self.frames = [*first, *(frame for _, frame in self._timed)]

    def _add_page(self, where: Conversation, page: list[Message]) -> None:
        ts = 0
        for message in page:
            ts = max(ts, message.ts)
            said = (message.conversation, message.seq) in self._client.said
            # The ack of a private message stands in its place.
            if not (said and where.pair):
                self._timed.append((ts, frames.message_frame(where, message)))
            ack = self._acks.pop(message.request_id or "", None) if said else None
            if ack is not None:
                self._timed.append((ts, ack.raw))
            self.seqs[where.id] = message.seq

    def _add_notices(self, kept: list[Kept]) -> None:
        seen: set[str] = set()
        for notice in kept:
            mine = notice.skip == self._client.client_id or notice.about == self._me
            if mine or notice.frame in seen:
                continue
            if notice.about is not None:  # it may lie under several keys
                seen.add(notice.frame)
            self._timed.append((notice.ts, msgspec.Raw(notice.frame.encode())))


def _ack_id(told: Told) -> str | None:
    """The id of the request that it acknowledges."""
    return told.event.id if isinstance(told.event, frames.Ack) else None
