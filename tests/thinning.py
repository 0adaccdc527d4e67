"""What of a long list the quick suite runs: a part chosen by rule, the whole under `make verify` together with it."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest


def later(*values: Any) -> Any:
    """One case that waits for `make verify`."""
    return pytest.param(*values, marks=pytest.mark.verify)


def one_in(n: int, cases: Iterable[Any]) -> list[Any]:
    """The cases, of which every n-th is quick, the first among them; a tuple is several arguments."""
    return [case if i % n == 0 else later(*case) if isinstance(case, tuple) else later(case) for i, case in enumerate(cases)]


def crossed(several: Sequence[Any], others: Sequence[Any], alone: bool = False) -> list[Any]:
    """Every pair, of which those are quick that go through the others in turn: each of `several` once, each of `others` if they are no more.

    alone : whether a pair is one argument
    """
    pairs = [(i, j, (a, b)) for i, a in enumerate(several) for j, b in enumerate(others)]
    return [pair if j == i % len(others) else later(pair) if alone else later(*pair) for i, j, pair in pairs]
