"""What proxies make of a request on its way: path, host, scheme, address, cookie, upgrade."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from http.cookies import CookieError, SimpleCookie
from typing import Any

from .door import COOKIE, DOCTOR_PATH
from .finding import Finding, bad, note, ok
from .mends import lines_for
from .target import Reply, Target

Facts = dict[str, Any]


def check_prefix(target: Target, facts: Facts, server: str) -> tuple[Finding, str]:
    """Whether the chat is where it was looked for, and where it is. The address of a site that is mounted will do."""
    asked, arrived = target.prefix + DOCTOR_PATH, facts["request"]["path"]
    mount = facts["request"]["mount"]
    own = mount + facts["chat"]["prefix"]
    if mount == target.prefix and arrived == asked:
        return ok("prefix", f"{own}, of the site at {mount}"), own
    if arrived != asked:
        cause = f"{asked} was asked for, and {arrived} arrived: the proxy changes the path"
        return bad("prefix", target.prefix, cause, lines_for(server).path), target.prefix
    if arrived != own + DOCTOR_PATH:
        cause = f"the chat of this server is at {own}: there its CHAT_PREFIX is {facts['chat']['prefix']}"
        mend = f"CHAT_PREFIX={target.prefix} for the server, or ask {target.origin}{own}"
        return bad("prefix", target.prefix, cause, mend), own
    return ok("prefix", own), own


def check_passage(target: Target, facts: Facts, server: str) -> Iterator[Finding]:
    """`server` is who answered, as it calls itself."""
    yield _host(target, facts, server)
    yield _scheme(target, facts, server)
    yield _address(facts, server)


def _hops(facts: Facts) -> int:
    """The proxies that said whose request they passed on."""
    said = facts["request"]["forwarded"]["for"]
    return len(said.split(",")) if said else 0


def _trusts_too_many(facts: Facts) -> str:
    """The line that mends it, where more proxies are believed than there are: then none is."""
    hops = _hops(facts)
    return f"CHAT_TRUSTED_PROXIES={hops}" if 0 < hops < facts["chat"]["trusted_proxies"] else ""


def _host(target: Target, facts: Facts, server: str) -> Finding:
    seen, said = facts["seen"]["host"], facts["request"]["forwarded"]["host"]
    if target.same_host(seen):
        return ok("host", seen)
    text = f"{seen} instead of {target.netloc}"
    cause = "pages of this site look foreign to the server, so it refuses their WebSockets and polls"
    if said and target.same_host(said.rpartition(",")[2].strip()):
        cause += "; the proxy does tell the host in X-Forwarded-Host, but is not believed"
        return bad("host", text, cause, f"CHAT_TRUSTED_PROXIES={max(1, _hops(facts))}")
    return bad("host", text, cause, lines_for(server).host)


def _scheme(target: Target, facts: Facts, server: str) -> Finding:
    seen, said = facts["seen"]["scheme"], facts["request"]["forwarded"]["proto"]
    if seen == target.scheme:
        return ok("scheme", seen)
    text = f"{seen} instead of {target.scheme}"
    if not facts["chat"]["trusted_proxies"]:
        cause = "the server is told of no proxy, so it cannot know how the browser came"
        mend = "CHAT_TRUSTED_PROXIES=1" + ("" if said else f" and {lines_for(server).scheme}")
        return note("scheme", text, cause, mend)
    cause = f"pages at {target.origin} look foreign to the server, so it refuses their WebSockets and polls"
    if too_many := _trusts_too_many(facts):
        cause += f"; it is told to believe {facts['chat']['trusted_proxies']} proxies, and there are fewer"
        return bad("scheme", text, cause, too_many)
    return bad("scheme", text, cause, lines_for(server).scheme)


def _address(facts: Facts, server: str) -> Finding:
    hops, trusted = _hops(facts), facts["chat"]["trusted_proxies"]
    text = f"{facts['seen']['address'] or 'none'}, {hops} proxies on the way, {trusted} trusted"
    if hops == trusted:
        return ok("address", text)
    if not hops:
        cause = "no proxy says whose request it is, so whoever comes this way can say it instead"
        return note("address", text, cause, f"{lines_for(server).address} or CHAT_TRUSTED_PROXIES=0")
    cause = "visitors are not told apart by address, or counted as the wrong one"
    return note("address", text, cause, f"CHAT_TRUSTED_PROXIES={hops}")


def check_cookie(target: Target, reply: Reply) -> Finding:
    """Whether a browser would keep the session cookie, and send it to the chat: RFC 6265 §5.3 and §5.4."""
    try:
        given = SimpleCookie(reply.headers.get("set-cookie", "")).get(COOKIE)
    except CookieError:
        given = None
    if given is None:
        cause = "the proxy takes Set-Cookie out of answers, so nobody can log in"
        return bad("cookie", "none arrives", cause, "no `proxy_hide_header Set-Cookie;`")
    domain, path = given["domain"].lstrip(".").lower(), given["path"] or "/"
    if domain and not _is_within(target.host, domain):
        cause = f"a browser at {target.host} throws away a cookie for {domain}, so nobody is logged in there"
        return bad("cookie", f"for {domain}", cause, f"no SESSION_COOKIE_DOMAIN, or ask the site at {domain}")
    if not (target.prefix + "/").startswith(path.rstrip("/") + "/"):
        cause = f"a browser does not send it to {target.prefix}, so nobody is logged in there"
        return bad("cookie", f"for the path {path}", cause, 'SESSION_COOKIE_PATH = "/"')
    if given["samesite"].lower() == "none" and not given["secure"]:
        cause = "browsers throw away a `SameSite=None` cookie without `Secure`, so nobody is logged in"
        return bad("cookie", "SameSite=None without Secure", cause, "SESSION_COOKIE_SECURE = True, and https")
    if given["secure"] and target.scheme == "http":
        cause = "a browser keeps a `Secure` cookie only where it came over https"
        mend = "open the site over https; for trying things out SESSION_COOKIE_SECURE = False"
        return bad("cookie", "for https alone", cause, mend)
    return ok("cookie", f"for {domain or target.host}, path {path}")


def _is_within(host: str, domain: str) -> bool:
    try:
        ipaddress.ip_address(host)
        return host == domain
    except ValueError:
        return host == domain or host.endswith(f".{domain}")


def check_upgrade(facts: Facts, server: str) -> Finding:
    """Whether all that a handshake needs arrives."""
    request, lines = facts["request"], lines_for(server)
    missing, mend = [], []
    if request["protocol"] == "HTTP/1.0":
        missing.append("it arrives as HTTP/1.0")
        mend.append(lines.http)
    if "websocket" not in (request["upgrade"] or "").lower():
        missing.append("its Upgrade header does not arrive")
        mend.append(lines.upgrade)
    elif "upgrade" not in (request["connection"] or "").lower():
        missing.append("its Connection header does not arrive")
        mend.append(lines.upgrade)
    if COOKIE not in request["cookies"]:
        missing.append("its Cookie header does not arrive")
        mend.append("pass the Cookie header on")
    if not missing:
        return ok("upgrade", f"{request['protocol']}, Upgrade, Connection and Cookie arrive")
    cause = f"the proxy does not pass a WebSocket's handshake on: {', '.join(missing)}"
    return bad("upgrade", "it does not arrive whole", cause, " ".join(dict.fromkeys(mend)))
