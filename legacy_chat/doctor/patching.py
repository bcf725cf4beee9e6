"""Whether gevent has made this process cooperative, and who was imported too early for it."""

from __future__ import annotations

import sys
from typing import Any

# What blocks the loop wherever somebody took it before it was patched.
_ORIGINALS = {
    "socket": ("socket", "create_connection", "getaddrinfo"),
    "ssl": ("SSLContext", "SSLSocket"),
    "time": ("sleep",),
    "select": ("select", "poll"),
    "subprocess": ("Popen",),
}
_NAMED = 5


def is_patched() -> bool:
    """Whether sockets wait in gevent's loop. gevent is not imported for the question."""
    monkey: Any = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("socket"))


def strays() -> list[str]:
    """Modules that hold an unpatched part, such as `shop.mail (time.sleep)`; the first few of them."""
    monkey: Any = sys.modules.get("gevent.monkey")
    if monkey is None or not is_patched():
        return []
    originals = {id(found): name for name, found in _originals(monkey)}
    found = []
    for name, module in sorted(sys.modules.items()):
        if module is not None and not _is_exempt(name):
            held = sorted({originals[id(value)] for value in vars(module).values() if id(value) in originals})
            found += [f"{name} ({', '.join(held)})"] if held else []
    return found[:_NAMED]


def _originals(monkey: Any) -> list[tuple[str, Any]]:
    """Those that were replaced; gevent leaves some alone."""
    return [
        (f"{module}.{name}", original)
        for module, names in _ORIGINALS.items()
        if monkey.is_module_patched(module)
        for name, original in zip(names, monkey.get_original(module, names), strict=True)
        if original is not getattr(sys.modules.get(module), name, original)
    ]


def _is_exempt(module: str) -> bool:
    """gevent keeps the originals, we know why we take one, and the standard library was patched in place."""
    top = module.partition(".")[0]
    return top in ("gevent", "legacy_chat", "__main__") or top in sys.stdlib_module_names
