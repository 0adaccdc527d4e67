"""A published source as data: figures with their denominators, intervals, ambiguities and places in the paper."""

from __future__ import annotations

import csv
import difflib
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import sim
from sim.reading import read_text
from sim.types import InputError

ROLES = ("headline", "calibrate", "check")
INTERVALS = ("sampling", "range", "iqr", "none")
ALTERABLE = ("value", "ci_low", "ci_high")
SHARE_QUANTITIES = ("proportion", "landmark_survival")


def conf_folder() -> Path:
    """Return the folder of configurations: `sim/conf` in a wheel, `conf` beside the package in a checkout."""
    package = Path(sim.__file__).parent
    return package / "conf" if (package / "conf").exists() else package.parent / "conf"


@dataclass(frozen=True)
class Figure:
    """One published figure.

    value : as printed, in `unit`; NaN where a range or nothing was printed (then `printed` says it)
    ci_low, ci_high : the interval, in the same unit; `interval_kind` says whether it is of sampling, or a range or IQR
    """

    id: str
    section: str
    population: str
    quantity: str
    value: float
    unit: str
    numerator: float
    denominator: float
    ci_low: float
    ci_high: float
    interval_kind: str
    ci_source: str
    time_origin: str
    place: str
    ambiguity: str
    role: str
    printed: str
    altered: bool = False

    @property
    def is_share(self) -> bool:
        """Whether the figure is a share in per cent."""
        return self.quantity in SHARE_QUANTITIES

    @property
    def target(self) -> float:
        """What is compared: the ratio of the counts where these are printed and agree with the per cent, else the value."""
        if self.is_share and not self.altered and self.denominator > 0 and not math.isnan(self.numerator):
            ratio = 100 * self.numerator / self.denominator
            return ratio if abs(ratio - self.value) <= 0.6 else self.value
        return self.value

    @property
    def judged(self) -> bool:
        """Whether the figure has an interval of sampling, the only kind that judges."""
        return self.interval_kind == "sampling"


@dataclass(frozen=True)
class Benchmark:
    """A published source: its table of figures and the readings of it that stay open.

    Parameters
    ----------
    name, source, citation : what it is and how to cite it
    denominator : `progressed` (treatment is possible for patients who progressed) or `failures` (for all failures)
    time_origin : the origin of post-failure times
    table : CSV of the figures, relative to conf/benchmark or absolute
    followup : assumption on the study's follow-up, months from infusion: share of patients on each uniform piece
    known_contradictions : figure id -> why it cannot hold together with others (each proof is recomputed)
    figures : overrides, figure id -> {value | ci_low | ci_high: number}; altering a value moves its interval with it

    Examples
    --------
    >>> benchmark = zurko2023(figures={"failure_os_median": {"value": 7.0}})
    >>> figure = benchmark.read()["failure_os_median"]
    >>> figure.value, round(figure.ci_low, 2), figure.role
    (7.0, 5.85, 'headline')
    """

    name: str
    source: str
    citation: str
    table: str
    denominator: str
    time_origin: str = "progression"
    followup: Mapping[str, Any] = field(default_factory=lambda: {"breaks": [1.0, 17.9, 72.0], "shares": [0.5, 0.5]})
    known_contradictions: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.denominator not in ("progressed", "failures"):
            raise InputError(f"benchmark.denominator is {self.denominator!r}; allowed: progressed, failures")
        if len(self.known_contradictions) > 12:
            raise InputError(f"benchmark.known_contradictions lists {len(self.known_contradictions)} figures; allowed: at most 12")
        breaks, shares = list(self.followup.get("breaks", ())), list(self.followup.get("shares", ()))
        if (
            len(breaks) != len(shares) + 1
            or any(b <= a for a, b in pairwise(breaks))
            or any(not 0 <= s <= 1 for s in shares)
            or abs(sum(shares) - 1) > 1e-9
        ):
            raise InputError(
                f"benchmark.followup is {dict(self.followup)}; needs rising breaks (months) and one share per piece, adding to 1"
            )
        if self.figures:
            self.read()

    @property
    def path(self) -> Path:
        """The file of the figures."""
        return conf_folder() / "benchmark" / self.table

    def treated_medians(self) -> dict[str, float]:
        """Return the published medians of the treated, months from progression, by endpoint (`pfs`, `os`) where there is one."""
        figures = self.read()
        found = {endpoint: figures.get(f"treated_{endpoint}_median") for endpoint in ("pfs", "os")}
        return {endpoint: f.value for endpoint, f in found.items() if f is not None and math.isfinite(f.value)}

    def read(self) -> dict[str, Figure]:
        """Read every figure of the table, overrides applied, by id in the order of the table.

        Raises InputError naming file, row and field for a table that cannot be read, or an unknown id or field of an
        override with the nearest names.
        """
        figures = read_figures(self.path)
        for id, changes in self.figures.items():
            if id not in figures:
                raise InputError(f"benchmark.figures.{id}: no such figure; {_nearest(id, figures)}")
            if not isinstance(changes, Mapping):
                raise InputError(f"benchmark.figures.{id} is {changes!r}; needs a mapping such as {{value: 7.0}}")
            figures[id] = _altered(figures[id], changes)
        for id in self.known_contradictions:
            if id not in figures:
                raise InputError(f"benchmark.known_contradictions: no figure {id!r}; {_nearest(id, figures)}")
        return figures


def _nearest(name: str, names: Any) -> str:
    close = difflib.get_close_matches(name, list(names), n=3, cutoff=0.4)
    return f"nearest: {', '.join(close)}" if close else f"there are {len(list(names))} figures in the table"


