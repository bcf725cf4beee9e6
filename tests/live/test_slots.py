"""A worker's places for requests: held polls take half of them at the most, and pages have the others."""

from __future__ import annotations

import time

import pytest

from .polls import Answer, Page
from .raw import eventually


def seventh(page: Page, held: list, others: list[Page]) -> Answer:
    """The answer to one more poll. Those that were answered meanwhile, as people come and go, are held again."""
    for place, poll in enumerate(held):
        if poll.over:
            take(others[place], poll.answer())
            held[place] = others[place].hold()
    return take(page, page.post(wait=0.1))


def take(page: Page, answer: Answer) -> Answer:
    return page.move(answer) if answer.status == 200 else answer


@pytest.mark.timed
def test_held_polls_leave_room_for_pages(serve):
    server = serve("--worker-connections", "12")
    *others, page = [Page(server, str(number)) for number in range(7)]
    for each in (*others, page):
        each.login()
        each.close()  # a connection that is kept takes a place as well
    held = [each.hold() for each in others]
    answers: list[Answer] = []
    eventually(lambda: answers.append(seventh(page, held, others)) or answers[-1].status == 503, what="a refusal")
    assert int(answers[-1].headers["retry-after"]) > 0
    assert "as many polls as it may" in answers[-1].frames[0]["message"]
    began = time.monotonic()
    assert server.browser().open("/login")[0] == 200
    assert time.monotonic() - began < 2
    for connection in (*(poll.connection for poll in held), *others, page):
        connection.close()
