"""The first compilation: only the kernels of the trials that were asked for, once they are known to be right, and said while it goes on."""

from __future__ import annotations

import ast
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from sim.later import handed_out


def kernels_of(module: str) -> list[str]:
    """Return the names of the kernels that a module of `sim.kernels` compiles.

    Examples
    --------
    >>> kernels_of("sim.kernels.philox")
    ['fill_words']
    """
    spec = find_spec(module)
    source = Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else ""
    return [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and any(map(_signed, node.decorator_list))]


def _signed(decorator: ast.expr) -> bool:
    """Tell whether a decorator states a signature: such a kernel is compiled when its module is imported."""
    return isinstance(decorator, ast.Call) and bool(decorator.args)


def missing() -> dict[str, int]:
    """Return module -> number of kernels not compiled yet on this machine, for the modules that what is loaded may use."""
    from sim.kernels import compiled

    there = compiled()
    waiting = {}
    for module in handed_out("sim.kernels"):
        stem = module.rpartition(".")[2]
        number = sum((stem, name) not in there for name in kernels_of(module))
        if number:
            waiting[module] = number
    return waiting


def compile_kernels() -> None:
    """Compile what is not in the cache of this machine, with one line a module on standard error and the time that is left.

    It is done before anything runs, in one process: numba's cache on disk does not stand two first compilations at a time.
    """
    waiting = missing()
    total = sum(waiting.values())
    if not total:
        return
    print(f"postcart: compiling {total} kernel(s) for this machine, once", file=sys.stderr, flush=True)
    began, done = time.monotonic(), 0
    for module, number in sorted(waiting.items(), key=lambda item: item[1]):
        import_module(module)
        done += number
        took = time.monotonic() - began
        # the first kernel bears numba's own start, and would make the rest look long
        guess = f", about {took / done * (total - done):.0f} s left" if 4 * done >= total else ""
        rest = guess if done < total else f" in {took:.0f} s"
        print(f"postcart: compiled {done} of {total} kernels{rest}", file=sys.stderr, flush=True)
