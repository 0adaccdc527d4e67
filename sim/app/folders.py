"""The folder of a run: claimed once everything is built, one run at a time; removed again when a task refuses its input."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from sim.app import paths
from sim.app.study import Study
from sim.files import Claim, InUseError, remove_orphans
from sim.refusal import InputError


@dataclass(frozen=True)
class RunFolder:
    """A folder that exists and can be written to.

    path : absolute
    created : the topmost folder that had to be made for it, or None when it was there
    multirun : jobs have subfolders 0, 1, …
    found : the files that were there, as `_listed` saw them
    claim_on : what keeps other runs out and marks the folder as long as its files may not belong together
    """

    path: Path
    created: Path | None
    multirun: bool
    found: frozenset[tuple[str, int]]
    claim_on: Claim

    @staticmethod
    def claim(study: Study, chosen: str | None, multirun: bool) -> RunFolder:
        """Make the run's folder: `run.folder`, or outputs/<date>_<time>_<scenario> in the working directory.

        Raises
        ------
        InputError : it cannot be made or written to, or another run is writing to it
        """
        asked = chosen or study.run.folder
        path = Path(asked).expanduser().absolute() if asked else Path.cwd() / "outputs" / _name_of(study.folder_name)
        stem, k, created = path, 1, None
        try:
            while True:
                missing = [folder for folder in (path, *path.parents) if not folder.exists()]
                created = missing[-1] if missing else None
                try:
                    path.mkdir(parents=True, exist_ok=bool(asked))
                    break
                except FileExistsError:
                    if asked:
                        raise
                    # another run began in this very second
                    k += 1
                    path = stem.with_name(f"{stem.name}_{k}")
            claim_on = Claim(path)
        except InUseError as error:
            raise InputError(
                f"run.folder is {str(path)!r}: another run is writing there ({error}); allowed: another folder, or this one when that has ended"
            ) from error
        except OSError as error:
            if created is not None and created.is_dir():
                shutil.rmtree(created, ignore_errors=True)
            raise InputError(f"run.folder is {str(path)!r}: {error.strerror or error}; allowed: a folder that can be written to") from error
        remove_orphans(list(path.rglob(".*.part")))
        return RunFolder(path, created, multirun, _listed(path), claim_on)

    def end(self, done: bool) -> None:
        """Let other runs in; the mark goes where the run is done, or has written nothing to a folder that was not marked before."""
        untouched = not self.claim_on.was_there and self.path.is_dir() and _listed(self.path) == self.found
        self.claim_on.end(done or untouched)

    @property
    def quoted(self) -> str:
        """The path in Hydra's override grammar."""
        return json.dumps(str(self.path), ensure_ascii=False).replace("${", "\\${")

    def of_job(self, number: int) -> Path:
        """Return the folder of one job."""
        return self.path / str(number) if self.multirun else self.path

    def remove(self) -> None:
        """Take away what this run made."""
        if self.created is not None:
            shutil.rmtree(self.created, ignore_errors=True)

    def kept(self, store: str | None) -> str:
        """Say in one line what an interrupted run leaves."""
        files = [p for p in self.path.rglob("*") if p.is_file() and ".hydra" not in p.parts and p != self.claim_on.path]
        if not files and self.created is not None:
            self.remove()
            here = "no result was complete, the run's folder is removed"
        else:
            here = f"kept {len(files)} file(s) in {paths.shown(self.path)}"
        blocks = len(list(Path(store).rglob("block-*.parquet"))) if store else 0
        return here + (f"; {blocks} finished block(s) in {store} serve the next run" if blocks else "")


def _name_of(name: str) -> str:
    return f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_{name}"


def _listed(folder: Path) -> frozenset[tuple[str, int]]:
    """Return the results in a folder, each with the time of its last change; Hydra's own notes and the mark aside."""
    files = [p for p in folder.rglob("*") if p.is_file() and ".hydra" not in p.parts and p.name != Claim.NAME]
    return frozenset((str(p.relative_to(folder)), p.stat().st_mtime_ns) for p in files)
