"""Make the generated parts of README.md again: tables between markers, figures under docs/figures. Run by `make readme`."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pandas as pd

from sim.app.main import main
from sim.app.tasks.against_published import against_published
from sim.benchmark import zurko2023
from sim.calibration.summary import summary_in_words
from sim.population.post_cart_failure import PostCartFailure
from sim.report.figures.kaplan_meier import kaplan_meier
from sim.report.figures.power_curve import power_curve
from sim.report.tables import with_error

ROOT = Path(__file__).resolve().parent.parent
WORDS = {
    "single_arm_orr": "single arm, response rate, exact binomial, one-sided 0.05",
    "single_arm_pfs": "single arm, PFS, one-sample log-rank, one-sided 0.05",
    "randomised_pfs": "randomised 1:1, PFS, stratified log-rank, one-sided 0.10",
}
HEADLINES = {
    "failure_os_median": "OS from progression, all, months",
    "d30ref_os_median": "OS from progression, day-30 refractory, months",
    "d30oth_os_median": "OS from progression, others, months",
    "treated_os_median": "OS from progression, treated, months",
    "treated_pfs_median": "PFS from progression, treated, months",
    "cart_pfs_median": "PFS from infusion, months",
    "cart_os_median": "OS from infusion, months",
    "d30ref_share": "refractory at day 30, % of failures",
    "treated_share": "treated after failure, %",
}
MOVERS: dict[str, tuple[str, str, list[str]]] = {
    "as_planned": ("as planned", "hazard ratio 0.5", []),
    "hr_0_6": ("the drug", "hazard ratio 0.6", ["effect.hr=0.6"]),
    "refractory_25": ("the case mix", "25 % day-30 refractory at progression", ["population.refractory_share=0.25"]),
    "refractory_60": ("the case mix", "60 % day-30 refractory at progression", ["population.refractory_share=0.6"]),
    "one_regimen": ("the regimen", "everybody on pola-BR", ["population.regimen=polabr"]),
    "from_progression": ("the time zero", "progression; not everybody starts therapy", ["population.time_zero=progression"]),
    "early_deaths": ("the tail", "early deaths under supportive care", ["population=post_cart_failure_early_deaths"]),
    "late_deaths": ("the tail", "late deaths under supportive care", ["population=post_cart_failure_late_deaths"]),
}

REFERENCES = {
    "single_arm_orr": "A'Hern 2001",
    "simon_two_stage": "Simon 1989; Jung 2004",
    "multi_stage_binomial": "Fleming 1982",
    "bayesian_single_arm": "Thall & Simon 1994; Lee & Liu 2008",
    "single_arm_pfs": "Breslow 1975; Wu 2014, 2015",
    "single_arm_os": "Breslow 1975; Wu 2014, 2015",
    "single_arm_milestone": "Nagashima 2021",
    "two_stage_one_sample_logrank": "Kwak & Jung 2014",
    "randomised_orr": "Miettinen & Nurminen 1985; Farrington & Manning 1990",
    "randomised_pfs": "Mantel 1966; Peto & Peto 1972",
    "randomised_os": "Mantel 1966; Peto & Peto 1972",
    "group_sequential_pfs": "Lan & DeMets 1983; Jennison & Turnbull 2000",
    "calendar_looks_pfs": "Lan & DeMets 1983, 1989",
    "group_sequential_futility": "Hwang, Shih & DeCani 1990; Pampallona & Tsiatis 1994",
    "group_sequential_harm": "FDA draft guidance on overall survival 2025; Jennison & Turnbull 2000",
}


def designs() -> str:
    """Return the table of shipped designs: the first line of each YAML says what the design answers."""
    files = {path.stem: path for path in (ROOT / "conf" / "design").glob("*.yaml")}
    if set(files) - set(REFERENCES):
        raise SystemExit(f"docs/regenerate.py: no reference for {', '.join(sorted(set(files) - set(REFERENCES)))}")
    lines = ["| command | what it answers | reference |", "|---|---|---|"]
    for name in (name for name in REFERENCES if name in files):
        first = files[name].read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        lines.append(f"| `postcart design={name}` | {first} | {REFERENCES[name]} |")
    return "\n".join(lines)


def quickstart(folder: Path) -> str:
    """Return the quickstart's answer as a Markdown table, and draw the randomised trial's power curve."""
    _run(["scenarios=quickstart", f"run.folder={folder}", "run.store=null"])
    table = pd.read_csv(folder / "operating_characteristics.csv")
    lines = ["| design | patients (95 % Monte Carlo interval) | power | type I error | months | by formula |", "|---|---|---|---|---|---|"]
    for cell, words in WORDS.items():
        n, low, high = (int(_pick(table, cell, m)["estimate"]) for m in ("n", "n_low", "n_high"))
        exact = _pick(table, cell, "n")["n_analysed"] == 0
        formula = next(
            (
                f"{_pick(table, cell, m)['estimate']:.0f} ({m.split('_')[1].title()})"
                for m in ("n_schoenfeld", "n_wu")
                if _pick(table, cell, m) is not None
            ),
            "–",
        )
        power, error, months = (_with_error(_pick(table, cell, m)) for m in ("power", "type_i_error", "expected_duration"))
        lines.append(f"| {words} | **{n}** ({'exact' if exact else f'{low} to {high}'}) | {power} | {error} | {months} | {formula} |")
    curve = pd.read_csv(folder / "power_curve.csv")
    _draw("power_curve", power_curve(curve[curve["cell"] == "randomised_pfs"], "readme"))
    return (
        "\n".join(lines) + "\n\n± is the Monte Carlo standard error: 10,000 replicates for power and months, 100,000 for the type I error."
    )


def calibration(folder: Path) -> str:
    """Return published against achieved for a few headline figures, and draw the calibration's curves."""
    _run(["task=calibrate", f"run.folder={folder}"])
    table = pd.read_csv(folder / "calibration.csv").set_index("id")
    lines = ["| figure | published (95 % interval) | model | basis |", "|---|---|---|---|"]
    for id, words in HEADLINES.items():
        row = table.loc[id]
        lines.append(
            f"| {words} | {row['published']:.3g} ({row['ci_low']:.3g} to {row['ci_high']:.3g}) | {row['achieved']:.3g} | {row['fit']} |"
        )
    table["fit"] = table["fit"].fillna("")
    picture = against_published(zurko2023(), PostCartFailure(), seed=2657)
    _draw("kaplan_meier", kaplan_meier(picture.cohort, picture.medians, "OS from progression", "readme"))
    return "\n".join(lines) + f"\n\n{summary_in_words(table.reset_index())}"


