"""Read the published reference rows; vectors are `;`-joined cells."""

from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent


def rows(name):
    """All rows of tests/reference/<name>.csv, floats to the last bit."""
    return [row for _, row in pd.read_csv(HERE / f"{name}.csv", float_precision="round_trip").iterrows()]


def vector(cell):
    """A `;`-joined cell as a tuple of floats."""
    return tuple(float(v) for v in str(cell).split(";"))
