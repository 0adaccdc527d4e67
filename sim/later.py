"""Names of heavy packages that are imported when they are first used, not when a module that mentions them is.

A question that simulates nothing (`--help`, a value that is refused) is then answered before numba, SciPy or a kernel is loaded, and of the
kernels only those of the trial's own modules are ever compiled.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_handed_out: set[str] = set()


class Later:
    """Stand for a module, or for a name in it, until it is called or asked for an attribute."""

    __slots__ = ("_found", "_module", "_name")

    def __init__(self, module: str, name: str = "") -> None:
        self._module, self._name = module, name
        self._found: Any = None
        _handed_out.add(module)

    def load(self) -> Any:
        """Return what this stands for; Python's own lock keeps two threads from importing it twice."""
        if self._found is None:
            module = import_module(self._module)
            self._found = getattr(module, self._name) if self._name else module
        return self._found

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        found = self._found
        return (self.load() if found is None else found)(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # who only inspects loads nothing
            raise AttributeError(name)
        return getattr(self.load(), name)

    def __repr__(self) -> str:
        return f"Later({self._module!r}, {self._name!r})"


def later(module: str, name: str = "") -> Any:
    """Return a module, or one name of it, that is imported when it is first called or asked for an attribute.

    Parameters
    ----------
    module : its full name; name : a function or class in it, empty for the module itself

    Examples
    --------
    >>> ndtri = later("scipy.special", "ndtri")
    >>> float(ndtri(0.5))
    0.0
    """
    return Later(module, name)


def handed_out(package: str) -> list[str]:
    """Return the modules of a package that the modules loaded so far may use, sorted.

    Examples
    --------
    >>> handed_out("no_such_package")
    []
    """
    return sorted(name for name in _handed_out if name.startswith(package + "."))
