"""Dataset-JSON 1.1, CDISC's exchange format for tables: one JSON object a data set, rows as arrays, null for missing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
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
    names = list(dataset.columns)
    columns: list[dict[str, Any]] = [
        {"itemOID": f"IT.{dataset.name}.{name}", "name": name, "label": column.label, "dataType": column.type}
        for name, column in dataset.columns.items()
    ]
    for column in columns:
        if column["name"] in dataset.keys:
            column["keySequence"] = dataset.keys.index(column["name"]) + 1
    rows = [[_plain(value) for value in row] for row in dataset.table[names].astype(object).itertuples(index=False, name=None)]
    return {
        "datasetJSONCreationDateTime": (created or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "datasetJSONVersion": VERSION,
        "originator": "postcart: simulated patients",
        "sourceSystem": {"name": "postcart", "version": package_version("postcart")},
        "studyOID": STUDY,
        "itemGroupOID": f"IG.{dataset.name}",
        "records": len(rows),
        "name": dataset.name,
        "label": dataset.label,
        "columns": columns,
        "rows": rows,
    }


def _plain(value: Any) -> Any:
    if value is None or pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def write(dataset: Dataset, path: Path) -> None:
    """Write a data set as one file."""
    text = json.dumps(document(dataset), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
