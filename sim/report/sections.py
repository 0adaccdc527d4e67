"""What each section of the report holds; a section without its table is left out, with the reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pandas as pd
from markupsafe import Markup

from sim.calibration.summary import summary_in_words
from sim.report import tables, wide
from sim.report.story import CellStory, Story, filled
from sim.types import Assumption

ALWAYS = frozenset({"question", "answer", "requirements"})
MOST_CURVES = 12
MOST_ROWS_OF_FOREST = 40
Section = dict[str, Any]


def sections(story: Story) -> tuple[dict[str, Section], dict[str, str]]:
    """Return the sections that can be shown, by anchor, and for the others why they are not.

    Parameters
    ----------
    story : tables and words

    Returns
    -------
    there : anchor -> what the template shows
    left_out : anchor -> one sentence
    """
    there: dict[str, Section] = {}
    left_out: dict[str, str] = {}
    for anchor, (build, why) in _BUILDERS.items():
        section = build(story)
        if section is None:
            left_out[anchor] = why
        else:
            there[anchor] = section
    return there, left_out


def _figure(draw: Callable[[], str], caption: str) -> Section:
    # A figure that cannot be drawn must not cost the run its report: the tables stand, and the reader is told.
    try:
        svg = draw()
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        return {"svg": None, "caption": caption, "why": f"This figure could not be drawn: {error}"}
    return {"svg": Markup(svg), "caption": caption, "why": ""}


def _glance(story: Story) -> Section | None:
    oc = story.operating_characteristics
    if oc is None or not filled(oc):
        return None
    from sim.report import figures

    alpha = {c.name: c.alpha for c in story.cells if c.alpha is not None}
    target = _targets_of_power(story.power_curve)
    table = wide.glance(oc)
    has_rates = bool(set(table.columns) & {"power", "type_i_error"})
    ticks = [words for marks, words in ((alpha, "the one-sided level that is tested"), (target, "the target power")) if marks]
    caption = "Power and type I error, with 95 % Monte Carlo intervals (thin where the simulation is precise)." + (
        f" Grey ticks: {' and '.join(ticks)}." if ticks else ""
    )
    return {
        "head": ["Design", *(tables.label(m) + (", months" if m == "expected_duration" else "") for m in table.columns[1:])],
        "rows": table.to_numpy().tolist(),
        "figure": _figure(lambda: figures.operating_characteristics(oc, alpha, target), caption) if has_rates else None,
    }


def _targets_of_power(curve: pd.DataFrame | None) -> dict[str, float]:
    if curve is None or "target_power" not in curve:
        return {}
    first = curve.dropna(subset=["target_power"]).drop_duplicates("cell")
    return {str(cell): float(power) for cell, power in zip(first["cell"], first["target_power"], strict=True)}


def _shared(cells: Sequence[CellStory], lines_of: Callable[[CellStory], Sequence[Assumption]]) -> Section | None:
    """Return the lines common to all cells once, and for each cell those of its own."""
    if not any(lines_of(c) for c in cells):
        return None
    common = [line for line in lines_of(cells[0]) if all(line in lines_of(c) for c in cells)] if len(cells) > 1 else []
    own = [{"name": c.name, "lines": [line for line in lines_of(c) if line not in common], "label": c.without_control} for c in cells]
    return {"common": common, "own": [o for o in own if o["lines"]], "fold": len(cells) > 4}


def _calibration(story: Story) -> Section | None:
    table = story.calibration if filled(story.calibration) else None
    cohort = story.cohort if filled(story.cohort) else None
    if table is None and cohort is None:
        return None
    from sim.report import figures

    curves = []
    if cohort is not None:
        for i, endpoint in enumerate(dict.fromkeys(cohort["endpoint"])):
            caption = f"{endpoint}: simulated Kaplan-Meier curves. Diamonds: published medians with their 95 % intervals, set near one half so that they do not hide each other."
            curves.append(_figure(partial(figures.kaplan_meier, cohort, story.published_medians, str(endpoint), f"km{i}"), caption))
    return {
        "curves": curves,
        **(_targets(table) if table is not None else {"forest": None, "rows": [], "simulated": False, "counts": ""}),
    }


def _targets(table: pd.DataFrame) -> Section:
    from sim.report import figures

    judged = table[table["difference_se"].notna()]
    headline = judged[judged["role"] == "headline"]
    rest = judged[judged["role"] != "headline"]
    rest = rest.loc[rest["difference_se"].abs().sort_values(ascending=False).index].head(max(0, MOST_ROWS_OF_FOREST - len(headline)))
    drawn = pd.concat([headline, rest])
    caption = f"{len(drawn)} of {len(table)} figures: every headline figure that has a standard error"
    caption += f", and the {len(rest)} others furthest from the published value." if len(rest) else "."
    caption += " Shaded: inside the published 95 % interval. All figures stand in the table below."
    simulated = "simulated" in table and bool(table["simulated"].notna().any())
    rows = [
        [
            str(r["id"]), str(r["role"]), str(r["population"]), str(r["quantity"]), tables.number(r["published"]), tables.interval(r["ci_low"], r["ci_high"]),
            tables.number(r["achieved"], 3), tables.signed(r["difference_se"]),
            str(r["verdict"]), str(r["reason"]) if tables.known(r["reason"]) else "",
            tables.number(r["simulated"], 3) if simulated else "", str(r["fit"]),
        ]
        for r in table.to_dict("records")
    ]  # fmt: skip
    return {
        "forest": _figure(lambda: figures.forest(drawn), caption) if len(drawn) else None,
        "rows": rows,
        "simulated": simulated,
        "counts": summary_in_words(table),
    }


_STARTS = {"infusion": "CAR-T infusion", "progression": "progression after CAR-T", "first_line_start": "the start of first-line therapy"}


def _course(story: Story) -> Section | None:
    if not filled(story.occupancy) or not filled(story.landmarks):
        return None
    from sim.report import figures

    x: Any = story.occupancy
    drawn = []
    for i, start in enumerate(dict.fromkeys(x["time_zero"])):
        rows = x[(x["time_zero"] == start) & (x["group"] == "all") & (x["kind"] == "state")]
        drawn.append(_figure(partial(figures.occupancy, rows, f"occupancy{i}"), f"From {_STARTS.get(str(start), start)}, all patients."))
    events = x[(x["kind"] == "event") & (x["month"].isin((6.0, 12.0, 24.0)))].pivot_table(
        index=["time_zero", "group", "label"], columns="month", values="probability", sort=False
    )
    landmarks: Any = story.landmarks
    first = ["time_zero", "group", "endpoint"]
    table = landmarks.pivot_table(index=first, columns="month", values="survival", sort=False)
    further = landmarks.set_index([*first, "month"])["further_median"]
    return {
        "figures": drawn,
        "head": [f"{t:g}" for t in table.columns[1:]],
        "survival": [
            [_STARTS.get(str(at[0]), at[0]), at[1], str(at[2]).upper(), _months(further[(*at, 0.0)])]
            + [f"{s:.3f} ({_months(further[(*at, t)])})" for t, s in row.items() if t > 0]
            for at, row in table.iterrows()
        ],
        "incidence_head": [f"{t:g}" for t in events.columns],
        "incidence": [[_STARTS.get(str(at[0]), at[0]), *at[1:], *(f"{p:.3f}" for p in row)] for at, row in events.iterrows()],
    }


def _months(value: float) -> str:
    return f"{value:.2f}" if value < float("inf") else "not reached"


def _power_curve(story: Story) -> Section | None:
    curve = story.power_curve
    if curve is None or not filled(curve):
        return None
    from sim.report import figures

    cells = list(dict.fromkeys(curve["cell"]))
    drawn = [
        _figure(partial(figures.power_curve, curve[curve["cell"] == c], f"power{k}"), str(c)) for k, c in enumerate(cells[:MOST_CURVES])
    ]
    rows = [
        [
            str(r["cell"]),
            tables.number(r["n"]),
            tables.with_error(r["power"], r["mcse"] if r["n_analysed"] else None),
            tables.interval(r["ci_low"], r["ci_high"], r["mcse"]) if r["n_analysed"] else tables.ABSENT,
            tables.number(r["n_analysed"]) if r["n_analysed"] else "exact",
        ]
        for r in curve.to_dict("records")
    ]
    sized = wide.sizes(story.operating_characteristics) if story.operating_characteristics is not None else None
    return {
        "figures": drawn,
        "more": len(cells) - len(drawn),
        "rows": rows,
        "sizes": [] if sized is None else sized.to_numpy().tolist(),
    }


def _operating_characteristics(story: Story) -> Section | None:
    oc = story.operating_characteristics
    if oc is None or not filled(oc):
        return None
    groups = []
    for (scenario, cell), rows in oc.groupby(["scenario", "cell"], sort=False, dropna=False):
        shown = [
            {
                "metric": tables.label(str(r["metric"])), "hypothesis": str(r["hypothesis"]) if tables.known(r["hypothesis"]) else tables.ABSENT,
                "look": tables.look(r["look"]), "estimate": tables.number(r["estimate"]) if tables.exact(r) else tables.with_error(r["estimate"], r["mcse"]),
                "interval": tables.interval(r["ci_low"], r["ci_high"], None if r["metric"] == "n" else r["mcse"]),
                "replicates": tables.replicates(r), "unit": str(r["unit"]) if tables.known(r["unit"]) else "",
            }
            for r in rows.to_dict("records")
        ]  # fmt: skip
        groups.append({"scenario": str(scenario), "cell": str(cell), "rows": shown})
    return {"groups": groups}


def _definitions(story: Story) -> Section | None:
    oc = story.operating_characteristics
    if oc is None or not filled(oc):
        return None
    pairs = oc.dropna(subset=["definition"])[["metric", "definition"]].drop_duplicates()
    return {
        "metrics": [(tables.label(str(m)), str(m), [str(d) for d in rows["definition"]]) for m, rows in pairs.groupby("metric", sort=False)]
    }


def _limitations(story: Story) -> Section | None:
    without_control = [c.name for c in story.cells if c.without_control]
    return {"without_control": without_control, "lines": list(story.limitations)} if without_control or story.limitations else None


def _provenance(story: Story) -> Section | None:
    record = story.provenance
    if not record:
        return None
    git = record.get("git")
    facts = [("Seed", record.get("seed")), ("Written", record.get("created"))]
    facts += [("Commit", f"{git['commit']}{', with changes not committed' if git.get('modified') else ''}")] if git else []
    facts += [(name, version) for name, version in record.get("versions", {}).items()]
    facts += [(name.capitalize(), value) for name, value in record.get("platform", {}).items()]
    config = record.get("config", "")
    return {
        "facts": [(name, str(value)) for name, value in facts if value not in (None, "")],
        "config": config if isinstance(config, str) else json.dumps(config, indent=2, ensure_ascii=False),
        "hashes": [*record.get("files", {}).items(), *((f"sim/{name}", value) for name, value in record.get("source", {}).items())],
    }


_BUILDERS: dict[str, tuple[Callable[[Story], Section | None], str]] = {
    "glance": (_glance, "No operating characteristics were computed in this run."),
    "design": (lambda s: _shared(s.cells, lambda c: c.design), "No design was run, so none is described."),
    "assumptions": (lambda s: _shared(s.cells, lambda c: c.assumptions), "No assumptions were handed to the report."),
    "calibration": (
        _calibration,
        "Calibration: not evaluated in this run; the task calibrate compares the population with every published figure.",
    ),
    "course": (_course, "Course of the disease in the model: the task calibrate draws and tabulates it."),
    "power-curve": (
        _power_curve,
        "Power curve: this run evaluated one size only; the task size draws power against the number of patients.",
    ),
    "operating-characteristics": (_operating_characteristics, "Operating characteristics: none were computed in this run."),
    "definitions": (_definitions, "Definitions: there is no metric to define."),
    "limitations": (_limitations, "Limitations: none were stated."),
    "citations": (lambda s: {"lines": list(s.citations)} if s.citations else None, "What to cite: no source was named."),
    "provenance": (_provenance, "Provenance: no record was handed to the report."),
    "rerun": (
        lambda s: {"command": str(s.provenance["command"])} if s.provenance.get("command") else None,
        "Command to rerun: none was recorded.",
    ),
}
