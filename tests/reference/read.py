"""Read the published reference rows; vectors are `;`-joined cells."""

from sim.validation.reading import reference_dir, rows, vector

HERE = reference_dir()

__all__ = ["HERE", "rows", "vector"]
