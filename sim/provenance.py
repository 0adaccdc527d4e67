"""Where a result comes from: seed, versions, resolved configuration, hashes and the command that makes it again."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from sim.files import replacing

PACKAGES = ("postcart", "numpy", "scipy", "numba", "lifelines", "pandas", "pyarrow", "hydra-core")
CITATIONS = (
    "Salmon JK, Moraes MA, Dror RO, Shaw DE. Parallel random numbers: as easy as 1, 2, 3. SC11, 2011 (random numbers: Philox 4x32-10).",
    "Morris TP, White IR, Crowther MJ. Using simulation studies to evaluate statistical methods. Statistics in Medicine 2019;38:2074-2102 (Monte Carlo errors).",
    "Davidson-Pilon C. lifelines: survival analysis in Python. Journal of Open Source Software 2019;4:1317 (Kaplan-Meier curves).",
)
_HERE = Path(__file__).resolve().parent


def collect(
    seed: int,
    resolved_config: Mapping[str, Any] | str,
    command: str | Sequence[str],
    files: Mapping[str, Path],
    citations: Sequence[str] = (),
) -> dict[str, Any]:
    """Gather everything needed to make a result again.

    Parameters
    ----------
    seed : int
    resolved_config : the whole configuration, as a mapping or as YAML text
    command : str, or the words of the command, quoted here for a shell
    files : name -> file whose hash is recorded; a file that is missing is recorded as such
    citations : what else to cite, before the program's own

    Returns
    -------
    record : dict, JSON-able; never fails for want of git or of a package

    Examples
    --------
    >>> record = collect(7, {"run": {"seed": 7}}, ["postcart", "design.n=60, 80"], {})
    >>> record["seed"], record["command"]
    (7, "postcart 'design.n=60, 80'")
    """
    config = resolved_config if isinstance(resolved_config, str) else json.loads(json.dumps(resolved_config, default=str))
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": int(seed),
        "command": command if isinstance(command, str) else shlex.join(command),
        "versions": {"python": platform.python_version(), **{name: package_version(name) for name in PACKAGES}},
        "platform": {"system": platform.platform(), "machine": platform.machine(), "processor": _processor(), "cores": os.cpu_count()},
        "git": _git(),
        "config": config,
        "source": {str(path.relative_to(_HERE)): sha256(path) for path in sorted(_HERE.rglob("*.py"))},
        "files": {name: sha256(Path(path)) for name, path in sorted(files.items())},
        "citations": [*citations, *CITATIONS],
    }


def write(record: Mapping[str, Any], path: Path) -> None:
    """Write a record as JSON, whole or not at all.

    Parameters
    ----------
    record : what `collect` returned
    path : where; a file already there is replaced in one step

    Raises
    ------
    OSError : when the folder cannot be written; nothing is left behind
    """
    write_atomically(Path(path), json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def write_atomically(path: Path, text: str) -> None:
    """Write text under a temporary name beside `path`, then rename: a reader never sees half a file."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal, or 'missing'."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return "missing"


def package_version(name: str) -> str:
    """Return the version of an installed package, or 'not installed'."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def _git() -> dict[str, Any] | None:
    """Return commit and whether the sources differ from it; None outside a checkout of this project."""
    # A package installed into an environment that lies inside someone's repository is not that repository's: ask whether this file is tracked.
    if _run_git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    commit = _run_git("rev-parse", "HEAD")
    changed = _run_git("status", "--porcelain", "--untracked-files=no", "--", str(_HERE))
    return None if commit is None else {"commit": commit.strip(), "modified": bool((changed or "").strip())}


def _run_git(*words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(_HERE), *words], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None
