"""Find conf/ and scenarios/ in a checkout, an editable install and a wheel alike."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def conf_dir() -> Path:
    """Return the absolute folder of the groups: inside the package (wheel), else beside it (checkout).

    Raises
    ------
    FileNotFoundError : when the installation is broken
    """
    for folder in (PACKAGE / "conf", PACKAGE.parent / "conf"):
        if (folder / "config.yaml").is_file():
            return folder
    raise FileNotFoundError(f"no conf/config.yaml in {PACKAGE} or beside it: the installation is broken")


def scenarios_dir() -> Path:
    """Return the absolute folder of the shipped scenarios."""
    # beside conf/, never in it: each is registered by hand, and Hydra would find it a second time
    return conf_dir().parent / "scenarios"


def shown(path: Path) -> str:
    """Return `path` as a person would type it: relative when it lies below the working directory."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
