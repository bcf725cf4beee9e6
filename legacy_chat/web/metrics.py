"""`GET /chat/metrics`: what all workers of this host counted, in the text format of Prometheus.

Caught before Flask, as the site's own hooks would send a scraper to the login page. It may be read with a key that has
the scope `metrics`, or from this very machine.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Request, Response

from ..core.metrics import COUNTER, HISTOGRAM, PREFIX, TABLE, Counts, Metric
from ..errors import ChatError
from .api.dispatch import bearer
from .api.problems import from_chat
from .services import Services

try:
    from prometheus_client import CollectorRegistry, PlatformCollector
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
except ImportError:  # the extra `metrics`
    installed = False
else:
    installed = True

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family

METRICS_PATH = "/metrics"

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

_MISSING = 'Metrics need prometheus-client: pip install "legacy_chat[metrics]"\n'

# What a proxy adds to a request that it passes on.
_FORWARDED = (
    *("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP"),
    *("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO"),
)


class MetricsDoor:
    def __init__(self, services: Services):
        self._services = services
        self._state = services.state

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        response = self._answer(Request(environ))
        response.headers["Cache-Control"] = "no-store"
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return Response("Metrics are read with GET.\n", 405, headers={"Allow": "GET, HEAD"}, mimetype="text/plain")
        try:
            self._check_reader(request)
        except ChatError as error:
            return from_chat(error)
        if not installed:
            return Response(_MISSING, 501, mimetype="text/plain")
        body, content_type = self._state.parts.offload.call(lambda: self._render(request.headers.get("Accept", "")))
        return Response(body, content_type=content_type)

    def _check_reader(self, request: Request) -> None:
        """Raises what `Keys.check` does."""
        key = bearer(request)
        if key is None and self._state.settings.metrics_loopback and is_local(request.environ):
            return
        self._services.keys.check(key, "metrics")

    def _render(self, accept: str) -> tuple[bytes, str]:
        """Takes some milliseconds, so not in the loop."""
        registry = CollectorRegistry()
        registry.register(Collector(*self._state.ledger.total()))
        encode, content_type = choose_encoder(accept)
        return encode(registry), content_type


class Collector:
    """Counts as prometheus_client's families."""

    def __init__(self, counts: Counts, workers: int):
        self._counts = counts
        self._workers = workers

    def collect(self) -> Iterator[Family]:
        for metric in TABLE:
            yield _family(metric, self._counts[metric.first : metric.first + metric.size])
        yield GaugeMetricFamily(PREFIX + "workers", "Workers that the other figures are the sum of", self._workers)
        yield _info()
        yield from PlatformCollector(registry=None).collect()


def _family(metric: Metric, counts: Counts) -> Family:
    name, help = PREFIX + metric.name, f"{metric.help} ({metric.unit})"
    if metric.kind == HISTOGRAM:
        *buckets, total = counts
        ends = [*map(str, metric.bounds), "+Inf"]
        below = list(zip(ends, accumulate(buckets), strict=True))
        return HistogramMetricFamily(name, help, buckets=below, sum_value=total)
    kind = CounterMetricFamily if metric.kind == COUNTER else GaugeMetricFamily
    family = kind(name, help, labels=[metric.label] if metric.label else [])
    for value, count in zip(metric.values or (None,), counts, strict=True):
        family.add_metric([] if value is None else [str(value)], count)
    return family


def _info() -> Family:
    family = GaugeMetricFamily(PREFIX + "build_info", "What answers; always 1", labels=["version", "python", "gevent"])
    family.add_metric([_version("legacy_chat"), platform.python_version(), _version("gevent")], 1)
    return family


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a checkout
        return "unknown"


def is_local(environ: Environ) -> bool:
    """Whether a request comes straight from this machine: no proxy, as far as one can be told from a request.

    One that adds no header at all still names itself by its old HTTP version, or by the host it was told of.
    """
    if any(name in environ for name in _FORWARDED) or environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        return False
    return _is_loopback(environ.get("REMOTE_ADDR", "")) and _is_loopback(_host(environ.get("HTTP_HOST", "")))


def _host(given: str) -> str:
    try:
        return urlsplit(f"//{given}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