def movers(folder: Path) -> str:
    """Return what the drug, the mix, the time zero and the tail each do to the power of the randomised trial, and which does most."""
    cells = ",".join(f"{name}:{overrides!r}" for name, (_, _, overrides) in MOVERS.items())
    _run(["scenarios=phase2_randomised_pfs", f"cells={{{cells}}}", "run.n_sim_null=1000", "run.store=null", f"run.folder={folder}"])
    table = pd.read_csv(folder / "operating_characteristics.csv")
    power = {cell: _pick(table, cell, "power") for cell in MOVERS}
    base = power["as_planned"]
    lines = ["| what is changed | to | power | difference |", "|---|---|---|---|"]
    moved = {}
    for cell, (what, to, _) in MOVERS.items():
        row = power[cell]
        moved[cell] = row["estimate"] - base["estimate"]
        error = (row["mcse"] ** 2 + base["mcse"] ** 2) ** 0.5
        lines.append(f"| {what} | {to} | {_with_error(row)} | {'–' if cell == 'as_planned' else with_error(moved[cell], error)} |")
    drug = abs(moved["hr_0_6"])
    rest = [cell for cell in MOVERS if cell not in ("as_planned", "hr_0_6")]
    more = [_named(cell) for cell in rest if abs(moved[cell]) >= drug]
    less = [_named(cell) for cell in rest if abs(moved[cell]) < drug]
    said = f"A hazard ratio of 0.6 in place of 0.5 moves the power by {drug:.3f}. As much or more: {'; '.join(more) or 'none'}. Less: {'; '.join(less) or 'none'}."
    return "\n".join(lines) + f"\n\n{said}"


def _named(cell: str) -> str:
    what, to, _ = MOVERS[cell]
    return f"{what} ({to})"


def _pick(table: pd.DataFrame, cell: str, metric: str) -> pd.Series | None:
    rows = table[(table["cell"] == cell) & (table["metric"] == metric) & (table["look"] == 0)]
    return None if rows.empty else rows.iloc[0]


def _with_error(row: pd.Series) -> str:
    return with_error(row["estimate"], row["mcse"])


def _run(argv: list[str]) -> None:
    if main(argv) != 0:
        raise SystemExit(f"postcart {' '.join(argv)} failed")


def _draw(name: str, svg: str) -> None:
    (ROOT / "docs" / "figures" / f"{name}.svg").write_text(svg, encoding="utf-8")


def _fill(text: str, name: str, content: str) -> str:
    pattern = re.compile(rf"(<!-- generated: {name} .*?-->\n).*?(<!-- end -->)", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"README.md has no part generated: {name}")
    return pattern.sub(lambda m: f"{m[1]}{content}\n{m[2]}", text)


if __name__ == "__main__":
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        text = _fill(text, "quickstart", quickstart(Path(folder) / "quickstart"))
        text = _fill(text, "movers", movers(Path(folder) / "movers"))
        text = _fill(text, "calibration", calibration(Path(folder) / "calibration"))
    readme.write_text(_fill(text, "designs", designs()), encoding="utf-8")
