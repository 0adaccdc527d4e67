"""Files that are whole or absent, also after a crash; what a killed process left; and a folder that one run at a time writes to."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PART = re.compile(r"\..+\.(?P<host>[^.]*)\.(?P<process>\d+)\.[0-9a-f]{8}\.part")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; what was written under it takes the place of `path` when the block ends well.

    The file and then its folder reach the disk before anybody sees the name (fsync), so that not even a loss of power leaves half a file
    under it. When the block raises, nothing is left.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "a.txt") as temporary:
    ...     _ = temporary.write_text("whole")
    >>> [p.name for p in folder.iterdir()]
    ['a.txt']
    """
    with scratch(path) as temporary:
        yield temporary
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)


@contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """Yield a name of this process's own beside `path`; what lies under it goes when the block ends, or with the next run of a killed one."""
    # another process, perhaps on another machine with this very process number, may be writing the same file
    temporary = path.with_name(f".{path.name}.{_host()}.{os.getpid()}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_orphans(files: Iterable[Path]) -> None:
    """Remove, among some files, what writers on this machine left that are no longer there."""
    for path in files:
        found = _PART.fullmatch(path.name)
        if found and found["host"] == _host() and not _lives(int(found["process"])):
            path.unlink(missing_ok=True)


def say(line: str) -> None:
    """Tell the user one line, beside whatever is printed as a result."""
    print(f"postcart: {line}", file=sys.stderr, flush=True)


class InUseError(Exception):
    """Another process is writing to the folder; the message says which."""


class Claim:
    """A folder's one writer: a file INCOMPLETE that lies there, locked, as long as results are being written.

    The system gives the lock back when the process ends, however it ends; the file stays where the writer was killed, so that nobody
    takes the files beside it for the results of one run.
    """

    NAME = "INCOMPLETE"

    def __init__(self, folder: Path) -> None:
        """Claim a folder that exists.

        Raises
        ------
        InUseError : another process has it
        OSError : it cannot be written to
        """
        self.path = folder / self.NAME
        self.was_there = self.path.exists()
        while True:
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                who = os.pread(self._handle, 200, 0).decode("utf-8", "replace").partition("\n")[0]
                os.close(self._handle)
                raise InUseError(who or "another process") from error
            # the one who had it may have taken the file away between the two steps
            if self.path.exists() and os.path.samestat(os.fstat(self._handle), os.stat(self.path)):
                break
            os.close(self._handle)
        os.ftruncate(self._handle, 0)
        text = (
            f"process {os.getpid()} on {_host()}\n\n"
            "This run has not ended. If that process is no longer there, it was killed: the files here may belong to different runs.\n"
            "The same command again finishes it, from the blocks in its store.\n"
        )
        os.pwrite(self._handle, text.encode(), 0)
        os.fsync(self._handle)
        sync(folder)

    def end(self, whole: bool) -> None:
        """Give the folder back; `whole`: what lies there belongs together."""
        if whole:
            self.path.unlink(missing_ok=True)
            if self.path.parent.is_dir():
                sync(self.path.parent)
        os.close(self._handle)


def is_incomplete(folder: Path) -> bool:
    """Tell whether a folder holds what a run left that was killed, or is still writing; this process's own run aside."""
    try:
        return not (folder / Claim.NAME).read_text(encoding="utf-8").startswith(f"process {os.getpid()} on {_host()}\n")
    except OSError:
        return False


def _host() -> str:
    return socket.gethostname().replace(".", "-").replace(os.sep, "-")


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
