"""What was said, what was confirmed, what is stored and what each client saw: do they tell one story?

    attempted ──▶ acked ──▶ stored (numbered 1, 2, 3 …)
                              ▲
    each client's log ────────┘ from where it came in, every number once and in order

People feed it from their threads while faults happen; `verdict` is asked once everything is quiet.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import NamedTuple

_SHOWN = 5  # of each kind of fault, in the report

_STORED = """
    SELECT c.gid, m.seq, m.uid, m.request_id, m.content
    FROM chat_messages AS m JOIN chat_conversations AS c ON c.id = m.conversation
    WHERE c.gid IS NOT NULL ORDER BY c.gid, m.seq
"""

Key = tuple[str, str]  # (uid, id): who said it, and the id that the client chose


class Entry(NamedTuple):
    """One message, as it is stored or as a client saw it."""

    seq: int
    uid: str
    id: str
    text: str

    @property
    def key(self) -> Key:
        return self.uid, self.id


class Attempt(NamedTuple):
    room: str
    text: str


class Log:
    """What one client saw of one room, in the order in which it saw it; `after` is the number it came in at."""

    def __init__(self, client: str, room: str, after: int):
        self.client, self.room, self.after = client, room, after
        self.entries: list[Entry] = []

    @property
    def newest(self) -> int:
        return self.entries[-1].seq if self.entries else self.after

    def __str__(self) -> str:
        return f"{self.client} in {self.room}"


@dataclass
class Verdict:
    """Every fault that was found, by kind; nothing in any list is what is wanted."""

    seed: object
    figures: str
    lost: list[str] = field(default_factory=list)  # acked and not in the history
    duplicated: list[str] = field(default_factory=list)  # a number, or a (uid, id), twice
    unexpected: list[str] = field(default_factory=list)  # stored, and never said like that, or said to have failed
    gaps: list[str] = field(default_factory=list)  # a number left out, or out of order
    diverging: list[str] = field(default_factory=list)  # one number, two contents
    missing: list[str] = field(default_factory=list)  # stored, and a client that was there never saw it

    @property
    def faults(self) -> dict[str, list[str]]:
        lists = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: found for name, found in lists.items() if isinstance(found, list) and found}

    @property
    def clean(self) -> bool:
        return not self.faults

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: {self.figures}"]
        for name, found in self.faults.items():
            lines.append(f"{name}: {len(found)}")
            lines += [f"    {fault}" for fault in found[:_SHOWN]]
        return "\n".join(lines)


class Checker:
    def __init__(self, seed: object):
        self.seed = seed
        self.attempts: dict[Key, Attempt] = {}
        self.acks: dict[Key, int] = {}
        self.failures: dict[Key, str] = {}
        self.logs: list[Log] = []

    # -- while it happens -----------------------------------------------------------------------------------

    def attempted(self, uid: str, id: str, room: str, text: str) -> None:
        """Before the first byte is sent."""
        self.attempts[uid, id] = Attempt(room, text)

    def acked(self, uid: str, id: str, seq: int) -> None:
        self.acks[uid, id] = seq

    def failed(self, uid: str, id: str, code: str) -> None:
        """The server answered that it was not stored, and nobody tries again."""
        self.failures[uid, id] = code

    def log(self, client: str, room: str, after: int = 0) -> Log:
        """A client came into a room at number `after`; it fills the log's `entries` itself."""
        self.logs.append(Log(client, room, after))
        return self.logs[-1]

    # -- afterwards -----------------------------------------------------------------------------------------

    def check(self, history: Mapping[str, Iterable[Entry]]) -> Verdict:
        """The verdict, which must be clean."""
        verdict = self.verdict(history)
        assert verdict.clean, str(verdict)
        return verdict

    def verdict(self, history: Mapping[str, Iterable[Entry]]) -> Verdict:
        stored = {room: list(entries) for room, entries in history.items()}
        verdict = Verdict(self.seed, self._figures(stored))
        self._check_history(verdict, stored)
        self._check_acks(verdict, stored)
        for log in self.logs:
            _check_log(verdict, log, stored.get(log.room, []))
        self._check_clients_agree(verdict)
        return verdict

    def _figures(self, stored: dict[str, list[Entry]]) -> str:
        rows, seen = sum(map(len, stored.values())), sum(len(log.entries) for log in self.logs)
        return f"{len(self.attempts)} attempts, {len(self.acks)} acks, {rows} stored, {seen} seen"

    def _check_history(self, verdict: Verdict, stored: dict[str, list[Entry]]) -> None:
        for room, entries in stored.items():
            _check_order(verdict, f"history of {room}", entries, after=0)
            for entry in entries:
                if self.attempts.get(entry.key) != (room, entry.text):
                    verdict.unexpected.append(f"{room}: {entry}")
                if entry.key in self.failures and entry.key not in self.acks:
                    verdict.unexpected.append(f"{room}: {entry} after the error {self.failures[entry.key]}")
        everywhere = (entry.key for entries in stored.values() for entry in entries)
        verdict.duplicated += [f"{key} is stored {times} times" for key, times in _repeated(everywhere)]

    def _check_acks(self, verdict: Verdict, stored: dict[str, list[Entry]]) -> None:
        places = defaultdict(set)
        for room, entries in stored.items():
            for entry in entries:
                places[entry.key].add((room, entry.seq))
        for key, seq in self.acks.items():
            if key not in places:
                verdict.lost.append(f"{key}, acked as {seq}")
            elif key in self.attempts and (self.attempts[key].room, seq) not in places[key]:
                verdict.diverging.append(f"{key} was acked as {seq} and is stored at {places[key]}")

    def _check_clients_agree(self, verdict: Verdict) -> None:
        seen: dict[tuple[str, int], tuple[Log, Entry]] = {}
        for log in self.logs:
            for entry in log.entries:
                other, first = seen.setdefault((log.room, entry.seq), (log, entry))
                if first != entry:
                    verdict.diverging.append(f"{other} saw {first}, {log} saw {entry}")


