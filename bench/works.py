"""The works: what the load generator is told, and what is read from its answer."""

import json
import subprocess
from dataclasses import dataclass

from install import BUILD

LOAD_CORE = "1"
WARM = 200  # connections that `idle` makes first, beside those it counts
LIMIT_SECONDS = 300


@dataclass(frozen=True)
class Work:
    name: str
    conns: int
    quick_conns: int
    title: str


WORKS = (
    Work("a", 1000, 200, "one room of 1000"),
    Work("b", 1000, 200, "200 rooms of 5"),
    Work("dm", 100, 20, "50 private conversations"),
    Work("idle", 5000, 500, "5000 logged-in connections"),
)


@dataclass(frozen=True)
class Metric:
    """A column: where its figure stands in the answer, and how it is written."""

    name: str
    title: str
    work: str
    phase: str
    key: str
    digits: int = 0
    less_is_better: bool = False

    def text(self, value):
        return f"{value:,.{self.digits}f}"


METRICS = (
    Metric("fan", "A deliveries/s", "a", "best", "deliveries_per_s"),
    Metric("fan_closed", "A, 10 in flight, deliveries/s", "a", "closed", "deliveries_per_s"),
    Metric("fan_p99", "A at 20/s: p99 ms", "a", "low", "p99_ms", 1, True),
    Metric("fan_cpu", "A at 20/s: CPU µs/delivery", "a", "low", "server_us", 1, True),
    Metric("rooms", "B messages/s", "b", "closed", "messages_per_s"),
    Metric("private", "DM messages/s", "dm", "closed", "messages_per_s"),
    Metric("private_p50", "DM alone: ack p50 ms", "dm", "alone", "ack_p50_ms", 2, True),
    Metric("handshakes", "handshakes/s", "idle", "idle", "handshakes_per_s"),
    Metric("newcomers", "first logins/s", "idle", "idle", "newcomers_per_s"),
    Metric("memory", "bytes per idle connection", "idle", "idle", "bytes_per_connection", 0, True),
)


def ask(running, work, conns, seconds):
    """One run of the load generator against a running server: its answer, or RuntimeError."""
    options = {
        "--protocol": running.server.protocol,
        "--port": running.port,
        "--pids": ",".join(running.pids()),
        "--work": work.name,
        "--conns": conns,
        "--seconds": seconds,
    }
    command = ["taskset", "-c", LOAD_CORE, str(BUILD / "load"), *running.extra]
    command += [str(word) for option in options.items() for word in option]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"no result within {LIMIT_SECONDS} s") from None
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"the load generator ended with {done.returncode}")
    return json.loads(done.stdout)
