"""The one error for bad input, in a module of its own: whoever refuses needs no arrays."""

from __future__ import annotations


class InputError(ValueError):
    """Say in one line what is wrong with an input: what, where, the value and what is allowed."""
