"""Cohorts in the shape of CDISC's analysis data: the censor flag is the opposite of the event flag, and files say what they hold."""

from __future__ import annotations

import json
from pathlib import Path

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


def test_dataset_json_has_what_the_standard_requires() -> None:
    table = cohort(PostCartFailure(time_zero="infusion"), 3, 200, followup=12.0, missing=True)
    for dataset in adam(table, "CAR-T infusion"):
        x = json.loads(json.dumps(document(dataset), allow_nan=False))
        assert list(x)[:2] == ["datasetJSONCreationDateTime", "datasetJSONVersion"]
        assert set(x) >= {"itemGroupOID", "records", "name", "label", "columns", "rows"}
        assert x["datasetJSONVersion"] == "1.1.0"
        assert pd.Timestamp(x["datasetJSONCreationDateTime"]).tzinfo is not None
        assert x["records"] == len(x["rows"]) == len(dataset.table)
        assert all(set(c) == {"itemOID", "name", "label", "dataType"} for c in x["columns"])
        assert all(len(c["name"]) <= 8 and len(c["label"]) <= 40 for c in x["columns"])
        kinds = {"string": str, "integer": int, "double": float}
        for row in x["rows"]:
            assert len(row) == len(x["columns"])
            for value, column in zip(row, x["columns"], strict=True):
                assert value is None or type(value) is kinds[column["dataType"]], (column, value)


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
