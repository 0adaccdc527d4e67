"""Write a table as CSV that a spreadsheet shows rather than obeys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters by which a spreadsheet takes a cell for a formula."""


def neutral(value: Any) -> Any:
    """Return a value as it may stand in a CSV file: text that a spreadsheet would run gets a leading apostrophe; numbers stay.

    References
    ----------
    OWASP, CSV Injection.

    Examples
    --------
    >>> neutral("=HYPERLINK(1)"), neutral("hr 0.6"), neutral(-1.5)
    ("'=HYPERLINK(1)", 'hr 0.6', -1.5)
    """
    if not isinstance(value, str):
        return value
    # a lone carriage return would end the line for some readers
    return ("'" * value.startswith(FORMULA) + value).replace("\r", " ")


def neutral_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose every text, names of columns included, is `neutral`."""
    safe = table.rename(columns=neutral)
    for i in [i for i, dtype in enumerate(safe.dtypes) if not pd.api.types.is_numeric_dtype(dtype)]:
        column = safe.iloc[:, i]
        safe = safe.assign(**{str(safe.columns[i]): pd.Series([neutral(value) for value in column], index=column.index, dtype=object)})
    return safe


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table without its index, every text made `neutral`.

    Raises
    ------
    OSError : when the file cannot be written
    """
    neutral_table(table).to_csv(path, index=False, lineterminator="\n")


def rows_as_csv(table: pd.DataFrame) -> str:
    """Return a table's rows as CSV without their header, every text made `neutral`: what a file that grows part by part appends."""
    return str(neutral_table(table).to_csv(index=False, header=False, lineterminator="\n"))


def header_as_csv(table: pd.DataFrame) -> str:
    """Return the line of column names that such a file begins with."""
    return str(neutral_table(table.head(0)).to_csv(index=False, lineterminator="\n"))
