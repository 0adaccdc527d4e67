"""A run that is asked to stop ends in words: Ctrl-C with status 130, SIGTERM (a batch system, `kill`) with 143."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from sim.app.jobs import Outcome

INTERRUPTED, TERMINATED = 130, 143
"""Exit statuses, as a shell gives them: 128 and the number of the signal."""


class Terminated(KeyboardInterrupt):
    """The process was asked to end; what cleans up after Ctrl-C cleans up after this."""


def _raise(number: int, frame: FrameType | None) -> None:
    # once: a second request, while the first is obeyed, would end it half way
    signal.signal(number, signal.SIG_IGN)
    raise Terminated


@contextmanager
def stopping_on_request() -> Iterator[None]:
    """Turn SIGTERM into `Terminated` within the block; not where somebody ignores the signal, nor outside the main thread."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def stopped(why: KeyboardInterrupt, kept: str) -> Outcome:
    """Say how a run was stopped and what it leaves."""
    if isinstance(why, Terminated):
        return Outcome(TERMINATED, f"terminated; {kept}")
    return Outcome(INTERRUPTED, f"interrupted; {kept}")