def _check_log(verdict: Verdict, log: Log, stored: list[Entry]) -> None:
    _check_order(verdict, str(log), log.entries, log.after)
    verdict.duplicated += [f"{log}: {key} came {times} times" for key, times in _repeated(e.key for e in log.entries)]
    by_seq = {entry.seq: entry for entry in stored}
    for entry in log.entries:
        if by_seq.get(entry.seq, entry) != entry:
            verdict.diverging.append(f"{log} saw {entry}, stored is {by_seq[entry.seq]}")
        elif entry.seq not in by_seq:
            verdict.unexpected.append(f"{log} saw {entry}, which is not stored")
    seen = {entry.seq for entry in log.entries}
    verdict.missing += [f"{log}: {seq}" for seq in by_seq if seq > log.after and seq not in seen]


def _check_order(verdict: Verdict, where: str, entries: list[Entry], after: int) -> None:
    """Each entry's number is one more than the last's."""
    newest = after
    for entry in entries:
        if entry.seq != newest + 1:
            verdict.gaps.append(f"{where}: {entry.seq} after {newest}")
        newest = entry.seq
    verdict.duplicated += [f"{where}: number {n}, {times} times" for n, times in _repeated(e.seq for e in entries)]


def _repeated(items: Iterable) -> list[tuple]:
    return [(item, times) for item, times in Counter(items).items() if times > 1]


def read_history(file: Path) -> dict[str, list[Entry]]:
    """The rooms of a SQLite file, read past the product."""
    history: dict[str, list[Entry]] = defaultdict(list)
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        for gid, seq, uid, id, text in connection.execute(_STORED):
            history[gid].append(Entry(seq, uid, id or "", text))
    finally:
        connection.close()
    return history
