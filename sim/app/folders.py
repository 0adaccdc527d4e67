"""The folder of a run: claimed once everything is built, removed again when a task refuses its input."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from sim.app import paths
from sim.app.study import Study
from sim.types import InputError


@dataclass(frozen=True)
class RunFolder:
    """A folder that exists and can be written to.

    path : absolute
    created : the topmost folder that had to be made for it, or None when it was there
    multirun : jobs have subfolders 0, 1, …
    """

    path: Path
    created: Path | None
    multirun: bool

    @staticmethod
    def claim(study: Study, chosen: str | None, multirun: bool) -> RunFolder:
        """Make the run's folder: `run.folder`, or outputs/<date>_<time>_<scenario> in the working directory.

        Raises
        ------
        InputError : it cannot be made or written to
        """
        asked = chosen or study.run.folder
        path = Path(asked).expanduser().absolute() if asked else _fresh(study.folder_name)
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        created = missing[-1] if missing else None
        try:
            path.mkdir(parents=True, exist_ok=True)
            probe = path / f".writable-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            if created is not None and created.is_dir():
                shutil.rmtree(created, ignore_errors=True)
            raise InputError(f"run.folder is {str(path)!r}: {error.strerror or error}; allowed: a folder that can be written to") from error
        return RunFolder(path, created, multirun)

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
        files = [p for p in self.path.rglob("*") if p.is_file() and ".hydra" not in p.parts]
        if not files and self.created is not None:
            self.remove()
            here = "no result was complete, the run's folder is removed"
        else:
            here = f"kept {len(files)} file(s) in {paths.shown(self.path)}"
        blocks = len(list(Path(store).rglob("block-*.parquet"))) if store else 0
        return here + (f"; {blocks} finished block(s) in {store} serve the next run" if blocks else "")


def _fresh(scenario: str) -> Path:
    stem = Path.cwd() / "outputs" / f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_{scenario}"
    path, k = stem, 1
    while path.exists():
        k += 1
        path = stem.with_name(f"{stem.name}_{k}")
    return path
