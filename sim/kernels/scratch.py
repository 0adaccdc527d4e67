"""One piece of memory for each thread, lent anew to every tile.

A tile's arrays are large, and gone a millisecond later. Asked from the system each time, their pages are mapped, cleared and unmapped again,
which costs a third of the time of a long tile; and a short tile passes Python's lock on so often that two threads wait for
each other. Memory that stays with its thread does away with both (docs/performance.md).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ALIGNED = 64  # bytes: a line of the cache
_own = threading.local()


@contextmanager
def lent() -> Iterator[None]:
    """Within this block `empty` hands out the thread's own memory; whatever it handed out is void when the block ends.

    Examples
    --------
    >>> for _ in range(2):
    ...     with lent():
    ...         x = empty((2, 3))
    >>> x.shape, x.base is not None
    ((2, 3), True)
    """
    if getattr(_own, "open", False):
        raise RuntimeError("scratch memory is lent already")
    _own.open, _own.used = True, 0
    try:
        yield
    finally:
        _own.open = False
        if _own.used > _size():
            # grown to what the largest tile so far asked for: the next one like it finds room for all
            _own.memory = np.empty(_own.used + _ALIGNED, dtype=np.uint8)


def empty(shape: tuple[int, ...], dtype: Any = np.float64) -> NDArray[Any]:
    """Return an array of any content, from the thread's own memory within `lent`, from numpy elsewhere or when there is no room yet."""
    if not getattr(_own, "open", False):
        return np.empty(shape, dtype=dtype)
    start = _own.used
    size = prod(shape) * np.dtype(dtype).itemsize
    _own.used = start + -(-size // _ALIGNED) * _ALIGNED
    if _own.used > _size():
        return np.empty(shape, dtype=dtype)
    skip = -_own.memory.ctypes.data % _ALIGNED + start
    return _own.memory[skip : skip + size].view(dtype).reshape(shape)


def _size() -> int:
    memory = getattr(_own, "memory", None)
    return 0 if memory is None else len(memory) - _ALIGNED
