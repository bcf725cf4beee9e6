"""Addresses that a proxy listens at, in the words of each: `8443`, `127.0.0.1:8443`, `[::]:8443`, `http://:8443`."""

from __future__ import annotations

import re
from typing import NamedTuple

_EVERYWHERE = ("", "*")
_IP = r"[\d.]+|\[.*\]"


class Block(NamedTuple):
    """Of a Caddyfile: its `sites` and the interfaces to `bind`, none for all."""

    sites: list[str]
    bind: list[str]


def apache(address: str) -> str:
    """As a VirtualHost has it, where a bare port would be a name."""
    return f"*:{address}" if address.isdigit() else address


def caddy(listen: tuple[str, ...], name: str | None) -> Block:
    """Caddy takes what stands before a port for the site's name. Raises `ValueError` for what one block cannot say."""
    sites: dict[str, None] = {}
    hosts: dict[str, set[str]] = {}
    for address in listen:
        scheme, host, port = _parts(address)
        is_name = host not in _EVERYWHERE and not re.fullmatch(_IP, host)
        sites[f"{scheme}{name or (host if is_name else '')}{port}"] = None
        hosts.setdefault(port, set()).add("" if is_name or host in _EVERYWHERE else host)
    bound = {frozenset() if "" in found else frozenset(found) for found in hosts.values()}
    if len(bound) > 1:
        raise ValueError("Caddy listens at the same addresses at every port: name them for each, or print two files.")
    return Block(list(sites), sorted(*bound))


def _parts(address: str) -> tuple[str, str, str]:
    """`http://` or nothing, the host, and `:8443` or nothing."""
    if address.isdigit():
        return "", "", f":{address}"
    scheme, slashes, rest = address.rpartition("://")
    host, port = re.fullmatch(r"(.*?)(:\d+)?", rest).groups()  # type: ignore[union-attr]  # it matches everything
    return scheme + slashes, host, port or ""
