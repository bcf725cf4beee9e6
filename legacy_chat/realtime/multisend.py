"""The same bytes to many sockets: with one system call for all of them where the kernel allows it.

Linux AIO (io_submit(2)) takes a list of writes, does each at once on a non-blocking socket, and hands back what each
took. Beside a Python loop over `write` that saves the loop, and the interpreter lock is free meanwhile. Where the
call is missing or refused (other systems, a sandbox), the loop does the same.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import platform
import resource
import struct
from array import array
from collections.abc import Collection
from typing import Protocol

from ..core.metrics import Counts, new_counts
from .transport import WOULD_BLOCK

# Fewer sockets than this are written to one by one: the call has its own price.
_FEW = 32

Troubled = list[tuple[int, int]]


class Targets(Protocol):
    def send(self, data: bytes) -> Troubled:
        """Write to each; those that did not take it all, as (descriptor, bytes taken).

        WOULD_BLOCK stands for nothing taken, less for an error.
        """


class Loop:
    """One write after another."""

    def __init__(self, fds: Collection[int]):
        self._fds = list(fds)

    def send(self, data: bytes) -> Troubled:
        write, size, troubled = os.write, len(data), []
        for fd in self._fds:
            try:
                sent = write(fd, data)
            except BlockingIOError:
                sent = WOULD_BLOCK
            except OSError:
                sent = WOULD_BLOCK - 1
            if sent != size:
                troubled.append((fd, sent))
        return troubled


# struct iocb of linux/aio_abi.h: data, key, rw_flags, opcode, priority, descriptor, buffer, its length, offset,
# reserved, flags, eventfd. The buffer is one iovec that all of them share, so a descriptor's entry never changes.
_IOCB = struct.Struct("QIIHhIQQqQII")
_IOVEC = struct.Struct("QQ")
_PWRITEV = 8
_EVENT_WORDS = 4  # struct io_event: data, iocb, result, second result

_CALLS = {"x86_64": (206, 209, 208), "aarch64": (0, 2, 4)}  # io_setup, io_submit, io_getevents

# The most sockets in one call.
MOST = 256


class Kernel:
    """One AIO context of this process. Raises OSError where the kernel has none for us."""

    def __init__(self) -> None:
        try:
            setup, self._submit, self._getevents = _CALLS[platform.machine()]
        except KeyError:
            raise OSError(errno.ENOSYS, "io_submit is not known here") from None
        self._call = ctypes.CDLL(None, use_errno=True).syscall
        self._call.restype = ctypes.c_long
        self._call.argtypes = [ctypes.c_long] * 6
        context = ctypes.c_ulong(0)
        self._checked(setup, 4 * MOST, ctypes.addressof(context))
        self._context = context.value
        self._events = (ctypes.c_int64 * (_EVENT_WORDS * MOST))()
        self._view = memoryview(self._events).cast("B").cast("q")
        self._iovec = ctypes.create_string_buffer(_IOVEC.size)
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._entries = mmap.mmap(-1, _IOCB.size * min(limit, 1 << 20))  # untouched pages cost nothing
        self._base = ctypes.addressof(ctypes.c_char.from_buffer(self._entries))
        self._written: set[int] = set()

    def addresses(self, fds: Collection[int]) -> array[int]:
        """Where the entries of these descriptors stand. Raises `struct.error` for one beyond the limit."""
        for fd in set(fds) - self._written:
            entry = (fd, 0, 0, _PWRITEV, 0, fd, ctypes.addressof(self._iovec), 1, 0, 0, 0, 0)
            _IOCB.pack_into(self._entries, _IOCB.size * fd, *entry)
            self._written.add(fd)
        return array("Q", [self._base + _IOCB.size * fd for fd in fds])

    def write(self, data: bytes, addresses: int, count: int) -> memoryview:
        """Results of the first writes, up to the one whose descriptor is bad: four words each, as `_EVENT_WORDS`.

        Raises OSError where not even the first could be started.
        """
        place = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0
        _IOVEC.pack_into(self._iovec, 0, place, len(data))
        started = self._checked(self._submit, self._context, count, addresses)
        events = ctypes.addressof(self._events)
        # Sockets are done by now: this only fetches what each took.
        self._checked(self._getevents, self._context, started, started, events, 0)
        return self._view[: _EVENT_WORDS * started]

    def _checked(self, *words: int) -> int:
        result: int = self._call(*words, *[0] * (6 - len(words)))
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result


class Batch:
    """All writes in one call."""

    def __init__(self, kernel: Kernel, fds: Collection[int]):
        self._kernel = kernel
        self._fds = list(fds)
        self._addresses = kernel.addresses(fds)

    def send(self, data: bytes) -> Troubled:
        troubled: Troubled = []
        first, start, count = 0, self._addresses.buffer_info()[0], len(self._fds)
        while first < count:
            try:
                events = self._kernel.write(data, start + 8 * first, count - first)
            except OSError:
                troubled.append((self._fds[first], WOULD_BLOCK - 1))
                first += 1
                continue
            first += len(events) // _EVENT_WORDS
            troubled += _fell_short(events, len(data))
        return troubled


def _fell_short(events: memoryview, size: int) -> Troubled:
    results = events[2::_EVENT_WORDS].tolist()
    if results.count(size) == len(results):
        return []
    fds = events[::_EVENT_WORDS].tolist()
    return [(fd, _taken(result)) for fd, result in zip(fds, results, strict=True) if result != size]


def _taken(result: int) -> int:
    return WOULD_BLOCK if result == -errno.EAGAIN else max(result, WOULD_BLOCK - 1)


_kernels: dict[int, Kernel | None] = {}


def kernel_of_process() -> Kernel | None:
    """One context for all that this process sends: the machine has few, and they go only with their process."""
    pid = os.getpid()
    if pid not in _kernels:
        _kernels.clear()  # what a fork left behind
        try:
            _kernels[pid] = Kernel()
        except OSError:
            _kernels[pid] = None
    return _kernels[pid]


class Multisend:
    """Finds the best way."""

    def __init__(self, counts: Counts | None = None) -> None:
        self.counts = new_counts() if counts is None else counts
        self._kernel = kernel_of_process()

    def targets(self, fds: Collection[int]) -> Targets:
        """At most `MOST` descriptors, to be written to until one of them is closed."""
        if self._kernel is None or len(fds) < _FEW:
            return Loop(fds)
        return Batch(self._kernel, fds)
