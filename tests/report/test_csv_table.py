"""A CSV file shows what is in a table; a spreadsheet runs none of it."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from sim.app import paths
from sim.report.csv_table import FORMULA, write_csv


@pytest.mark.parametrize("first", FORMULA)
def test_text_that_a_spreadsheet_would_run_is_neutral(tmp_path, first):
    name = f"{first}HYPERLINK(1)"
    table = pd.DataFrame(
        {"cell": [name, "a=b"], "kind": pd.Categorical([name, "x"]), "mixed": [name, -1.5], "x": [-1.0, np.nan], "n": [-1, 2], name: [1, 2]}
    )
    write_csv(table, tmp_path / "t.csv")
    safe = f"'{name}".replace("\r", " ")
    found = pd.read_csv(tmp_path / "t.csv", keep_default_na=False)
    assert list(found.columns) == ["cell", "kind", "mixed", "x", "n", safe]
    assert found["cell"].tolist() == [safe, "a=b"]
    assert found["kind"].tolist() == [safe, "x"]
    assert found["mixed"].tolist() == [safe, "-1.5"]
    assert found["x"].tolist() == ["-1.0", ""]
    assert found["n"].tolist() == [-1, 2]
    assert table["cell"].tolist() == [name, "a=b"]  # the table itself is not touched


def test_an_ordinary_table_is_written_as_pandas_writes_it(tmp_path):
    table = pd.DataFrame({"cell": ["a", None], "estimate": [0.1, -1e-17], "flag": [True, False], "n": pd.array([1, None], dtype="Int64")})
    write_csv(table, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == table.to_csv(index=False, lineterminator="\n")


def test_every_table_of_a_run_is_written_here():
    for source in [*(paths.PACKAGE / "app").rglob("*.py"), *(paths.PACKAGE / "report").rglob("*.py")]:
        if source.name != "csv_table.py":
            assert not re.search(r"\.to_csv\(", source.read_text(encoding="utf-8")), source
