"""From the answers to one table: medians, ratios, faults, goals, and the machine."""

import json
import os
import platform
import re
import shutil
import sqlite3
import subprocess
from collections import defaultdict
from datetime import date
from pathlib import Path
from statistics import median

from goals import GOALS
from install import BENCH, VENV
from servers import ROOT, own_program
from works import METRICS, WORKS

DISTURBED = 0.03  # of the time: more, and the figures are those of a shared machine
START, END = "<!-- measured: start -->", "<!-- measured: end -->"


class Results:
    """The answers of all repetitions, by server and work."""

    def __init__(self):
        self.answers = defaultdict(list)
        self.errors = {}

    def add(self, server, work, answer):
        self.answers[server, work].append(answer)

    def fail(self, server, work, error):
        self.errors[server, work] = error

    def value(self, server, metric):
        """The median over the repetitions; None where there is none."""
        values = [answer[metric.phase][metric.key] for answer in self.answers[server, metric.work]]
        return median(values) if values else None

    def faults(self, server, work):
        total = defaultdict(int)
        for answer in self.answers[server, work]:
            for name, count in answer["faults"].items():
                total[name] += count
        return {name: count for name, count in total.items() if count}

    def disturbed(self, server, work):
        """The share of the time in which other processes had the load's core, in the worst phase; median."""
        shares = [
            max(phase.get("load_waited", 0) for phase in answer.values()) for answer in self.answers[server, work]
        ]
        return median(shares) if shares else 0

    def load_busy(self, server):
        busy = [answer["best"]["load_busy"] for answer in self.answers[server, "a"]]
        return median(busy) if busy else None


def cell(results, metric, server, base):
    value = results.value(server, metric)
    if value is None:
        return "–"
    ours = results.value(base, metric)
    if server == base or not ours or value <= 0:
        return metric.text(value)
    return f"{metric.text(value)} (×{ratio_text(ours / value)})"


def ratio_text(ratio):
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}" if ratio >= 2 else f"{ratio:.2f}"


def table(rows):
    """Rows of text as a markdown table that also reads well in a terminal."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)


def comparison(results, servers, base):
    metrics = [metric for metric in METRICS if any(results.value(s.name, metric) is not None for s in servers)]
    head = ["server", *(metric.title for metric in metrics)]
    rows = [[s.title, *(cell(results, metric, s.name, base.name) for metric in metrics)] for s in servers]
    return table([head, *rows])


def notes(results, servers):
    """Everything that spoils a figure, one line each."""
    lines = [
        f"- {server.title}, {work.title}: {note}"
        for server in servers
        for work in WORKS
        for note in spoilers(results, server.name, work.name)
    ]
    if not any(results.faults(server.name, work.name) for server in servers for work in WORKS):
        lines.append("- Nothing was lost, doubled, reordered or misnumbered, and no connection was closed.")
    return lines


def spoilers(results, server, work):
    if error := results.errors.get((server, work)):
        yield f"failed: {' '.join(error.split())[:300]}"
    if faults := results.faults(server, work):
        yield ", ".join(f"{count:,} {name}" for name, count in faults.items())
    if (share := results.disturbed(server, work)) > DISTURBED:
        yield f"other processes had the load's core for {share:.0%} of the time"


def load_line(results, servers):
    """How busy the load generator was in each server's best step: near 100 % it is the load that is measured."""
    busy = [(server.title, results.load_busy(server.name)) for server in servers]
    shares = ", ".join(f"{title} {share:.0%}" for title, share in busy if share is not None)
    return f"Load generator's core in the best step of A: {shares}." if shares else ""


def goal_table(results):
    rows = [goal.row(results) for goal in GOALS]
    return table([["goal", "wanted", "reached", ""], *rows])


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def machine():
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    name = cpu[1] if cpu else platform.machine()
    return f"{name}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}"


def packages(python, names):
    """The versions of these packages in one virtual environment."""
    listed = output_of(str(python), "-m", "pip", "list", "--format", "freeze").splitlines()
    versions = dict(line.split("==", 1) for line in listed if "==" in line)
    known = {name.lower(): f"{name} {version}" for name, version in versions.items()}
    return ", ".join(known[name] for name in names if name in known)


def own_versions():
    commit = output_of("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")
    names = ("flask", "gunicorn", "gevent", "gevent-websocket", "websockets", "msgspec", "sqlalchemy")
    return f"legacy_chat {commit} with {packages(own_program('python'), names)}, SQLite {sqlite3.sqlite_version}"


def peer_versions():
    pinned = re.findall(r"^([\w-]+)==", (BENCH / "requirements.txt").read_text().lower(), re.M)
    return f"The peers: {packages(VENV / 'bin/python', pinned)}"


def tool_versions():
    tools = [f"CPython {platform.python_version()}", output_of("cc", "--version").splitlines()[0]]
    if shutil.which("node"):
        pinned = json.loads((BENCH / "package.json").read_text())["dependencies"]
        tools += [f"Node {output_of('node', '--version')}", *(f"{name} {version}" for name, version in pinned.items())]
    return ", ".join(tools)


def whole(results, servers, base, method, with_goals):
    """The measured part of the document."""
    parts = [
        f"Measured on {date.today():%Y-%m-%d}: {machine()}. {method}",
        f"{own_versions()}. {peer_versions()}. {tool_versions()}.",
        f"In brackets: {base.title} divided by that server; more is better, except for times, CPU and bytes.",
        comparison(results, servers, base),
        load_line(results, servers),
        "\n".join(notes(results, servers)),
    ]
    if with_goals and base.name == "ours":
        parts.append(goal_table(results))
    return "\n\n".join(part for part in parts if part)


def write(path, text):
    """Put the text between the marks of the document; people write what stands around it."""
    document = path.read_text()
    before, _, rest = document.partition(START)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{START}\n\n{text}\n\n{END}{after}")
