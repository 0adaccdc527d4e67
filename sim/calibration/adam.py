"""A cohort in the shape of CDISC's analysis data: ADSL (a row a patient), ADTTE (times to events), ADRS (responses).

CNSR is 0 for an event and positive for a censored time, the opposite of the event flag that survival software reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

STUDY = "POSTCART"
ADMINISTRATIVE = "End of follow-up"


@dataclass(frozen=True)
class Column:
    """A column: its label (at most 40 characters) and unit, and its Dataset-JSON type (string, integer or double)."""

    label: str
    type: str = "string"
    unit: str = ""


@dataclass(frozen=True, eq=False)
class Dataset:
    """One analysis data set with its columns' meanings and the columns that identify a row; missing values are null.

    parameters : in what order the rows of each PARAMCD stand; empty for a data set of one row a patient
    """

    name: str
    label: str
    columns: dict[str, Column]
    table: pd.DataFrame
    keys: tuple[str, ...]
    parameters: tuple[str, ...] = ()


_KEYS = {"STUDYID": Column("Study identifier"), "USUBJID": Column("Unique subject identifier")}
_BY_PARAMETER = ("STUDYID", "USUBJID", "PARAMCD")
# cohort column -> (ADSL name, label); a level `unknown` is a missing value
_BASELINE = {
    "day30_refractory": ("D30REF", "Day-30 refractory to CAR-T (Y/N)"), "bridging": ("BRIDGING", "Bridging before CAR-T (Y/N)"),
    "ecog": ("ECOGBL", "ECOG performance status"), "histology": ("HISTBL", "Histology"), "lines": ("PRLINES", "Prior lines of therapy"),
    "ipi": ("IPIBL", "International Prognostic Index"), "ldh": ("LDHBL", "Lactate dehydrogenase"), "stage": ("STAGEBL", "Ann Arbor stage"),
    "cell_of_origin": ("COOBL", "Cell of origin"), "dhde": ("DHDEBL", "Double hit or double expressor"), "prior_autologous_hct": ("PRAUTO", "Prior autologous HCT"),
    "cns": ("CNSBL", "CNS involvement"), "product": ("CARTPROD", "CAR-T product"), "cart_on_trial": ("CARTTRL", "CAR-T given on a trial"),
    "extranodal": ("XNODAL", "Extranodal disease"), "crs": ("CRS", "Cytokine release syndrome"), "icans": ("ICANS", "Neurotoxicity (ICANS)"),
    "tocilizumab": ("TOCI", "Tocilizumab given"), "steroids": ("STEROID", "Steroids given"), "cd19_after_failure": ("CD19FAIL", "CD19 after progression"),
}  # fmt: skip
_TREATMENT = {
    "treated": ("TREATFL", "First line started (Y/N)"),
    "regimen": ("TRT01A", "First-line regimen"),
    "first_line_on_trial": ("FLTRLFL", "First line given on a trial (Y/N)"),
}
_FLAGS = ("day30_refractory", "bridging", "treated", "first_line_on_trial")


def adam(cohort: pd.DataFrame, origin: str) -> list[Dataset]:
    """Return ADSL, ADTTE and ADRS of a cohort (`sim.calibration.cohort`).

    Parameters
    ----------
    cohort : its rows, as `cohort` returns them
    origin : what the cohort's time zero is, in words

    Notes
    -----
    OS and PFS start at time zero. TTNT and DOR start at the start of first line, among the treated and the responders:
    the model has no date of response. For TTNT the second line and death are events; for DOR progression and death.
    """
    return [_adsl(cohort), _adtte(cohort, origin), _adrs(cohort)]


def subjects(cohort: pd.DataFrame) -> pd.DataFrame:
    """Return the identifying columns of each row."""
    numbers = cohort["patient"].astype(int)
    return pd.DataFrame({"STUDYID": STUDY, "USUBJID": [f"{STUDY}-{i:07d}" for i in numbers]}, index=cohort.index)


def _adsl(cohort: pd.DataFrame) -> Dataset:
    out, columns = subjects(cohort), dict(_KEYS)
    out["SUBJID"], columns["SUBJID"] = out["USUBJID"].str.removeprefix(f"{STUDY}-"), Column("Subject identifier")
    if "age" in cohort:
        out["AGE"], columns["AGE"] = cohort["age"], Column("Age at CAR-T", "double", "YEARS")
        out["AGEU"], columns["AGEU"] = "YEARS", Column("Age units")
        out["SEX"], columns["SEX"] = cohort["sex"].map({"male": "M", "female": "F"}), Column("Sex")
    out["STRATUM"], columns["STRATUM"] = cohort["stratum"], Column("Stratum of the population")
    for name, (short, label) in {**_BASELINE, **_TREATMENT}.items():
        if name in cohort:
            names: dict[Any, Any] = {0: "N", 1: "Y"} if name in _FLAGS else {"unknown": None, "not assessed": None}
            out[short] = [names.get(value, value) for value in cohort[name]]
            columns[short] = Column(label)
    out["ITTFL"], columns["ITTFL"] = "Y", Column("Intention-to-treat flag")
    return Dataset("ADSL", "Subject-level analysis data", columns, out, ("STUDYID", "USUBJID"))


def _start(cohort: pd.DataFrame) -> tuple[Any, Any]:
    """Return (treated, months from time zero to the start of first line); NaN where it was not seen."""
    if "treated" not in cohort:
        return np.ones(len(cohort), dtype=bool), np.zeros(len(cohort))
    return (cohort["treated"] == 1).to_numpy(), cohort["time_to_first_line"].to_numpy(dtype=float)


def _end_of_first_line(cohort: pd.DataFrame) -> Any:
    """Months from time zero to the progression or death that ends first line; NaN when nobody saw it."""
    if "next_progression" in cohort:
        seen = cohort["next_progression"].where(cohort["next_progression"] <= cohort["followup"])
        return np.asarray(seen, dtype=float)
    return np.asarray(cohort["pfs_time"].where(cohort["pfs_event"] == 1), dtype=float)


def _adtte(cohort: pd.DataFrame, origin: str) -> Dataset:
    treated, start = _start(cohort)
    over, os, dead = _end_of_first_line(cohort), cohort["os_time"].to_numpy(dtype=float), (cohort["os_event"] == 1).to_numpy()
    pfs, failed = cohort["pfs_time"].to_numpy(dtype=float), (cohort["pfs_event"] == 1).to_numpy()
    second = (cohort["second_line"] == 1).to_numpy() & ~np.isnan(over)
    responds = treated & cohort["response"].isin(["complete", "partial"]).to_numpy()
    ended = ~np.isnan(over)
    everybody, first = np.ones(len(cohort), dtype=bool), "start of first line"
    parts = [
        _times(cohort, "OS", "Overall survival", origin, everybody, os, dead, np.full(len(cohort), "Death")),
        _times(
            cohort, "PFS", "Progression-free survival", origin, everybody, pfs, failed,
            np.where(dead & (os <= pfs), "Death without progression", "Progression"),
        ),
        _times(
            cohort, "TTNT", "Time to next treatment", first, treated, np.where(second, over, os) - start, second | dead,
            np.where(second, "Second line started", "Death without second line"),
        ),
        _times(
            cohort, "DOR", "Duration of response", first, responds, np.where(ended, over, os) - start, ended,
            np.where(dead & (os <= np.where(ended, over, np.inf)), "Death without progression", "Progression"),
        ),
    ]  # fmt: skip
    columns = {
        **_KEYS,
        "PARAM": Column("Parameter"),
        "PARAMCD": Column("Parameter code"),
        "AVAL": Column("Time to event or censoring", "double", "MONTHS"),
        "AVALU": Column("Unit of AVAL"),
        "CNSR": Column("Censor (0 = event, 1 = censored)", "integer"),
        "STARTDSC": Column("Origin of the time"),
        "EVNTDESC": Column("Event that happened"),
        "CNSDTDSC": Column("Why the time is censored"),
    }
    return Dataset("ADTTE", "Time-to-event analysis data", columns, _together(parts, columns), _BY_PARAMETER, ("OS", "PFS", "TTNT", "DOR"))


def _together(parts: list[pd.DataFrame], columns: dict[str, Column]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True)[list(columns)]


def _times(cohort: pd.DataFrame, code: str, name: str, origin: str, who: Any, months: Any, event: Any, what: Any) -> pd.DataFrame:
    out = subjects(cohort)[who]
    seen = event[who].astype(bool)
    out["PARAM"], out["PARAMCD"] = f"{name}, from {origin} (months)", code
    out["AVAL"], out["AVALU"], out["CNSR"], out["STARTDSC"] = months[who], "MONTHS", np.where(seen, 0, 1), origin
    out["EVNTDESC"] = [event if happened else None for event, happened in zip(what[who], seen, strict=True)]
    out["CNSDTDSC"] = [None if happened else ADMINISTRATIVE for happened in seen]
    return out


_RESPONSES = {"complete": "CR", "partial": "PR", "none": "NR", "not evaluable": "NE"}


def _adrs(cohort: pd.DataFrame) -> Dataset:
    treated, _ = _start(cohort)
    parts = [_responses(cohort[treated], "BOR", "Best response to first line after CAR-T", "response")]
    if "cart_response" in cohort:
        parts.append(_responses(cohort, "CARTBOR", "Best response to CAR-T", "cart_response"))
    columns = {
        **_KEYS,
        "PARAM": Column("Parameter"),
        "PARAMCD": Column("Parameter code"),
        "AVALC": Column("Response (NR: stable or progressive)"),
        "AVAL": Column("Response rank (2 CR, 1 PR, 0 NR)", "integer"),
    }
    return Dataset("ADRS", "Response analysis data", columns, _together(parts, columns), _BY_PARAMETER, ("BOR", "CARTBOR"))


def _responses(cohort: pd.DataFrame, code: str, name: str, column: str) -> pd.DataFrame:
    out = subjects(cohort)
    out["PARAM"], out["PARAMCD"], out["AVALC"] = name, code, cohort[column].map(_RESPONSES)
    out["AVAL"] = out["AVALC"].map({"CR": 2, "PR": 1, "NR": 0}).astype("Int64")
    return out