def _altered(figure: Figure, changes: Mapping[str, float]) -> Figure:
    for name, value in changes.items():
        if name not in ALTERABLE:
            raise InputError(f"benchmark.figures.{figure.id}.{name}: no such field; allowed: {', '.join(ALTERABLE)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(f"benchmark.figures.{figure.id}.{name} is {value!r}; allowed: a number")
    moved = figure
    if "value" in changes:
        new = float(changes["value"])
        moved = replace(
            figure,
            value=new,
            printed=f"{new:g}",
            altered=True,
            ci_low=_shifted(figure, figure.ci_low, new),
            ci_high=_shifted(figure, figure.ci_high, new),
        )
    ends: dict[str, Any] = {k: float(v) for k, v in changes.items() if k != "value"}
    moved = replace(moved, altered=True, **ends)
    _check(moved, f"benchmark.figures.{figure.id}")
    return moved


def _shifted(figure: Figure, end: float, new: float) -> float:
    """Move the end of an interval with its value: the same ratio for times, the same distance in logits for shares."""
    old = figure.target
    if math.isnan(end) or math.isinf(end) or math.isnan(old):
        return end
    if not figure.is_share:
        return end * new / old if old != 0 else end
    if not (0 < old < 100 and 0 < end < 100 and 0 < new < 100):
        return end

    def logit(x: float) -> float:
        return math.log(x / (100 - x))

    return 100 / (1 + math.exp(-(logit(end) - logit(old) + logit(new))))


COLUMNS = (
    "id", "section", "population", "quantity", "value", "unit", "numerator", "denominator", "ci_low", "ci_high", "interval_kind",
    "ci_source", "time_origin", "place", "ambiguity", "role",
)  # fmt: skip


def read_figures(path: Path) -> dict[str, Figure]:
    """Read a table of figures (CSV), by id.

    Raises InputError, naming the file, the row and the field, when a value is missing, a share lies outside [0, 1], a
    numerator exceeds its denominator, an interval has no value, or a judged share or median has no denominator.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(path), newline="")))
    except (InputError, csv.Error) as error:
        raise InputError(f"{path}: {error}") from error
    if not rows or set(rows[0]) != set(COLUMNS):
        raise InputError(f"{path}: needs the columns {', '.join(COLUMNS)}")
    out: dict[str, Figure] = {}
    for line, row in enumerate(rows, start=2):
        where = f"{path}, row {line} ({row['id'] or 'no id'})"
        if not row["id"] or row["id"] in out:
            raise InputError(f"{where}: id is {row['id']!r}; allowed: a name, once")
        numbers: dict[str, Any] = {name: _number(row[name], where, name) for name in ("numerator", "denominator", "ci_low", "ci_high")}
        texts: dict[str, Any] = {name: row[name] or "" for name in COLUMNS if name not in numbers and name != "value"}
        figure = Figure(value=_printed_number(row["value"], where), printed=row["value"], **numbers, **texts)
        _check(figure, where)
        out[row["id"]] = figure
    return out


def _number(text: str | None, where: str, name: str) -> float:
    if not text:
        return math.nan
    if text == "not reached":
        return math.inf
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{where}: {name} is {text!r}; allowed: a number or nothing") from None


def _printed_number(text: str | None, where: str) -> float:
    """Return a printed value: `<.01` is its bound; a range such as `33-188` and `not published` are NaN."""
    if not text:
        raise InputError(f"{where}: value is missing; allowed: a number, a range, or 'not published'")
    if text == "not published":
        return math.nan
    parts = text.lstrip("<").split("-")
    try:
        numbers = [float(x) for x in parts]
    except ValueError:
        raise InputError(f"{where}: value is {text!r}; allowed: a number, a range, or 'not published'") from None
    return numbers[0] if len(numbers) == 1 else math.nan


def _check(f: Figure, where: str) -> None:
    if f.role not in ROLES:
        raise InputError(f"{where}: role is {f.role!r}; allowed: {', '.join(ROLES)}")
    if f.interval_kind not in INTERVALS:
        raise InputError(f"{where}: interval_kind is {f.interval_kind!r}; allowed: {', '.join(INTERVALS)}")
    if f.is_share and not 0 <= f.value <= 100:
        raise InputError(f"{where}: value is {f.printed} %; allowed: a share within [0, 100] %")
    if f.numerator > f.denominator:
        raise InputError(f"{where}: numerator is {f.numerator:g}, above its denominator {f.denominator:g}")
    if f.numerator < 0 or f.denominator < 0:
        raise InputError(f"{where}: numerator {f.numerator:g}, denominator {f.denominator:g}; allowed: 0 or more")
    if f.judged:
        if math.isnan(f.value) or math.isnan(f.ci_low) or math.isnan(f.ci_high):
            raise InputError(
                f"{where}: a sampling interval needs its value and both ends (value {f.printed!r}, {f.ci_low:g} to {f.ci_high:g})"
            )
        if f.ci_low > f.ci_high:
            raise InputError(f"{where}: ci_low is {f.ci_low:g}, above ci_high {f.ci_high:g}")
        if f.quantity.startswith(("proportion", "median")) and math.isnan(f.denominator):
            raise InputError(f"{where}: denominator is missing; a judged share or median needs one")


def zurko2023(**changes: Any) -> Benchmark:
    """Return the benchmark of conf/benchmark/zurko2023.yaml, with keys of it changed."""
    import yaml

    content = yaml.load((conf_folder() / "benchmark" / "zurko2023.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    content.pop("_target_")
    return Benchmark(**{**content, **changes})
