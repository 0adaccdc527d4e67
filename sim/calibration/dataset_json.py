"""Dataset-JSON 1.1, CDISC's exchange format for tables: one JSON object a data set, rows as arrays, null for missing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from sim.calibration.adam import STUDY, Dataset
from sim.provenance import package_version

VERSION = "1.1.0"


def document(dataset: Dataset, created: datetime | None = None) -> dict[str, Any]:
    """Return a data set as a Dataset-JSON object, its attributes in the order of the standard.

    References
    ----------
    CDISC, Dataset-JSON Specification 1.1 (5 December 2024), sections "Top-level Metadata Attributes", "Column Metadata" and "Row Data".
    """
    return heading(dataset, len(dataset.table), created) | {"rows": rows_of(dataset.table, dataset)}


def heading(dataset: Dataset, records: int, created: datetime | None = None) -> dict[str, Any]:
    """Return everything of a Dataset-JSON object but its rows; `records` of them will follow."""
    columns: list[dict[str, Any]] = [
        {"itemOID": f"IT.{dataset.name}.{name}", "name": name, "label": column.label, "dataType": column.type}
        for name, column in dataset.columns.items()
    ]
    for column in columns:
        if column["name"] in dataset.keys:
            column["keySequence"] = dataset.keys.index(column["name"]) + 1
    return {
        "datasetJSONCreationDateTime": (created or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "datasetJSONVersion": VERSION,
        "originator": "postcart: simulated patients",
        "sourceSystem": {"name": "postcart", "version": package_version("postcart")},
        "studyOID": STUDY,
        "itemGroupOID": f"IG.{dataset.name}",
        "records": records,
        "name": dataset.name,
        "label": dataset.label,
        "columns": columns,
    }


def rows_of(table: pd.DataFrame, dataset: Dataset) -> list[list[Any]]:
    """Return rows of a data set as lists in the order of its columns."""
    return [[_plain(value) for value in row] for row in table[list(dataset.columns)].astype(object).itertuples(index=False, name=None)]


def _plain(value: Any) -> Any:
    if value is None or pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def text_of(value: Any) -> str:
    """Return JSON as the files hold it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
