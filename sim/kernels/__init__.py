"""The bottom: numpy and numba only, no domain words, nothing imported from the rest of `sim`.

Rules of this layer, each measured or learnt the hard way:

* `error_model="numpy"`: numba's default adds a test for division by zero that stops vectorising.
* `nogil=True`: threads then scale; `fastmath` never: it changes bits and buys nothing here.
* no `math.log`, `math.exp`, `**`, `np.exp`, `np.log` on anything that is stored: the C library and numpy choose other
  code on other processors. `elementary.py` holds our own.
* one signature per kernel, given explicitly and compiled at import from numba's cache; no branches in samplers.
* numba does not notice when a function that a kernel calls has changed in another file, so the cache folder's name
  carries a hash of every file of this layer.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import _CacheLocator


def _cache_folder() -> Path:
    here = Path(__file__).parent
    digest = hashlib.sha256(numba.__version__.encode() + sys.version.encode())
    for source in sorted(here.glob("*.py")):
        digest.update(source.read_bytes())
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "postcart" / digest.hexdigest()[:16]


if "NUMBA_CACHE_DIR" not in os.environ:
    numba.config.CACHE_DIR = str(_cache_folder())  # type: ignore[attr-defined]

OPTIONS: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy"}


def compiled() -> set[tuple[str, str]]:
    """Return (module, kernel) of what numba's cache on disk holds for the files of this folder as they are.

    numba names an index file <module>.<kernel>-<line>.<version>.nbi, in a folder of its own for each folder of source.
    """
    here = Path(__file__).resolve().parent
    own = Path(numba.config.CACHE_DIR) / _CacheLocator.get_suitable_cache_subpath(str(here / "any.py"))  # type: ignore[attr-defined]
    found = set()
    for index in own.glob("*.nbi"):
        module, _, rest = index.name.partition(".")
        source = here / f"{module}.py"
        if source.is_file() and source.stat().st_mtime <= index.stat().st_mtime:
            found.add((module, rest.partition("-")[0]))
    return found
