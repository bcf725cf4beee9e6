"""Faults: seeds, the sizes of a quick and of a full run, and the figures that were measured, printed at the end.

FAULT_SEED=123   this seed instead of new ones (the test's name shows which it was)
FAULT_RUNS=20    so many runs, each with a seed of its own, of the rows that say REPEATED
FAULT_FULL=1     the full sizes; without it a quick run
FAULT_SECONDS=60 how long the soak takes
"""

from __future__ import annotations

import math
import os
import random
from collections import defaultdict
from types import SimpleNamespace

import pytest
from live import fixtures

from .checker import Checker
from .site import OPEN, FailingSite, Site

serve, server, come, dial = fixtures.serve, fixtures.server, fixtures.come, fixtures.dial
pytest_runtest_makereport = fixtures.pytest_runtest_makereport

FULL = os.environ.get("FAULT_FULL") == "1"
RUNS = int(os.environ.get("FAULT_RUNS", "1"))
SEED = os.environ.get("FAULT_SEED")
QUICK = {"people": 12, "messages": 30, "kills": 4, "signals": 2}
QUICK |= {"flaky_people": 16, "flaky_messages": 20, "flaky_seconds": 2.5}
SIZES = {"people": 30, "messages": 100, "kills": 10, "signals": 10}
SIZES |= {"flaky_people": 30, "flaky_messages": 30, "flaky_seconds": 4.0}

_measured: dict[str, list[float]] = defaultdict(list)


def pytest_generate_tests(metafunc):
    """A seed for every test that takes one; it is part of the test's name."""
    repeated = getattr(metafunc.module, "REPEATED", False)
    for name, runs in (("seed", RUNS if repeated else 1), ("once", 1)):
        if name in metafunc.fixturenames:
            seeds = [int(SEED) + n if SEED else random.randrange(10**6) for n in range(runs)]
            metafunc.parametrize(name, seeds, ids=[f"seed{seed}" for seed in seeds])


def pytest_terminal_summary(terminalreporter):
    for what, values in sorted(_measured.items()):
        ordered = sorted(values)
        p50, p99 = (ordered[math.ceil(len(ordered) * share) - 1] for share in (0.5, 0.99))
        terminalreporter.write_line(f"{what}: n {len(ordered)}, p50 {p50:.3f}, p99 {p99:.3f}, max {ordered[-1]:.3f}")


def p99(values: list[float]) -> float:
    return sorted(values)[math.ceil(len(values) * 0.99) - 1]


@pytest.fixture
def figures():
    """`figures("seconds to the ack", values)`: kept for the summary; answers their p99."""

    def keep(what: str, values: list[float]) -> float:
        _measured[what] += values
        return p99(values)

    return keep


@pytest.fixture
def sizes() -> SimpleNamespace:
    return SimpleNamespace(**(SIZES if FULL else QUICK))


@pytest.fixture
def checker(seed) -> Checker:
    return Checker(seed)


@pytest.fixture
def house(serve, monkeypatch):
    """`house(**settings)` starts a `Site`; `house(failing=True, env={"FAIL_AT": …})` one with fail points."""

    sites: list[Site] = []

    def start(*options: str, failing: bool = False, **settings) -> Site:
        monkeypatch.setattr(fixtures, "Server", FailingSite if failing else Site)
        sites.append(serve(*options, **{**OPEN, **settings}))
        return sites[-1]

    yield start
    for site in sites:
        if site.process:
            site.kill()  # quicker than a stop in good order, which test_drain.py holds
