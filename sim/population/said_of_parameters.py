"""How a report says where a parameter comes from, as the parameter file records it: assumed within a range, or fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def assumed(notes: Mapping[str, Any], name: str) -> str:
    """Say that a value is assumed, and within which range the parameter file calls it plausible."""
    span = notes.get("plausible_ranges", {}).get(name)
    return "assumption" if span is None else f"assumption ({span[0]:g} to {span[1]:g})"


_IDENTIFIED = {
    "pinned down": "the figures pin it down",
    "weakly": "the figures identify it weakly",
    "not identified": "the figures do not identify it",
}


def fitted(notes: Mapping[str, Any], name: str) -> str:
    """Say that a value was fitted, what held it, and whether the figures identify it, as the parameter file records."""
    prior = notes.get("soft_priors", {}).get(name, {}).get("prior")
    known = notes.get("identifiability", {}).get(name, {}).get("verdict")
    parts = ["fitted", f"held softly near {prior:g}" if prior is not None else "", _IDENTIFIED.get(str(known), "")]
    return ", ".join(part for part in parts if part)
