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


def _cache_folder() -> Path:
    here = Path(__file__).parent
    digest = hashlib.sha256(numba.__version__.encode() + sys.version.encode())
    for source in sorted(here.glob("*.py")):
        digest.update(source.read_bytes())
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "postcart" / digest.hexdigest()[:16]


if "NUMBA_CACHE_DIR" not in os.environ:
    numba.config.CACHE_DIR = str(_cache_folder())  # type: ignore[attr-defined]

FIRST_USE = not Path(numba.config.CACHE_DIR).is_dir()  # type: ignore[attr-defined]
"""Whether the kernels are still to be compiled for this machine and this version."""

OPTIONS: dict[str, Any] = {"nogil": True, "cache": True, "error_model": "numpy"}
