"""The kit as a whole: a house without faults is found clean, and one that forgets what it acked is found out."""

from __future__ import annotations

from .people import Crowd
from .proxy import Proxy


def test_where_nothing_happens_nothing_is_found(house, checker):
    site = house()
    with Proxy(site.port) as proxy, Crowd(site, checker, people=6, through=proxy.port) as crowd:
        crowd.speak(10, pause=0.02)
        crowd.finish()
        verdict = checker.check(site.history())
        assert len(checker.acks) == len(checker.attempts) == 60
        assert "60 attempts, 60 acks, 60 stored" in verdict.figures
        assert crowd.not_sent == 0
        assert len(crowd.delays) == sum(len(log.entries) for log in checker.logs)


def test_a_site_that_forgets_what_it_acked_is_found_out(house, checker):
    site = house(failing=True, env={"FORGETS": "5"})
    with Crowd(site, checker, people=6) as crowd:
        crowd.speak(10, pause=0.02)
        crowd.finish()
        verdict = checker.verdict(site.history())
        assert len(verdict.lost) >= 5
        assert "lost" in str(verdict)
        assert f"seed {checker.seed}" in str(verdict)
        assert verdict.diverging  # the number went to somebody else's words
