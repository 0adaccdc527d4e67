"""Cohorts in the shape of CDISC's analysis data: the censor flag is the opposite of the event flag, and files say what they hold."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from lifelines import KaplanMeierFitter

from sim.app.main import main
from sim.calibration.adam import adam
from sim.calibration.cohort import cohort
from sim.calibration.dataset_json import document
from sim.population.post_cart_failure import PostCartFailure

TIME_ZEROS = ("infusion", "progression", "first_line_start")


def tables(
    time_zero: str, n: int = 3000, followup: float | None = 24.0, missing: bool = False
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    population = PostCartFailure(time_zero=time_zero)
    table = cohort(population, 5, n, followup=followup, missing=missing)
    return table, {d.name: d.table for d in adam(table, population.time_zero_event)}


@pytest.mark.parametrize("time_zero", TIME_ZEROS)
def test_censoring_is_the_opposite_of_the_event(time_zero: str) -> None:
    table, data = tables(time_zero)
    tte = data["ADTTE"]
    for code, name in (("OS", "os"), ("PFS", "pfs")):
        rows = tte[tte["PARAMCD"] == code]
        assert np.array_equal(rows["CNSR"] == 0, table[f"{name}_event"] == 1)
        assert np.array_equal(rows["AVAL"], table[f"{name}_time"])
        # the flip seen by an estimator: taking CNSR for the event gives another median
        right = KaplanMeierFitter().fit(rows["AVAL"], rows["CNSR"] == 0).median_survival_time_
        assert right == KaplanMeierFitter().fit(table[f"{name}_time"], table[f"{name}_event"]).median_survival_time_
        assert right != KaplanMeierFitter().fit(rows["AVAL"], rows["CNSR"]).median_survival_time_
    assert (tte["EVNTDESC"].notna() == (tte["CNSR"] == 0)).all()
    assert (tte["CNSDTDSC"].notna() == (tte["CNSR"] == 1)).all()
    assert set(tte["CNSR"]) == {0, 1}
    assert not tte.duplicated(["USUBJID", "PARAMCD"]).any()


@pytest.mark.parametrize("time_zero", TIME_ZEROS)
def test_times_hang_together(time_zero: str) -> None:
    table, data = tables(time_zero)
    tte = data["ADTTE"].pivot(index="USUBJID", columns="PARAMCD", values="AVAL")
    assert (tte.min() > 0).all()
    assert (tte["PFS"] <= tte["OS"] + 1e-12).all()
    # who has a duration of response has one of next treatment: responders are among the treated
    assert tte.loc[tte["DOR"].notna(), "TTNT"].notna().all()
    assert (tte["TTNT"] >= tte["DOR"] - 1e-9)[tte["DOR"].notna()].all()
    assert (tte["TTNT"] <= tte["OS"] + 1e-9)[tte["TTNT"].notna()].all()
    treated = table["treated"].sum() if "treated" in table else len(table)
    assert tte["TTNT"].notna().sum() == treated
    assert tte["DOR"].notna().sum() == table["response"].isin(["complete", "partial"]).sum()
    assert len(data["ADSL"]) == len(table)
    best = data["ADRS"][data["ADRS"]["PARAMCD"] == "BOR"]["AVALC"]
    assert (best == "CR").sum() == (table["response"] == "complete").sum()
    if time_zero == "first_line_start":
        responders = tte["DOR"].notna()
        assert np.allclose(tte.loc[responders, "DOR"], tte.loc[responders, "PFS"])


def test_missing_as_published_or_not_at_all() -> None:
    (whole, _), (holes, data) = tables("infusion", 20_000), tables("infusion", 20_000, missing=True)
    for name, short in (("ldh", "LDHBL"), ("ipi", "IPIBL"), ("dhde", "DHDEBL"), ("ecog", "ECOGBL")):
        assert "unknown" not in set(whole[name])
        known = holes[name] != "unknown"
        # who is known is so in both, and the known stand for all: within 4 standard errors
        assert (whole.loc[known, name] == holes.loc[known, name]).all()
        assert data["ADSL"][short].isna().sum() == (~known).sum()
        level = holes.loc[known, name].iloc[0]
        fails = holes["fate"] != "cured"
        a, b = (whole.loc[fails, name] == level).mean(), (holes.loc[known & fails, name] == level).mean()
        assert abs(a - b) < 4 * np.sqrt(a * (1 - a) / (known & fails).sum())
    # Table 1: LDH unknown in 29 % of 514; first line not evaluable in 5 of 167; CD19 assessed in 81 of 254
    assert (holes["ldh"] == "unknown").mean() == pytest.approx(0.29, abs=0.02)
    treated = holes["response"] != "not treated"
    assert (holes.loc[treated, "response"] == "not evaluable").mean() == pytest.approx(5 / 167, abs=0.01)
    assert "not evaluable" not in set(whole["response"])
    progressed = holes["cd19_after_failure"] != "no progression"
    assert (holes.loc[progressed, "cd19_after_failure"] != "not assessed").mean() == pytest.approx(81 / 254, abs=0.02)
    assessed = holes["cd19_after_failure"].isin(["lost", "not lost"])
    assert (whole.loc[assessed, "cd19_after_failure"] == holes.loc[assessed, "cd19_after_failure"]).all()
    pd.testing.assert_frame_equal(whole[["os_time", "pfs_time", "regimen"]], holes[["os_time", "pfs_time", "regimen"]])


# The rules of Dataset-JSON 1.1 (CDISC specification of 5 December 2024, tables "Top-level Metadata Attributes" and "Column
# Metadata", and the JSON schema beside it): name -> (required, type, pattern or least value), in the order of the standard.
# Nothing else is allowed on either level.
MOMENT = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([+-]([01]\d|2[0-3]):[0-5]\d|Z)?"
TOP: dict[str, tuple[bool, type, str | int]] = {
    "datasetJSONCreationDateTime": (True, str, MOMENT),
    "datasetJSONVersion": (True, str, r"1\.1(\.(0|[1-9]\d*))?"),
    "fileOID": (False, str, ".+"),
    "dbLastModifiedDateTime": (False, str, MOMENT),
    "originator": (False, str, ".*"),
    "sourceSystem": (False, dict, ""),
    "studyOID": (False, str, ".+"),
    "metaDataVersionOID": (False, str, ".+"),
    "metaDataRef": (False, str, ".*"),
    "itemGroupOID": (True, str, ".+"),
    "records": (True, int, 0),
    "name": (True, str, ".+"),
    "label": (True, str, ".*"),
    "columns": (True, list, ""),
    "rows": (False, list, ""),
}
COLUMN: dict[str, tuple[bool, type, str | int]] = {
    "itemOID": (True, str, ".+"),
    "name": (True, str, ".+"),
    "label": (True, str, ".*"),
    "dataType": (True, str, "string|integer|decimal|float|double|boolean|datetime|date|time|URI"),
    "targetDataType": (False, str, "integer|decimal"),
    "length": (False, int, 1),
    "displayFormat": (False, str, ".*"),
    "keySequence": (False, int, 1),
}
JSON_TYPES = {"string": (str,), "integer": (int,), "float": (int, float), "double": (int, float), "boolean": (bool,)}


def broken(x: dict[str, Any], rules: dict[str, tuple[bool, type, str | int]]) -> list[str]:
    """The rules that a JSON object breaks."""
    out = [f"{name} is not allowed" for name in x if name not in rules]
    out += [f"{name} is missing" for name, (required, _, _) in rules.items() if required and name not in x]
    if [name for name in x if name in rules] != [name for name in rules if name in x]:
        out.append("not in the order of the standard")
    for name, (_, kind, limit) in rules.items():
        if name in x and type(x[name]) is not kind:
            out.append(f"{name} is no {kind.__name__}")
        elif name in x and kind is str and not re.fullmatch(str(limit), x[name]):
            out.append(f"{name} is {x[name]!r}")
        elif name in x and kind is int and x[name] < limit:
            out.append(f"{name} is {x[name]}")
    return out


def violations(x: dict[str, Any]) -> list[str]:
    """The rules of Dataset-JSON 1.1 that a document breaks, its rows included."""
    out = broken(x, TOP)
    if "sourceSystem" in x and sorted(x["sourceSystem"]) != ["name", "version"]:
        out.append("sourceSystem needs name and version")
    for column in x["columns"]:
        out += [f"{column.get('name')}: {rule}" for rule in broken(column, COLUMN)]
    for part in ("itemOID", "name"):
        if len({column[part] for column in x["columns"]}) < len(x["columns"]):
            out.append(f"{part} comes twice")
    if x["records"] != len(x["rows"]):
        out.append("records is not the number of rows")
    for row in x["rows"]:
        if len(row) != len(x["columns"]):
            out.append("a row of another length")
        for value, column in zip(row, x["columns"], strict=False):
            if value is not None and type(value) not in JSON_TYPES.get(column["dataType"], (type(value),)):
                out.append(f"{column['name']} is {value!r}")
    return out


@pytest.mark.parametrize("time_zero", TIME_ZEROS)
@pytest.mark.parametrize("missing", [False, True])
def test_dataset_json_keeps_the_rules_of_the_standard(time_zero: str, missing: bool) -> None:
    table = cohort(PostCartFailure(time_zero=time_zero), 3, 200, followup=12.0, missing=missing)
    for dataset in adam(table, "time zero"):
        x = json.loads(json.dumps(document(dataset), allow_nan=False))
        assert violations(x) == []
        assert x["datasetJSONVersion"] == "1.1.0"
        assert x["records"] == len(dataset.table)
        # of CDISC's tabulations: names of at most 8 characters, labels of at most 40
        assert all(len(c["name"]) <= 8 and len(c["label"]) <= 40 for c in x["columns"])
        keys = [c["name"] for c in sorted((c for c in x["columns"] if "keySequence" in c), key=lambda c: c["keySequence"])]
        assert tuple(keys) == dataset.keys
        assert not dataset.table.duplicated(keys).any()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda x: x.pop("itemGroupOID"), "itemGroupOID is missing"),
        (lambda x: x.update(creationDateTime="2026"), "creationDateTime is not allowed"),
        (lambda x: x.update(datasetJSONVersion="1.0.0"), "datasetJSONVersion is '1.0.0'"),
        (lambda x: x.update(datasetJSONCreationDateTime="2026-01-31"), "datasetJSONCreationDateTime is '2026-01-31'"),
        (lambda x: x.update(records=3), "records is not the number of rows"),
        (lambda x: x["columns"][0].pop("label"), "STUDYID: label is missing"),
        (lambda x: x["columns"][0].update(dataType="text"), "STUDYID: dataType is 'text'"),
        (lambda x: x["rows"][0].pop(), "a row of another length"),
    ],
)
def test_the_rules_are_seen_when_broken(change: Any, rule: str) -> None:
    x = document(adam(cohort(PostCartFailure(), 3, 5), "time zero")[2])
    change(x)
    assert rule in violations(x)


def test_the_files_of_a_cohort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["task=cohort", "task.n=150", "task.format=[parquet,csv,dataset-json]", "task.followup=24", "run.folder=out"]) == 0
    out = tmp_path / "out"
    for name in ("cohort", "adsl", "adtte", "adrs"):
        pd.testing.assert_frame_equal(
            pd.read_csv(out / f"{name}.csv", dtype={"SUBJID": str}), pd.read_parquet(out / f"{name}.parquet"), check_dtype=False
        )
        schema = pq.read_schema(out / f"{name}.parquet")
        assert all(field.metadata[b"label"] for field in schema)
    tte = json.loads((out / "adtte.json").read_text())
    back = pd.DataFrame(tte["rows"], columns=[c["name"] for c in tte["columns"]])
    pd.testing.assert_frame_equal(back, pd.read_parquet(out / "adtte.parquet"), check_dtype=False)
    assert pq.read_schema(out / "adtte.parquet").field("AVAL").metadata[b"unit"] == b"MONTHS"
    for name in ("os", "pfs"):
        assert "<svg" in (out / f"kaplan_meier_{name}.svg").read_text()
    assert len(json.loads((out / "adrs.json").read_text())["rows"]) == 150


def test_what_comes_after_the_end_of_follow_up_is_not_seen() -> None:
    for time_zero in TIME_ZEROS:
        whole, cut = (cohort(PostCartFailure(time_zero=time_zero), 5, 20_000, followup=f, baseline=False) for f in (None, 9.0))
        seen = whole["time_to_allo"] <= 9.0
        assert 0 < seen.sum() < whole["time_to_allo"].notna().sum()
        assert (cut["allo"] == whole["allo"].where(seen, "none")).all()
        assert cut["time_to_allo"].equals(whole["time_to_allo"].where(seen))
        assert ((whole["allo"] != "none") == whole["time_to_allo"].notna()).all()
        assert (whole["time_to_allo"] <= whole["os_time"])[whole["time_to_allo"].notna()].all()


@pytest.mark.verify
@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is counted in kilobytes on Linux only")
@pytest.mark.parametrize("sample", ["transitions(p, Draws(1, 0, 1, n))", "cohort(p, 1, n, baseline=False)", "cohort(p, 1, n)"])
def test_a_million_patients_in_under_a_gigabyte(sample: str) -> None:
    code = f"""
import resource
from sim.calibration.cohort import cohort
from sim.population.post_cart_failure import PostCartFailure
from sim.population.transitions import transitions
from sim.rng import Draws
p, n = PostCartFailure(time_zero="infusion"), 1_000_000
x = {sample}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1_000_000  # kilobytes, the program itself included
