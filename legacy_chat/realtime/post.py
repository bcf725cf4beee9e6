"""One receiver of a webhook: its host is looked up and checked, then everything goes to the address that was checked.

Nothing of the environment (proxies, .netrc) is heeded, no redirect is followed, and of an answer only the status
counts: whoever may name an address must not get to read the inner network through us.
"""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from socket import IPPROTO_TCP
from urllib.parse import urlsplit

import gevent
import standardwebhooks
import urllib3
from gevent import monkey
from gevent.threadpool import ThreadPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProtocolError, SSLError
from urllib3.exceptions import TimeoutError as TookTooLong

from ..core.webhooks import Delivery, Outcome, Webhook, is_public

Pool = urllib3.HTTPConnectionPool
Lookup = Callable[[str, int], list[str]]

# Bytes read of an answer, so that a connection can be used again; beyond that it is closed.
_MOST_ANSWER = 4096

# Addresses of one host that are tried.
_MOST_ADDRESSES = 3

_getaddrinfo = monkey.get_original("socket", "getaddrinfo")
_threads: ThreadPool | None = None


class Refused(Exception):
    """The receiver may not be spoken to."""


def tls() -> ssl.SSLContext:
    """Reads all certificates of the system, which takes a while: for a native thread, once."""
    return ssl.create_default_context()


def look_up(host: str, port: int) -> list[str]:
    """In threads of its own: a name server that does not answer must not keep the database's."""
    global _threads
    if _threads is None:
        _threads = ThreadPool(4)
    found = _threads.apply(_addresses, (host, port))
    if isinstance(found, Exception):
        raise found
    return found


def _addresses(host: str, port: int) -> list[str] | OSError | UnicodeError:
    """An error is given back as a value: gevent prints a traceback for what a native thread raises."""
    try:
        found = _getaddrinfo(host, port, proto=IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        return error
    return list(dict.fromkeys(str(where[0]) for *_, where in found))


class Receiver:
    """For the deliveries of one webhook that follow each other; `close` it."""

    def __init__(
        self,
        webhook: Webhook,
        seconds: float,
        private: bool,
        context: Callable[[], ssl.SSLContext] = tls,
        lookup: Lookup = look_up,
    ):
        self._url = urlsplit(webhook.url)
        self._signer = standardwebhooks.Webhook(webhook.secret)
        self._seconds = seconds
        self._late = f"no answer within {seconds:g} s"
        self._private = private
        self._context = context
        self._lookup = lookup
        self._pool: Pool | None = None

    def send(self, delivery: Delivery, now: int) -> Outcome:
        """One try, at `now` (ms)."""
        headers = self._headers(delivery, now)
        patience = gevent.Timeout(self._seconds)
        try:
            with patience:
                return Outcome(self._post(delivery.body.encode(), headers))
        except gevent.Timeout as timeout:
            if timeout is not patience:
                raise
            return Outcome(error=self._late)
        except Refused as refused:
            return Outcome(error=str(refused))
        except (HTTPError, OSError, UnicodeError) as error:
            return Outcome(error=_in_short(error, self._late))

    def close(self) -> None:
        if self._pool:
            self._pool.close()
            self._pool = None

    def _headers(self, delivery: Delivery, now: int) -> dict[str, str]:
        moment = datetime.datetime.fromtimestamp(now // 1000, datetime.timezone.utc)
        return {
            "host": self._url.netloc,
            "content-type": "application/json",
            "user-agent": "legacy_chat",
            "webhook-id": delivery.event,
            "webhook-timestamp": str(now // 1000),
            "webhook-signature": self._signer.sign(delivery.event, moment, delivery.body),
        }

    def _post(self, body: bytes, headers: dict[str, str]) -> int:
        """The status; the connection that worked is kept for the next."""
        if self._pool:
            return self._ask(self._pool, body, headers)
        failure: Exception = Refused("the host has no address")
        for pool in self._pools():
            try:
                status = self._ask(pool, body, headers)
            except (NewConnectionError, ConnectTimeoutError) as error:  # perhaps its next address answers
                failure = error
                continue
            self._pool = pool
            return status
        raise failure

    def _ask(self, pool: Pool, body: bytes, headers: dict[str, str]) -> int:
        target = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
        try:
            response = pool.urlopen(
                "POST", target, body, headers, retries=False, redirect=False, preload_content=False
            )  # fmt: skip
            with suppress(HTTPError):  # the status has come, that is enough
                response.read(_MOST_ANSWER, decode_content=False)
            response.close()  # of the connection too, unless everything was read
            return response.status
        except BaseException:
            pool.close()
            self._pool = None
            raise

    def _pools(self) -> Iterator[Pool]:
        """One for each address that may be spoken to, which is where it connects to, whatever its name says later."""
        host = self._url.hostname or ""
        secure = self._url.scheme == "https"
        port = self._url.port or (443 if secure else 80)
        addresses = self._checked(self._lookup(host, port))
        timeout = urllib3.Timeout(connect=self._seconds / max(1, len(addresses)), read=self._seconds)
        for address in addresses:
            if secure:
                yield urllib3.HTTPSConnectionPool(
                    address, port, timeout=timeout, ssl_context=self._context(), server_hostname=host
                )  # fmt: skip
            else:
                yield Pool(address, port, timeout=timeout)

    def _checked(self, addresses: list[str]) -> list[str]:
        allowed = [address for address in addresses if self._private or is_public(address)]
        if addresses and not allowed:
            raise Refused("the host has a private address (CHAT_WEBHOOK_PRIVATE=1 allows it)")
        return allowed[:_MOST_ADDRESSES]


def _in_short(error: Exception, late: str) -> str:
    """One line; urllib3's own messages name objects and addresses."""
    if isinstance(error, NewConnectionError):
        return "the receiver cannot be connected to"
    if isinstance(error, TookTooLong):
        return late
    if isinstance(error, SSLError):
        return f"TLS failed: {error}"[:200]
    if isinstance(error, ProtocolError):
        return "the receiver closed the connection, or does not speak HTTP"
    if isinstance(error, HTTPError):
        return type(error).__name__
    return f"the host cannot be looked up: {error}"[:200]
