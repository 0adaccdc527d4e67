"""The shipped parameters of the model with classes are the output of its fit, and its fit says what it read."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import yaml

from sim.app.main import main
from sim.benchmark import conf_folder, zurko2023
from sim.calibration import class_fit_spec
from sim.calibration.class_alternatives import with_regimens
from sim.calibration.class_fit import finished, fit, pose, value_of
from sim.calibration.class_fit_spec import shipped
from sim.calibration.class_implied import implied
from sim.calibration.class_quantities import quantities
from sim.calibration.class_study import View, solved
from sim.calibration.verdicts import EXACT, calibrate, exit_status
from sim.population.failure_classes.parameters import ClassParameters, from_mapping
from sim.population.parameters import read_content
from sim.population.post_cart_failure import PostCartFailure
from sim.types import InputError

NAME = "zurko2023_classes"
FOLDER = conf_folder() / "benchmark" / "parameters"
FILES = sorted(path.stem for path in FOLDER.glob(f"{NAME}_*.yaml"))


def content(stem: str) -> dict[str, object]:
    return read_content(FOLDER / f"{stem}.yaml")


def parameters(stem: str) -> ClassParameters:
    return from_mapping(content(stem)["parameters"], stem)  # type: ignore[arg-type]


@pytest.mark.parametrize("stem", FILES)
def test_a_shipped_file_says_what_its_fit_achieves(stem: str) -> None:
    p, file = parameters(stem), content(stem)
    assert file["model"] == "failure_classes"
    if "first_lines" in file:  # another mix: what was fitted was the paper's
        assert set(file["first_lines"]) == {"source", "doubts"}  # type: ignore[call-overload]
        return
    problem = pose(zurko2023(denominator=p.denominator), shipped(NAME))
    got = quantities(View(p, problem.counts, problem.t, problem.follow))
    for name, q, value, _ in problem.goals:
        row = file["fitted_figures"][name]  # type: ignore[index]
        assert (row["published"], row["achieved"]) == (pytest.approx(value), pytest.approx(got[q], rel=1e-6)), name
    for name, value in file["assumed"].items():  # type: ignore[attr-defined]
        assert value_of(p, name) == value
    # what follows from counts is solved: the constants are a fixed point
    again = solved(View(p, problem.counts, problem.t, problem.follow)).parameters
    assert again.cuts == pytest.approx(p.cuts, rel=1e-6)
    assert (again.intent_refractory, again.intent_other) == pytest.approx((p.intent_refractory, p.intent_other), rel=1e-6)
    assert [k.intercept for k in again.regimens] == pytest.approx([k.intercept for k in p.regimens], rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("stem", FILES)
def test_a_shipped_file_names_the_figures_that_its_fit_read(stem: str) -> None:
    p, file = parameters(stem), content(stem)
    problem = pose(zurko2023(denominator=p.denominator), shipped(NAME))
    finished(problem.figures, solved(View(p, problem.counts, problem.t, problem.follow)))
    used = set(problem.figures.read)
    assert file["figures_used"] == sorted(used)
    assert {name for name in shipped(NAME).targets if name in problem.figures} <= used
    # the evidence of other series is none of the paper's figures, and some of the paper's are left to predict
    assert used < set(problem.figures)


def test_the_shipped_parameters_are_an_optimum() -> None:
    problem, p = pose(zurko2023(), shipped(NAME)), parameters(f"{NAME}_progressed")
    x = np.log([value_of(p, n) for n in problem.free])
    low, high = problem.bounds()
    r = problem.residuals(x)
    step = 1e-4
    columns = [(problem.residuals(x + step * e) - problem.residuals(x - step * e)) / (2 * step) for e in np.eye(len(x))]
    jacobian = np.array(columns).T
    inside = (x > low + 1e-3) & (x < high - 1e-3)
    # Gauss-Newton would move no free parameter by a thousandth
    move = np.linalg.lstsq(jacobian[:, inside], -r, rcond=None)[0]
    assert np.max(np.abs(move)) < 1e-3
    assert 0.5 * float(r @ r) == pytest.approx(content(f"{NAME}_progressed")["objective"], rel=1e-6)


def test_headline_figures_within_one_per_cent_and_evidence_in_its_range() -> None:
    table = calibrate(zurko2023(), PostCartFailure(parameters=NAME)).set_index("id")
    for name in EXACT:
        assert abs(table.loc[name, "achieved"] / table.loc[name, "published"] - 1) < 0.01, name
    assert exit_status(table.reset_index()) == (0, [])
    p = parameters(f"{NAME}_progressed")
    problem, s = pose(zurko2023(), shipped(NAME)), shipped(NAME)
    got = quantities(View(p, problem.counts, problem.t, problem.follow))
    for name in ("untreated_os", "survival6_within_1_month", "share_by_3_months"):
        low, high = s.evidence[name]["range"]
        assert low < got[s.evidence[name]["quantity"]] < high, name
    assert got["os_class_1"] == pytest.approx(15.7, rel=0.1)
    assert got["os_class_2"] == pytest.approx(7.1, rel=0.1)
    assert 1.0 < got["os_class_3"] < 1.8


def test_every_name_in_the_file_of_the_fit_is_known() -> None:
    s, problem = shipped(NAME), pose(zurko2023(), shipped(NAME))
    figures, p = zurko2023().read(), parameters(f"{NAME}_progressed")
    known = quantities(View(p, problem.counts, problem.t, problem.follow))
    rows = [*s.targets.values(), *s.counts.values(), *s.evidence.values(), *s.implied.values()]
    assert {row["quantity"] for row in rows} | set(s.measured.values()) <= set(known)
    assert set(s.targets) | set(s.measured) <= set(figures)
    assert not set(s.targets) & set(s.measured)
    for name in (*s.keys, *s.free):
        assert math.isfinite(value_of(p, name))
    for row in s.keys.values():
        assert row["range"][0] <= row["value"] <= row["range"][1]
    for name, row in s.alternatives.items():
        q = parameters(f"{NAME}_{name}_progressed")
        for key, value in row.get("assume", {}).items():
            assert value_of(q, key) == value


def test_another_mix_of_first_lines_keeps_its_rates_among_the_treated_of_the_study() -> None:
    s, p = shipped(NAME), parameters(f"{NAME}_progressed")
    q = with_regimens(zurko2023(), s, p, s.alternatives["bispecific_era"]["regimens"])
    problem = pose(zurko2023(), s)
    classes = np.sum(View(q, problem.counts, problem.t, problem.follow).treated, axis=0)
    assert np.sum(classes * q.response[:, 0]) == pytest.approx(0.55, abs=1e-9)
    assert np.sum(classes * q.complete_response[:, 0]) == pytest.approx(0.42, abs=1e-9)
    late = {"time_to_failure": ["3 to 6 months", "after 6 months"]}
    os = [
        PostCartFailure(parameters=name, time_zero="progression", eligible=late).curve("os").median()
        for name in (NAME, f"{NAME}_bispecific_era")
    ]
    # failures after 3 months in the late series of DESCAR-T: 13.2 months (9.6-18), under another mix than the paper's
    assert os[0] < 11
    assert 11 < os[1] < 18


def test_implied_figures_have_a_range() -> None:
    p = parameters(f"{NAME}_progressed")
    table = implied(zurko2023(), shipped(NAME), NAME, p)
    assert (table["low"] <= table["value"]).all()
    assert (table["high"] >= table["value"]).all()
    assert (table["low"] < table["high"]).all()


@pytest.mark.parametrize(
    ("assume", "message"),
    [({"spread": 2.0}, "assume.spread is 2.0; allowed: 0.2 to 0.8"), ({"theta": 1.0}, "assume.theta: no such assumption; allowed: spread")],
)
def test_an_assumption_out_of_range_is_refused(assume: dict[str, float], message: str) -> None:
    with pytest.raises(InputError) as error:
        shipped(NAME).with_keys(assume)
    assert message in str(error.value)


def test_what_had_a_range_can_be_held() -> None:
    s = shipped(NAME).with_keys({"partial_ratio": 0.7})
    assert "partial_ratio" not in s.free
    assert s.keys["partial_ratio"]["value"] == 0.7


def test_an_unreachable_treated_share_is_refused() -> None:
    with pytest.raises(InputError, match="treated_other is"):
        fit(zurko2023(figures={"d30oth_treated": {"value": 81.0}}), shipped(NAME))


def test_a_file_with_an_unknown_section_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(yaml.safe_dump({"model": "failure_classes", "tragets": {}}))
    with pytest.raises(InputError, match="allowed: the sections"):
        class_fit_spec.read(bad)
    with pytest.raises(InputError, match="does not name its `specification`"):
        class_fit_spec.named({})


def test_the_task_refuses_a_wrong_specification_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    assert main(["task=fit", "task.specification=unheard"]) == 2
    assert "cannot be read" in capfd.readouterr().err
    assert main(["task=fit", f"task.specification={NAME}", "task.assume.spread=3"]) == 2
    assert "task: assume.spread is 3; allowed: 0.2 to 0.8" in capfd.readouterr().err


@pytest.mark.verify
def test_the_task_reproduces_the_shipped_parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["task=fit", f"task.specification={NAME}", "run.folder=out"]) == 0
    mine = from_mapping(read_content(tmp_path / "out" / f"{NAME}_progressed.yaml")["parameters"], "mine")
    theirs = parameters(f"{NAME}_progressed")
    for name in (*shipped(NAME).free, *shipped(NAME).keys, "intent_refractory", "intent_other", "second_line_share"):
        assert value_of(mine, name) == pytest.approx(value_of(theirs, name), rel=1e-3), name


@pytest.mark.verify
@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_perturbed_starts_come_to_the_same_place(seed: int) -> None:
    target, s = parameters(f"{NAME}_progressed"), shipped(NAME)
    rng = np.random.default_rng(seed)
    fitted, report = fit(zurko2023(), s, {n: value_of(target, n) * math.exp(rng.normal(0, 0.25)) for n in s.free})
    for name in s.free:
        assert value_of(fitted, name) == pytest.approx(value_of(target, name), rel=1e-3), name
    for name, (_, achieved, _) in report.residuals.items():
        assert achieved == pytest.approx(content(f"{NAME}_progressed")["fitted_figures"][name]["achieved"], rel=1e-4), name  # type: ignore[index]
