"""The table of metrics and the flat list of what was counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from legacy_chat.core import metrics
from legacy_chat.core.metrics import (
    CLOSES,
    COMMIT_SECONDS,
    CONNECTIONS,
    COUNTER,
    FRAMES_SENT,
    GAUGE,
    HISTOGRAM,
    OTHER,
    PEOPLE,
    POLLS,
    SERIES,
    SIZE,
    TABLE,
    merge,
    new_counts,
)

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE, GUIDE = DOCS / "reference" / "metrics.md", DOCS / "howto" / "operate.md"


def test_every_place_in_the_list_has_one_owner_and_one_name():
    places = [place for metric in TABLE for place in range(metric.first, metric.first + metric.size)]
    assert places == list(range(SIZE)) == list(range(len(new_counts())))
    assert len(set(SERIES)) == SIZE


def test_names_are_those_that_prometheus_wants():
    """https://prometheus.io/docs/practices/naming: one prefix, base units, no `_total` but where it is added."""
    for metric in TABLE:
        assert re.fullmatch(r"legacy_chat_[a-z_]+", metric.public_name)
        assert metric.public_name.endswith("_total") == (metric.kind == COUNTER)
        assert not re.search(r"milli|micro|_ms|_kb|_percent", metric.name)


def test_a_label_has_few_values_and_none_is_a_person_or_a_room():
    for metric in TABLE:
        assert metric.label in ("", "transport", "reason", "code", "answer", "kind", "result", "outcome", "generation")
        assert len(metric.values) < 50


def test_a_close_code_of_the_clients_own_counts_as_other():
    counts = new_counts()
    counts[CLOSES[4408]] += 1
    counts[CLOSES[3999]] += 1
    counts[CLOSES[4123]] += 1
    assert counts[CLOSES[4408]] == 1
    assert counts[CLOSES[OTHER]] == 2


def test_a_word_that_nobody_thought_of_is_a_mistake_where_all_are_known():
    with pytest.raises(KeyError):
        POLLS["perhaps"]


def test_an_observation_falls_into_the_first_bucket_that_is_large_enough():
    counts = new_counts()
    for seconds in (0.0005, 0.001, 0.0011, 4.9, 60.0):
        COMMIT_SECONDS.observe(counts, seconds)
    *buckets, total = counts[COMMIT_SECONDS.first : COMMIT_SECONDS.first + len(COMMIT_SECONDS.bounds) + 2]
    assert buckets == [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    assert total == pytest.approx(64.9026)


def test_what_another_worker_counted_is_added_by_name_and_of_a_dead_one_only_what_lasts():
    counts = new_counts()
    counts[FRAMES_SENT] = 5
    names = ["people", "never_heard_of", "frames_sent", "connections{websocket}"]
    merge(counts, names, [2, 100, 10, 4], alive=True)
    merge(counts, names, [2, 100, 10, 4], alive=False)
    assert (counts[FRAMES_SENT], counts[PEOPLE], counts[CONNECTIONS["websocket"]]) == (25, 2, 4)
    assert sum(counts) == 31


def test_every_metric_is_in_the_reference_as_the_table_has_it():
    text = REFERENCE.read_text()
    for metric in TABLE:
        label = f"`{metric.label}`" if metric.label else "–"
        row = f"| `{metric.public_name}` | {metric.kind} | {metric.unit} | {label} | {metric.help} |"
        assert row in text
    assert {line.split("`")[1] for line in text.splitlines() if line.startswith("| `legacy_chat_")} == {
        *(metric.public_name for metric in TABLE),
        "legacy_chat_workers",
        "legacy_chat_build_info",
    }


def test_the_guide_for_operators_names_no_metric_that_is_not_there():
    known = {metric.public_name for metric in TABLE} | {"legacy_chat_workers"}
    known |= {f"{metric.public_name}_bucket" for metric in TABLE if metric.kind == HISTOGRAM}
    named = set(re.findall(r"legacy_chat_[a-z_]+", GUIDE.read_text()))
    assert len(named) > 8
    assert named - known == set()


def test_kinds_are_three():
    assert {metric.kind for metric in TABLE} == {COUNTER, GAUGE, HISTOGRAM}
    assert metrics.PREFIX == "legacy_chat_"
